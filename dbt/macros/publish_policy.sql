{# What the journeys' YAML declares, as tables that SQL can join: policy.journeys, journey_steps, step_channels,
   step_conditions, journey_exits, experiments, variant_templates and guardrails; and the KPIs' units. Runs before every invocation, so a model never
   sees yesterday's policy. The YAML is checked, key by key, by `dovecote doctor` and `make test`. #}

{% macro publish_policy() %}
    {% if execute and flags.WHICH in ("build", "run", "test", "seed", "compile", "show") %}
        {% set rows = namespace(journeys=[], steps=[], channels=[], conditions=[], exits=[], experiments=[], templates=[], guardrails=[], units=[]) %}
        {% for node in graph.nodes.values() if node.resource_type == "model" and node.name.startswith("trg_") %}
            {% set journey = node.name[4:] %}
            {% if journey in var("journeys") %}
                {% if "journey" not in node.config.meta %}
                    {% do exceptions.raise_compiler_error(
                        "models/triggers/" ~ node.name ~ ".yml has no config.meta.journey: a live journey needs its policy there"
                    ) %}
                {% endif %}
                {% do collect_journey(rows, journey, node.config.meta.journey, node) %}
                {% do collect_experiments(rows, journey, node.config.meta.journey) %}
            {% endif %}
        {% endfor %}
        {% for node in graph.nodes.values() if node.resource_type == "model" and node.name.startswith("kpi_") and "unit" in node.config.meta %}
            {% do rows.units.append([node.name, node.config.meta.unit]) %}
        {% endfor %}
        {% do run_query("create schema if not exists policy") %}
        {% for statement in [
            policy_table("journeys", journey_columns(), rows.journeys),
            policy_table("journey_steps", step_columns(), rows.steps),
            policy_table("step_channels", ["journey:text", "step:text", "channel:text", "position:bigint"], rows.channels),
            policy_table("step_conditions", ["journey:text", "step:text", "kind:text", "operand:text"], rows.conditions),
            policy_table("journey_exits", ["journey:text", "event_name:text", "entity:text"], rows.exits),
            policy_table("kpi_units", ["kpi:text", "unit:text"], rows.units),
            policy_table("guardrails", guardrail_columns(), rows.guardrails),
            policy_table("experiments", experiment_columns(), rows.experiments),
            policy_table("variant_templates", ["journey:text", "variant:text", "step:text", "template:text"], rows.templates),
        ] %}
            {% do run_query(statement) %}
        {% endfor %}
    {% endif %}
{% endmacro %}

{% macro journey_columns() %}
    {% do return([
        "journey:text", "journey_version:text", "message_class:text", "priority:bigint", "reentry_seconds:bigint",
        "expires_after_seconds:bigint", "goal_event:text", "goal_within_seconds:bigint", "goal_value:text",
        "holdout_share:double", "on_unknown:text", "entity:text",
        "kind:text", "next_run_at:timestamp",
    ]) %}
{% endmacro %}

{% macro guardrail_columns() %}
    {% do return([
        "journey:text", "position:bigint", "kpi:text", "above:double", "below:double", "at_least:bigint",
    ]) %}
{% endmacro %}

{% macro step_columns() %}
    {% do return(["journey:text", "step:text", "step_number:bigint", "after_seconds:bigint", "at_seconds:bigint", "template:text"]) %}
{% endmacro %}

{# `journey` is who it applies to, `experiment_journey` what it belongs to: empty for all of marketing. #}
{% macro experiment_columns() %}
    {% do return([
        "experiment:text", "experiment_journey:text", "journey:text", "salt:text", "arm:text", "from_bucket:bigint",
        "to_bucket:bigint",
    ]) %}
{% endmacro %}

{# Each experiment's arms as ranges of the 10,000 buckets. A share of nothing is no experiment. #}
{% macro collect_experiments(rows, journey, policy) %}
    {% set everywhere = var("global_holdout", 0) if policy["class"] == "marketing" else 0 %}
    {# A space is in no journey's name: no journey draws as the global holdout does. #}
    {% set shares = [
        ("holdout", journey, journey, "held_out", "open", policy.get("holdout", 0)),
        ("rollout", journey, "rollout|" ~ journey, "open", "closed", policy.get("rollout", 1)),
        ("global_holdout", "", "all marketing", "held_out", "open", everywhere),
    ] %}
    {% for experiment, of, salt, inside, outside, share in shares if share != (1 if experiment == "rollout" else 0) %}
        {% set end = (share * 10000) | round | int %}
        {% do rows.experiments.append([experiment, of, journey, salt, inside, 0, end]) %}
        {% do rows.experiments.append([experiment, of, journey, salt, outside, end, 10000]) %}
    {% endfor %}
    {% set variants = policy.get("variants", []) %}
    {% set total = variants | sum(attribute="weight") %}
    {% set drawn = namespace(weight=0) %}
    {% for variant in variants %}
        {% set start = (drawn.weight / total * 10000) | round | int %}
        {% set drawn.weight = drawn.weight + variant["weight"] %}
        {% set end = (drawn.weight / total * 10000) | round | int %}
        {% do rows.experiments.append(["variant", journey, journey, "variant|" ~ journey, variant["name"], start, end]) %}
        {% for step, template in variant.get("templates", {}).items() %}
            {% do rows.templates.append([journey, variant["name"], step, template]) %}
        {% endfor %}
    {% endfor %}
{% endmacro %}

{% macro collect_journey(rows, journey, policy, node) %}
    {# The version changes with the policy or the trigger's SQL, and with nothing else. #}
    {% set version = local_md5(tojson(policy, sort_keys=true) ~ node.raw_code)[:12] %}
    {% set goal = policy.get("goal", {}) %}
    {% do rows.journeys.append([
        journey, version, policy["class"], policy.get("priority", 50), duration_seconds(policy.get("reentry", "always")),
        duration_seconds(policy.get("expires_after", "24h")), goal.get("event"), duration_seconds(goal.get("within", "7d")),
        goal.get("value"), policy.get("holdout", 0), policy.get("on_unknown", "hold"), policy.get("entity"),
        "scheduled" if "schedule" in policy else "triggered", next_run_at(policy),
    ]) %}
    {% for event_name in policy.get("exit_on", []) %}
        {% do rows.exits.append([journey, event_name, policy.get("entity")]) %}
    {% endfor %}
    {% for rail in policy.get("guardrails", []) %}
        {% do rows.guardrails.append([
            journey, loop.index, rail["kpi"], rail.get("above"), rail.get("below"), rail.get("at_least", 100),
        ]) %}
    {% endfor %}
    {% for step in policy["steps"] %}
        {% do rows.steps.append([
            journey, step["name"], loop.index, duration_seconds(step.get("after", "0s")),
            time_of_day_seconds(step.get("at")), step["template"],
        ]) %}
        {% for channel in step["channels"] %}
            {% do rows.channels.append([journey, step["name"], channel, loop.index]) %}
        {% endfor %}
        {% for kind in ["only_if", "skip_if"] %}
            {% for operand in step.get(kind, []) %}
                {% do rows.conditions.append([journey, step["name"], kind, operand]) %}
            {% endfor %}
        {% endfor %}
    {% endfor %}
{% endmacro %}

{# `90s`, `30m`, `24h`, `7d` → seconds; `always` → 0; `never` → none. #}
{% macro duration_seconds(text) %}
    {% if text == "never" %}{% do return(none) %}{% endif %}
    {% if text == "always" %}{% do return(0) %}{% endif %}
    {% do return((text[:-1] | int) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[text[-1]]) %}
{% endmacro %}

{# `09:30` → seconds after midnight. #}
{% macro time_of_day_seconds(text) %}
    {% do return(none if text is none else (text[:2] | int) * 3600 + (text[3:] | int) * 60) %}
{% endmacro %}

{# One `create or replace` of a small typed table; an empty list gives an empty table. #}
{% macro policy_table(name, columns, rows) %}
    {% set types = {"text": api.Column.translate_type("string"), "bigint": "bigint", "double": "double", "timestamp": "timestamp"} %}
    {% set selects = [] %}
    {% for row in rows or [[none] * (columns | length)] %}
        {% set cells = [] %}
        {% for column in columns %}
            {% set column_name, kind = column.split(":") %}
            {% set cell = row[loop.index0] %}
            {% set literal = "null" if cell is none else "'" ~ (cell | string | replace("'", "''")) ~ "'" %}
            {% do cells.append("cast(" ~ literal ~ " as " ~ types[kind] ~ ") as " ~ column_name) %}
        {% endfor %}
        {% do selects.append("select " ~ cells | join(", ")) %}
    {% endfor %}
    {% set keep = "" if rows else " where 1 = 0" %}
    {% do return(
        "create or replace table policy." ~ name ~ " as select * from (" ~ selects | join(" union all ") ~ ") as t" ~ keep
    ) %}
{% endmacro %}
