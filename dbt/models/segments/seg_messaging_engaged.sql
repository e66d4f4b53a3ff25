{{ config(contract={"enforced": true}) }}

-- Tapped in a message on their phone, or answered one, in the last 90 days.

{{ people_who_answered(["rcs", "sms", "push"], days=90) }}
