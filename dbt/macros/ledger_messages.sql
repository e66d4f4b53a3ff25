{# CTEs that put together what the ledger told of each message: `pieces` of its journal (and, where there is a `base`,
   what was put together before), one row a message in `messages`. #}
{% macro messages_of(journal, base) -%}
{#- What a message is does not change; where it stands does. -#}
{%- set fixed = [
    "candidate_id", "user_id", "entity_key", "event_id", "journey", "step", "message_class", "channel", "address_key"
] -%}
{%- set flags = ["was_sent", "was_delivered", "was_opened", "was_clicked", "was_replied", "was_unknown"] -%}
pieces as (
    select
        message_id,
        {{ fixed | join(",\n        ") }},
        case when kind = 'state' then to_state end as state,
        case when kind = 'state' then reason end as reason,
        -- The journal is numbered in the order things happened to a message.
        case when kind = 'state' then seq end as state_seq,
        case when kind = 'state' then happened_at end as planned_at,
        case when kind = 'state' then happened_at end as moved_at,
        case when to_state in ('accepted', 'sent', 'delivered', 'read') then 1 else 0 end as was_sent,
        case when to_state in ('delivered', 'read') then 1 else 0 end as was_delivered,
        case when to_state in ('read', 'opened') and not coalesce(is_machine, false) then 1 else 0 end as was_opened,
        case when to_state = 'clicked' and not coalesce(is_machine, false) then 1 else 0 end as was_clicked,
        case when to_state = 'replied' then 1 else 0 end as was_replied,
        case when to_state in ('unknown', 'held') then 1 else 0 end as was_unknown
    from {{ journal }}
    {% if base %}
    union all
    select
        message_id,
        {{ fixed | join(",\n        ") }},
        state,
        reason,
        state_seq,
        planned_at,
        moved_at,
        {{ flags | join(",\n        ") }}
    from {{ base }}
    {% endif %}
),

messages as (
    select
        message_id,
        {% for column in fixed -%}
        max({{ column }}) as {{ column }},
        {% endfor -%}
        max_by(state, state_seq) as state,
        nullif(max_by(coalesce(reason, ''), state_seq), '') as reason,
        max(state_seq) as state_seq,
        min(planned_at) as planned_at,
        max_by(moved_at, state_seq) as moved_at
        {%- for flag in flags %},
        max({{ flag }}) as {{ flag }}
        {%- endfor %}
    from pieces
    group by message_id
)
{%- endmacro %}

{# Up to which row of the journal a relation of int_ledger_base has read, as a literal. Unit tests override this macro. #}
{% macro journal_read_to(relation) -%}
    {%- if execute -%}
        {%- set found = run_query("select max(read_to_seq) from " ~ relation).columns[0].values()[0] -%}
    {%- endif -%}
    {{- found or 0 -}}
{%- endmacro %}

{# Whether the ledger told so much since that it is time to put it into the base. Unit tests override this macro. #}
{% macro is_much_told(read_to_seq) -%}
    {%- if execute -%}
        {%- set told = run_query(
            "select count(*) from " ~ source("raw", "ledger_journal") ~ " where seq > " ~ read_to_seq
        ).columns[0].values()[0] -%}
        {%- do return(told > var("journal_waiting")) -%}
    {%- endif -%}
    {%- do return(true) -%}
{%- endmacro %}

{# Of a row of int_ledger_messages: its provider has it, has not said that it was delivered, and takes such messages back. #}
{% macro can_be_taken_back() -%}
    state in ('accepted', 'sent') and channel in {{ as_text_list(var("revocable_channels")) }}
{%- endmacro %}
