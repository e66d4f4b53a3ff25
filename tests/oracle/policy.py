"""What a world's journeys, caps and quiet hours are: plain values, and how they are written down for dbt."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import yaml

ALWAYS, NEVER = "always", "never"


def duration(text: str) -> timedelta:
    return timedelta(seconds=int(text[:-1]) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[text[-1]])


@dataclass(frozen=True)
class Step:
    name: str
    after: str
    channels: tuple[str, ...]
    only_if: tuple[str, ...] = ()
    skip_if: tuple[str, ...] = ()
    at: str | None = None

    def as_meta(self) -> dict:
        known = {"at": self.at, "only_if": list(self.only_if), "skip_if": list(self.skip_if)}
        plain = {
            "name": self.name,
            "after": self.after,
            "channels": list(self.channels),
            "template": "letter",
        }
        return plain | {name: value for name, value in known.items() if value}


@dataclass(frozen=True)
class Variant:
    name: str
    weight: int
    templates: tuple[tuple[str, str], ...] = ()  # step, template


@dataclass(frozen=True)
class Journey:
    """`looks_back`: how long the trigger remembers, in days."""

    name: str
    steps: tuple[Step, ...]
    message_class: str = "marketing"
    priority: int = 50
    reentry: str = ALWAYS
    entity: str | None = None
    exit_on: tuple[str, ...] = ()
    expires_after: str = "6h"
    holdout: float = 0.0
    looks_back: int = 3
    rollout: float = 1
    schedule: str | None = None  # a campaign: cron, with the segment whose members enter
    segment: str | None = None
    variants: tuple[Variant, ...] = ()

    def as_meta(self) -> dict:
        known = {"class": self.message_class, "entity": self.entity, "exit_on": list(self.exit_on)}
        known |= {"schedule": self.schedule, "segment": self.segment}
        plain = {name: getattr(self, name) for name in ("priority", "reentry", "expires_after", "holdout")}
        steps = [step.as_meta() for step in self.steps]
        if self.rollout != 1:
            plain["rollout"] = self.rollout
        known["variants"] = [
            {"name": each.name, "weight": each.weight, "templates": dict(each.templates)}
            for each in self.variants
        ]
        return {name: value for name, value in known.items() if value} | plain | {"steps": steps}


@dataclass(frozen=True)
class Cap:
    cap_id: str
    scope: str  # class | channel | journey
    scope_value: str
    max_messages: int
    kind: str  # rolling | calendar_day | calendar_week | calendar_month
    window_seconds: int | None = None


@dataclass(frozen=True)
class Quiet:
    rule_id: str
    message_class: str
    country: str
    quiet_from: str
    quiet_until: str
    region: str = "*"
    weekdays: str = "*"


@dataclass(frozen=True)
class Policy:
    journeys: tuple[Journey, ...]
    caps: tuple[Cap, ...] = ()
    quiet: tuple[Quiet, ...] = ()
    served_zones: tuple[str, ...] = ("Europe/London",)
    segments: tuple[str, ...] = ("early", "loyal")
    nobody_before: tuple[tuple[str, datetime], ...] = ()  # segment, and when the first may join
    global_holdout: float = 0.0

    def journey(self, name: str) -> Journey:
        return next(journey for journey in self.journeys if journey.name == name)


ENTITY = {
    # A cart without an id is the person's, which is no entity.
    "cart_id": "case when {t}.cart_id <> 'cart:' || {t}.user_id then {t}.cart_id end",
    "order_id": "{t}.order_id",
    "product_id": "{t}.product_id",
}
PROPERTY = "{{{{{{{{ json_text('{{t}}.properties', '$.{name}') }}}}}}}}"
TRIGGER = """\
select
    began.user_id,
    {began} as entity_key,
    began.event_id,
    began.occurred_at as triggered_at
from {{{{ ref("fct_events") }}}} as began
where
    began.event_name = 'began_{name}' and began.occurred_at >= {{{{ ago(days={looks_back}) }}}}
    and not exists (
        select 1
        from {{{{ ref("fct_events") }}}} as ended
        where
            ended.event_name = 'over_{name}' and ended.user_id = began.user_id
            and ended.occurred_at >= began.occurred_at and coalesce({ended}, '') = coalesce({began}, '')
    )
"""
CAMPAIGN = """\
select
    members.user_id,
    cast(null as varchar) as entity_key,
    runs.event_id,
    runs.scheduled_at as triggered_at
from {{{{ ref("{segment}") }}}} as members
cross join ({{{{ scheduled_times() }}}}) as runs
"""
SEGMENT = """\
with moves as (
    select
        user_id,
        event_name,
        row_number() over (partition by user_id order by occurred_at desc, event_id desc) as recency
    from {{{{ ref("fct_events") }}}}
    where event_name in ('joined_{name}', 'left_{name}')
)

select user_id from moves where recency = 1 and event_name = 'joined_{name}'
"""


def write(policy: Policy, project: Path) -> None:
    """The policy as models and seeds of the dbt project in `project`."""
    for journey in policy.journeys:
        sql = _trigger(journey)
        model = {"name": f"trg_{journey.name}", "config": {"meta": {"journey": journey.as_meta()}}}
        _file(project, f"models/triggers/trg_{journey.name}.sql", sql)
        _file(project, f"models/triggers/trg_{journey.name}.yml", yaml.safe_dump({"models": [model]}))
    for name in policy.segments:
        _file(project, f"models/segments/seg_{name}.sql", SEGMENT.format(name=name))
    _table(project, "frequency_caps", policy.caps)
    _table(project, "quiet_hours", policy.quiet)
    _file(project, "seeds/served_time_zones.csv", "\n".join(("time_zone", *policy.served_zones)) + "\n")


def _trigger(journey: Journey) -> str:
    if journey.schedule:
        return CAMPAIGN.format(segment=journey.segment)
    entity = ENTITY.get(journey.entity or "") or PROPERTY.format(name=journey.entity or "about")
    names = {"name": journey.name, "looks_back": journey.looks_back}
    return TRIGGER.format(began=entity.format(t="began"), ended=entity.format(t="ended"), **names)


def _table(project: Path, seed: str, rows: Sequence[Cap] | Sequence[Quiet]) -> None:
    """Fill the seed's own columns; what a row does not say is empty."""
    path = project / "seeds" / f"{seed}.csv"
    columns = path.read_text(encoding="utf-8").splitlines()[0].split(",")
    lines = [",".join(_cell(getattr(row, column, None)) for column in columns) for row in rows]
    path.write_text("\n".join((",".join(columns), *lines)) + "\n", encoding="utf-8")


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    return f'"{text}"' if "," in text else text


def _file(project: Path, path: str, text: str) -> None:
    target = project / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8")
