{{ config(materialized="table", contract={"enforced": true}) }}

-- Refused for good by the far end, of what a provider took.

{{ share_of_messages("is_bounced", of="accepted_at") }}
