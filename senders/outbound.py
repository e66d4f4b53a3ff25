"""The ledger on a message's way out: record, sweep, unknown outcomes, after `planning.py` and `claiming.py`.

It keeps the order of the delivery protocol honest and decides nothing: which verdict an answer
deserves and when to try again is up to `delivery.py`. Every change is on the disk when its method
returns, or when the `transaction()` around several of them ends. `now` is always the caller's clock,
an aware datetime.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from sqlite3 import IntegrityError, InterfaceError, ProgrammingError
from typing import Any

from senders import receipts
from senders.breaker import as_of
from senders.claiming import Claiming, mine
from senders.contract import Outcome, State, Verdict
from senders.entries import Recorded, Settlement, Swept, Unknown
from senders.planning import Planning
from senders.receipts import address_key
from senders.revocations import Revocations
from senders.store import Beside, listed, to_moment, to_text

_STATE_AFTER = {
    Outcome.ACCEPTED: State.ACCEPTED,
    Outcome.RETRY: State.RETRY_WAIT,
    Outcome.REJECTED: State.REJECTED,
    Outcome.SUPPRESSED: State.SUPPRESSED,
    Outcome.ROUTE_BLOCKED: State.ROUTE_BLOCKED,
    Outcome.UNKNOWN: State.UNKNOWN,
}

# What a ledger says to a value that is no text or a move that no rule allows; a full disk is not among it.
_NOT_WRITABLE = (ValueError, TypeError, OverflowError, IntegrityError, InterfaceError, ProgrammingError)

_ENDED = ("token", "now", "state", "reason", "wake_at", "unburnt")


class Outbound(Planning, Claiming, Revocations):
    """What a sender asks of the ledger, in the order of the protocol."""

    def record(self, now: datetime, results: Iterable[Recorded]) -> int:
        """Write down how attempts ended; how many messages moved.

        A message does not move when its claim is no longer ours, or when a receipt was faster.
        ROUTE_BLOCKED leaves it planned with no attempt burnt; SUPPRESSED suppresses its address.
        """
        # In one order, whoever records: two workers then never wait for each other's rows.
        in_order = sorted(results, key=lambda result: result.attempt.claim.message_no)
        at = to_text(now)
        with self.transaction(Beside.SENDERS):
            try:
                with self.part():
                    return self._record(at, in_order)
            except _NOT_WRITABLE:
                return sum(self._record_apart(at, result) for result in in_order)

    def _record_apart(self, now: str, result: Recorded) -> int:
        """An answer that cannot be written down is an unknown outcome, and takes none of its batch along."""
        try:
            with self.part():
                return self._record(now, [result])
        except _NOT_WRITABLE as error:
            reason = f"answer_not_recorded: {type(error).__name__}"
            doubtful = Recorded(result.attempt, Verdict(Outcome.UNKNOWN, reason), to_moment(now))
            return self._record(now, [doubtful])

    def _record(self, now: str, results: Sequence[Recorded]) -> int:
        rows = [_recorded_values(now, result) for result in results]
        with_id = [row for row in rows if row["provider_message_id"] and row["learns_id"]]
        self.run("keep_in_order", {"message_nos": listed(row["message_no"] for row in rows)}).fetchall()
        self.change_each("finish_attempt", rows)
        self.change_each("learn_provider_id", with_id)
        moved = sum(self.change("record", alike) for alike in _ended_alike(rows))
        self.change_each("back_in_line", (row for row in rows if row["unburnt"]))
        self._suppress_addresses([row for row in rows if row["state"] == State.SUPPRESSED])
        if with_id and self.value("has_waiting_receipts"):
            for row in with_id:
                receipts.adopt(self, row["message_id"], to_moment(now))
        return moved

    def _suppress_addresses(self, rows: Iterable[dict[str, Any]]) -> None:
        in_order = sorted(rows, key=lambda row: address_key(row["address"]))
        self.change_each("suppress_address_of", ({**row, "scope": "all"} for row in in_order))

    def sweep(self, now: datetime) -> Swept:
        """Take back what a dead sender left: claimed → planned, in flight → unknown; expire the rest."""
        values = {"now": to_text(now)}
        return Swept(
            released=self.change_in_slices("sweep_claimed", values),
            unknown=sum(self.change_in_slices(name, values) for name in ("sweep_in_flight", "sweep_overdue")),
            expired=self.change_in_slices("expire", values),
        )

    def cancel(self, message_id: str, reason: str, now: datetime) -> State | None:
        """Stop a message that was not sent: CANCELLED. One that may have been sent is HELD, so that
        nobody sends it again. None when it is too late, or there is no such message."""
        return self.cancel_many([(message_id, reason)], now)[0]

    def cancel_many(self, batch: Iterable[tuple[str, str]], now: datetime) -> list[State | None]:
        """`cancel` of each (message_id, reason), in one transaction."""
        at = to_text(now)
        with self.transaction():
            states = [
                self.value("cancel", {"message_id": message_id, "reason": reason, "now": at})
                for message_id, reason in batch
            ]
        return [None if state is None else State(state) for state in states]

    def postpone_many(self, batch: Iterable[tuple[str, str]], until: datetime, now: datetime) -> int:
        """Let each (message_id, reason) that is not on its way wait until `until` at least; how many do.
        What a dead sender had claimed is taken back first: the next sweep would put it in line."""
        batch, at, later = list(batch), to_text(now), to_text(until)
        if batch:
            self.change_in_slices("sweep_claimed", {"now": at})
        with self.transaction():
            return sum(
                self.change(
                    "postpone", {"message_id": message_id, "reason": reason, "until": later, "now": at}
                )
                for message_id, reason in batch
            )

    def unknown_due(self, now: datetime, provider: str, limit: int) -> list[Unknown]:
        """Messages of a provider that may have been sent and that are to be looked into now."""
        rows = self.run("unknown_due", {**as_of(now), "provider": provider, "limit": limit})
        return [_unknown(row) for row in rows]

    def settle(self, now: datetime, settlements: Iterable[Settlement]) -> int:
        """Move messages on from UNKNOWN, or have them looked into again; how many were still unknown."""
        in_order = sorted(settlements, key=lambda settlement: settlement.unknown.message_no)
        with self.transaction(Beside.SENDERS):
            moved = [row for row in map(_settled_values, in_order) if self._settle(to_text(now), row)]
            self._suppress_addresses(
                [{**row, "now": to_text(now)} for row in moved if row["state"] == State.SUPPRESSED]
            )
            if self.value("has_waiting_receipts"):
                for settlement in in_order:
                    if settlement.provider_message_id:
                        receipts.adopt(self, settlement.unknown.message_id, now)
        return len(moved)

    def _settle(self, now: str, row: dict[str, Any]) -> bool:
        return self.change("settle_unknown", {**row, "now": now}) > 0


def _recorded_values(now: str, result: Recorded) -> dict[str, Any]:
    claim, verdict = result.attempt.claim, result.verdict
    return {
        **mine(claim),
        "now": now,
        "message_id": claim.message_id,
        "address": claim.address,
        "state": _STATE_AFTER[verdict.outcome].value,
        "outcome": verdict.outcome.value,
        "reason": verdict.reason,
        "raw": verdict.raw,
        "provider_message_id": verdict.provider_message_id,
        "learns_id": result.learns_id,
        "wake_at": None if result.wake_at is None else to_text(result.wake_at),
        "unburnt": int(verdict.outcome is Outcome.ROUTE_BLOCKED),
    }


def _ended_alike(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """What `record` takes: most answers of a batch say the same, and their messages move together."""
    numbers: dict[tuple[Any, ...], list[int]] = {}
    for row in rows:
        numbers.setdefault(tuple(row[name] for name in _ENDED), []).append(row["message_no"])
    return [
        {**dict(zip(_ENDED, ended, strict=True)), "message_nos": listed(alike)}
        for ended, alike in numbers.items()
    ]


def _settled_values(settlement: Settlement) -> dict[str, Any]:
    unknown = settlement.unknown
    return {
        "message_no": unknown.message_no,
        "address": unknown.address,
        "unknown_since": to_text(unknown.unknown_since),
        "state": settlement.state,
        "reason": settlement.reason,
        "wake_at": None if settlement.wake_at is None else to_text(settlement.wake_at),
        "provider_message_id": settlement.provider_message_id,
        "resend_until": None if settlement.resend_until is None else to_text(settlement.resend_until),
        "has_lost_attempt": int(settlement.has_lost_attempt),
    }


def _unknown(row: Any) -> Unknown:
    times = {name: to_moment(row[name]) for name in ("unknown_since", "expires_at", "first_sent_at")}
    return Unknown(**{**dict(row), **times})
