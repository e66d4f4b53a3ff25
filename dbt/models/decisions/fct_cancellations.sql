{{ config(contract={"enforced": true}) }}

-- Messages that wait in the ledger unsent while their person has left the journey: exit wins over
-- send even after the decision. The tick cancels these before it sends anything.

select distinct
    messages.message_id,
    'exited: ' || exits.exit_event_id as reason
from {{ ref("int_ledger_messages") }} as messages
inner join {{ ref("int_exits_this_run") }} as exits on messages.candidate_id = exits.candidate_id
where messages.state in ('planned', 'retry_wait')
