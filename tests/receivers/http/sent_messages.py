"""Messages that the real ledger knows, in the state a test needs."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from senders.contract import Message, Outcome, Request, Verdict
from senders.entries import Recorded
from senders.ledger import Ledger
from senders.settings import Settings

PROVIDERS = {"sms": "twilio_sms", "rcs": "google_rcs", "email": "sendgrid"}
EMAIL, PHONE = "Ada@example.com", "+4915100000001"


def planned(settings: Settings, user_id: str, channel: str = "sms", **more: Any) -> Message:
    """A message that waits to be sent, due since a minute."""
    now = datetime.now(UTC)
    message_id = str(uuid.uuid4())
    values: dict[str, Any] = {
        "message_id": message_id,
        "candidate_id": f"candidate of {message_id}",
        "decision_id": f"decision of {message_id}",
        "journey": "cart_abandoned",
        "journey_version": "1",
        "step": "reminder",
        "message_class": "marketing",
        "channel": channel,
        "user_id": user_id,
        "entity_key": "cart-1",
        "event_id": "event-1",
        "variant": None,
        "priority": 70,
        "address": EMAIL if channel == "email" else PHONE,
        "content": {"text": "hello"},
        "due_at": now - timedelta(minutes=1),
        "expires_at": now + timedelta(hours=6),
    }
    message = Message(**{**values, **more})
    with Ledger(settings.ledger) as ledger:
        result = ledger.plan([(message, PROVIDERS[channel], Request("POST", "/", b"hello"))], now)
    assert result.planned == 1
    return message


def accepted(
    settings: Settings, user_id: str, channel: str = "sms", *, ago: float = 60, **more: Any
) -> Message:
    """A message that the provider took `ago` seconds ago."""
    message = planned(settings, user_id, channel, **more)
    at = datetime.now(UTC) - timedelta(seconds=ago)
    with Ledger(settings.ledger) as ledger:
        claims = ledger.claim(at, PROVIDERS[channel], 100, 60).claims
        attempts = ledger.intent(
            at, [claim for claim in claims if claim.message_id == message.message_id], 10
        )
        verdict = Verdict(Outcome.ACCEPTED, "accepted", provider_message_id=f"SM{message.message_id}")
        assert ledger.record(at, [Recorded(attempt, verdict) for attempt in attempts]) == 1
        ledger.release(
            at, [claim for claim in claims if claim.message_id != message.message_id], "not this one"
        )
    return message


def is_claimed(settings: Settings, message: Message) -> bool:
    """Whether the next sender would take it; it is given back."""
    now = datetime.now(UTC)
    with Ledger(settings.ledger) as ledger:
        claims = ledger.claim(now, PROVIDERS[message.channel], 1_000, 60).claims
        ledger.release(now, claims, "only asked")
    return message.message_id in {claim.message_id for claim in claims}


def rows(settings: Settings, sql: str, *values: Any) -> list[dict[str, Any]]:
    with Ledger(settings.ledger) as ledger:
        return [dict(row) for row in ledger._connection.execute(sql, values)]


def state_of(settings: Settings, message: Message) -> str:
    (row,) = rows(settings, "select state from messages where message_id = ?", message.message_id)
    return str(row["state"])


def engagements(settings: Settings, message: Message) -> list[tuple[str, bool, str]]:
    """(what, whether a machine did it, reason) of what was done with a message, in order."""
    found = rows(
        settings,
        "select to_state, is_machine, journal.reason from journal join messages using (message_no)"
        " where kind = 'engagement' and message_id = ? order by seq",
        message.message_id,
    )
    return [(row["to_state"], bool(row["is_machine"]), row["reason"]) for row in found]


def suppressions(settings: Settings) -> dict[str, tuple[str, ...]]:
    """address → the scopes for which it is suppressed now."""
    found = rows(settings, "select address_key, scope from suppressions where is_active = 1 order by scope")
    result: dict[str, tuple[str, ...]] = {}
    for row in found:
        result[row["address_key"]] = (*result.get(row["address_key"], ()), row["scope"])
    return result
