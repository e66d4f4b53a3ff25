insert into requests (message_no, method, path, headers, body, body_sha256)
values (:message_no, :method, :path, :headers, :body, :body_sha256)
