{{ config(materialized="table", contract={"enforced": true}) }}

-- SMS and webhooks cannot tell whether they were read.

{{ share_of_messages(
    "coalesce(opened_at, read_at) is not null", of="delivered_at", among="channel not in ('sms', 'webhook')"
) }}
