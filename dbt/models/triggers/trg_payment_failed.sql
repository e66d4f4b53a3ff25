{{ config(contract={"enforced": true}) }}

-- A payment of an invoice failed and the invoice is still open. The first failure enters: the shop's further
-- attempts, each of which may fail too, start nothing of their own. What was paid or called off is settled.

with payments as (
    select
        user_id,
        event_id,
        occurred_at,
        event_name = 'payment_failed' as is_failure,
        nullif({{ json_text("properties", "$.invoice_id") }}, '') as invoice_id,
        {{ json_number("properties", "$.amount") }} as amount,
        currency,
        {{ own_url(json_text("properties", "$.payment_url")) }} as payment_url
    from {{ ref("fct_events") }}
    where
        occurred_at >= {{ ago(days=10) }}
        and event_name in ('payment_failed', 'payment_succeeded', 'invoice_voided')
),

settled as (
    select
        *,
        max(case when not is_failure then occurred_at end) over (
            partition by coalesce(invoice_id, user_id)
        ) as settled_at
    from payments
),

open_invoices as (
    select
        *,
        row_number() over (
            partition by coalesce(invoice_id, user_id)
            order by case when user_id like 'anon:%' then 1 else 0 end, occurred_at, event_id
        ) as attempt
    from settled
    where is_failure and (settled_at is null or occurred_at > settled_at)
)

select
    user_id,
    invoice_id as entity_key,
    event_id,
    occurred_at as triggered_at,
    invoice_id,
    case when amount > 0 and amount < 10000000 then amount end as amount,
    currency,
    payment_url,
    occurred_at as failed_at
from open_invoices
where attempt = 1
