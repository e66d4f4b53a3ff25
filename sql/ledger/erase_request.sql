-- Without its bytes nobody can send it again.
update requests set path = '', headers = '{}', body = :nothing, body_sha256 = ''
where message_no = :message_no
