"""A discount code for each message that wants one: one code a message, one message a code, for ever.

The shop's codes land in pools; which message has which code is in the ledger, because the ledger is what
survives a crash, a replay and a new warehouse. A code is granted in a transaction of its own before the
message is rendered: a tick that dies in between finds the same code for the same message again. At worst a
code is granted to a message that never goes; it is not given to anybody else.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any, Final

from senders.ledger import Ledger
from senders.store import to_text

BATCH: Final = 1_000  # messages that one transaction grants codes to
# Columns of a trigger: the pool to take from, and whether the message makes no sense without a code.
POOL, REQUIRED = "discount_pool", "discount_required"

Row = Mapping[str, Any]
# pool → its codes as (code, label, expires_at as an aware datetime or None), in the order to give them out.
Offers = Callable[[str], Iterator[tuple[str, str | None, datetime | None]]]


@dataclass
class Granted:
    """What came of it: new codes, messages that go without one, messages that wait for one."""

    granted: int = 0
    without_code: int = 0
    waiting_for_code: int = 0
    # What is left of each pool that was opened; one `Granted` a tick.
    pools: dict[str, Iterator[tuple[str, str | None, datetime | None]]] = field(default_factory=dict)

    def facts(self) -> dict[str, int]:
        """For the tick's summary; empty where no message wanted a code."""
        counted = {
            "codes_granted": self.granted,
            "without_code": self.without_code,
            "waiting_for_code": self.waiting_for_code,
        }
        return counted if any(counted.values()) else {}


def with_codes(
    ledger: Ledger,
    rows: Iterable[Row],
    offers: Offers,
    channels: Container[str],
    now: datetime,
    counts: Granted,
) -> Iterator[Row]:
    """The outbox rows; where the payload names a pool, with `discount` {code, label, expires_at (text)}.
    Rows of other channels than `channels` will not be planned, and get none yet.

    Where the pool has no code left, a row goes on without, unless the payload says `discount_required`:
    then it stays in the outbox, to be looked at again by the next tick, until it expires.
    """
    rest = iter(rows)
    while batch := list(islice(rest, BATCH)):
        wishes = {
            row["message_id"]: wish for row in batch if row["channel"] in channels and (wish := _wish(row))
        }
        codes = _grant(ledger, wishes, offers, now, counts) if wishes else {}
        for row in batch:
            wish, code = wishes.get(row["message_id"]), codes.get(row["message_id"])
            if wish and wish[1] and not code:
                counts.waiting_for_code += 1
                continue
            counts.without_code += bool(wish) and not code
            yield {**row, "discount": code} if wish else row


def _wish(row: Row) -> tuple[str, bool] | None:
    """(pool, is it required) of a row that wants a code."""
    text = row["payload"]
    if not isinstance(text, str) or POOL not in text:  # most rows: not worth parsing
        return None
    try:
        payload = json.loads(text)
    except ValueError:
        return None  # rendering says what is wrong with it
    pool = payload.get(POOL) if isinstance(payload, dict) else None
    return (str(pool), bool(payload.get(REQUIRED))) if pool else None


def _grant(
    ledger: Ledger, wishes: Mapping[str, tuple[str, bool]], offers: Offers, now: datetime, counts: Granted
) -> dict[str, dict[str, Any]]:
    """message_id → its code, the one it had or a new one. What is planned gets none: its bytes are frozen."""
    codes = {}
    with ledger.transaction():
        for known in ledger.run("granted_codes", {"message_ids": json.dumps(list(wishes))}).fetchall():
            message_id = known["message_id"]
            if known["code"] is not None:
                codes[message_id] = {name: known[name] for name in ("code", "label", "expires_at")}
            elif not known["is_planned"]:
                pool = wishes[message_id][0]
                if pool not in counts.pools:
                    counts.pools[pool] = _free(ledger, pool, offers)
                if code := _next(ledger, pool, message_id, now, counts):
                    codes[message_id] = code
    return codes


def _free(ledger: Ledger, pool: str, offers: Offers) -> Iterator[tuple[str, str | None, datetime | None]]:
    taken = {row["code"].upper() for row in ledger.run("codes_of_pool", {"pool": pool})}
    yield from (offer for offer in offers(pool) if offer[0].upper() not in taken)


def _next(
    ledger: Ledger, pool: str, message_id: str, now: datetime, counts: Granted
) -> dict[str, Any] | None:
    for code, label, expires_at in counts.pools[pool]:
        given = {"code": code, "label": label, "expires_at": expires_at and to_text(expires_at)}
        values = {**given, "pool": pool, "message_id": message_id, "now": to_text(now)}
        if ledger.change("grant_code", values):  # else another pool gave that code away
            counts.granted += 1
            return given
    return None
