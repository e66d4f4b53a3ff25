"""Rows of the outbox for tests, from each template's own example.json."""

import json
from typing import Any

from dagster_project.journeys import load_journeys
from senders.rendering import TEMPLATES
from senders.settings import Settings, load

MESSAGE_ID = "5e1f0b2c-9a55-5d0e-8a6f-0d0ec07e0001"
TRANSACTIONAL = {
    step.template
    for journey in load_journeys()
    if journey.message_class == "transactional"
    for step in journey.steps
}
WRITTEN = sorted((path.parent.name, path.stem) for path in TEMPLATES.glob("[a-z]*/*.jinja"))


def settings(**changes: str) -> Settings:
    return load({
        "DOVECOTE_LINK_SECRET": "only for tests",
        "DOVECOTE_SHOP_NAME": "Juniper & Co.",
        "DOVECOTE_SHOP_URL": "https://shop.example",
        "DOVECOTE_PUBLIC_URL": "https://mail.shop.example",
    } | changes)  # fmt: skip


def example(template: str) -> dict[str, Any]:
    return json.loads((TEMPLATES / template / "example.json").read_text())


def row(
    template: str,
    channel: str,
    *,
    person: dict[str, Any] | None = None,
    payload: dict[str, Any] | None = None,
    **columns: Any,
) -> dict[str, Any]:
    """The template's example as fct_outbox has it; `person` and `payload` change single values."""
    shown = example(template)
    return (
        {
            "message_id": MESSAGE_ID,
            "candidate_id": "candidate-1",
            "decision_id": "decision-1",
            "journey": "a_journey",
            "journey_version": "0123456789ab",
            "step": "a_step",
            "message_class": "transactional" if template in TRANSACTIONAL else "marketing",
            "channel": channel,
            "user_id": "ada",
            "entity_key": None,
            "event_id": "event-1",
            "variant": None,
            "priority": 70,
            "template": template,
            "address": "ada@example.com",
            "language": "en",
            "time_zone": "Europe/Berlin",
            "person": json.dumps(shown["person"] | (person or {})),
            "payload": json.dumps(shown["payload"] | (payload or {})),
            "due_at": "2026-10-05 10:00:00",
            "expires_at": "2026-10-05 16:00:00",
            "decided_at": "2026-10-05 10:00:00",
            "on_unknown": "hold",
        }
        | {name: shown[name] for name in shown if name == "discount"}
        | columns
    )
