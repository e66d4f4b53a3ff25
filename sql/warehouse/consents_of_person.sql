-- A person's consents as the last tick understood them, and what was ingested since.
with said as (
    select channel, purpose, is_given, occurred_at
    from people.dim_consents
    where user_id = $user_id
    union all
    select channel, purpose, status = 'given' as is_given, occurred_at
    from raw.consents
    where user_id = $user_id
)

select
    channel,
    purpose,
    case when is_given then 'given' else 'withdrawn' end as status,
    occurred_at
from said
order by occurred_at asc, is_given desc -- the last row counts: the newest, and of two at once the withdrawal
