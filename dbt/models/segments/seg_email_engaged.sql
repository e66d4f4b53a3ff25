{{ config(contract={"enforced": true}) }}

-- Clicked in an e-mail of ours, or answered one, in the last 90 days. An open is no sign: machines open.

{{ people_who_answered(["email"], days=90) }}
