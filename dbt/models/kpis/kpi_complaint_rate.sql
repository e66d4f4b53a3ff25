{{ config(materialized="table", contract={"enforced": true}) }}

-- Reported as spam, of what arrived. Only mailbox providers tell.

{{ share_of_messages("is_complained", of="delivered_at", among="channel = 'email'") }}
