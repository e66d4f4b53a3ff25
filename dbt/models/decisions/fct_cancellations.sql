{{ config(contract={"enforced": true}) }}

-- Messages that wait in the ledger while their person has left the journey or taken back their consent:
-- both win over send even after the decision. The tick cancels these before it sends anything. A claimed
-- or unknown message is here too, because the next sweep or look-up may put it back in line; and until it
-- expires one that waits for a phone at a provider that takes it back.

with messages as (
    select * from {{ ref("int_ledger_messages") }}
    where state in ('planned', 'claimed', 'retry_wait', 'unknown')
    union all
    select * from {{ ref("int_ledger_messages") }}
    where
        {{ can_be_taken_back() }}
        and candidate_id in (select candidate_id from {{ ref("fct_entry_steps") }} where expires_at >= {{ as_of() }})
),

waiting as (
    select
        messages.*,
        coalesce(identity.user_id, messages.user_id) as person_id
    from messages
    left join {{ ref("int_identity_map") }} as identity on messages.user_id = identity.from_user_id
),

reasons as (
    select
        waiting.message_id,
        'exited: ' || exits.exit_event_id as reason
    from waiting
    inner join {{ ref("int_exits_this_run") }} as exits on waiting.candidate_id = exits.candidate_id
    union all
    select
        waiting.message_id,
        'no_consent' as reason
    from waiting
    left join {{ ref("dim_consents") }} as consents
        on
            waiting.person_id = consents.user_id
            and waiting.channel = consents.channel
            and waiting.message_class = consents.purpose
    where not coalesce(consents.is_given, waiting.message_class = 'transactional')
)

select
    message_id,
    min(reason) as reason
from reasons
group by message_id
