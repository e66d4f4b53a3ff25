"""Does every template get what it needs? Found by reading it, and by rendering it with made-up rows.

Reading finds names in branches that no example takes; rendering finds what reading cannot: a filter
on the wrong type, a null that nobody provided for, a limit that is passed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import jinja2

from dagster_project.journeys import Journey, Step, read_journeys
from dagster_project.policy.columns import Column
from dagster_project.policy.reader import Problem
from dagster_project.policy.references import TEMPLATES
from dagster_project.template_names import unmet_needs
from senders.rendering import Renderer, RenderError
from senders.settings import load
from senders.template_environment import MessageEnvironment, environments

FORM_OF: Final = {
    "email": "text", "sms": "text", "rcs": "rcs", "push": "text", "whatsapp": "whatsapp", "webhook": "text",
}  # fmt: skip
BLOCKS_OF: Final[Mapping[str, tuple[str, ...]]] = {
    "email": ("subject", "preheader", "html", "text", "reason"),
    "sms": (),
    "push": ("title", "body", "image", "url"),
    "whatsapp": ("template", "language", "header", "body", "button", "text"),
    "webhook": (),
    "rcs": ("text", "title", "description", "image", "buttons", "cards", "suggestions"),
}

# A value for a column by the first word of its type that is known; anything else is a text.
SAMPLES: Final[Mapping[str, Any]] = {
    "bool": True, "int": 12, "bigint": 12, "double": 12.5, "float": 12.5, "decimal": 12.5, "numeric": 12.5,
    "timestamp": "2026-01-02T03:04:05", "datetime": "2026-01-02T03:04:05", "date": "2026-01-02",
}  # fmt: skip

DISCOUNT: Final = {"code": "SAMPLE-CODE", "label": "10 % off", "expires_at": "2026-01-31T23:59:59"}


def template_problems(repository: Path) -> list[Problem]:
    """What the templates of the journeys that can be read need and do not get; empty is well."""
    journeys, _ = read_journeys(repository)
    uses = {
        (journey.name, template, channel): journey
        for journey in journeys
        for step in journey.steps
        for template in templates_of(journey, step)
        for channel in step.channels
    }
    return [
        problem
        for (_, template, channel), journey in uses.items()
        for problem in _problems(repository, journey, template, channel)
    ]


def templates_of(journey: Journey, step: Step) -> list[str]:
    """The step's own template, then those that a variant puts in its place."""
    others = (variant.templates.get(step.name) for variant in journey.variants)
    return [step.template, *filter(None, others)]


def _problems(repository: Path, journey: Journey, template: str, channel: str) -> Iterator[Problem]:
    file = TEMPLATES / template / f"{channel}.jinja"
    environment = environments(repository / TEMPLATES)[FORM_OF[channel]]
    try:
        found = list(_read(repository / file, environment, journey, channel))
    except jinja2.TemplateSyntaxError as error:
        found = [(error.lineno, str(error))]
    for line, says in found or _tried(repository, journey, template, channel):
        yield Problem(str(file), line, f"trg_{journey.name}", says)


def _read(
    path: Path, environment: MessageEnvironment, journey: Journey, channel: str
) -> Iterator[tuple[int | None, str]]:
    tree = environment.parse(path.read_text(encoding="utf-8"), path.name)
    yield from unmet_needs(tree, environment, journey.columns, BLOCKS_OF[channel])
    if channel == "email":
        blocks = {block.name for block in tree.find_all(jinja2.nodes.Block)}
        for missing in sorted({"subject", "html", "text"} - blocks):
            yield None, f"an e-mail needs a block {missing}"
        parents = [parent.template for parent in tree.find_all(jinja2.nodes.Extends)]
        if [parent.value for parent in parents if isinstance(parent, jinja2.nodes.Const)] != ["email.jinja"]:
            yield 1, 'an e-mail begins with {% extends "email.jinja" %}: the frame has its unsubscribe link'


def _tried(
    repository: Path, journey: Journey, template: str, channel: str
) -> Iterator[tuple[int | None, str]]:
    """Two rows: one with everything, one with a null wherever the trigger may select one."""
    renderer = Renderer(load({"DOVECOTE_LINK_SECRET": "for made-up rows"}), repository / TEMPLATES)
    for is_full in (True, False):
        try:
            renderer.render(_row(journey, template, channel, is_full))
        except RenderError as error:
            rest = "" if is_full else " (with a null in every column that may have one)"
            yield error.line, error.reason + rest
            return


def _row(journey: Journey, template: str, channel: str, is_full: bool) -> dict[str, Any]:
    person = {"first_name": "Ada", "last_name": "Lindqvist", "language": "en", "loyalty_tier": "gold"}
    step = next(step for step in journey.steps if template in templates_of(journey, step))
    variant = journey.variants[0].name if is_full and journey.variants else None
    return {
        "message_id": "00000000-0000-5000-8000-000000000000", "candidate_id": "", "decision_id": "",
        "journey": journey.name, "journey_version": "", "step": step.name, "template": template,
        "message_class": journey.message_class, "channel": channel, "user_id": "ada", "entity_key": None,
        "event_id": "", "variant": variant, "priority": journey.priority, "address": "ada@example.com",
        "on_unknown": journey.on_unknown, "time_zone": "Europe/Berlin" if is_full else None,
        "due_at": "2026-01-02T03:04:05", "expires_at": "2026-01-02T04:04:05",
        "person": json.dumps(person if is_full else {}),
        "discount": DISCOUNT if is_full else None,
        "payload": json.dumps(_record(journey.columns, is_full)),
    }  # fmt: skip


def _record(columns: tuple[Column, ...], is_full: bool) -> dict[str, Any]:
    return {
        column.name: None if column.is_nullable and not is_full else _sample(column, is_full)
        for column in columns
    }


def _sample(column: Column, is_full: bool) -> Any:
    if column.fields:
        return [_record(column.fields, is_full)] * 2
    if column.name == "url" or column.name.endswith("_url"):
        return "https://example.com/page"
    kind = column.data_type.lower()
    return next((value for word, value in SAMPLES.items() if kind.startswith(word)), "Sample")
