"""The ledger on a message's way out: plan, claim, intent, record, sweep, unknown outcomes.

It keeps the order of the delivery protocol honest and decides nothing: which verdict an answer
deserves and when to try again is up to `delivery.py`. Every change is on the disk when its method
returns, or when the `transaction()` around several of them ends. `now` is always the caller's clock,
an aware datetime.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from hashlib import sha256
from sqlite3 import IntegrityError, InterfaceError, ProgrammingError
from typing import Any

from senders import receipts
from senders.contract import Message, Outcome, Request, State, Verdict
from senders.entries import (
    Attempt,
    Claim,
    Picked,
    Planned,
    Recorded,
    Refusal,
    Settlement,
    Swept,
    Unknown,
)
from senders.receipts import address_key
from senders.store import Beside, Store, to_moment, to_text

_STATE_AFTER = {
    Outcome.ACCEPTED: State.ACCEPTED,
    Outcome.RETRY: State.RETRY_WAIT,
    Outcome.REJECTED: State.REJECTED,
    Outcome.SUPPRESSED: State.SUPPRESSED,
    Outcome.ROUTE_BLOCKED: State.ROUTE_BLOCKED,
    Outcome.UNKNOWN: State.UNKNOWN,
}

PLAN_SLICE = 1_000  # messages handed to the ledger together; what they carry is in memory

# What a ledger says to a value that is no text or a move that no rule allows; a full disk is not among it.
_NOT_WRITABLE = (ValueError, TypeError, OverflowError, IntegrityError, InterfaceError, ProgrammingError)

# The content is not stored: its bytes are in the request.
_STORED = tuple(item.name for item in fields(Message) if item.name != "content")


class Outbound(Store):
    """What a sender asks of the ledger, in the order of the protocol."""

    def plan(self, batch: Iterable[tuple[Message, str, Request | Refusal]], now: datetime) -> Planned:
        """Plan (message, provider's name, request); what is planned already stays as it is."""
        result = Planned()
        at = to_text(now)
        with self.transaction(Beside.PLANNERS_NOT):
            has_waiting = self.value("has_waiting_receipts")
            for part in _without_rivals(batch):
                rows = [(_message_values(message, name, at), request) for message, name, request in part]
                for row in self._plan(rows, result):
                    if has_waiting:
                        receipts.adopt(self, row["message_id"], now)
        return result

    def _plan(
        self, rows: Sequence[tuple[dict[str, Any], Request | Refusal]], result: Planned
    ) -> list[dict[str, Any]]:
        """Count the messages in `result`; those that are planned now."""
        numbers = self.value_of_each("plan_message", [row for row, _ in rows])
        new = [(row, number, request) for (row, request), number in zip(rows, numbers, strict=True) if number]
        left = [row for (row, _), number in zip(rows, numbers, strict=True) if not number]
        already = sum(bool(is_planned) for is_planned in self.value_of_each("is_planned", left))
        ways = {(row["provider"], row["channel"]): row for row, _, _ in new}
        self.change_each("know_route", ways.values())
        refused = [
            (row, number, request.reason) for row, number, request in new if isinstance(request, Refusal)
        ]
        made = [(row, number, request) for row, number, request in new if isinstance(request, Request)]
        self.change_each(
            "refuse_unmade", ({**row, "message_no": number, "reason": why} for row, number, why in refused)
        )
        self.change_each("freeze_request", (_request_values(number, request) for _, number, request in made))
        result.already_planned += already
        result.candidate_taken += len(left) - already
        result.refused += len(refused)
        result.planned += len(made)
        return [row for row, _, _ in made]

    def claim(self, now: datetime, provider: str, limit: int, lease_seconds: float) -> Picked:
        """Lease up to `limit` of a provider's due messages, most urgent first.

        Nothing comes back while the route is blocked or a switch stops it. A message to an address
        that was suppressed since it was planned is moved to `suppressed` instead.
        """
        values = {"now": to_text(now), "provider": provider, "limit": limit}
        token, lease_until = secrets.token_hex(8), now + timedelta(seconds=lease_seconds)
        lease = {**values, "token": token, "lease_until": to_text(lease_until)}
        with self.transaction(Beside.SENDERS):
            self.run("promote_retries", values)
            rows = self.run("pick", values).fetchall()
            free = [row for row in rows if row["suppression_reason"] is None]
            self.change_each("claim", ({**lease, "message_no": row["message_no"]} for row in free))
            for row in rows:
                if row["suppression_reason"] is not None:
                    reason = {"message_no": row["message_no"], "reason": row["suppression_reason"]}
                    self.run("suppress_planned", {**values, **reason})
        return Picked([_claim(row, token, lease_until) for row in free], len(rows) - len(free))

    def intent(self, now: datetime, claims: Sequence[Claim], call_seconds: float) -> list[Attempt]:
        """Put on record that these calls are about to be made; only those returned may be.

        A claim is left out when its lease ends within `call_seconds`, or when it was cancelled,
        stopped or suppressed since; give it back with `release`.
        """
        values = {"now": to_text(now), "call_ends_at": to_text(now + timedelta(seconds=call_seconds))}
        with self.transaction(Beside.SENDERS):
            mine = [
                {**_mine(claim), **values, "body_sha256": _digest(claim.request.body)} for claim in claims
            ]
            numbers = self.value_of_each("open_attempt", mine)
            attempts = [
                Attempt(number, claim) for number, claim in zip(numbers, claims, strict=True) if number
            ]
            self.change_each("put_in_flight", ({**_mine(each.claim), **values} for each in attempts))
        return attempts

    def release(self, now: datetime, claims: Iterable[Claim], reason: str) -> int:
        """Give back claims whose call will not be made; how many were still ours."""
        values = {"now": to_text(now), "reason": reason}
        with self.transaction(Beside.SENDERS):
            return self.change_each("release", ({**_mine(claim), **values} for claim in claims))

    def record(self, now: datetime, results: Iterable[Recorded]) -> int:
        """Write down how attempts ended; how many messages moved.

        A message does not move when its claim is no longer ours, or when a receipt was faster.
        ROUTE_BLOCKED leaves it planned with no attempt burnt; SUPPRESSED suppresses its address.
        """
        # In one order, whoever records: two workers then never wait for each other's rows.
        mine = sorted(results, key=lambda result: result.attempt.claim.message_no)
        at = to_text(now)
        with self.transaction(Beside.SENDERS):
            try:
                with self.part():
                    return self._record(at, mine)
            except _NOT_WRITABLE:
                return sum(self._record_apart(at, result) for result in mine)

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
        with_id = [row for row in rows if row["provider_message_id"]]
        self.change_each("finish_attempt", rows)
        moved = self.change_each("record", rows)
        self.change_each("back_in_line", (row for row in rows if row["unburnt"]))
        self.change_each("learn_provider_id", with_id)
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
        rows = self.run("unknown_due", {"now": to_text(now), "provider": provider, "limit": limit})
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


def _message_values(message: Message, provider: str, now: str) -> dict[str, Any]:
    values = {name: getattr(message, name) for name in _STORED}
    times = {name: to_text(values[name]) for name in ("due_at", "expires_at")}
    return {**values, **times, "provider": provider, "address_key": address_key(message.address), "now": now}


def _request_values(message_no: int, request: Request) -> dict[str, Any]:
    return {
        "message_no": message_no,
        "method": request.method,
        "path": request.path,
        "headers": json.dumps(dict(request.headers), sort_keys=True),
        "body": request.body,
        "body_sha256": _digest(request.body),
    }


def _recorded_values(now: str, result: Recorded) -> dict[str, Any]:
    claim, verdict = result.attempt.claim, result.verdict
    return {
        **_mine(claim),
        "now": now,
        "message_id": claim.message_id,
        "address": claim.address,
        "attempt_id": result.attempt.attempt_id,
        "state": _STATE_AFTER[verdict.outcome].value,
        "outcome": verdict.outcome.value,
        "reason": verdict.reason,
        "raw": verdict.raw,
        "provider_message_id": verdict.provider_message_id,
        "wake_at": None if result.wake_at is None else to_text(result.wake_at),
        "unburnt": int(verdict.outcome is Outcome.ROUTE_BLOCKED),
    }


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


def _without_rivals(
    batch: Iterable[tuple[Message, str, Request | Refusal]],
) -> Iterator[list[tuple[Message, str, Request | Refusal]]]:
    """Parts of a batch in which no candidate comes twice: the other waits for what becomes of the first."""
    part: list[tuple[Message, str, Request | Refusal]] = []
    candidates: set[str] = set()
    for item in batch:
        candidate_id = item[0].candidate_id
        if candidate_id in candidates or len(part) >= PLAN_SLICE:
            yield part
            part, candidates = [], set()
        part.append(item)
        candidates.add(candidate_id)
    if part:
        yield part


def _mine(claim: Claim) -> dict[str, Any]:
    return {"message_no": claim.message_no, "token": claim.token}


def _digest(body: bytes) -> str:
    return sha256(body).hexdigest()


def _claim(row: Any, token: str, lease_until: datetime) -> Claim:
    request = Request(row["method"], row["path"], row["body"], json.loads(row["headers"]))
    return Claim(
        message_no=row["message_no"],
        message_id=row["message_id"],
        channel=row["channel"],
        address=row["address"],
        attempts=row["attempts"],
        expires_at=to_moment(row["expires_at"]),
        request=request,
        token=token,
        lease_until=lease_until,
    )


def _unknown(row: Any) -> Unknown:
    times = {name: to_moment(row[name]) for name in ("unknown_since", "expires_at", "first_sent_at")}
    return Unknown(**{**dict(row), **times})
