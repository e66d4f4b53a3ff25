{# What is said of orders. #}
{% macro order_reports() %}{% do return(["order_completed", "order_refunded", "order_cancelled"]) %}{% endmacro %}

{# The events that int_kept_events keeps apart: those that a model looks back at over months. #}
{% macro kept_events() %}
    {% do return(order_reports() + ["product_added_to_wishlist", "product_removed_from_wishlist"]) %}
{% endmacro %}

{# Kept events with the person they belong to and their cart, as fct_events gives them. #}
{% macro kept_events_of_people() -%}
    (
        select
            kept.event_id,
            kept.event_name,
            coalesce(spans.user_id, kept.given_id) as user_id,
            kept.occurred_at,
            coalesce(kept.cart_id, 'cart:' || coalesce(spans.user_id, kept.given_id)) as cart_id,
            kept.order_id,
            kept.product_id,
            kept.revenue,
            kept.currency,
            kept.properties
        from {{ ref("int_kept_events") }} as kept
        left join {{ ref("int_identity_spans") }} as spans
            on
                kept.given_id = spans.given_id
                and kept.occurred_at >= spans.valid_from
                and kept.occurred_at < spans.valid_to
    )
{%- endmacro %}
