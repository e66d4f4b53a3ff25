{# Where the shop is. The tick says so; a bare `dbt build` takes the place where the demo's shop is. #}
{% macro shop_root() -%}
    {{- var("shop_url", "http://127.0.0.1:8300/shop").rstrip("/").replace("'", "''") -}}
{%- endmacro %}

{# A page of the shop, for a message whose event named no address of its own. #}
{% macro shop_url(path) -%}'{{ shop_root() }}' || {{ path }}{%- endmacro %}

{# The address where it leads into the shop or to one of `var("own_urls")`, else null. Anybody can send an event in
   anybody's name: an address from it must not become a link in a message to them. #}
{% macro own_url(url) -%}
    case
        when {{ url }} like '{{ shop_root() }}/%'
        {%- for prefix in var("own_urls", []) %} or {{ url }} like '{{ prefix }}%'{% endfor %} then {{ url }}
    end
{%- endmacro %}

{# The address where it leads into the shop or to a carrier that the shop sends with (`var("carrier_hosts")`), else
   null. Over https only: what a carrier shows of a parcel is between them and the person. #}
{% macro carrier_url(url) -%}
    coalesce(
        {{ own_url(url) }},
        case
            when 1 = 0{% for host in var("carrier_hosts", []) %} or {{ url }} like 'https://{{ host }}/%'{% endfor %}
                then {{ url }}
        end
    )
{%- endmacro %}

{# Forms that are answered at once on the page, and by no message. #}
{% macro silent_forms() -%}('-'{% for form in var("silent_forms", []) %}, '{{ form }}'{% endfor %}){%- endmacro %}

{# The feeds by which the operator speaks; what came by others anybody may have sent. #}
{% macro operator_sources() -%}('-'{% for source in var("operator_sources", []) %}, '{{ source }}'{% endfor %}){%- endmacro %}

{# 1 for the lowest of `var("loyalty_tiers")`, and so on; 0 for what is none of them. #}
{% macro tier_rank(tier) -%}
    case lower(trim({{ tier }})){% for name in var("loyalty_tiers", []) %} when '{{ name }}' then {{ loop.index }}{% endfor %} else 0 end
{%- endmacro %}

{# What counts as somebody being busy with a cart. #}
{% macro cart_events() -%}
    (
        'product_added', 'product_removed', 'cart_viewed', 'cart_updated', 'checkout_started', 'checkout_step_viewed',
        'checkout_step_completed', 'payment_info_entered', 'coupon_entered', 'coupon_applied'
    )
{%- endmacro %}

{# The ends of time, for spans that are open. #}
{% macro beginning_of_time() -%}cast('0001-01-01 00:00:00' as timestamp){%- endmacro %}
{% macro end_of_time() -%}cast('9999-12-31 00:00:00' as timestamp){%- endmacro %}

{# What a person would call the product in a JSON object. Trackers may leave the name out; brand and
   category are the next best. #}
{% macro item_name(item) -%}
    coalesce(
        {{ json_text(item, "$.name") }},
        {{ json_text(item, "$.title") }},
        {{ json_text(item, "$.brand") }} || ' ' || {{ json_text(item, "$.category") }},
        {{ json_text(item, "$.category") }}
    )
{%- endmacro %}

{# One product of a message, as the templates know it. #}
{% macro item_object(product_id, name, quantity, price, image_url) -%}
    {{ json_object({
        "product_id": product_id, "name": name, "quantity": quantity, "price": price, "image_url": image_url,
    }) }}
{%- endmacro %}

{# Who bought which product last, and when, in the last `days`: an order names its product itself or in its lines.
   `of`: the CTE whose people (user_id) it is about; where that is empty no order is looked at. #}
{% macro products_bought(days, of=none) %}
    select
        orders.user_id,
        coalesce(orders.product_id, lines.product_id) as product_id,
        max(orders.occurred_at) as bought_at
    from {{ ref("fct_events") }} as orders
    left join {{ ref("int_order_lines") }} as lines on orders.event_id = lines.event_id
    where
        orders.event_name = 'order_completed'
        and orders.occurred_at >= {{ ago(days=days) }}
        {% if of %}and orders.user_id in (select user_id from {{ of }}){% endif %}
    group by orders.user_id, coalesce(orders.product_id, lines.product_id)
{% endmacro %}
