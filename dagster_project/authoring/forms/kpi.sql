{{ config(materialized="table", contract={"enforced": true}) }}

-- Say in a sentence what it measures. Here: who answered a message that reached them. What is no share of messages is
-- a select of its own, of these columns: see kpi_time_to_conversion.

{{ share_of_messages("replied_at is not null", of="delivered_at") }}
