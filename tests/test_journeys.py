"""A journey's YAML is refused at load, naming the file, the line, the key and the nearest valid name."""

import pytest
from journey_house import PROJECT, TRIGGER, house, trigger

from dagster_project.journeys import Goal, JourneyError, Step, Variant, load_journeys, read_journeys
from senders.settings import REPOSITORY

YAML = "dbt/models/triggers/trg_cart_abandoned.yml"
TWO = "variants: [{name: one, weight: 1}, {name: two, weight: 1}]"


def problems(repository) -> list[str]:
    with pytest.raises(JourneyError) as caught:
        load_journeys(repository)
    assert str(caught.value) == "\n".join(map(str, caught.value.problems))
    return [str(problem) for problem in caught.value.problems]


def test_a_journey_is_read_as_it_is_declared(tmp_path):
    (journey,) = load_journeys(house(tmp_path))
    assert (journey.name, journey.file, journey.message_class) == ("cart_abandoned", YAML, "marketing")
    assert (journey.priority, journey.reentry_seconds, journey.expires_after_seconds) == (70, 86_400, 21_600)
    assert (journey.exit_on, journey.entity) == (("order_completed",), "cart_id")
    assert journey.goal == Goal("order_completed", 604_800, "revenue")
    assert (journey.holdout, journey.on_unknown) == (0.1, "hold")
    assert journey.steps == (
        Step("reminder", 3_600, ("rcs", "sms"), "reminder", (), ()),
        Step("support", 86_400, ("rcs",), "support", ("clicked.reminder",), ("seg_vip",)),
    )
    assert [column.name for column in journey.columns][-3:] == ["cart_url", "total", "items"]
    assert journey.columns[-2].is_nullable
    assert [field.name for field in journey.columns[-1].fields] == ["name", "price"]


def test_what_a_journey_does_not_say_is_what_dbt_takes_for_it_too(tmp_path):
    policy = TRIGGER[TRIGGER.index("          class:") : TRIGGER.index("    columns:")]
    short = """\
          class: transactional
          steps:
            - {name: reminder, channels: [sms], template: reminder}
"""
    (journey,) = load_journeys(house(tmp_path, trigger(policy, short)))
    assert (journey.priority, journey.reentry_seconds, journey.expires_after_seconds) == (50, 0, 86_400)
    assert (journey.exit_on, journey.entity, journey.goal) == ((), None, None)
    assert (journey.holdout, journey.on_unknown, journey.steps[0].after_seconds) == (0, "hold", 0)


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("always", 0),
        ("never", None),
        ("0s", 0),
        ("90s", 90),
        ("30m", 1_800),
        ("24h", 86_400),
        ("7d", 604_800),
    ],
)
def test_re_entry_is_always_never_or_a_duration(tmp_path, written, seconds):
    (journey,) = load_journeys(house(tmp_path, trigger("reentry: 24h", f"reentry: {written}")))
    assert journey.reentry_seconds == seconds


def test_variants_are_drawn_by_weight_and_bring_templates_of_their_own(tmp_path):
    variants = """\
rollout: 0.01
          variants:
            - {name: plain, weight: 50}
            - {name: reworded, weight: 2.5, templates: {support: reminder}}"""
    (journey,) = load_journeys(house(tmp_path, trigger("holdout: 0.10", variants)))
    assert (journey.rollout, journey.variants) == (
        0.01,
        (Variant("plain", 50, {}), Variant("reworded", 2.5, {"support": "reminder"})),
    )


CAMPAIGN = {"dbt/models/triggers/trg_cart_abandoned.sql":
            "select * from {{ ref('seg_vip') }} cross join ({{ scheduled_times() }})"}  # fmt: skip


@pytest.mark.parametrize(
    "schedule",
    ["0 9 * * 1", "15 9,18 1-7 * *", "*/30 8-20/2 * 1,7 *", "0 9 31 2-3 *", "0 9 29 2 *", "0 0 * * 0,7"],
)
def test_a_campaign_has_a_schedule_and_a_segment_instead_of_an_event(tmp_path, schedule):
    keys = f'schedule: "{schedule}"\n          segment: seg_vip'
    (journey,) = load_journeys(house(tmp_path, trigger("reentry: 24h", keys) | CAMPAIGN))
    assert (journey.schedule, journey.segment) == (schedule, "seg_vip")


@pytest.mark.parametrize(
    ("schedule", "says"),
    [
        ("0 9 * *", "'0 9 * *' is no schedule: write minute, hour, day, month and day of the week"),
        ("0 24 * * *", '"24" is no hour: write *, 0 to 23'),
        ("60 9 * * *", '"60" is no minute'),
        ("0 9 0 * *", '"0" is no day of the month'),
        ("0 9 * 13 *", '"13" is no month'),
        ("0 9 * * MON", '"MON" is no day of the week: write *, 0 to 7'),
        ("0 9 * * 5-1", '"5-1" is no day of the week'),
        ("0 9/2 * * *", '"9/2" is no hour'),
        ("*/0 9 * * *", '"*/0" is no minute'),
        ("0 9 1 * 1", "names days of the month and of the week: leave one of them *"),
        ("0 9 30 2 *", "names day 30 of a month that never has one"),
        ("0 9 31 4,6 *", "names day 31 of a month that never has one"),
        ("@daily", "'@daily' is no schedule"),
    ],
)
def test_a_schedule_that_cron_would_not_take_is_refused(tmp_path, schedule, says):
    keys = f'schedule: "{schedule}"\n          segment: seg_vip'
    found = problems(house(tmp_path, trigger("reentry: 24h", keys) | CAMPAIGN))
    assert f"{YAML}:11: models[0].config.meta.journey.schedule: {says}" in found[0]


@pytest.mark.parametrize(
    ("sql", "keys", "says"),
    [
        ("select 1 from {{ ref('seg_vip') }}", 'schedule: "0 9 * * 1"\n          segment: seg_vip',
         "schedule: the query does not ask for its runs"),
        ("select 1 cross join ({{ scheduled_times() }})", 'schedule: "0 9 * * 1"\n          segment: seg_vip',
         'segment: the query does not select from {{ ref("seg_vip") }}'),
        ("select 1 cross join ({{ scheduled_times() }})", 'schedule: "0 9 * * 1"',
         "segment: is missing: a schedule says when"),
        ("select 1 from {{ ref('seg_vip') }}", "segment: seg_vip",
         "schedule: is missing: a segment is for a schedule"),
        ("select 1 cross join ({{ scheduled_times() }})", "reentry: 24h",
         "schedule: is missing: the query asks for scheduled_times()"),
    ],
)  # fmt: skip
def test_a_campaigns_query_and_policy_say_the_same(tmp_path, sql, keys, says):
    changes = trigger("reentry: 24h", keys) | {"dbt/models/triggers/trg_cart_abandoned.sql": sql}
    (found,) = problems(house(tmp_path, changes))
    assert says in found


@pytest.mark.parametrize("share", ["1", "-0.1", "half", "true"])
def test_a_global_holdout_is_a_share(tmp_path, share):
    (found,) = problems(house(tmp_path, {"dbt/dbt_project.yml": PROJECT + f"  global_holdout: {share}\n"}))
    assert found.startswith("dbt/dbt_project.yml:5: vars.global_holdout: ")
    assert "must be a number, at least 0 and less than 1" in found


@pytest.mark.parametrize(
    ("written", "seconds"), [('"00:00"', 0), ('"09:30"', 34_200), ("09:30", 34_200), ('"23:59"', 86_340)]
)
def test_a_step_may_wait_for_a_time_of_day(tmp_path, written, seconds):
    (journey,) = load_journeys(house(tmp_path, trigger("after: 1h", f"after: 1h, at: {written}")))
    assert journey.steps[0].at_seconds == seconds


def test_the_entity_is_any_id_that_an_event_carries(tmp_path):
    (journey,) = load_journeys(house(tmp_path, trigger("entity: cart_id", "entity: booking_id")))
    assert journey.entity == "booking_id"


# what stands in the YAML, what stands there instead, the problem after `<file>:<line>: …journey.`
WRONG = [
    ("priority: 70", "prioritty: 70", '10: prioritty: unknown key; did you mean "priority"?'),
    ("class: marketing", "class: marketting",
     '9: class: unknown class "marketting"; did you mean "marketing"?'),
    ("          class: marketing\n", "", "8: class: is missing"),
    ("priority: 70", "priority: 101", "10: priority: 101 must be a whole number, at least 0 and at most 100"),
    ("priority: 70", "priority: -1", "10: priority: -1 must be a whole number"),
    ("priority: 70", "priority: 7.5", "10: priority: 7.5 must be a whole number"),
    ("priority: 70", "priority: high", "10: priority: 'high' must be a whole number"),
    ("priority: 70", "priority: yes", "10: priority: True must be a whole number"),
    ("priority: 70", "priority:", "10: priority: None must be a whole number"),
    ("priority: 70", "priority: 70\n          priority: 71", "11: priority: is there twice"),
    ("reentry: 24h", "reentry: 24", "11: reentry: 24 is no duration: write a whole number and s, m, h or d"),
    ("reentry: 24h", "reentry: 1:30", "11: reentry: 90 is no duration"),
    ("reentry: 24h", "reentry: -24h", "11: reentry: '-24h' is no duration"),
    ("reentry: 24h", "reentry: 1.5h", "11: reentry: '1.5h' is no duration"),
    ("reentry: 24h", "reentry: 2w", "11: reentry: '2w' is no duration"),
    ("reentry: 24h", "reentry: nevr", '11: reentry: unknown word "nevr"; did you mean "never"?'),
    ("expires_after: 6h", "expires_after: never", "14: expires_after: 'never' is no duration"),
    ("expires_after: 6h", "expires_after: 99999d", "14: expires_after: 99999d is longer than 3650d"),
    ("exit_on: [order_completed]", "exit_on: order_completed",
     "12: exit_on: 'order_completed' must be a list, as in [order_completed]"),
    ("exit_on: [order_completed]", "exit_on: [Order Completed]",
     '12: exit_on[0]: "Order Completed" is no name of event: it is written in snake_case'),
    ("exit_on: [order_completed]", "exit_on: [a_b, a_b]", '12: exit_on[1]: "a_b" is there twice'),
    ("entity: cart_id", "entity: cart", '13: entity: "cart" is no id of an event: it is written in snake_case'
     ' and ends in _id; did you mean "cart_id"?'),
    ("entity: cart_id", "entity: user_id", "13: entity: user_id is no entity: leave the key out"),
    ("within: 7d", "withn: 7d", '15: goal.withn: unknown key; did you mean "within"?'),
    ("{event: order_completed, within", "{within", "15: goal.event: is missing"),
    ("value: revenue", "value: revnue",
     '15: goal.value: unknown number of an event "revnue"; did you mean "revenue"?'),
    ("goal: {event: order_completed, within: 7d, value: revenue}", "goal: order_completed",
     "15: goal: 'order_completed' must be a mapping with event, within, value"),
    ("holdout: 0.10", "holdout: 1", "16: holdout: 1 must be a number, at least 0 and less than 1"),
    ("holdout: 0.10", "holdout: -0.1", "16: holdout: -0.1 must be a number"),
    ("holdout: 0.10", "holdout: .nan", "16: holdout: nan must be a number"),
    ("holdout: 0.10", "holdout: 10%", "16: holdout: '10%' must be a number"),
    ("expires_after: 6h", "expires_after: 30s", "14: expires_after: 30s is over before anybody looks"),
    ("within: 7d", "within: 0s", "15: goal.within: 0s is over before anybody looks: write at least 1m"),
    ("skip_if: [clicked.reminder]", "skip_if: [seg_vip]",
     "24: steps[1].skip_if: seg_vip is in only_if, too: nobody would ever get this step"),
    ("after: 24h", "after: 30m", "24: steps[1].skip_if[0]: reminder waits longer than this step"),
    ("holdout: 0.10", "guardrails: [{kpi: bounce_rat, above: 0.05}]",
     '16: guardrails[0].kpi: "bounce_rat" is no rate with a model; did you mean "bounce_rate"?'),
    ("holdout: 0.10", "guardrails: [{kpi: suppression_rate, above: 0.05}]",
     '16: guardrails[0].kpi: "suppression_rate" is no rate with a model'),
    ("holdout: 0.10", "guardrails: [{kpi: bounce_rate}]", "16: guardrails[0]: needs one bound"),
    ("holdout: 0.10", "guardrails: [{kpi: bounce_rate, above: 0.1, below: 0.1}]",
     "16: guardrails[0]: needs one bound"),
    ("holdout: 0.10", "guardrails: [{kpi: bounce_rate, below: 0.1, above: 5}]",
     "16: guardrails[0].above: 5 must be a number, at least 0 and at most 1"),
    ("holdout: 0.10", "guardrails: [{kpi: bounce_rate, above: 0.1, at_least: 0}]",
     "16: guardrails[0].at_least: 0 must be a whole number, at least 1"),
    ("holdout: 0.10", "holdout: 0.00001", "16: holdout: 1e-05 is less than one person in 10,000"),
    ("holdout: 0.10", TWO.replace("weight: 1}]", "weight: 10001}]"),
     "16: variants[0].weight: is less than one person in 10,000"),
    ("holdout: 0.10", "rollout: 0", "16: rollout: 0 must be a number, at least 0.0001 and at most 1"),
    ("holdout: 0.10", "rollout: 50", "16: rollout: 50 must be a number"),
    ("holdout: 0.10", "variants: [{name: one, weight: 1}]", "16: variants: must name at least 2"),
    ("holdout: 0.10", "variants: [{name: one, weight: 0}, {name: two, weight: 0}]",
     "16: variants: the weights sum to nothing"),
    ("holdout: 0.10", "variants: [{name: one, weight: 1}, {name: one, weight: 1}]",
     '16: variants[1].name: "one" is there twice'),
    ("holdout: 0.10", TWO.replace("1}]", "-1}]"),
     "16: variants[1].weight: -1 must be a number, at least 0"),
    ("holdout: 0.10", TWO.replace(", weight: 1}]", "}]"), "16: variants[1].weight: is missing"),
    ("holdout: 0.10", TWO.replace("1}]", "1, templates: {remindr: support}}]"),
     '16: variants[1].templates.remindr: no step is called "remindr"; did you mean "reminder"?'),
    ("holdout: 0.10", TWO.replace("1}]", "1, templates: {support: suport}}]"),
     '16: variants[1].templates.support: unknown template "suport"; did you mean "support"?'),
    ("holdout: 0.10", TWO.replace("1}]", "1, templates: {reminder: support}}]"),
     "16: variants[1].templates.reminder: senders/templates/support/sms.jinja is missing"),
    ("class: marketing", "class: transactional", "16: holdout: a transactional message is owed"),
    ("on_unknown: hold", "on_unknown: held", '17: on_unknown: unknown rule "held"; did you mean "hold"?'),
    ("after: 1h", "after: 1hour", "19: steps[0].after: '1hour' is no duration"),
    ("after: 1h", "aftr: 1h", '19: steps[0].aftr: unknown key; did you mean "after"?'),
    ("after: 1h", 'at: "25:00"', "19: steps[0].at: '25:00' is no time of day: write hours and minutes"),
    ("after: 1h", 'at: "9:00"', "19: steps[0].at: '9:00' is no time of day"),
    ("after: 1h", 'at: "09:60"', "19: steps[0].at: '09:60' is no time of day"),
    ("after: 1h", "at: 21:30", '19: steps[0].at: 1290 is no time of day: put it in quotes, as in "21:30"'),
    ("after: 1h", "after: -1h", "19: steps[0].after: '-1h' is no duration"),
    ("channels: [rcs, sms]", "channels: [rsc, sms]",
     '19: steps[0].channels[0]: unknown channel "rsc"; did you mean "rcs"?'),
    ("channels: [rcs, sms]", "channels: []", "19: steps[0].channels: must name at least 1"),
    ("channels: [rcs, sms]", "channels: [rcs, rcs]", '19: steps[0].channels[1]: "rcs" is there twice'),
    ("channels: [rcs, sms]", "channels: [rcs, fax]",
     '19: steps[0].channels[1]: unknown channel "fax"; there is email, push, rcs, sms, webhook, whatsapp'),
    ("channels: [rcs, sms]", "channels: [rcs, push]",
     "19: steps[0].channels[1]: senders/templates/reminder/push.jinja is missing: write it, or take push"),
    ("channels: [rcs, sms]", "channels: [rcs, email]",
     "19: steps[0].channels[1]: senders/templates/reminder/email.jinja is missing"),
    ("template: reminder", "template: remindr",
     '19: steps[0].template: unknown template "remindr"; did you mean "reminder"?'),
    ("template: reminder", "template: ../reminder",
     '19: steps[0].template: "../reminder" is no name of template'),
    ("name: support", "name: reminder", '20: steps[1].name: "reminder" is there twice'),
    ("name: support", "name: Support!", '20: steps[1].name: "Support!" is no name of step'),
    ("skip_if: [clicked.reminder]", "skip_if: [clicked.remindr]",
     '24: steps[1].skip_if[0]: no earlier step is called "remindr"; did you mean "reminder"?'),
    ("skip_if: [clicked.reminder]", "skip_if: [clickd.reminder]",
     '24: steps[1].skip_if[0]: unknown outcome "clickd"; did you mean "clicked"?'),
    ("skip_if: [clicked.reminder]", "skip_if: [clicked.support]",
     '24: steps[1].skip_if[0]: no earlier step is called "support"'),
    ("only_if: [seg_vip]", "only_if: [seg_vpi]",
     '25: steps[1].only_if[0]: unknown segment "seg_vpi"; did you mean "seg_vip"?'),
    ("only_if: [seg_vip]", "only_if: [seg_lapsed]",
     "25: steps[1].only_if[0]: seg_lapsed is not live: add lapsed to vars.segments in dbt/dbt_project.yml"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "says"), WRONG, ids=[f"{new.strip()}" for _, new, _ in WRONG])
def test_a_mistake_is_refused_where_it_stands(tmp_path, old, new, says):
    line, _, rest = says.partition(": ")
    expected = f"{YAML}:{line}: models[0].config.meta.journey.{rest}"
    found = problems(house(tmp_path, trigger(old, new)))
    assert [problem for problem in found if problem.startswith(expected)], found
    assert len(found) == 1


def test_all_problems_are_told_at_once(tmp_path):
    changes = trigger("priority: 70", "priority: 700\n          holdut: 0.2")
    text = (changes[YAML] or "").replace("rcs, sms", "rsc, sms")
    keys = [problem.split("journey.")[1].split(":")[0] for problem in problems(house(tmp_path, {YAML: text}))]
    assert keys == ["holdut", "priority", "steps[0].channels[0]"]


def test_a_journey_that_is_taken_off_the_list_is_not_live_and_no_mistake(tmp_path):
    # The list is the way to stop a journey; an error here would stop every other one, too.
    (live,) = load_journeys(house(tmp_path))
    (journey,), found = read_journeys(
        house(tmp_path, {"dbt/dbt_project.yml": PROJECT.replace("[cart_abandoned]", "[]")})
    )
    assert found == []
    assert (live.is_live, journey.is_live) == (True, False)


AROUND = {
    "a listed journey without a file": (
        {"dbt/dbt_project.yml": PROJECT.replace("[cart_abandoned]", "[cart_abandoned, cart_abandond]")},
        'dbt/dbt_project.yml:3: vars.journeys[1]: "cart_abandond" has no dbt/models/triggers/'
        'trg_cart_abandond.yml; did you mean "cart_abandoned"?',
    ),
    "a project without a list": (
        {"dbt/dbt_project.yml": PROJECT.replace("[cart_abandoned]", "cart_abandoned")},
        "dbt/dbt_project.yml:3: vars.journeys: must be a list of names",
    ),
    "no project": ({"dbt/dbt_project.yml": None}, "dbt/dbt_project.yml: is missing"),
    "a YAML without a query": (
        {"dbt/models/triggers/trg_cart_abandoned.sql": None},
        f"{YAML}:1: has no trg_cart_abandoned.sql beside it",
    ),
    "a query without a YAML": (
        {"dbt/models/triggers/trg_lonely.sql": "select 1"},
        "dbt/models/triggers/trg_lonely.sql: has no trg_lonely.yml beside it",
    ),
    "a YAML about another model": (
        trigger("name: trg_cart_abandoned", "name: trg_cart_abandond"),
        f"{YAML}:3: models: must describe the model trg_cart_abandoned",
    ),
    "a policy in the wrong place": (
        trigger("        journey:", "        jorney:"),
        f"{YAML}:7: models[0].config.meta.journey: is missing",
    ),
    "a tab": (trigger("          priority", "\tpriority"), f"{YAML}:10: is no YAML"),
    "an empty file": ({YAML: ""}, f"{YAML}: models: must describe the model"),
    "a list of words": ({YAML: "- a\n- b\n"}, f"{YAML}:1: models: must describe the model"),
    "a contract that is not enforced": (
        trigger("enforced: true", "enforced: false"),
        f"{YAML}:4: models[0]: needs an enforced contract",
    ),
    "a missing entry column": (
        trigger("      - {name: event_id, data_type: string}\n", ""),
        f"{YAML}:26: models[0].columns: every trigger has a column event_id",
    ),
    "a column that templates know as something else": (
        trigger("name: total,", "name: shop,"),
        f"{YAML}:32: models[0].columns[5]: templates know shop as something else",
    ),
    "a field without a type": (
        trigger("- {name: name, data_type: string}", "- {name: name}"),
        f"{YAML}:38: models[0].columns[6].config.meta.fields[0].data_type: is missing",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", AROUND)
def test_what_stands_around_a_journey_is_checked_too(tmp_path, what):
    changes, says = AROUND[what]
    found = problems(house(tmp_path, changes))
    assert [problem for problem in found if problem.startswith(says)], found


def test_a_contract_in_the_query_counts(tmp_path):
    changes = trigger("      contract: {enforced: true}\n", "")
    query = '{{ config(contract={"enforced": true}) }} select 1'
    assert load_journeys(house(tmp_path, {**changes, "dbt/models/triggers/trg_cart_abandoned.sql": query}))


def test_meta_that_is_not_ours_is_left_alone(tmp_path):
    changes = trigger("{meta: {nullable: true}}", "{meta: {nullable: true, owner: shop}}")
    assert load_journeys(house(tmp_path, changes))


def test_the_journeys_of_this_repository_are_valid():
    journeys = load_journeys(REPOSITORY)
    assert {journey.name for journey in journeys} >= {
        "cart_abandoned", "order_confirmed", "price_dropped", "welcome",
    }  # fmt: skip
