"""Messages to plan, and a clock to plan them by."""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from senders.contract import Message, Outcome, Request, State, Verdict
from senders.entries import Attempt, Recorded
from senders.ledger import Ledger
from senders.ledger_server import LedgerServer

NOON = datetime(2022, 11, 5, 12, tzinfo=UTC)


class Clock:
    """A tick's clock: it starts at a time of its own and goes on with the seconds that pass."""

    def __init__(self, starts_at: datetime = NOON) -> None:
        self._starts_at = starts_at
        self._began = time.monotonic()

    def __call__(self) -> datetime:
        return self._starts_at + timedelta(seconds=time.monotonic() - self._began)

    def forward(self, **duration: float) -> None:
        self._starts_at += timedelta(**duration)


def letter(name: str, **changes: Any) -> Message:
    """The message called `name`: the same name is the same message and the same candidate."""
    values: dict[str, Any] = {
        "message_id": str(uuid5(NAMESPACE_URL, f"message {name}")),
        "candidate_id": str(uuid5(NAMESPACE_URL, f"candidate {name}")),
        "decision_id": str(uuid5(NAMESPACE_URL, f"decision {name}")),
        "journey": "cart_abandoned",
        "journey_version": "1",
        "step": "reminder",
        "message_class": "marketing",
        "channel": "sms",
        "user_id": f"user-{name}",
        "entity_key": f"cart-{name}",
        "event_id": f"event-{name}",
        "variant": None,
        "priority": 50,
        "address": f"{name}@example.com",
        "content": {"text": f"Dear {name}"},
        "due_at": NOON - timedelta(minutes=5),
        "expires_at": NOON + timedelta(hours=6),
    }
    return Message(**{**values, **changes})


def letters(count: int, **changes: Any) -> list[Message]:
    return [letter(f"n{number}", **changes) for number in range(count)]


def frozen(message: Message) -> Request:
    return Request("POST", "/letters", str(message.content["text"]).encode(), {"x-kind": "letter"})


def planned(ledger: Ledger, *messages: Message, provider: str = "postal", now: datetime = NOON) -> None:
    ledger.plan([(message, provider, frozen(message)) for message in messages], now)


def tamper(ledger: Ledger, statement: str) -> Any:
    """Run any SQL on the ledger's own connection, past the program."""
    return ledger._base.execute(statement)


def is_on_a_server(ledger: Ledger) -> bool:
    return isinstance(ledger.place, LedgerServer)


def in_flight(ledger: Ledger, *messages: Message, now: datetime = NOON) -> list[Attempt]:
    """The attempts of these messages, planned, claimed for a minute and about to be called."""
    planned(ledger, *messages, now=now)
    picked = ledger.claim(now, "postal", len(messages), 60)
    return ledger.intent(now, picked.claims, 15)


def ended(attempts: Iterable[Attempt], outcome: Outcome, **verdict: Any) -> list[Recorded]:
    wakes = outcome in (Outcome.RETRY, Outcome.UNKNOWN)
    return [
        Recorded(attempt, Verdict(outcome, outcome.value, **verdict), NOON if wakes else None)
        for attempt in attempts
    ]


def state_of(ledger: Ledger, message: Message) -> State:
    """Where the journal says that a message stands."""
    moves = [
        row
        for row in ledger.journal_since(0, 1_000_000)
        if row[2] == "state" and row[3] == message.message_id
    ]
    return State(moves[-1][5])


def reason_of(ledger: Ledger, message: Message) -> str | None:
    moves = [
        row
        for row in ledger.journal_since(0, 1_000_000)
        if row[2] == "state" and row[3] == message.message_id
    ]
    return moves[-1][-1]
