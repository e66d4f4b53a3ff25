{# Products to show somebody, as a relation (user_id, items): `items` is a JSON list of at most `most` records
   {product_id, name, price, currency, image_url, product_url, stock, rating, reviews}, with the catalogue's price
   and stock as of this tick. What is sold out or unknown to the catalogue is left out. In a `join`:
   left join {{ recommended_to("rows") }} as recommended on rows.user_id = recommended.user_id
   `rows` is a CTE with a column user_id. What they bought is left out; the popular fill what is open. #}
{% macro recommended_to(rows, most=4) -%}
    (
        with shown as (
            {{ products_to_show() }}
        ),

        who as (
            select distinct user_id from {{ rows }} as asked
        ),

        -- Three for each that is wanted: some are sold out.
        own as (
            select
                who.user_id,
                recommendations.position,
                shown.item
            from who
            inner join {{ ref("int_person_recommendations") }} as recommendations
                on who.user_id = recommendations.user_id and recommendations.position <= {{ 3 * most }}
            inner join shown on recommendations.product_id = shown.product_id
        ),

        short as (
            select
                who.user_id,
                count(own.position) as found
            from who
            left join own on who.user_id = own.user_id
            group by who.user_id
            having count(own.position) < {{ most }}
        ),

        -- Their orders, not everybody's, and what they are shown already.
        had as (
            select
                bought.user_id,
                bought.product_id
            from {{ ref("int_bought_products") }} as bought
            inner join short on bought.user_id = short.user_id
            union
            select
                recommendations.user_id,
                recommendations.product_id
            from {{ ref("int_person_recommendations") }} as recommendations
            inner join short on recommendations.user_id = short.user_id
        ),

        offers as (
            select
                user_id,
                position,
                item
            from own
            union all
            select
                short.user_id,
                1000 + popular.position as position,
                shown.item
            from short
            cross join {{ ref("int_popular_products") }} as popular
            inner join shown on popular.product_id = shown.product_id
            left join had on short.user_id = had.user_id and popular.product_id = had.product_id
            where had.user_id is null and popular.position <= {{ 5 * most }}
        )

        {{ first_of("offers", "user_id", most) }}
    )
{%- endmacro %}

{# The same beside a product: `rows` is a CTE with a column product_id, and so has the relation. #}
{% macro recommended_beside(rows, most=4) -%}
    (
        with shown as (
            {{ products_to_show() }}
        ),

        offers as (
            select
                beside.product_id,
                recommendations.position,
                shown.item
            from (select distinct product_id from {{ rows }} as asked) as beside
            inner join {{ ref("int_recommendations") }} as recommendations
                on beside.product_id = recommendations.product_id
            inner join shown on recommendations.recommended_product_id = shown.product_id
        )

        {{ first_of("offers", "product_id", most) }}
    )
{%- endmacro %}

{# Each product of the catalogue that can be had, once, as the templates know it. #}
{% macro products_to_show() -%}
    select
        goods.product_id,
        {{ json_object({
            "product_id": "goods.product_id", "name": "goods.name", "price": "goods.price",
            "currency": "goods.currency", "image_url": "goods.image_url",
            "product_url": "coalesce(goods.product_url, " ~ shop_url("'/products/' || goods.product_id") ~ ")",
            "stock": "goods.stock", "rating": "ratings.rating", "reviews": "ratings.reviews",
        }) }} as item
    from {{ ref("dim_products") }} as goods
    left join {{ ref("int_product_ratings") }} as ratings on goods.product_id = ratings.product_id
    where goods.name is not null and coalesce(goods.stock, 1) > 0
{%- endmacro %}

{% macro first_of(offers, key, most) -%}
    select
        {{ key }},
        {{ json_list_of_documents("item", "place") }} as items
    from (
        select
            {{ key }},
            item,
            row_number() over (partition by {{ key }} order by position) as place
        from {{ offers }}
    ) as placed
    where place <= {{ most }}
    group by {{ key }}
{%- endmacro %}
