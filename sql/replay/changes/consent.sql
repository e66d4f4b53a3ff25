-- What the person said on a channel is that, from the beginning, and nothing else.
delete from landed.consents
where
    channel = $name
    and purpose = $purpose
    and user_id in (select given_id from landed.ids where user_id = $user_id);

insert into landed.consents (
    user_id, channel, purpose, status, occurred_at, consent_source, landed_at, source, source_file
)
values ($user_id, $name, $purpose, $value, $first, 'supposed', $first, 'supposed', 'supposed')
