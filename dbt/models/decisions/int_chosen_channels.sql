-- The channel of each due step: the person's preferred one where it passes the gates that depend on the channel, else
-- the first of the step's that passes, else the one that got furthest. `stage` is the first gate it fails
-- (int_failing_gates numbers them), 99 when it passes all. A channel without an address never was an option, so it
-- counts as 0, below the others.

with candidates as (
    select
        candidates.*,
        people.preferred_channel
    from {{ ref("int_candidates_this_run") }} as candidates
    left join {{ ref("dim_people") }} as people on candidates.person_id = people.user_id
),

-- What was planned for a step that is due nevertheless was refused for good.
tried as (
    select distinct
        candidate_id,
        channel
    from {{ ref("int_ledger_messages") }}
    where
        -- A day less: the ledger's clock may have been put back.
        planned_at >= {{ add_seconds(earliest(ref("int_candidates_this_run"), "due_at"), -86400) }}
        and candidate_id in (select candidate_id from candidates)
),

route_news as (
    select
        channel,
        to_state,
        row_number() over (partition by channel order by seq desc) as recency
    from {{ ref("int_route_moves") }}
),

options as (
    select
        candidates.candidate_id,
        step_channels.channel,
        step_channels.position,
        addresses.address,
        addresses.address_key,
        case when candidates.preferred_channel = step_channels.channel then 0 else 1 end as preference,
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
),

-- Of a step's channels the one that gets furthest, then the preferred, then the first, as one number: the least of
-- a number costs a third of a window's sort.
ranked as (
    select
        *,
        (99 - stage) * 1000000 + preference * 100000 + coalesce(position, 0) as place
    from staged
),

best as (
    select
        candidate_id,
        min(place) as place
    from ranked
    group by candidate_id
)

select
    ranked.candidate_id,
    ranked.channel,
    ranked.stage,
    ranked.address,
    ranked.address_key,
    ranked.has_no_address,
    ranked.is_suppressed,
    ranked.is_undeliverable,
    ranked.has_no_consent,
    ranked.is_route_blocked,
    {{ uuid5(
        "candidates.journey || '|' || candidates.step || '|' || candidates.user_id || '|'"
        ~ " || coalesce(candidates.entity_key, '') || '|' || candidates.event_id || '|' || ranked.channel"
    ) }} as message_id
from ranked
inner join best on ranked.candidate_id = best.candidate_id and ranked.place = best.place
inner join candidates on ranked.candidate_id = candidates.candidate_id
