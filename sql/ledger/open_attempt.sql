-- The intent: on the disk before the first byte leaves.
insert into attempts (message_no, claim_token, body_sha256, started_at)
values (:message_no, :token, :body_sha256, :now)
