-- Due marketing steps that a cap forbids, judged on what their person, or anybody behind the address they would
-- go to, was already sent. Unknown outcomes count (they may have been sent); a permanent failure gives its slot
-- back. What a holdout alone kept back counts as if it had been sent. Not knowing a zone, a message counts in a
-- day that is today in any zone its person may be in.

with candidates as (
    select
        candidates.candidate_id,
        candidates.person_id,
        candidates.journey,
        candidates.message_class,
        chosen.channel,
        chosen.address_key
    from {{ ref("int_candidates_this_run") }} as candidates
    inner join {{ ref("int_chosen_channels") }} as chosen on candidates.candidate_id = chosen.candidate_id
    where candidates.message_class = 'marketing'
),

days as (
    select
        user_id,
        min(day_began_at) as day_began_at,
        min(week_began_at) as week_began_at,
        min(month_began_at) as month_began_at
    from {{ ref("int_clocks_this_run") }}
    group by user_id
),

-- Every cap that applies, with the first moment whose messages it counts. A kind that nobody knows counts all.
applying as (
    select
        candidates.*,
        caps.cap_id,
        caps.scope,
        caps.scope_value,
        coalesce(caps.max_messages, 0) as max_messages,
        coalesce(
            case caps.kind
                when 'rolling' then {{ add_seconds(as_of(), "0.000001 - caps.window_seconds") }}
                when 'calendar_day' then days.day_began_at
                when 'calendar_week' then days.week_began_at
                when 'calendar_month' then days.month_began_at
            end,
            {{ beginning_of_time() }}
        ) as counts_from
    from candidates
    inner join {{ ref("frequency_caps") }} as caps
        on caps.scope_value = case caps.scope
            when 'class' then candidates.message_class
            when 'channel' then candidates.channel
            when 'journey' then candidates.journey
        end
    left join days on candidates.person_id = days.user_id
),

-- What is transactional meets no cap, but what of it goes in this very tick counts like what went before.
going as (
    select
        candidates.journey,
        candidates.message_class,
        chosen.channel,
        chosen.address_key,
        {{ as_of() }} as planned_at,
        candidates.person_id
    from {{ ref("int_candidates_this_run") }} as candidates
    inner join {{ ref("int_chosen_channels") }} as chosen
        on candidates.candidate_id = chosen.candidate_id and chosen.stage = 99
    left join {{ ref("int_exits_this_run") }} as exits on candidates.candidate_id = exits.candidate_id
    left join {{ ref("int_conditions_this_run") }} as conditions on candidates.candidate_id = conditions.candidate_id
    where
        candidates.message_class = 'transactional'
        and candidates.expires_at >= {{ as_of() }}
        and exits.candidate_id is null
        and conditions.candidate_id is null
),

-- What was not sent because of a holdout and nothing else; of this very tick it is a candidate itself.
shadows as (
    select
        decisions.journey,
        decisions.message_class,
        decisions.channel,
        addresses.address_key,
        decisions.decided_at as planned_at,
        coalesce(identity.user_id, decisions.user_id) as person_id
    from {{ source("history", "fct_decisions") }} as decisions
    left join {{ ref("int_identity_map") }} as identity on decisions.user_id = identity.from_user_id
    left join {{ ref("dim_addresses") }} as addresses
        on coalesce(identity.user_id, decisions.user_id) = addresses.user_id and decisions.channel = addresses.channel
    where
        decisions.is_holdout
        and decisions.is_exposed
        and decisions.decided_at < {{ as_of() }}
        and decisions.decided_at >= {{ ago(days=60) }}
        and decisions.decided_at >= (select min(counts_from) from applying)
),

-- A grant that never reached the ledger is a candidate itself in this run, and needs no counting here.
granted as (
    select
        messages.journey,
        messages.message_class,
        messages.channel,
        messages.address_key,
        messages.planned_at,
        coalesce(identity.user_id, messages.user_id) as person_id
    from {{ ref("int_ledger_messages") }} as messages
    left join {{ ref("int_identity_map") }} as identity on messages.user_id = identity.from_user_id
    where not messages.is_failed and messages.planned_at >= (select min(counts_from) from applying)
    union all
    select * from going
    union all
    select * from shadows
),

-- Inboxes that somebody else was written to as well: most people's have only their own messages.
shared as (
    select distinct candidates.address_key
    from candidates
    inner join granted
        on candidates.address_key = granted.address_key and candidates.person_id <> granted.person_id
),

-- Once by the person, once by their inbox.
counted as (
    {% for whose in ("person_id", "address_key") %}
    select
        applying.candidate_id,
        applying.cap_id,
        applying.max_messages
    from applying
    {% if whose == "address_key" -%}
    inner join shared on applying.address_key = shared.address_key
    {% endif -%}
    inner join granted on applying.{{ whose }} = granted.{{ whose }} and applying.counts_from <= granted.planned_at
    where
        applying.scope_value
        = case applying.scope
            when 'class' then granted.message_class when 'channel' then granted.channel else granted.journey
        end
    group by applying.candidate_id, applying.cap_id, applying.max_messages
    having count(*) >= applying.max_messages
    union all
    {% endfor %}
    select
        candidate_id,
        cap_id,
        max_messages
    from applying
    where max_messages <= 0
)

select
    candidate_id,
    min(cap_id) as cap_id
from counted
group by candidate_id
