{# A page of the shop, for a message whose event named no address of its own. #}
{% macro shop_url(path) -%}'{{ var("shop_url", "https://shop.example") }}' || {{ path }}{%- endmacro %}

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
