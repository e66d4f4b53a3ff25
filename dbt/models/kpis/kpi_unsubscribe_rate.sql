{{ config(materialized="table", contract={"enforced": true}) }}

-- Opted out by a message, of what arrived: its link or button, or a STOP that came after it.

{{ share_of_messages("is_unsubscribed", of="delivered_at") }}
