"""The ledger's middle steps: claim what is due, and put on record that it is about to be sent."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from senders.breaker import Breaker, Breaking
from senders.contract import Request
from senders.entries import Attempt, Claim, Picked
from senders.planning import digest
from senders.store import Beside, LedgerError, listed, to_moment, to_text
from senders.warm_up import ENDLESS, WarmUp


class Claiming(Breaking):
    def claim(
        self,
        now: datetime,
        provider: str,
        limit: int,
        lease_seconds: float,
        *,
        marketing: int | None = None,
        pair_seconds: float = 0.0,
        unreachable_seconds: float = 0.0,
        warm_up: WarmUp | None = None,
    ) -> Picked:
        """Lease up to `limit` of a provider's due messages, most urgent first: transactional ones before
        all others, of which there are at most `marketing`.

        Nothing comes back while the route is blocked or its breaker is open, or a switch stops it; while the
        breaker is half open, one message does, and nothing else until its lease ends. A message to an address
        that was suppressed since it was planned is moved to `suppressed` instead, and one to a person whom
        another one was sent to less than `pair_seconds` ago waits; whom the provider called unreachable less
        than `unreachable_seconds` ago is not tried. `warm_up` limits the marketing of a day;
        the rest counts as well, and never waits for it.
        """
        picking = {
            "now": to_text(now),
            "provider": provider,
            "pair_since": _before(now, pair_seconds),
            "unreachable_since": _before(now, unreachable_seconds),
        }
        with self.transaction(Beside.SENDERS):
            breaker = self._breaker_to_claim_by(now, provider)
            if breaker.is_open(now):
                return Picked([], is_open=True)
            if is_half_open := breaker.is_half_open(now):
                limit = min(limit, 1)
            self.run("promote_retries", {"now": picking["now"]})
            rows = self.run("pick", {**picking, "is_marketing": False, "limit": limit}).fetchall()
            room = limit - len(rows) if marketing is None else min(limit - len(rows), marketing)
            left = room if warm_up is None else self._left_of_day(now, provider, warm_up) - len(rows)
            if room > 0 and left > 0:
                more = {**picking, "is_marketing": True, "limit": min(room, left)}
                rows += self.run("pick", more).fetchall()
            picked = self._lease(now, rows, lease_seconds, pair_seconds)
            if is_half_open and picked.claims:
                self.keep_for_probe(provider, picked.claims[0].lease_until)
            if warm_up is not None:
                today = {"provider": provider, "today": _day(now)}
                self.run("count_calls", {**today, "calls": len(picked.claims)})
        is_day_full = left < room and len(rows) >= left
        return replace(picked, is_day_full=is_day_full, is_half_open=is_half_open)

    def _breaker_to_claim_by(self, now: datetime, provider: str) -> Breaker:
        """Half open, it is looked at again by one worker at a time: the first has taken the probe then."""
        breaker = self.breaker(provider)
        return self.breaker(provider, is_to_probe=True) if breaker.is_half_open(now) else breaker

    def _left_of_day(self, now: datetime, provider: str, warm_up: WarmUp) -> int:
        """How many messages more the route may send today while it warms up."""
        values = {"provider": provider, "today": _day(now), "begins_on": warm_up.begins_on.isoformat()}
        row = self.run("open_day", values).fetchone()
        limit = warm_up.limit(row["days_before"])
        return ENDLESS if limit is None else max(0, limit - row["calls"])

    def _lease(self, now: datetime, rows: Sequence[Any], lease_seconds: float, pair_seconds: float) -> Picked:
        token, lease_until = secrets.token_hex(8), now + timedelta(seconds=lease_seconds)
        at, lease = to_text(now), {"token": token, "lease_until": to_text(lease_until)}
        forbidden = [row for row in rows if row["suppression_reason"] is not None]
        allowed = [row for row in rows if row["suppression_reason"] is None]
        beyond = [row for row in allowed if row["is_unreachable"]]
        free, early = _in_turn(
            now, [row for row in allowed if not row["is_unreachable"]], timedelta(seconds=pair_seconds)
        )
        self.change_each(
            "reject_unreachable", ({"now": at, "message_no": row["message_no"]} for row in beyond)
        )
        self.run("claim", {**lease, "now": at, "message_nos": listed(row["message_no"] for row in free)})
        for row in forbidden:
            reason = {"message_no": row["message_no"], "reason": row["suppression_reason"]}
            self.run("suppress_planned", {"now": at, **reason})
        wait = {"now": at, "reason": "pair_limited"}
        self.change_each(
            "postpone",
            ({**wait, "message_id": row["message_id"], "until": to_text(until)} for row, until in early),
        )
        claims = [_claim(row, token, lease_until) for row in free]
        return Picked(claims, len(forbidden), len(early), len(beyond))

    def intent(
        self, now: datetime, claims: Sequence[Claim], call_seconds: float, *, are_new: bool = False
    ) -> list[Attempt]:
        """Put on record that these calls are about to be made; only those returned may be.

        A claim is left out when its lease ends within `call_seconds`, or when it was cancelled,
        stopped or suppressed since; give it back with `release`. `are_new`: claimed at the same `now`, in the
        transaction that this is part of: then nobody can have come between, and none is looked at again.
        """
        values = {"now": to_text(now), "call_ends_at": to_text(now + timedelta(seconds=call_seconds))}
        with self.transaction(Beside.SENDERS):
            return [
                attempt
                for ours in _by_token(claims).values()
                for attempt in self._intend(ours if are_new else self._still(ours, values), values)
            ]

    def _still(self, claims: Sequence[Claim], values: dict[str, Any]) -> list[Claim]:
        still = {row[0] for row in self.run("still_to_send", {**values, **_together(claims)})}
        return [claim for claim in claims if claim.message_no in still]

    def _intend(self, claims: Sequence[Claim], values: dict[str, Any]) -> list[Attempt]:
        if not claims:
            return []
        rows = [{**mine(claim), **values, "body_sha256": digest(claim.request.body)} for claim in claims]
        self.change_each("open_attempt", rows)
        if self.change("put_in_flight", {**values, **_together(claims)}) != len(claims):
            raise LedgerError("a claim was lost inside the transaction that took it: nothing is sent")
        return [Attempt(claim) for claim in claims]

    def release(self, now: datetime, claims: Iterable[Claim], reason: str) -> int:
        """Give back claims whose call will not be made; how many were still ours."""
        values = {"now": to_text(now), "reason": reason}
        with self.transaction(Beside.SENDERS):
            return self.change_each("release", ({**mine(claim), **values} for claim in claims))


def mine(claim: Claim) -> dict[str, Any]:
    """What a claim is proven by."""
    return {"message_no": claim.message_no, "token": claim.token}


def _together(claims: Sequence[Claim]) -> dict[str, Any]:
    """What claims with one token are proven by."""
    return {"token": claims[0].token, "message_nos": listed(claim.message_no for claim in claims)}


def _by_token(claims: Iterable[Claim]) -> dict[str, list[Claim]]:
    found: dict[str, list[Claim]] = {}
    for claim in claims:
        found.setdefault(claim.token, []).append(claim)
    return found


def _day(now: datetime) -> str:
    return now.astimezone(UTC).date().isoformat()


def _before(now: datetime, seconds: float) -> str | None:
    return to_text(now - timedelta(seconds=seconds)) if seconds else None


def _in_turn(
    now: datetime, rows: Sequence[Any], apart: timedelta
) -> tuple[list[Any], list[tuple[Any, datetime]]]:
    """The rows that may go now, and those whose person got another message less than `apart` ago, or gets
    one now, with their time."""
    if not apart:
        return list(rows), []
    free: list[Any] = []
    early: list[tuple[Any, datetime]] = []
    next_at: dict[str, datetime] = {}
    for row in rows:
        person, moved_at = row["address_key"], row["pair_moved_at"]
        at = next_at.get(person, now if moved_at is None else to_moment(moved_at) + apart)
        next_at[person] = at + apart
        if at <= now:
            free.append(row)
        else:
            early.append((row, at))
    return free, early


@lru_cache(maxsize=64)  # most messages of a provider have the same ones
def _headers(text: str) -> Mapping[str, str]:
    return MappingProxyType(json.loads(text))


def _claim(row: Any, token: str, lease_until: datetime) -> Claim:
    request = Request(row["method"], row["path"], row["body"], _headers(row["headers"]))
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
