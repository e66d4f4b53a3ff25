{# Events that name a day ahead (a booking, the end of a trial, a renewal) and those that undo it. What is listed
   here is kept aside in int_dated_events: a trigger may look back over a year of them without reading a year of
   events. `about`: the property that says which; `day`: where the day stands, the first that is there. #}
{% macro dated_events() %}
    {% do return({
        "booking": {
            "about": "booking_id", "day": ["starts_at"],
            "events": ["booking_created", "appointment_booked", "booking_rescheduled", "booking_cancelled"],
        },
        "trial": {
            "about": "subscription_id", "day": ["trial_ends_at", "ends_at"],
            "events": ["trial_started", "trial_extended", "trial_cancelled"],
        },
        "subscription": {
            "about": "subscription_id", "day": ["renews_at", "current_period_ends_at"],
            "events": [
                "subscription_started", "subscription_renewed", "subscription_changed", "subscription_cancelled",
                "subscription_expired",
            ],
        },
        "points": {
            "about": "award_id", "day": ["expires_at", "points_expire_at"],
            "events": ["loyalty_points_earned"],
        },
    }) %}
{% endmacro %}

{# Events of int_dated_events with the person they belong to, as fct_events gives it. #}
{% macro dated_events_of(kind) -%}
    (
        select
            dated.*,
            coalesce(spans.user_id, dated.given_id) as user_id
        from {{ ref("int_dated_events") }} as dated
        left join {{ ref("int_identity_spans") }} as spans
            on
                dated.given_id = spans.given_id
                and dated.occurred_at >= spans.valid_from
                and dated.occurred_at < spans.valid_to
        where dated.kind = '{{ kind }}' and dated.occurred_at >= {{ ago(days=800) }}
    )
{%- endmacro %}

{# The first of these properties that is a moment, as UTC; null where none is. #}
{% macro first_moment(document, names) -%}
    coalesce({% for name in names %}{{ utc_timestamp(json_text(document, "$." ~ name)) }}, {% endfor %}null)
{%- endmacro %}
