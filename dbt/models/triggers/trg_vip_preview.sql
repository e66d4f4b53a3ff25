{{ config(contract={"enforced": true}) }}

-- A campaign: every Monday the best customers hear first what costs less than a week ago. A week in which
-- nothing does is a week without a message.

with reductions as (
    select
        *,
        row_number() over (order by price / previous_price, product_id) as place
    from {{ ref("dim_products") }}
    where price < previous_price and price_changed_at >= {{ ago(days=7) }} and coalesce(stock, 1) > 0
),

listed as (
    select
        {{ json_list_of_documents(
            item_object("product_id", "coalesce(name, product_id)", "cast(1 as bigint)", "price", "image_url"), "place"
        ) }} as items,
        max(case when place = 1 then coalesce(name, product_id) end) as first_item_name,
        max(case when place = 1 then currency end) as currency
    from reductions
    where place <= 3
    having count(*) > 0
)

select
    members.user_id,
    cast(null as {{ dbt.type_string() }}) as entity_key,
    runs.event_id,
    runs.scheduled_at as triggered_at,
    listed.items,
    listed.first_item_name,
    listed.currency
from {{ ref("seg_vip") }} as members
cross join listed
cross join ({{ scheduled_times() }}) as runs
