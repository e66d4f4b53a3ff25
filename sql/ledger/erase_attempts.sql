-- The provider's own words may repeat the address; the digest of the bytes would prove a guess at them.
update attempts set raw = null, body_sha256 = ''
where message_no = :message_no
