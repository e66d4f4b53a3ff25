"""Who is erased: known by keyed hashes only, so that what comes again about them is refused, and the ledger's
part of erasing somebody.

The key is `DOVECOTE_ERASURE_SECRET`. Without it, or with another one, nobody who was erased would be known:
then nothing may land or be planned, and ErasureSecretError says so.
"""

from __future__ import annotations

import hmac
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import md5
from typing import Any

from senders.ledger import Ledger
from senders.receipts import address_key
from senders.settings import Settings
from senders.store import to_text

PREFIX = "erased:"  # before whatever stands in an erased person's place; the ledger's triggers know it
# From where a message of theirs stands to where nobody sends it any more. What may have been sent stays known
# as such (`has_lost_attempt`), and a receipt may still prove that it was.
WAYS_OUT: Mapping[str, Sequence[str]] = {
    "planned": ["cancelled"],
    "claimed": ["cancelled"],
    "retry_wait": ["cancelled"],
    "route_blocked": ["planned", "cancelled"],
    "in_flight": ["unknown", "cancelled"],
    "unknown": ["cancelled"],
    "held": ["cancelled"],
}


class ErasureSecretError(RuntimeError):
    """The key of the hashes is missing or another one; the text says what to do."""


@dataclass(frozen=True)
class Pseudonym:
    """What stands in a person's place in the records that count. `name` and `salt` are drawn for one erasure
    and thrown away with it: not even whoever has the key can find the person's rows by it."""

    name: str
    salt: str

    def of_thing(self, text: str | None) -> str | None:
        """A cart, an order, an event: the same one has the same name everywhere, and no other."""
        return None if text is None else PREFIX + md5(f"{self.salt}{text}".encode()).hexdigest()  # noqa: S324


class Erased:
    """The marks of everybody who was erased."""

    def __init__(self, ledger: Ledger, settings: Settings) -> None:
        self._key = settings.erasure_secret.encode()
        rows = ledger.run("erased_marks").fetchall()
        self.marks = {row["mark"]: row["erasure_id"] for row in rows if row["kind"] != "key"}
        self._scopes = {row["mark"]: row["suppressed_scope"] for row in rows}
        keys = [row["mark"] for row in rows if row["kind"] == "key"]
        if keys and not self._key:
            raise ErasureSecretError(
                f"{len(self)} people were erased and DOVECOTE_ERASURE_SECRET is not set: nobody would know "
                "them again. Set it to what it was."
            )
        if keys and self.mark("key", "") not in keys:
            raise ErasureSecretError(
                "DOVECOTE_ERASURE_SECRET is not the one that people were erased with: nobody would know them "
                "again. Set it to what it was."
            )

    def __len__(self) -> int:
        return len(set(self.marks.values()))

    def mark(self, kind: str, text: str) -> str:
        """The keyed hash of an id or an address; ErasureSecretError where there is no key."""
        if not self._key:
            raise ErasureSecretError(
                "DOVECOTE_ERASURE_SECRET is not set: it keys what is left of an erased person, so that a "
                "later import does not bring them back. Set it once to a long random text, and keep it."
            )
        return hmac.new(self._key, f"{kind}|{text}".encode(), "sha256").hexdigest()

    def has_id(self, given_id: str) -> bool:
        """`given_id` as events spell ids, `anon:` before an anonymous one."""
        return bool(self.marks) and self.mark("id", given_id) in self.marks

    def has_address(self, address: str) -> bool:
        return bool(self.marks) and self.mark("address", address_key(address)) in self.marks

    def erasure_of(self, who: str) -> str | None:
        """The erasure in which an id or an address was marked."""
        marks = [self.mark("id", who), self.mark("id", f"anon:{who}"), self.mark("address", address_key(who))]
        return next((self.marks[mark] for mark in marks if mark in self.marks), None)


def erase(
    ledger: Ledger, ids: Iterable[str], addresses: Iterable[str], pseudonym: Pseudonym, now: datetime
) -> dict[str, int]:
    """Cancel what waits and empty what was sent; inside the caller's transaction. How many rows of what.
    Done again, it finds nothing left to do."""
    done: Counter[str] = Counter()
    at = to_text(now)
    for user_id in ids:
        messages = ledger.run("standing_of_person", {"user_id": user_id}).fetchall()
        if messages:
            done["receipts"] += ledger.change("erase_receipts", {"user_id": user_id})
        for row in messages:
            done["cancelled"] += _end(ledger, row, at)
            _empty(ledger, row, pseudonym, done)
        done["refusals"] += ledger.change("erase_refusals", {"user_id": user_id})
    for address in addresses:
        for name, query in _OF_ADDRESS.items():
            done[name] += ledger.change(query, {"address_key": address})
    return dict(done)


_OF_ADDRESS = {
    "receipts": "erase_stray_receipts",
    "journal": "erase_journal",
    "suppressions": "erase_suppressions",
}
_OF_MESSAGE = {"requests": "erase_request", "attempts": "erase_attempts"}


def leave_marks(
    ledger: Ledger,
    erased: Erased,
    erasure_id: str,
    of: tuple[Iterable[str], Iterable[str]],
    now: datetime,
) -> None:
    """So that these (ids, addresses) are known when they come again. Before `erase`, which takes the
    objections away."""
    ids, addresses = of
    marks: list[tuple[str, str, str | None]] = [("id", erased.mark("id", given), None) for given in ids]
    for address in addresses:
        rows = ledger.run("suppressions_of_address", {"address_key": address}).fetchall()
        scopes = sorted(row["scope"] for row in rows if row["is_active"])  # `all` is before `marketing`
        marks.append(("address", erased.mark("address", address), scopes[0] if scopes else None))
    marks.append(("key", erased.mark("key", ""), None))
    for kind, mark, scope in marks:
        values = {"kind": kind, "mark": mark, "suppressed_scope": scope, "erasure_id": erasure_id}
        ledger.change("mark_erased", {**values, "now": to_text(now)})


def lift(ledger: Ledger, erased: Erased, who: str, now: datetime) -> bool:
    """They came back of their own will: forget that they were erased. An objection they had made stays until
    they are lifted by that address, and is then an objection again. False: they were not erased."""
    erasure_id = erased.erasure_of(who)
    if erasure_id is None:
        return False
    mine = erased.mark("address", address_key(who))
    with ledger.transaction():
        for mark, of in erased.marks.items():
            scope = erased._scopes[mark]
            if of == erasure_id and (scope is None or mark == mine):
                ledger.change("unmark_erased", {"mark": mark})
                if scope:
                    ledger.suppress(who, scope, "objected before the erasure", now)
    return True


def _end(ledger: Ledger, row: Mapping[str, Any], at: str) -> bool:
    """Bring a message to its end where it may still be sent."""
    state = row["state"]
    for to_state in WAYS_OUT.get(state, ()):
        values = {"message_no": row["message_no"], "from_state": state, "to_state": to_state, "now": at}
        ledger.change("erase_unsent", values)
        state = to_state
    return state != row["state"]


def _empty(ledger: Ledger, row: Mapping[str, Any], pseudonym: Pseudonym, done: Counter[str]) -> None:
    """Bytes first: they are the person's as long as the message is."""
    about = {"message_no": row["message_no"]}
    for name, query in _OF_MESSAGE.items():
        done[name] += ledger.change(query, {**about, "nothing": b""})
    things = {name: pseudonym.of_thing(row[name]) for name in ("entity_key", "event_id")}
    done["messages"] += ledger.change("erase_person", {**about, **things, "user_id": pseudonym.name})
