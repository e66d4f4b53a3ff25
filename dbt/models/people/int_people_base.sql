{{ config(materialized="incremental", incremental_strategy="renew") }}

-- Everybody by what was counted of them (int_activity_base) and by their profile, so that a tick writes down only those
-- of whom there is news: a row for each of a million people is a second and a half of writing. What came since the
-- count is left out: an event may turn out to be another's, and nothing would tell that who was known by it alone
-- is gone.

{% set written_by = rules_of_people() %}
{% if is_incremental() and not is_time_to_write_people(this, written_by) %}

select * from {{ this }}
where 1 = 0

{% else %}

with activity as (
    select * from {{ ref("int_activity_base") }}
    where level = 'person'
),

people as (
    {{ people_from(ref("int_person_profiles"), "activity") }}
)

select
    people.*,
    '{{ written_by }}' as written_by,
    (select max(counted_until) from {{ ref("int_activity_base") }}) as counted_until
from people

{% endif %}
