"""The grammar of a journey's policy: which keys there are, what may stand under each, what is the default."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from dagster_project.policy.values import (
    LEAST_SHARE,
    Key,
    condition,
    duration,
    duration_of_a_minute,
    duration_or,
    id_of_event,
    list_of,
    mapping_of,
    name_of,
    names_by,
    number,
    one_of,
    schedule,
    share,
    time_of_day,
)
from senders.contract import CHANNELS

GOAL_VALUES: Final = ("revenue",)  # the number that fct_conversions counts

GOAL_KEYS: Final[Mapping[str, Key]] = {
    "event": Key(name_of("event"), is_required=True),
    "within": Key(duration_of_a_minute, "7d"),
    "value": Key(one_of("number of an event", GOAL_VALUES)),
}
STEP_KEYS: Final[Mapping[str, Key]] = {
    "name": Key(name_of("step"), is_required=True),
    "after": Key(duration, "0s"),
    "at": Key(time_of_day),
    "channels": Key(list_of(one_of("channel", CHANNELS), at_least=1), is_required=True),
    "template": Key(name_of("template"), is_required=True),
    "skip_if": Key(list_of(condition), []),
    "only_if": Key(list_of(condition), []),
}
GUARDRAIL_KEYS: Final[Mapping[str, Key]] = {
    "kpi": Key(name_of("kpi"), is_required=True),
    "above": Key(number(0, 1)),
    "below": Key(number(0, 1)),
    "at_least": Key(number(1, 1_000_000_000, whole=True), 100),
}
VARIANT_KEYS: Final[Mapping[str, Key]] = {
    "name": Key(name_of("variant"), is_required=True),
    "weight": Key(number(0, 1_000_000), is_required=True),
    "templates": Key(names_by(name_of("step"), name_of("template")), {}),
}
JOURNEY_KEYS: Final[Mapping[str, Key]] = {
    "class": Key(one_of("class", ("marketing", "transactional")), is_required=True),
    "priority": Key(number(0, 100, whole=True), 50),
    "reentry": Key(duration_or({"always": 0, "never": None}), "always"),
    "schedule": Key(schedule),
    "segment": Key(name_of("segment")),
    "exit_on": Key(list_of(name_of("event")), []),
    "entity": Key(id_of_event),
    "expires_after": Key(duration_of_a_minute, "24h"),
    "goal": Key(mapping_of(GOAL_KEYS)),
    "holdout": Key(share, 0),
    "rollout": Key(number(LEAST_SHARE, 1), 1),
    "variants": Key(list_of(mapping_of(VARIANT_KEYS), at_least=2)),
    "guardrails": Key(list_of(mapping_of(GUARDRAIL_KEYS)), []),
    "on_unknown": Key(one_of("rule", ("hold", "drop", "resend")), "hold"),
    "steps": Key(list_of(mapping_of(STEP_KEYS), at_least=1), is_required=True),
}
parse_policy: Final = mapping_of(JOURNEY_KEYS)
