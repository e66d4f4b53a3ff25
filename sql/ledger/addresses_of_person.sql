-- Where a person was last written to on each channel, and whether that address is suppressed now.
with newest as (
    select
        channel,
        address,
        address_key,
        row_number() over (partition by channel order by message_no desc) as recency
    from messages
    where user_id = :user_id
)

select
    newest.channel,
    newest.address,
    newest.address_key,
    exists(
        select 1 from suppressions
        where suppressions.address_key = newest.address_key and suppressions.is_active = 1
    ) as is_suppressed_for_marketing,
    exists(
        select 1 from suppressions
        where
            suppressions.address_key = newest.address_key
            and suppressions.is_active = 1
            and suppressions.scope = 'all'
    ) as is_suppressed_for_all
from newest
where newest.recency = 1
