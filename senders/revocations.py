"""What the ledger knows of messages that are to be taken back: asked for, due, finished.

A row is on the disk before the provider is asked, and is due again until an outcome is written down. A
message that was taken back is `cancelled`: its step is over, and no other channel takes its place.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from senders.breaker import as_of
from senders.contract import Outcome, Verdict
from senders.store import Beside, Store, to_moment, to_text


@dataclass(frozen=True, slots=True)
class Revocation:
    """A message that its provider is to be asked to take back."""

    message_no: int
    message_id: str
    address: str
    provider_message_id: str | None
    reason: str
    attempts: int  # calls before this one
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Asked:
    """How a call ended. `again_at`: when to ask again, where the answer was none."""

    revocation: Revocation
    verdict: Verdict
    again_at: datetime | None = None


class Revocations(Store):
    """The messages that are to be taken back."""

    def ask_back_many(self, batch: Iterable[tuple[str, str]], providers: Iterable[str], now: datetime) -> int:
        """Have each (message_id, reason) taken back that one of these providers holds undelivered; how many
        that is. Asked for again, or too late, it is none."""
        about = {"providers": json.dumps(sorted(providers)), "now": to_text(now)}
        rows = [{**about, "message_id": message_id, "reason": reason} for message_id, reason in batch]
        with self.transaction():
            return sum(self.change("ask_back", row) for row in rows)

    def revocations_due(self, now: datetime, provider: str, limit: int, lease: timedelta) -> list[Revocation]:
        """What to ask a provider for now; nobody else asks for it before `lease` is over. What was delivered
        or has expired meanwhile is finished instead."""
        due = {**as_of(now), "provider": provider, "limit": limit}
        if self.run("revocations_due", due).fetchone() is None:  # as in most rounds
            return []
        with self.transaction(Beside.SENDERS):
            rows = self.run("revocations_due", due).fetchall()
            for row in rows:
                if row["is_worth_it"]:
                    self._put_off(row["message_no"], now + lease, calls=1)
                else:
                    self._finish(row["message_no"], "too_late", None, now)
        return [_revocation(row) for row in rows if row["is_worth_it"]]

    def record_revocations(self, now: datetime, results: Iterable[Asked]) -> int:
        """Write down what the provider said; how many messages are taken back."""
        in_order = sorted(results, key=lambda asked: asked.revocation.message_no)
        with self.transaction(Beside.SENDERS):
            return sum(self._record_revocation(now, asked) for asked in in_order)

    def _record_revocation(self, now: datetime, asked: Asked) -> bool:
        message_no, verdict = asked.revocation.message_no, asked.verdict
        if asked.again_at is not None:
            self._put_off(message_no, asked.again_at, calls=0, answer=verdict.reason)
            return False
        if verdict.outcome is not Outcome.ACCEPTED:
            self._finish(message_no, "refused", verdict.reason, now)
            return False
        values = {"message_no": message_no, "reason": f"revoked: {asked.revocation.reason}"}
        is_moved = self.change("take_back", {**values, "now": to_text(now)}) > 0
        self._finish(message_no, "taken_back" if is_moved else "too_late", verdict.reason, now)
        return is_moved

    def _put_off(self, message_no: int, until: datetime, calls: int, answer: str | None = None) -> None:
        values = {"message_no": message_no, "wake_at": to_text(until), "calls": calls, "answer": answer}
        self.change("put_off_revocation", values)

    def _finish(self, message_no: int, outcome: str, answer: str | None, now: datetime) -> None:
        values = {"message_no": message_no, "outcome": outcome, "answer": answer, "now": to_text(now)}
        self.change("finish_revocation", values)


def _revocation(row: Any) -> Revocation:
    return Revocation(
        row["message_no"],
        row["message_id"],
        row["address"],
        row["provider_message_id"],
        row["reason"],
        row["attempts"],
        to_moment(row["expires_at"]),
    )
