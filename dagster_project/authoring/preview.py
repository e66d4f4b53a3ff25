"""`dovecote preview`: each step of a journey on each channel, as one person would see it.

The data is the person's own where the trigger selects them now, else the template's example with the
person's name. Nothing is planned, and links are signed with another secret than the receivers': who clicks
"unsubscribe" in a preview takes nobody off a list.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import jinja2

from dagster_project.journeys import Journey, Step, load_journeys
from dagster_project.policy.reader import nearest
from senders.rendering import TEMPLATES, Renderer, RenderError
from senders.settings import REPOSITORY, Settings

SQL: Final = REPOSITORY / "sql" / "warehouse"
PAGE: Final = Path(__file__).with_name("preview.html.jinja")
PERSON: Final = ("first_name", "last_name", "language", "loyalty_tier")
WHATSAPP_PARTS: Final = ("header", "body", "button")
# Signs links that the receivers refuse.
NOT_THE_KEY: Final = "only for previews"
# Where a person has no address on a channel, the preview is still worth a look.
STAND_INS: Final = {
    "email": "nobody@example.com", "sms": "+15005550006", "rcs": "+15005550006", "whatsapp": "+15005550006",
}  # fmt: skip


class PreviewError(LookupError):
    """No such journey or person; the text says what there is."""


@dataclass(frozen=True)
class Shown:
    """One message of the preview: `content` is what `Renderer.render` made, or `error` says why not."""

    step: str
    channel: str
    address: str | None
    content: Mapping[str, Any]
    error: str | None = None


@dataclass(frozen=True)
class Preview:
    journey: str
    user_id: str
    source: str  # where the data comes from, in words
    messages: tuple[Shown, ...]


@dataclass(frozen=True)
class Reader:
    """Who reads: what templates may know of them, and their address by channel."""

    user_id: str
    person: Mapping[str, Any]
    addresses: Mapping[str, str]
    time_zone: str | None = None


def preview(settings: Settings, journey_name: str, who: str | None = None) -> Preview:
    """Every step of a journey on every channel of its policy, for `who` (an id or address; None: nobody).

    Raises PreviewError, JourneyError, and what opening the warehouse raises.
    """
    journey = journey_named(journey_name)
    reader, trigger = found(settings, journey, who) if who else (None, None)
    harmless = Renderer(replace(settings, link_secret=NOT_THE_KEY))
    shown = [
        _shown(harmless, row, step.name)
        for step in journey.steps
        for row in rows(journey, step, reader, trigger)
    ]
    source = "the trigger's own row" if trigger else "the templates' examples"
    if reader and not trigger:
        source += f": the trigger did not select {reader.user_id} in the last tick"
    return Preview(journey.name, reader.user_id if reader else "nobody", source, tuple(shown))


def journey_named(name: str) -> Journey:
    journeys = {journey.name: journey for journey in load_journeys()}
    if name not in journeys:
        raise PreviewError(f'there is no journey "{name}"; {nearest(name, journeys)}')
    return journeys[name]


def rows(
    journey: Journey, step: Step, reader: Reader | None, trigger: Mapping[str, Any] | None
) -> Iterator[dict[str, Any]]:
    """The outbox row of a step on each of its channels, with made-up ids."""
    example = json.loads((TEMPLATES / step.template / "example.json").read_text(encoding="utf-8"))
    now = datetime.now(UTC)
    for channel in step.channels:
        address = (reader.addresses if reader else {}).get(channel)
        yield {
            "message_id": "00000000-0000-5000-8000-000000000000", "candidate_id": "", "decision_id": "",
            "journey": journey.name, "journey_version": "", "step": step.name, "template": step.template,
            "message_class": journey.message_class, "channel": channel,
            "user_id": reader.user_id if reader else "nobody",
            "entity_key": None, "event_id": "", "variant": None, "priority": journey.priority,
            "address": address or STAND_INS.get(channel, "nobody"), "on_unknown": journey.on_unknown,
            "time_zone": reader.time_zone if reader else None,
            "due_at": now, "expires_at": now + timedelta(seconds=journey.expires_after_seconds),
            "person": json.dumps(dict(reader.person) if reader else example["person"]),
            "payload": trigger["payload"] if trigger else json.dumps(example["payload"]),
            "discount": example.get("discount"),  # never one of the pool
        }  # fmt: skip


def page(shown: Preview, settings: Settings) -> str:
    """One HTML page with every message drawn as its channel shows it."""
    environment = jinja2.Environment(autoescape=True)
    drawn = environment.from_string(PAGE.read_text(encoding="utf-8"))
    steps: dict[str, list[Shown]] = {}
    for message in shown.messages:
        steps.setdefault(message.step, []).append(message)
    return drawn.render(preview=shown, steps=steps, shop_name=settings.shop_name, parts=WHATSAPP_PARTS)


def in_words(shown: Preview) -> str:
    """What fits a terminal: subjects, texts, segments, errors."""
    lines = [f"{shown.journey} for {shown.user_id}, from {shown.source}"]
    for message in shown.messages:
        lines += ["", f"{message.step} by {message.channel} to {message.address}", *_lines(message)]
    return "\n".join(lines)


def _lines(message: Shown) -> list[str]:
    if message.error:
        return [f"  CANNOT BE RENDERED: {message.error}"]
    return _LINES.get(message.channel, _card_lines)(message.content)


def _email_lines(content: Mapping[str, Any]) -> list[str]:
    return [f"  {content['subject']}", *_quoted(content["text"])]


def _sms_lines(content: Mapping[str, Any]) -> list[str]:
    size = f"{content['segments']} segment(s), {content['encoding']}, {len(content['text'])} characters"
    return [*_quoted(content["text"]), f"  {size}"]


def _push_lines(content: Mapping[str, Any]) -> list[str]:
    return _quoted(
        "\n".join(content[name] for name in ("title", "body", "image_url", "url") if name in content)
    )


def _whatsapp_lines(content: Mapping[str, Any]) -> list[str]:
    """Of an approved template only its values: WhatsApp keeps the words."""
    if "text" in content:
        return _quoted(content["text"])
    values = [f"{part}: {' · '.join(content[part])}" for part in WHATSAPP_PARTS if content[part]]
    return [f"  approved template {content['template']} ({content['language']})", *_quoted("\n".join(values))]


def _webhook_lines(content: Mapping[str, Any]) -> list[str]:
    return _quoted(json.dumps(content["data"], indent=2, ensure_ascii=False))


def _card_lines(content: Mapping[str, Any]) -> list[str]:
    cards = content.get("cards") or [{"title": content.get("text", "")}]
    parts = [[card.get("title"), card.get("description")] for card in cards]
    labels = [each["label"] for card in cards for each in card.get("suggestions", [])]
    labels += [each["label"] for each in content.get("suggestions", [])]
    return [*(f"  | {text}" for part in parts for text in part if text), f"  [{'] ['.join(labels)}]"]


def _quoted(text: str) -> list[str]:
    return [f"  | {line}" for line in text.splitlines()]


_LINES: Final[Mapping[str, Callable[[Mapping[str, Any]], list[str]]]] = {
    "email": _email_lines,
    "sms": _sms_lines,
    "push": _push_lines,
    "whatsapp": _whatsapp_lines,
    "webhook": _webhook_lines,
}


def _shown(renderer: Renderer, row: Mapping[str, Any], step: str) -> Shown:
    try:
        content, error = renderer.render(row).content, None
    except RenderError as failure:
        content, error = {}, str(failure)
    return Shown(step, row["channel"], row["address"], content, error)


def found(settings: Settings, journey: Journey, who: str) -> tuple[Reader, Mapping[str, Any] | None]:
    """The person and what the trigger selected for them in the last tick."""
    from dagster_project import warehouse

    if not settings.warehouse.exists():
        raise PreviewError(f"{settings.warehouse} is not there yet: run `dovecote tick`, or leave out --user")
    with warehouse.opened_when_free(settings) as connection:

        def ask(name: str, **values: str) -> list[dict[str, Any]]:
            cursor = connection.execute((SQL / f"{name}.sql").read_text(), values)
            columns = [column[0] for column in cursor.description]
            return [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]

        people = ask("explain_person", who=who)
        if not people:
            raise PreviewError(f"nobody has the id, e-mail address or phone number {who!r}")
        user_id = people[0]["user_id"]
        known = ask("preview_person", user_id=user_id)
        selected = ask("preview_trigger", journey=journey.name, user_id=user_id)
    reader = Reader(
        user_id,
        {name: known[0][name] for name in PERSON},
        {row["channel"]: row["address"] for row in known if row["channel"]},
        known[0]["time_zone"],
    )
    if not selected:
        return reader, None
    _refuse_rows_of_before(journey, selected[0])
    return reader, selected[0]


def _refuse_rows_of_before(journey: Journey, row: Mapping[str, Any]) -> None:
    """The templates may ask for a column that the trigger has got since."""
    missing = [column.name for column in journey.columns if column.name not in json.loads(row["payload"])]
    if missing:
        trigger = f"trg_{journey.name}"
        raise PreviewError(
            f"{trigger} has {', '.join(missing)} now, but not yet in the warehouse: "
            f"build it (dbt build --select {trigger} int_trigger_rows), or leave out --user"
        )
