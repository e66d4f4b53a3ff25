"""What a policy names must be there: templates and their channels, live segments, earlier steps."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from dagster_project.policy.reader import Place, nearest
from dagster_project.policy.values import LEAST_SHARE

SEGMENTS: Final = Path("dbt/models/segments")
KPIS: Final = Path("dbt/models/kpis")
# Their rows do not add up to one share of something.
NO_RATES: Final = frozenset(
    ("incremental_revenue", "journey_completion", "suppression_rate", "time_to_conversion")
)
TEMPLATES: Final = Path("senders/templates")

# What became of an earlier step, as int_conditions_this_run reads it off the ledger.
OUTCOMES: Final = ("sent", "delivered", "opened", "clicked", "replied")


@dataclass(frozen=True)
class House:
    """What is there to be named."""

    templates: Mapping[str, frozenset[str]]  # a template's channels
    segments: frozenset[str]  # those with a file
    live: frozenset[str]  # those that dbt_project.yml lists
    kpis: frozenset[str]

    @classmethod
    def of(cls, repository: Path, live: Sequence[str]) -> House:
        folders = [path for path in (repository / TEMPLATES).glob("[a-z]*") if path.is_dir()]
        return cls(
            {path.name: frozenset(file.stem for file in path.glob("*.jinja")) for path in folders},
            frozenset(path.stem for path in (repository / SEGMENTS).rglob("seg_*.sql")),
            frozenset(f"seg_{name}" for name in live),
            frozenset(path.stem.removeprefix("kpi_") for path in (repository / KPIS).rglob("kpi_*.sql")),
        )


def check_references(place: Place, policy: Mapping[str, Any], house: House) -> None:
    """Refuse what one key says against another, or of something that is not there."""
    if policy["class"] == "transactional" and policy["holdout"]:
        place.at("holdout").refuse("a transactional message is owed: nobody is held out from it")
    _check_schedule(place, policy, house)
    _check_variants(place.at("variants"), policy, house)
    for index, rail in enumerate(policy["guardrails"]):
        if rail is not None:
            _check_guardrail(place.at("guardrails", index), rail, house)
    earlier: dict[str, int] = {}  # how long each earlier step waits
    for index, step in enumerate(policy["steps"] or ()):
        if step is not None:
            _check_step(place.at("steps", index), step, earlier, house)
            earlier[str(step["name"])] = step["after"] or 0


def _check_schedule(place: Place, policy: Mapping[str, Any], house: House) -> None:
    segment = policy["segment"]
    if policy["schedule"] and not segment:
        place.at("segment").refuse("is missing: a schedule says when, a segment says whom, as in seg_vip")
    if segment and not policy["schedule"]:
        place.at("schedule").refuse(
            "is missing: a segment is for a schedule; an event's journey has conditions"
        )
    if segment and segment not in house.segments:
        place.at("segment").refuse(f'unknown segment "{segment}"; {nearest(segment, house.segments)}')


def _check_variants(place: Place, policy: Mapping[str, Any], house: House) -> None:
    variants = [variant for variant in policy["variants"] or () if variant is not None]
    steps = {step["name"]: step for step in policy["steps"] or () if step is not None}
    names = [variant["name"] for variant in variants]
    total = sum(variant["weight"] or 0 for variant in variants)
    if variants and not total and all(variant["weight"] is not None for variant in variants):
        place.refuse("the weights sum to nothing: give at least one variant a weight above 0")
    for index, variant in enumerate(variants):
        if variant["name"] in names[:index]:
            place.at(index, "name").refuse(f'"{variant["name"]}" is there twice')
        if 0 < (variant["weight"] or 0) < total * LEAST_SHARE:
            place.at(index, "weight").refuse(
                "is less than one person in 10,000 of all weights: write 0, or more"
            )
        for step, template in variant["templates"].items():
            here = place.at(index, "templates", step)
            if step not in steps:
                here.refuse(f'no step is called "{step}"; {nearest(step, steps)}')
            else:
                _check_template(here, here, template, steps[step]["channels"], house)


def _check_guardrail(place: Place, rail: Mapping[str, Any], house: House) -> None:
    rates = house.kpis - NO_RATES
    if rail["kpi"] and rail["kpi"] not in rates:
        place.at("kpi").refuse(f'"{rail["kpi"]}" is no rate with a model; {nearest(rail["kpi"], rates)}')
    if (rail["above"] is None) == (rail["below"] is None):
        place.refuse("needs one bound: above (as in above: 0.05) or below")


def check_query(place: Place, policy: Mapping[str, Any], sql: str) -> None:
    """A campaign's query asks for its runs and its segment; a trigger's does neither have a schedule."""
    has_runs = "scheduled_times(" in sql
    if policy["schedule"] and not has_runs:
        place.at("schedule").refuse(
            "the query does not ask for its runs: cross join ({{ scheduled_times() }})"
        )
    if has_runs and not policy["schedule"]:
        place.at("schedule").refuse('is missing: the query asks for scheduled_times(), as in "0 9 * * 1"')
    segment = policy["segment"]
    if segment and not re.search(rf"ref\(\s*['\"]{segment}['\"]\s*\)", sql):
        place.at("segment").refuse(f'the query does not select from {{{{ ref("{segment}") }}}}')


def _check_step(place: Place, step: Mapping[str, Any], earlier: Mapping[str, int], house: House) -> None:
    if step["name"] in earlier:
        place.at("name").refuse(f'"{step["name"]}" is there twice: a step is known by its name')
    _check_template(place.at("template"), place.at("channels"), step["template"], step["channels"], house)
    for kind in ("skip_if", "only_if"):
        for index, operand in enumerate(step[kind] or ()):
            for says in _operand_problems(operand, list(earlier), house):
                place.at(kind, index).refuse(says)
            asked = operand.partition(".")[2]
            if earlier.get(asked, 0) > (step["after"] or 0):
                place.at(kind, index).refuse(
                    f"{asked} waits longer than this step, which can know nothing of it"
                )
    for operand in set(step["skip_if"] or ()) & set(step["only_if"] or ()):
        place.at("skip_if").refuse(f"{operand} is in only_if, too: nobody would ever get this step")


def _check_template(
    place: Place, at_channels: Place, template: str | None, channels: Sequence[str] | None, house: House
) -> None:
    if template is None:
        return
    if template not in house.templates:
        place.refuse(f'unknown template "{template}"; {nearest(template, house.templates)}')
        return
    for index, channel in enumerate(channels or ()):
        here = at_channels if at_channels is place else at_channels.at(index)
        if channel and channel not in house.templates[template]:
            file = TEMPLATES / template / f"{channel}.jinja"
            here.refuse(f"{file} is missing: write it, or take {channel} out")


def _operand_problems(operand: str, earlier: Sequence[str], house: House) -> Iterator[str]:
    """A condition is a live segment, or an outcome of an earlier step of the same journey."""
    outcome, dot, step = operand.partition(".")
    if not dot:
        if operand not in house.segments:
            words = house.segments | {f"{word}.{name}" for word in OUTCOMES for name in earlier}
            yield f'unknown segment "{operand}"; {nearest(operand, words)}'
        elif operand not in house.live:
            name = operand.removeprefix("seg_")
            yield f"{operand} is not live: add {name} to vars.segments in dbt/dbt_project.yml"
        return
    if outcome not in OUTCOMES:
        yield f'unknown outcome "{outcome}"; {nearest(outcome, OUTCOMES)}'
    if step not in earlier:
        yield f'no earlier step is called "{step}"; {nearest(step, earlier)}'
