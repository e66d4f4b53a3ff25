-- Each due step on each of its channels: how far that channel gets through the gates that depend
-- on the channel. `stage` is the first gate it fails (int_failing_gates numbers them), 99 when it
-- passes all. A channel without an address never was an option, so it counts as 0, below the others.

with candidates as (
    select * from {{ ref("int_candidates_this_run") }}
),

tried as (
    select distinct
        decisions.candidate_id,
        decisions.channel
    from {{ source("history", "fct_decisions") }} as decisions
    inner join {{ ref("int_ledger_messages") }} as messages on decisions.message_id = messages.message_id
    where
        decisions.outcome = 'send'
        and decisions.decided_at >= {{ earliest(ref("int_candidates_this_run"), "due_at") }}
        and decisions.candidate_id in (select candidate_id from candidates)
),

route_news as (
    select
        channel,
        to_state,
        row_number() over (partition by channel order by seq desc) as recency
    from {{ source("raw", "ledger_journal") }}
    where kind = 'route'
),

options as (
    select
        candidates.candidate_id,
        candidates.person_id,
        candidates.message_class,
        step_channels.channel,
        step_channels.position,
        {{ uuid5(
            "candidates.journey || '|' || candidates.step || '|' || candidates.user_id || '|'"
            ~ " || coalesce(candidates.entity_key, '') || '|' || candidates.event_id || '|' || step_channels.channel"
        ) }} as message_id,
        case when people.preferred_channel = step_channels.channel then 0 else 1 end as preference,
        -- A step without a channel lacks neither address nor consent: it is the policy that no longer names it.
        step_channels.channel is not null and addresses.address is null as has_no_address,
        coalesce(
            addresses.is_suppressed_for_all
            or (candidates.message_class = 'marketing' and addresses.is_suppressed_for_marketing), false
        ) as is_suppressed,
        tried.channel is not null as is_undeliverable,
        -- Marketing needs a yes. A transactional message only needs that nobody said no to it.
        step_channels.channel is not null
        and not coalesce(consents.is_given, candidates.message_class = 'transactional') as has_no_consent,
        -- A channel that no provider carries is as good as blocked: it opens with a setting.
        coalesce(route_news.to_state = 'blocked', false)
        or step_channels.channel not in {{ as_text_list(var("channels")) }} as is_route_blocked
    from candidates
    -- A step that the policy no longer names keeps one row without a channel: it too must be decided.
    left join {{ source("policy", "step_channels") }} as step_channels
        on candidates.journey = step_channels.journey and candidates.step = step_channels.step
    left join {{ ref("dim_people") }} as people on candidates.person_id = people.user_id
    left join {{ ref("dim_addresses") }} as addresses
        on candidates.person_id = addresses.user_id and step_channels.channel = addresses.channel
    left join {{ ref("dim_consents") }} as consents
        on
            candidates.person_id = consents.user_id
            and step_channels.channel = consents.channel
            and candidates.message_class = consents.purpose
    left join tried on candidates.candidate_id = tried.candidate_id and step_channels.channel = tried.channel
    left join route_news on step_channels.channel = route_news.channel and route_news.recency = 1
),

staged as (
    select
        *,
        case
            when channel is null or has_no_address then 0
            when is_suppressed then 1
            when is_undeliverable then 3
            when has_no_consent then 4
            when is_route_blocked then 12
            else 99
        end as stage
    from options
)

select
    *,
    -- The channel to use, or, where none passes, the one that got furthest.
    row_number() over (
        partition by candidate_id order by stage desc, preference asc, position asc
    ) as choice
from staged
