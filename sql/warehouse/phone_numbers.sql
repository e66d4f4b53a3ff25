-- Each number that came, read once.
create or replace temp table phone_numbers (
    number text,
    country_given text,
    phone_e164 text,
    phone_country text,
    phone_time_zones text
)
