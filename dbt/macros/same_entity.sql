{# Whether an event is about what a step of a journey is about: the same cart, order, product or whatever the policy
   (`entity`) calls it, where both name one. A cart that stands for the person (see fct_events) names none; an id that
   fct_events has no column for is a property of the event. The arguments are aliases. #}
{% macro same_entity(step, event, policy) -%}
    (
        {{ policy }}.entity is null
        or {{ step }}.entity_key is null
        or {{ step }}.entity_key = coalesce(
            case {{ policy }}.entity
                when 'cart_id' then nullif({{ event }}.cart_id, 'cart:' || {{ event }}.user_id)
                when 'order_id' then {{ event }}.order_id
                when 'product_id' then {{ event }}.product_id
                else {{ json_property(event ~ ".properties", policy ~ ".entity") }}
            end,
            {{ step }}.entity_key
        )
    )
{%- endmacro %}
