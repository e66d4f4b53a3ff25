{{ config(contract={"enforced": true}) }}

-- Somebody clicked a message of ours that hoped for an order (its journey's goal) and has not ordered since. What
-- a scanner clicks does not count, nor a click on this journey's own message. The click belongs to whoever the
-- message was sent to, as they are known today. It is about the product they looked at last in the hour after.

with clicks as (
    select
        coalesce(identity.user_id, journal.user_id) as user_id,
        journal.message_id,
        min(journal.happened_at) as clicked_at
    from {{ source("raw", "ledger_journal") }} as journal
    inner join {{ source("policy", "journeys") }} as journeys on journal.journey = journeys.journey
    left join {{ ref("int_identity_map") }} as identity on journal.user_id = identity.from_user_id
    where
        journal.kind = 'engagement'
        and journal.to_state = 'clicked'
        and not coalesce(journal.is_machine, false)
        and journal.happened_at >= {{ ago(days=5) }}
        and greatest(journal.happened_at, journal.copied_at) <= {{ as_of() }}
        and journeys.goal_event = 'order_completed'
        and journeys.message_class = 'marketing'
        and journal.journey <> 'clicked_not_bought'
    group by coalesce(identity.user_id, journal.user_id), journal.message_id
),

events as (
    select
        user_id,
        event_id,
        event_name,
        product_id,
        occurred_at
    from {{ ref("fct_events") }}
    where occurred_at >= {{ ago(days=5) }} and event_name in ('product_viewed', 'order_completed')
),

came as (
    select
        clicks.user_id,
        clicks.message_id,
        clicks.clicked_at,
        max(case when events.event_name = 'order_completed' then 1 else 0 end) as has_ordered,
        max_by(
            events.product_id,
            case
                when
                    events.event_name = 'product_viewed'
                    and events.occurred_at <= {{ add_seconds("clicks.clicked_at", 3600) }}
                    then (events.occurred_at, events.event_id)
            end
        ) as product_id
    from clicks
    left join events on clicks.user_id = events.user_id and clicks.clicked_at <= events.occurred_at
    group by clicks.user_id, clicks.message_id, clicks.clicked_at
)

select
    came.user_id,
    cast(null as {{ dbt.type_string() }}) as entity_key,
    'click:' || came.message_id as event_id,
    came.clicked_at as triggered_at,
    products.product_id,
    products.name as product_name,
    case
        when products.product_id is not null
            then coalesce(products.product_url, {{ shop_url("'/products/' || products.product_id") }})
    end as product_url,
    products.image_url,
    products.price,
    products.currency,
    ratings.rating,
    ratings.reviews,
    'clicked_not_bought' as discount_pool
from came
left join {{ ref("dim_products") }} as products
    on came.product_id = products.product_id and products.name is not null and coalesce(products.stock, 1) > 0
left join {{ ref("int_product_ratings") }} as ratings on products.product_id = ratings.product_id
where came.has_ordered = 0
