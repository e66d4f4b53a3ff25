{# What never changes about a message; the row of the journal that plans it says it. #}
{% macro message_facts() %}
    {% do return([
        "candidate_id", "decision_id", "journey", "journey_version", "step", "message_class", "channel", "variant",
        "user_id", "entity_key", "event_id",
    ]) %}
{% endmacro %}

{# How far a message got, and when it first did. A receipt may overtake the one before it: whoever read a message got
   it, and it was sent. What a machine did (a scanner that follows links, a proxy that loads images) is kept apart. #}
{% macro message_moments() %}
    {% do return({
        "accepted_at": "to_state in ('accepted', 'sent', 'delivered', 'read', 'failed_late')",
        "sent_at": "to_state in ('sent', 'delivered', 'read')",
        "delivered_at": "to_state in ('delivered', 'read')",
        "read_at": "to_state = 'read'",
        "opened_at": "to_state = 'opened' and not coalesce(is_machine, false)",
        "clicked_at": "to_state = 'clicked' and not coalesce(is_machine, false)",
        "machine_opened_at": "to_state = 'opened' and is_machine",
        "machine_clicked_at": "to_state = 'clicked' and is_machine",
        "replied_at": "to_state = 'replied'",
        "bounced_at": "to_state = 'bounced'",
        "complained_at": "to_state = 'complained'",
        "unsubscribed_at": "to_state = 'unsubscribed'",
    }) %}
{% endmacro %}

{# CTEs that put together what became of each message: of the `journal`, and, where there is a `base`, of what was put
   together before; one row a message in `messages`. Every column is a least, a greatest or the last of its pieces,
   so that a row of the journal that is read twice changes nothing. #}
{% macro progress_of(journal, decisions, base) -%}
pieces as (
    select
        journal.message_id,
        {% for fact in message_facts() %}
        case when journal.is_plan then journal.{{ fact }} end as {{ fact }},
        {% endfor %}
        -- The ledger outlives the warehouse: what was decided before a rebuild is dated by its planning.
        case when journal.is_plan
            then coalesce(decisions.decided_at, journal.happened_at) end as decided_at,
        case when journal.is_plan then journal.happened_at end as planned_at,
        case when journal.kind = 'state' then journal.seq end as state_seq,
        case when journal.kind = 'state' then journal.to_state end as state,
        -- A null reason must not let an older one through.
        case when journal.kind = 'state' then coalesce(journal.reason, '') end as reason,
        case when journal.to_state in ('rejected', 'suppressed', 'failed_late') then journal.happened_at end as failed_at
        {%- for moment, condition in message_moments().items() %},
        case when {{ condition }} then journal.happened_at end as {{ moment }}
        {%- endfor %}
    from {{ journal }} as journal
    left join {{ decisions }} as decisions
        on journal.decision_id = decisions.decision_id and journal.is_plan
    {% if base %}
    union all
    select
        message_id,
        {{ message_facts() | join(", ") }},
        decided_at,
        planned_at,
        state_seq,
        state,
        reason,
        failed_at,
        {{ message_moments() | join(", ") }}
    from {{ base }}
    {% endif %}
),

messages as (
    select
        message_id,
        {% for fact in message_facts() %}
        max({{ fact }}) as {{ fact }},
        {% endfor %}
        min(decided_at) as decided_at,
        min(planned_at) as planned_at,
        max(state_seq) as state_seq,
        max_by(state, state_seq) as state,
        max_by(reason, state_seq) as reason,
        max(failed_at) as failed_at
        {%- for moment in message_moments() %},
        min({{ moment }}) as {{ moment }}
        {%- endfor %}
    from pieces
    group by message_id
)
{%- endmacro %}

{# The rows of the journal behind `read_to_seq` that tell of messages, and the decisions that those may have come of:
   a day more than there should be, since the ledger's clock may have been put back. #}
{% macro told_of_messages(read_to_seq) -%}
journal as (
    select
        *,
        kind = 'state' and from_state is null as is_plan
    from {{ source("raw", "ledger_journal") }}
    where
        seq > {{ read_to_seq }} and kind in ('state', 'engagement')
        and copied_at <= {{ as_of() }} and happened_at >= {{ kpis_since() }}
),

decisions as (
    select
        decision_id,
        decided_at
    from {{ ref("fct_decisions") }}
    where
        decided_at >= {{ add_seconds(earliest(
            source("raw", "ledger_journal"), "happened_at",
            "seq > " ~ read_to_seq ~ " and kind = 'state' and from_state is null"
        ), -86400) }}
)
{%- endmacro %}
