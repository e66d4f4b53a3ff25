{{ config(materialized="view", contract={"enforced": true}) }}

-- Events with the person they belong to, as it is known now. A view: a late login moves a whole
-- device's past to its person without a row being rewritten.

select
    events.event_id,
    events.event_name,
    coalesce(spans.user_id, events.given_id) as user_id,
    events.anonymous_id,
    events.occurred_at,
    events.landed_at,
    events.visible_at,
    -- Where a source has no cart ids, a person has one cart.
    coalesce(events.cart_id, 'cart:' || coalesce(spans.user_id, events.given_id)) as cart_id,
    events.order_id,
    events.product_id,
    events.product_name,
    events.quantity,
    events.price,
    events.revenue,
    events.currency,
    events.image_url,
    events.url,
    events.email,
    events.time_zone,
    events.network_time_zone,
    events.network_country,
    events.properties,
    events.source
from {{ ref("int_events") }} as events
left join {{ ref("int_identity_spans") }} as spans
    on
        events.given_id = spans.given_id
        and events.occurred_at >= spans.valid_from
        and events.occurred_at < spans.valid_to
