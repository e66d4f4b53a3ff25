{{ config(contract={"enforced": true}) }}

-- Marketing messages that wait in the ledger for a retry, a throttle or a route while it has become quiet where
-- their person is. The tick lets them wait on before it sends anything; each look judges them again.

select
    messages.message_id,
    'quiet_hours: ' || quiet.rule_id as reason
from {{ ref("int_ledger_messages") }} as messages
left join {{ ref("int_identity_map") }} as identity on messages.user_id = identity.from_user_id
inner join {{ ref("int_quiet_people") }} as quiet
    on coalesce(identity.user_id, messages.user_id) = quiet.user_id and messages.message_class = quiet.message_class
where messages.state in ('planned', 'claimed', 'retry_wait') and messages.message_class = 'marketing'
