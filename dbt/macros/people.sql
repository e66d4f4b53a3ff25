{# What is known of a person, whichever way they came to be known: from their profile, from what they did. #}
{% macro person_columns() %}
    {% do return([
        "first_name", "last_name", "email", "phone", "phone_country", "push_token", "time_zone", "phone_time_zones",
        "language", "country", "region", "preferred_channel", "loyalty_tier", "first_seen_at", "last_seen_at",
        "last_active_at", "orders", "revenue", "last_ordered_at", "profile_changes", "profile_digest",
    ]) %}
{% endmacro %}

{# A row a person of these profiles (int_person_profiles) and these doings (int_person_activity). The one place that
   knows how they are put together. #}
{% macro people_from(profiles, activity) -%}
    select
        coalesce(profiles.user_id, activity.user_id) as user_id,
        profiles.first_name,
        profiles.last_name,
        case
            when not coalesce(profiles.is_email_cleared, false) then coalesce(profiles.email, activity.email)
        end as email,
        profiles.phone,
        profiles.phone_country,
        profiles.push_token,
        -- What the person says, else what their device says; where the connection comes from only where not
        -- even a phone number tells of a zone.
        case
            when {{ is_time_zone("profiles.time_zone") }} then profiles.time_zone
            when {{ is_time_zone("activity.time_zone") }} then activity.time_zone
            when profiles.phone_time_zones is null and {{ is_time_zone("activity.network_time_zone") }}
                then activity.network_time_zone
        end as time_zone,
        profiles.phone_time_zones,
        profiles.language,
        upper(coalesce(profiles.country, profiles.phone_country, activity.network_country)) as country,
        upper(profiles.region) as region,
        profiles.preferred_channel,
        profiles.loyalty_tier,
        least(
            coalesce(activity.first_seen_at, profiles.first_seen_at),
            coalesce(profiles.first_seen_at, activity.first_seen_at)
        ) as first_seen_at,
        greatest(
            coalesce(activity.last_seen_at, profiles.last_seen_at),
            coalesce(profiles.last_seen_at, activity.last_seen_at)
        ) as last_seen_at,
        activity.last_active_at,
        cast(coalesce(activity.orders, 0) as bigint) as orders,
        cast(coalesce(activity.revenue, 0) as double) as revenue,
        activity.last_ordered_at,
        profiles.changes as profile_changes,
        profiles.digest as profile_digest
    from {{ profiles }} as profiles
    full outer join {{ activity }} as activity on profiles.user_id = activity.user_id
{%- endmacro %}

{# A digest of these rules: a release with others puts everybody together anew. #}
{% macro rules_of_people() -%}
    {%- if execute -%}{{ local_md5(people_from("profiles", "activity")) }}{%- endif -%}
{%- endmacro %}

{# Everybody as they are known now: as int_people_base has them, but for those of whom there is news since. #}
{% macro people_as_known() -%}
    (
        select
            user_id,
            {{ person_columns() | join(", ") }}
        from {{ ref("int_people_news") }}
        where not is_gone
        union all
        select
            user_id,
            {{ person_columns() | join(", ") }}
        from {{ ref("int_people_base") }} as base
        where not exists (select 1 from {{ ref("int_people_news") }} as news where base.user_id = news.user_id)
    )
{%- endmacro %}

{# Whether everybody has to be written down anew: their activity was, or another release of the rules wrote them, or many
   profiles are others by now. Unit tests override this macro. #}
{% macro is_time_to_write_people(base, written_by) -%}
    {%- if execute -%}
        {%- set stands = run_query(
            "select max(written_by), max(counted_until), (select max(counted_until) from " ~ ref("int_activity_base")
            ~ ") from " ~ base
        ).rows[0] -%}
        {%- if stands[0] == written_by and stands[1] == stands[2] -%}
            {%- set others = run_query("select count(*) from (" ~ changed_profiles(base) ~ ") as changed") -%}
            {%- do return(others.columns[0].values()[0] > var("profiles_waiting")) -%}
        {%- endif -%}
    {%- endif -%}
    {%- do return(true) -%}
{%- endmacro %}

{# People whose profile is another one than int_people_base knew: it came, went, or holds other rows. #}
{% macro changed_profiles(base) -%}
    select coalesce(profiles.user_id, known.user_id) as user_id
    from {{ ref("int_person_profiles") }} as profiles
    full outer join (
        select user_id, profile_changes, profile_digest from {{ base }}
        where profile_digest is not null
    ) as known on profiles.user_id = known.user_id
    where
        known.user_id is null
        or profiles.user_id is null
        or profiles.changes <> known.profile_changes
        or profiles.digest <> known.profile_digest
{%- endmacro %}

{# The value of a measure above which a fifth, or two, of the `others` are below. #}
{% macro start_of_fifth(measure, fifth) -%}
    max(case when place = ceil({{ fifth }} * others / 5.0) then {{ measure }} end)
{%- endmacro %}

{# The fifth of those who bought that a person of `people` is in, 1 to 5, by the `bounds` of int_rfm_bounds; null for who
   never bought. #}
{% macro fifth_of(score, measure) -%}
    cast(
        case when people.orders > 0 then 1
            {%- for fifth in range(1, 5) %}
            + case when people.{{ measure }} > bounds.{{ score }}_{{ fifth }} then 1 else 0 end
            {%- endfor %}
        end as integer
    )
{%- endmacro %}
