"""The journeys, as their triggers' YAML declares them (DESIGN §3), checked key by key at load.

dbt reads the same YAML in its macro publish_policy and trusts it; this is where it is judged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from dagster_project.policy.columns import Column, read_columns
from dagster_project.policy.keys import parse_policy
from dagster_project.policy.reader import Place, Problem, nearest, read_yaml
from dagster_project.policy.references import House, check_query, check_references
from dagster_project.policy.tables import table_problems
from dagster_project.policy.values import share
from senders.settings import REPOSITORY

TRIGGERS: Final = Path("dbt/models/triggers")
PROJECT: Final = Path("dbt/dbt_project.yml")


@dataclass(frozen=True, slots=True)
class Goal:
    event: str
    within_seconds: int
    value: str | None


@dataclass(frozen=True, slots=True)
class Step:
    """The conditions are segments (`seg_vip`) or outcomes of earlier steps (`clicked.reminder`)."""

    name: str
    after_seconds: int
    channels: tuple[str, ...]
    template: str
    skip_if: tuple[str, ...]
    only_if: tuple[str, ...]
    at_seconds: int | None = None  # local time of day, after midnight


@dataclass(frozen=True, slots=True)
class Variant:
    """`templates` by step, where the variant has its own."""

    name: str
    weight: float
    templates: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Journey:
    """`reentry_seconds` is 0 for always and None for never; `columns` are the trigger's; `is_live`: named in
    vars.journeys."""

    name: str
    file: str  # below the repository
    message_class: str
    priority: int
    reentry_seconds: int | None
    exit_on: tuple[str, ...]
    entity: str | None
    expires_after_seconds: int
    goal: Goal | None
    holdout: float
    on_unknown: str
    steps: tuple[Step, ...]
    columns: tuple[Column, ...]
    rollout: float = 1.0
    schedule: str | None = None  # cron, in UTC
    segment: str | None = None
    variants: tuple[Variant, ...] = ()
    is_live: bool = True


class JourneyError(ValueError):
    """All that is wrong in the journeys' YAML; `problems` has them one by one."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, problems)))


def load_journeys(repository: Path = REPOSITORY) -> list[Journey]:
    """Every journey, by name. Raises JourneyError with all problems, not only the first."""
    journeys, problems = read_journeys(repository)
    if problems:
        raise JourneyError(problems)
    return journeys


def read_journeys(repository: Path) -> tuple[list[Journey], list[Problem]]:
    """The journeys that can be read, and every problem in any of them."""
    problems: list[Problem] = []
    variables, at_variables = _variables(repository, problems)
    listed = _names(at_variables.at("journeys"), variables.get("journeys"))
    if "global_holdout" in variables:
        share(at_variables.at("global_holdout"), variables["global_holdout"])
    house = House.of(repository, _names(at_variables.at("segments"), variables.get("segments", [])))
    files = sorted((repository / TRIGGERS).rglob("trg_*.y*ml"))
    found = [_journey(repository, path, house, problems) for path in files]
    _check_listing(at_variables.at("journeys"), listed, {path.stem.removeprefix("trg_") for path in files})
    for path in sorted((repository / TRIGGERS).rglob("trg_*.sql")):
        if path.with_suffix(".yml") not in files and path.with_suffix(".yaml") not in files:
            says = f"has no {path.stem}.yml beside it that declares its journey"
            problems.append(Problem(str(path.relative_to(repository)), None, "", says))
    problems.extend(table_problems(repository))
    return [replace(journey, is_live=journey.name in listed) for journey in found if journey], problems


def _variables(repository: Path, problems: list[Problem]) -> tuple[dict[str, Any], Place]:
    """`vars` of the dbt project: what is live."""
    if not (repository / PROJECT).is_file():
        problems.append(Problem(str(PROJECT), None, "", "is missing"))
        return {}, Place(str(PROJECT), [])
    project, root = read_yaml(repository / PROJECT, str(PROJECT), problems)
    variables = project.get("vars") if isinstance(project, dict) else None
    return (variables if isinstance(variables, dict) else {}), root.at("vars")


def _names(place: Place, value: Any) -> list[str]:
    if not isinstance(value, list):
        place.refuse("must be a list of names: it says what is live")
        return []
    return [str(name) for name in value]


def _check_listing(place: Place, listed: list[str], written: set[str]) -> None:
    for index, name in enumerate(listed):
        if name not in written:
            says = f'"{name}" has no {TRIGGERS}/trg_{name}.yml; {nearest(name, written)}'
            place.at(index).refuse(says)


def _journey(repository: Path, path: Path, house: House, problems: list[Problem]) -> Journey | None:
    """The journey in one file, or None where any of it is wrong (`problems` says what)."""
    before, query = len(problems), path.with_suffix(".sql")
    content, place = read_yaml(path, str(path.relative_to(repository)), problems)
    if not query.is_file():
        place.refuse(f"has no {query.name} beside it: the query that says who enters")
    model, at_model = _model(place, content, path.stem)
    if model is None:
        return None
    columns = read_columns(at_model, model, query)
    policy = _policy(at_model, model)
    at_policy = at_model.at("config", "meta", "journey")
    parsed = parse_policy(at_policy, policy) if policy is not None else None
    if parsed is not None:
        check_references(at_policy, parsed, house)
        check_query(at_policy, parsed, query.read_text(encoding="utf-8") if query.is_file() else "")
    if parsed is None or len(problems) > before:
        return None
    return _built(path.stem.removeprefix("trg_"), place.file, parsed, columns)


def _model(place: Place, content: Any, stem: str) -> tuple[dict[str, Any] | None, Place]:
    models = content.get("models") if isinstance(content, dict) else None
    for index, model in enumerate(models if isinstance(models, list) else ()):
        if isinstance(model, dict) and model.get("name") == stem:
            return model, place.at("models", index)
    place.at("models").refuse(f"must describe the model {stem}, the name of the file")
    return None, place


def _policy(place: Place, model: dict[str, Any]) -> Any:
    inside: Any = model
    for key in ("config", "meta", "journey"):
        place = place.at(key)
        if not isinstance(inside, dict) or key not in inside:
            place.refuse("is missing: the journey's class and steps stand in config.meta.journey")
            return None
        inside = inside[key]
    return inside


def _built(name: str, file: str, policy: dict[str, Any], columns: tuple[Column, ...]) -> Journey:
    goal = policy["goal"]
    return Journey(
        name=name,
        file=file,
        message_class=policy["class"],
        priority=policy["priority"],
        reentry_seconds=policy["reentry"],
        exit_on=tuple(policy["exit_on"]),
        entity=policy["entity"],
        expires_after_seconds=policy["expires_after"],
        goal=goal and Goal(goal["event"], goal["within"], goal["value"]),
        holdout=float(policy["holdout"]),
        on_unknown=policy["on_unknown"],
        steps=tuple(_step(step) for step in policy["steps"]),
        columns=columns,
        rollout=float(policy["rollout"]),
        schedule=policy["schedule"],
        segment=policy["segment"],
        variants=tuple(Variant(**variant) for variant in policy["variants"] or ()),
    )


def _step(step: dict[str, Any]) -> Step:
    lists = {key: tuple(step[key]) for key in ("channels", "skip_if", "only_if")}
    return Step(
        name=step["name"],
        after_seconds=step["after"],
        template=step["template"],
        at_seconds=step["at"],
        **lists,
    )
