{# People who clicked in or answered a message on one of these channels in the last `days`, and how often.
   What a mail scanner opens and clicks does not count: nobody did anything. #}
{% macro people_who_answered(channels, days) -%}
    select
        coalesce(identity.user_id, journal.user_id) as user_id,
        count(*) as answers,
        max(journal.happened_at) as last_answered_at
    from {{ source("raw", "ledger_journal") }} as journal
    left join {{ ref("int_identity_map") }} as identity on journal.user_id = identity.from_user_id
    where
        journal.kind = 'engagement'
        and journal.to_state in ('clicked', 'replied')
        and not coalesce(journal.is_machine, false)
        and journal.channel in {{ as_text_list(channels) }}
        and journal.happened_at >= {{ ago(days=days) }}
        and journal.happened_at <= {{ as_of() }}
    group by coalesce(identity.user_id, journal.user_id)
{%- endmacro %}

{# What the CRM says of people under one name, newest word first, as a relation (user_id, value): every column
   of the feed `profiles` that has no place of its own, and every trait of an identify call. An empty text
   clears. In a `from` or a `join`: from {{ trait("customer_type") }} as types. A trigger names the CTE whose
   people (user_id) it is about, so that it does not look at everybody's: {{ trait("loyalty_points", of="vips") }}. #}
{% macro trait(name, of=none) -%}
    (
        select
            user_id,
            nullif(max_by(value, (updated_at, landed_at, value)), '') as value
        from (
            select
                {% if of %}ids.user_id{% else %}coalesce(ids.user_id, changes.given_id){% endif %} as user_id,
                changes.value,
                changes.updated_at,
                changes.landed_at
            from {{ ref("int_trait_changes") }} as changes
            {% if of %}
            inner join (
                select
                    user_id,
                    user_id as given_id
                from {{ of }} as known
                union
                select
                    identity.user_id,
                    identity.from_user_id as given_id
                from {{ ref("int_identity_map") }} as identity
                inner join {{ of }} as who on identity.user_id = who.user_id
            ) as ids on changes.given_id = ids.given_id
            {% else %}
            left join {{ ref("int_identity_map") }} as ids on changes.given_id = ids.from_user_id
            {% endif %}
            where changes.trait = '{{ name }}' and changes.visible_at <= {{ as_of() }}
        ) as said
        group by user_id
    )
{%- endmacro %}

{# What makes a segment what it is: a new text is a new definition. Unit tests override this macro. #}
{% macro definition_of(segment) -%}
    {%- if execute -%}
        {%- set node = graph.nodes["model.dovecote.seg_" ~ segment] -%}
        '{{ local_md5(node.raw_code)[:12] }}'
    {%- else -%}
        ''
    {%- endif -%}
{%- endmacro %}

{# Whole years from a date of birth to now; a 29th of February counts from the 1st of March. #}
{% macro age(born_on) -%}
    extract(year from {{ as_of() }}) - extract(year from {{ born_on }})
    - case
        when
            extract(month from {{ as_of() }}) * 100 + extract(day from {{ as_of() }})
            < extract(month from {{ born_on }}) * 100 + extract(day from {{ born_on }})
            then 1
        else 0
    end
{%- endmacro %}
