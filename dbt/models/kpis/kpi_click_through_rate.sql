{{ config(materialized="table", contract={"enforced": true}) }}

-- One click a message, however often its person clicked; a machine's clicks are none.

{{ share_of_messages("clicked_at is not null", of="delivered_at") }}
