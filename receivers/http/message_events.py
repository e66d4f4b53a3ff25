"""What people do with messages, as canonical events that models and exits can use.

Each lands under the id of what reported it, so that a repetition counts once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from receivers.http.landing import json_lines, timestamp
from receivers.http.state import State
from senders.contract import ProviderEvent
from senders.ledger import Ledger
from senders.receipts import answered

FEED = "events"


def event_row(
    name: str, event_id: str, who: Mapping[str, str], occurred_at: datetime, properties: Mapping[str, Any]
) -> dict[str, Any]:
    """One canonical event; `who` is `{"user_id": …}` or `{"anonymous_id": …}`."""
    return {
        "event_id": event_id,
        "event_name": name,
        **who,
        "occurred_at": timestamp(occurred_at),
        "properties": dict(properties),
        "context": {},
    }


def _stranger(channel: str, address: str | None, event_key: str) -> dict[str, str]:
    """Somebody we never wrote to: one and the same each time, without their address in every event."""
    digest = hashlib.sha256(f"{channel}:{address or event_key}".encode()).hexdigest()
    return {"anonymous_id": f"{channel}:{digest[:32]}"}


def _answered(ledger: Ledger, reply: ProviderEvent) -> Any:
    """Row with message_id and user_id of the message that a reply answers, or None."""
    if reply.message_id:
        return ledger.run("message_by_id", {"message_id": reply.message_id}).fetchone()
    return answered(ledger, reply)


async def land_replies(state: State, channel: str, replies: Sequence[ProviderEvent]) -> None:
    """`message_replied` for each, with the message it answers: the one it names, else the newest to them."""

    def look_up(ledger: Ledger) -> list[Any]:
        return [_answered(ledger, reply) for reply in replies]

    rows = []
    for reply, message in zip(replies, await state.ledger.read(look_up), strict=True):
        known = {"user_id": message["user_id"]} if message else None
        properties = {
            "message_id": message["message_id"] if message else reply.message_id,
            "channel": channel,
            "reason": reply.reason,
            "button": reply.button or None,
        }
        who = known or _stranger(channel, reply.address, reply.event_key)
        event_id = f"{reply.provider}:{reply.event_key}"
        rows.append(event_row("message_replied", event_id, who, reply.occurred_at, properties))
    await state.landing.land(FEED, json_lines(rows))
