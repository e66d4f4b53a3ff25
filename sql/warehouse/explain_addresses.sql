-- Where they can be reached and what they said about it.
select
    addresses.channel,
    addresses.address,
    addresses.is_suppressed_for_all,
    addresses.is_suppressed_for_marketing,
    addresses.suppression_reason,
    consents.is_given as has_marketing_consent,
    consents.occurred_at as consent_changed_at,
    consents.consent_source
from people.dim_addresses as addresses
left join people.dim_consents as consents
    on addresses.user_id = consents.user_id
    and addresses.channel = consents.channel
    and consents.purpose = 'marketing'
where addresses.user_id = $user_id
order by addresses.channel
