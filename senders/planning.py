"""The ledger's first step with a message: plan it, with the bytes that every attempt will send."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from operator import attrgetter
from typing import Any

from senders import receipts
from senders.contract import Message, Request
from senders.entries import Planned, Refusal
from senders.receipts import address_key
from senders.store import Beside, Store, to_text

PLAN_SLICE = 5_000  # messages handed to the ledger together; what they carry is in memory

# The content is not stored: its bytes are in the request.
_STORED = tuple(item.name for item in fields(Message) if item.name != "content")
_stored = attrgetter(*_STORED)


class Planning(Store):
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


def _message_values(message: Message, provider: str, now: str) -> dict[str, Any]:
    values = dict(zip(_STORED, _stored(message), strict=True))
    values["due_at"], values["expires_at"] = to_text(message.due_at), to_text(message.expires_at)
    values["provider"], values["address_key"], values["now"] = provider, address_key(message.address), now
    return values


def _request_values(message_no: int, request: Request) -> dict[str, Any]:
    return {
        "message_no": message_no,
        "method": request.method,
        "path": request.path,
        "headers": _headers_text(tuple(request.headers.items())),
        "body": request.body,
        "body_sha256": digest(request.body),
    }


@lru_cache(maxsize=64)  # most providers send the same ones with every message
def _headers_text(headers: tuple[tuple[str, str], ...]) -> str:
    return json.dumps(dict(headers), sort_keys=True)


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


def digest(body: bytes) -> str:
    return sha256(body).hexdigest()
