{{ config(contract={"enforced": true}) }}

-- The channel on which somebody is most likely to act: of what was sent to them in 180 days, the share that they
-- clicked, answered or ordered after, drawn towards that channel's share among everybody by the weight of five
-- messages. Who was sent nothing has the channel they asked for; who asked for none has no row, and a step's
-- own order decides.

with messages as (
    select
        coalesce(identity.user_id, messages.user_id) as user_id,
        messages.channel,
        case
            when messages.clicked_at is not null or messages.replied_at is not null or bought.message_id is not null
                then 1
            else 0
        end as is_answered
    from {{ ref("fct_messages") }} as messages
    left join {{ ref("int_identity_map") }} as identity on messages.user_id = identity.from_user_id
    left join (select distinct message_id from {{ ref("fct_conversions") }}) as bought
        on messages.message_id = bought.message_id
    where messages.accepted_at >= {{ ago(days=180) }}
),

everybody as (
    select
        channel,
        (sum(is_answered) + 1.0) / (count(*) + 20.0) as share
    from messages
    group by channel
),

own as (
    select
        user_id,
        channel,
        count(*) as sent,
        sum(is_answered) as answered
    from messages
    group by user_id, channel
),

scores as (
    select
        addresses.user_id,
        addresses.channel,
        coalesce(own.sent, 0) as sent,
        (coalesce(own.answered, 0) + 5 * everybody.share) / (coalesce(own.sent, 0) + 5) as score,
        case when people.preferred_channel = addresses.channel then 1 else 0 end as is_preferred
    from {{ ref("dim_addresses") }} as addresses
    inner join everybody on addresses.channel = everybody.channel
    inner join (select distinct user_id from messages) as known on addresses.user_id = known.user_id
    left join own on addresses.user_id = own.user_id and addresses.channel = own.channel
    left join {{ ref("dim_people") }} as people on addresses.user_id = people.user_id
),

best as (
    select
        *,
        sum(sent) over (partition by user_id) as messages,
        row_number() over (partition by user_id order by score desc, is_preferred desc, channel asc) as place
    from scores
)

select
    user_id,
    channel,
    cast(score as double) as score,
    cast(messages as bigint) as messages,
    'answers' as basis,
    {{ as_of() }} as predicted_at
from best
where place = 1
union all
select
    people.user_id,
    people.preferred_channel as channel,
    cast(null as double) as score,
    cast(0 as bigint) as messages,
    'preferred' as basis,
    {{ as_of() }} as predicted_at
from {{ ref("dim_people") }} as people
left join scores on people.user_id = scores.user_id
where people.preferred_channel is not null and scores.user_id is null
