{# When a scheduled journey (a campaign) runs. The grammar is cron's: minute, hour, day of the month, month, day of the
   week, in UTC, each `*`, a number, a range `1-5`, a list of these or `*/n`; 0 and 7 are Sunday. A step's `at`
   makes local times of them. The YAML is checked by `dovecote doctor` and `make test`. #}

{# The journey's runs up to now that may still have a step to come: `event_id`, `scheduled_at`. A unit test is a
   node of its own and does not know the policy of the model that it tests: it overrides this macro. #}
{% macro scheduled_times() %}
    {%- set runs = [] -%}
    {%- if execute -%}
        {%- set policy, now = model.config.meta["journey"], as_of_moment() -%}
        {%- set since = now - modules.datetime.timedelta(seconds=longest_wait_seconds(policy)) -%}
        {%- do runs.extend(runs_between(policy["schedule"], since, now)) -%}
    {%- endif -%}
    {%- for run in runs %}
    select
        cast('schedule:{{ run.strftime("%Y-%m-%dT%H:%M:%SZ") }}' as {{ dbt.type_string() }}) as event_id,
        cast('{{ run }}' as timestamp) as scheduled_at
    {{ "union all" if not loop.last }}
    {%- else %}
    select
        cast(null as {{ dbt.type_string() }}) as event_id,
        cast(null as timestamp) as scheduled_at
    where 1 = 0
    {%- endfor %}
{%- endmacro %}

{# When a campaign runs next, so that somebody looks then although nothing lands; none for other journeys. #}
{% macro next_run_at(policy) %}
    {% if "schedule" not in policy %}{% do return(none) %}{% endif %}
    {% set now = as_of_moment() %}
    {% do return(runs_between(policy["schedule"], now, now + modules.datetime.timedelta(days=1500), true) | first) %}
{% endmacro %}

{# as_of as Python sees it: UTC without a zone. #}
{% macro as_of_moment() %}
    {% do return(
        modules.datetime.datetime.fromisoformat(var("as_of", run_started_at.strftime("%Y-%m-%d %H:%M:%S.%f"))).replace(tzinfo=none)
    ) %}
{% endmacro %}

{# From entry to the moment at which the last step is too late; a step with `at` may wait a day and an hour more. #}
{% macro longest_wait_seconds(policy) %}
    {% set waits = [] %}
    {% for step in policy["steps"] %}
        {% do waits.append(duration_seconds(step.get("after", "0s")) + (90000 if "at" in step else 0)) %}
    {% endfor %}
    {% do return((waits | max) + duration_seconds(policy.get("expires_after", "24h"))) %}
{% endmacro %}

{# The times of a schedule after `since` and until `until`, oldest first; with `only_first` the first of them. #}
{% macro runs_between(schedule, since, until, only_first=false) %}
    {% set minute, hour, day, month, weekday = schedule.split() %}
    {% set minutes, hours = cron_field(minute, 0, 59), cron_field(hour, 0, 23) %}
    {% set days, months, weekdays = cron_field(day, 1, 31), cron_field(month, 1, 12), cron_field(weekday, 0, 7) %}
    {% set found = [] %}
    {% set midnight = since.replace(hour=0, minute=0, second=0, microsecond=0) %}
    {% for number in range((until - midnight).days + 1) if not (only_first and found) %}
        {% set date = midnight + modules.datetime.timedelta(days=number) %}
        {% set is_weekday = date.isoweekday() in weekdays or date.isoweekday() % 7 in weekdays %}
        {% if date.day in days and date.month in months and is_weekday %}
            {% for at_hour in hours %}
                {% for at_minute in minutes %}
                    {% set run = date.replace(hour=at_hour, minute=at_minute) %}
                    {% if since < run and run <= until %}{% do found.append(run) %}{% endif %}
                {% endfor %}
            {% endfor %}
        {% endif %}
    {% endfor %}
    {% do return(found[:1] if only_first else found) %}
{% endmacro %}

{# One field of a schedule as the numbers that it means. #}
{% macro cron_field(text, low, high) %}
    {% set numbers = [] %}
    {% for part in text.split(",") %}
        {% set span, _, step = part.partition("/") %}
        {% set first, _, last = span.partition("-") %}
        {% set start = low if span == "*" else first | int %}
        {% set end = high if span == "*" else (last or first) | int %}
        {% do numbers.extend(range(start, end + 1, (step or 1) | int)) %}
    {% endfor %}
    {% do return(numbers | unique | sort | list) %}
{% endmacro %}
