{{ config(contract={"enforced": true}, tags=["hourly"]) }}

-- Age, place and device of people of whom any of it is known. The date of birth and the city are traits of
-- the profile; an age that nobody reaches is a typing error, and no age.

with born as (
    select
        user_id,
        {{ date_or_null("value") }} as born_on
    from {{ trait("birth_date") }} as births
),

ages as (
    select
        user_id,
        {{ age("born_on") }} as age
    from born
    where born_on is not null
),

-- The kind of device on most of the last 90 days.
devices as (
    select
        user_id,
        max_by(device, (days, device)) as device
    from (
        select
            coalesce(identity.user_id, devices.given_id) as user_id,
            devices.device,
            count(distinct devices.seen_on) as days
        from {{ ref("int_device_days") }} as devices
        left join {{ ref("int_identity_map") }} as identity on devices.given_id = identity.from_user_id
        where devices.seen_on >= cast({{ ago(days=90) }} as date) and devices.visible_at <= {{ as_of() }}
        group by coalesce(identity.user_id, devices.given_id), devices.device
    ) as counted
    group by user_id
)

select
    people.user_id,
    cast(case when ages.age between 0 and 120 then ages.age end as integer) as age,
    case
        when ages.age between 0 and 17 then 'under 18'
        when ages.age between 18 and 24 then '18-24'
        when ages.age between 25 and 34 then '25-34'
        when ages.age between 35 and 44 then '35-44'
        when ages.age between 45 and 54 then '45-54'
        when ages.age between 55 and 64 then '55-64'
        when ages.age between 65 and 120 then '65 and over'
    end as age_band,
    people.country,
    cities.value as city,
    devices.device
from {{ ref("dim_people") }} as people
left join ages on people.user_id = ages.user_id
left join devices on people.user_id = devices.user_id
left join {{ trait("city") }} as cities on people.user_id = cities.user_id
where
    ages.age is not null or people.country is not null or cities.value is not null or devices.device is not null
