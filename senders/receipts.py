"""What a receipt does to a message: forward moves, engagement, suppressions; each receipt once.

A receipt may come before the answer of the call it is about, twice, in any order, or for a message
that is not known yet; the state is the furthest that any receipt proved (`allowed_moves`).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from senders.contract import EventKind, ProviderEvent, State
from senders.entries import Applied
from senders.providers._reasons import Reason
from senders.store import Store, Values, to_text

# Only what arrived can be opened, clicked or complained about, so these prove the delivery that a
# lost receipt did not report. A machine that opens or clicks may stand before the mailbox.
_PROVES: dict[str, State] = {
    EventKind.ACCEPTED: State.ACCEPTED,
    EventKind.SENT: State.SENT,
    EventKind.DELIVERED: State.DELIVERED,
    EventKind.READ: State.READ,
    EventKind.FAILED: State.FAILED_LATE,
    EventKind.BOUNCED: State.FAILED_LATE,
    EventKind.OPENED: State.DELIVERED,
    EventKind.CLICKED: State.DELIVERED,
    EventKind.COMPLAINED: State.DELIVERED,
}
_SUPPRESSES: dict[str, str] = {
    EventKind.BOUNCED: "all",
    EventKind.COMPLAINED: "all",
    EventKind.UNSUBSCRIBED: "marketing",
}
# STOP sent from a phone ends everything to that number (CTIA: no message of the program after it), orders
# too. A button or a link under marketing ends marketing.
_ENDS_ALL = (EventKind.UNSUBSCRIBED, Reason.OPT_OUT_WORD)
# A full mailbox, a telephone that is off: nothing about the address, until it goes on. A day counts once, so
# that a provider's bad day does not cost anybody their messages, and one delivery ends it.
_SOFT = (Reason.BLOCKED_BY_MAILBOX, Reason.HANDSET_UNREACHABLE)
SOFT_BOUNCE_DAYS = 5
_FIRST = (EventKind.ACCEPTED, EventKind.SENT)
# What people write by phone names no message: it is about the newest one to them, for so long.
_ANSWERS = (EventKind.REPLIED, EventKind.UNSUBSCRIBED)
ANSWERED_WITHIN = timedelta(days=7)


def address_key(address: str) -> str:
    """What suppressions are about: an e-mail address in lower case, any other address as it is."""
    address = address.strip()
    return address.lower() if "@" in address else address


def answered(store: Store, event: ProviderEvent) -> Any:
    """The message_no, message_id and user_id of what a word from a phone is about, or None."""
    if event.kind not in _ANSWERS or event.message_id or event.provider_message_id or not event.address:
        return None
    values = {
        "address_key": address_key(event.address),
        "provider": event.provider,
        "occurred_at": to_text(event.occurred_at),
        "since": to_text(event.occurred_at - ANSWERED_WITHIN),
    }
    return store.run("message_answered", values).fetchone()


def apply(store: Store, events: Iterable[ProviderEvent], now: datetime) -> Applied:
    """Store and apply receipts, inside the caller's transaction."""
    applied = Applied()
    at = to_text(now)
    has_erased = bool(store.value("has_erased"))
    for event in events:
        about = answered(store, event)
        values = {**_as_values(event, at), "answered_no": about and about["message_no"]}
        row = store.run("store_receipt", values).fetchone()
        if row is None:
            applied.repeated += 1
            continue
        message_no = row["message_no"]
        applied.taken += message_no is not None
        applied.waiting += message_no is None
        receipt = {**values, "message_no": message_no, "receipt_no": row["receipt_no"]}
        if has_erased and store.value("forget_receipt", receipt):
            receipt["address_key"] = None
        _take_effect(store, receipt, at)
        if message_no and event.kind in _FIRST and event.message_id and event.provider_message_id:
            _learn(store, receipt, now)
    return applied


def _learn(store: Store, receipt: Values, now: datetime) -> None:
    """No answer brought the provider's id and its receipt does: later ones may name nothing else."""
    if store.change("learn_from_receipt", receipt):
        adopt(store, str(receipt["message_id"]), now)


def adopt(store: Store, message_id: str, now: datetime) -> int:
    """Apply the receipts that waited for this message, now that its ids are known; how many."""
    waiting = store.run("waiting_receipts", {"message_id": message_id}).fetchall()
    for row in waiting:
        receipt = dict(row)
        store.change("adopt_receipt", receipt)
        if store.value("forget_receipt", receipt):
            receipt["address_key"] = None
        _take_effect(store, receipt, to_text(now))
    return len(waiting)


def _take_effect(store: Store, receipt: Values, now: str) -> None:
    message_no, kind, reason = receipt["message_no"], receipt["kind"], receipt["reason"]
    scope = "all" if (kind, reason) == _ENDS_ALL else _SUPPRESSES.get(kind)
    if scope:
        values = {**receipt, "scope": scope, "reason": reason or kind, "now": now}
        if receipt["address_key"]:
            store.change("suppress", values)
        if message_no is not None:  # its own address too: what came back may be spelt another way (IDNA)
            store.change("suppress_address_of", values)
    state = None if receipt["is_machine"] else _PROVES.get(kind)
    if state and message_no is not None:
        # A provider's clock may run ahead; nothing in the ledger happens later than it was known.
        at = min(receipt["occurred_at"], now)
        store.change(
            "move_by_receipt", {"message_no": message_no, "state": state, "at": at, "reason": reason}
        )
        _count_soft_bounces(store, kind, reason, {"message_no": message_no, "now": now})


def _count_soft_bounces(store: Store, kind: str, reason: str, about: Values) -> None:
    """No more marketing to an address that keeps sending it back; a delivery to it lifts that."""
    if kind == EventKind.DELIVERED:
        store.change("lift_soft_bounces", about)
    is_soft = kind == EventKind.FAILED and reason in _SOFT
    if is_soft and store.value("soft_bounce_days", about) >= SOFT_BOUNCE_DAYS:
        store.change("suppress_address_of", {**about, "scope": "marketing", "reason": "soft_bounces"})


def _as_values(event: ProviderEvent, now: str) -> dict[str, object]:
    return {
        "provider": event.provider,
        "event_key": event.event_key,
        "kind": event.kind.value,
        "occurred_at": to_text(event.occurred_at),
        "message_id": event.message_id,
        "provider_message_id": event.provider_message_id,
        "address_key": address_key(event.address) if event.address else None,
        "reason": event.reason,
        "is_machine": int(event.is_machine),
        "raw": event.raw,
        "now": now,
    }
