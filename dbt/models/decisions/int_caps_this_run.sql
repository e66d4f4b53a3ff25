-- Due marketing steps that a cap forbids, judged on what the person was already sent.
-- Unknown outcomes count (they may have been sent); a permanent failure gives its slot back.

with candidates as (
    select
        candidates.candidate_id,
        candidates.person_id,
        candidates.journey,
        candidates.message_class,
        options.channel,
        coalesce(people.time_zone, 'UTC') as time_zone
    from {{ ref("int_candidates_this_run") }} as candidates
    inner join {{ ref("int_channel_options") }} as options
        on candidates.candidate_id = options.candidate_id and options.choice = 1
    left join {{ ref("dim_people") }} as people on candidates.person_id = people.user_id
    where candidates.message_class = 'marketing'
),

-- A grant that never reached the ledger is a candidate itself in this run, and needs no counting here.
granted as (
    select
        user_id,
        journey,
        message_class,
        channel,
        planned_at as granted_at
    from {{ ref("int_ledger_messages") }}
    where not is_failed
),

of_person as (
    select
        granted.*,
        coalesce(identity.user_id, granted.user_id) as person_id
    from granted
    left join {{ ref("int_identity_map") }} as identity on granted.user_id = identity.from_user_id
),

counted as (
    select
        candidates.candidate_id,
        caps.cap_id,
        caps.max_messages,
        count(of_person.granted_at) as messages
    from candidates
    inner join {{ ref("frequency_caps") }} as caps
        on caps.scope_value = case caps.scope
            when 'class' then candidates.message_class
            when 'channel' then candidates.channel
            when 'journey' then candidates.journey
        end
    left join of_person
        on
            candidates.person_id = of_person.person_id
            and caps.scope_value = case caps.scope
                when 'class' then of_person.message_class
                when 'channel' then of_person.channel
                when 'journey' then of_person.journey
            end
            and case caps.kind
                when 'rolling' then of_person.granted_at > {{ add_seconds(as_of(), "-caps.window_seconds") }}
                else
                    cast({{ to_local("of_person.granted_at", "candidates.time_zone") }} as date)
                    = cast({{ to_local(as_of(), "candidates.time_zone") }} as date)
            end
    group by candidates.candidate_id, caps.cap_id, caps.max_messages
)

select
    candidate_id,
    min(cap_id) as cap_id
from counted
where messages >= max_messages
group by candidate_id
