"""Messages to send in a drill: one of each channel after the other, every address a person's own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from senders.contract import Message

_CONTENT: dict[str, dict[str, Any]] = {
    "rcs": {
        "cards": [{"title": "Your cart waits", "description": "Two things are in it."}],
        "suggestions": [],
    },
    "sms": {"text": "Your cart waits: https://shop.example/cart Reply STOP to end."},
    "email": {
        "subject": "Your cart waits",
        "preheader": "Two things are in it",
        "html": "<p>Your <b>cart</b> waits</p>",
        "text": "Your cart waits: https://shop.example/cart",
        "headers": {},
    },
    "webhook": {"data": {"says": "Your cart waits"}},
    "whatsapp": {
        "template": "cart_reminder",
        "language": "en",
        "header": [],
        "body": ["Your cart waits", "€12.50"],
        "button": ["https://shop.example/cart"],
    },
}


def letters(name: str, channels: Sequence[str], count: int, now: datetime, **changes: Any) -> list[Message]:
    """`count` messages of a drill, the channels in turn. The same name gives the same messages."""
    return [
        _letter(f"{name} {number}", channels[number % len(channels)], now, changes) for number in range(count)
    ]


def _letter(name: str, channel: str, now: datetime, changes: dict[str, Any]) -> Message:
    number = uuid5(NAMESPACE_URL, name)
    person = f"{number.int % 10**8:08d}"
    values = {
        "message_id": str(uuid5(number, "message")),
        "candidate_id": str(uuid5(number, "candidate")),
        "decision_id": str(uuid5(number, "decision")),
        "journey": "cart_abandoned",
        "journey_version": "1",
        "step": "reminder",
        "message_class": "marketing",
        "channel": channel,
        "user_id": f"user-{person}",
        "entity_key": None,
        "event_id": name,
        "variant": None,
        "priority": 50,
        "address": f"person-{person}@example.com" if channel == "email" else f"+49151{person}",
        "content": _CONTENT.get(channel, {}),
        "due_at": now - timedelta(minutes=1),
        "expires_at": now + timedelta(days=3),
    }
    return Message(**{**values, **changes})
