-- The same question in one query, as somebody would write it who needs no reasons, no history and no second journey:
-- which of the due steps go out, by which channel.
with due as (
    select steps.*
    from decisions.fct_entry_steps as steps
    where
        steps.due_at <= cast($as_of as timestamp)
        and steps.expires_at >= cast($as_of as timestamp)
        and not exists (select 1 from decisions.fct_decisions as known where known.candidate_id = steps.candidate_id)
),

sent as (
    select user_id, count(*) as in_7_days, max(happened_at) as last_at
    from raw.ledger_journal
    where kind = 'state' and to_state = 'planned' and happened_at > cast($as_of as timestamp) - interval 7 day
    group by user_id
),

judged as (
    select
        due.candidate_id,
        due.user_id,
        addresses.channel,
        row_number() over (
            partition by due.user_id order by due.priority desc, due.due_at, due.candidate_id, addresses.channel desc
        ) as place
    from due
    inner join triggers.trg_cart_abandoned as carts on due.user_id = carts.user_id and due.entity_key = carts.entity_key
    inner join people.dim_people as people on due.user_id = people.user_id
    inner join people.dim_addresses as addresses on due.user_id = addresses.user_id
    inner join people.dim_consents as consents
        on due.user_id = consents.user_id and addresses.channel = consents.channel and consents.is_given
    left join sent on due.user_id = sent.user_id
    where
        not addresses.is_suppressed_for_marketing
        and coalesce(sent.in_7_days, 0) < 4
        and coalesce(sent.last_at, timestamp '2000-01-01') < cast($as_of as timestamp) - interval 4 hour
        and hour(timezone(coalesce(people.time_zone, 'Europe/London'), timezone('UTC', cast($as_of as timestamp)))) between 8 and 20
        and cast('0x' || substr(md5('holdout' || people.cluster_id), 1, 8) as bigint) % 10000 >= 1000
)

select channel, count(*) from judged
where place = 1
group by channel
