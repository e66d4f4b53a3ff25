-- Every message with what a drill holds against the provider's own journal: where it stands, the bytes
-- that were frozen for it, and how many calls were put on record before they were made.
select
    messages.message_id,
    messages.candidate_id,
    messages.provider,
    messages.journey,
    messages.message_class,
    messages.address_key,
    messages.state,
    messages.on_unknown,
    messages.expires_at,
    messages.has_lost_attempt,
    requests.body_sha256,
    (select count(*) from attempts where attempts.message_no = messages.message_no) as calls,
    exists (
        select 1 from revocations
        where revocations.message_no = messages.message_no and revocations.outcome = 'taken_back'
    ) as was_taken_back
from messages
left join requests on messages.message_no = requests.message_no
order by messages.message_no
