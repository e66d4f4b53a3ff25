{# Products to show somebody, as a relation (key, items): `items` is a JSON list of at most `most` records
   {product_id, name, price, currency, image_url, product_url, stock, rating, reviews}, with the catalogue's price
   and stock as of this tick. What is sold out or unknown to the catalogue is left out. In a `join`:
   left join {{ recommended_to("rows") }} as recommended on rows.user_id = recommended.user_id
   `rows` is a CTE with a column user_id. What they bought is left out; the popular fill what is open. #}
{% macro recommended_to(rows, most=4) -%}
    {% set offers -%}
        select
            who.user_id,
            recommendations.product_id,
            recommendations.position
        from (select distinct user_id from {{ rows }}) as who
        inner join {{ ref("int_person_recommendations") }} as recommendations
            on who.user_id = recommendations.user_id
        union all
        select
            who.user_id,
            popular.product_id,
            1000 + popular.position as position
        from (select distinct user_id from {{ rows }}) as who
        cross join {{ ref("int_popular_products") }} as popular
        -- Only their orders, not everybody's.
        left join (
            select distinct
                bought.user_id,
                bought.product_id
            from {{ ref("int_bought_products") }} as bought
            inner join {{ rows }} as buyers on bought.user_id = buyers.user_id
        ) as had on who.user_id = had.user_id and popular.product_id = had.product_id
        where had.user_id is null
    {%- endset %}
    {{- offered(offers, "user_id", most) -}}
{%- endmacro %}

{# The same beside a product: `rows` is a CTE with a column product_id, and so has the relation. #}
{% macro recommended_beside(rows, most=4) -%}
    {% set offers -%}
        select
            shown.product_id as beside_id,
            recommendations.recommended_product_id as product_id,
            recommendations.position
        from (select distinct product_id from {{ rows }}) as shown
        inner join {{ ref("int_recommendations") }} as recommendations
            on shown.product_id = recommendations.product_id
    {%- endset %}
    {{- offered(offers, "beside_id", most, "product_id") -}}
{%- endmacro %}

{% macro offered(offers, key, most, key_name=none) -%}
    (
        select
            {{ key }} as {{ key_name or key }},
            {{ json_list_of_documents("item", "place") }} as items
        from (
            select
                offers.{{ key }},
                row_number() over (partition by offers.{{ key }} order by offers.position, offers.product_id) as place,
                {{ json_object({
                    "product_id": "products.product_id", "name": "products.name", "price": "products.price",
                    "currency": "products.currency", "image_url": "products.image_url",
                    "product_url": "coalesce(products.product_url, " ~ shop_url("'/products/' || products.product_id") ~ ")",
                    "stock": "products.stock", "rating": "ratings.rating", "reviews": "ratings.reviews",
                }) }} as item
            from (
                select {{ key }}, product_id, min(position) as position
                from ({{ offers }}) as every_offer
                group by {{ key }}, product_id
            ) as offers
            inner join {{ ref("dim_products") }} as products on offers.product_id = products.product_id
            left join {{ ref("int_product_ratings") }} as ratings on offers.product_id = ratings.product_id
            where products.name is not null and coalesce(products.stock, 1) > 0
        ) as placed
        where place <= {{ most }}
        group by {{ key }}
    )
{%- endmacro %}
