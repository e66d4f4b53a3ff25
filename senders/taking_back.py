"""Asking a provider to take back what its person has no use for any more, before it is delivered.

As with look-ups, answers open and close no breaker; calls are made at the route's pace, beside what is sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

import httpx

from senders import one_call
from senders.authorization import NotAuthorized, authorize
from senders.contract import Outcome, Provider, Verdict
from senders.pace import TokenBucket, asked_seconds, retry_at
from senders.revocations import Asked, Revocation
from senders.round import Round
from senders.shared_pace import SharedBucket

AT_ONCE = 8  # calls to one provider
_ANSWERS = (Outcome.ACCEPTED, Outcome.REJECTED, Outcome.SUPPRESSED)


def due(round_: Round, provider: Provider) -> list[Revocation]:
    """What to ask this provider for in this round: each is on record before its call."""
    if not provider.capabilities.can_revoke:
        return []
    lease = timedelta(seconds=round_.pace.lease_seconds)
    return round_.ledger.revocations_due(round_.clock(), provider.name, round_.pace.look_ups, lease)


async def ask(
    round_: Round,
    client: httpx.AsyncClient,
    provider: Provider,
    bucket: TokenBucket | SharedBucket,
    unwanted: Sequence[Revocation],
) -> None:
    """Ask for each; what comes to no answer is asked for again later. Where the route is in doubt or asks
    to be left alone, the rest waits for another round."""
    is_doubted = round_.ledger.breaker(provider.name).openings > 0
    rest = list(unwanted)
    while rest:
        room = await _room(round_, bucket, 1 if is_doubted else min(AT_ONCE, len(rest)))
        group, rest = rest[:room], rest[room:]
        if not group:
            return
        try:
            secrets = await authorize(round_, client, provider)
        except NotAuthorized:
            return
        made = bucket.take(len(group))
        verdicts = await asyncio.gather(
            *(one_call.take_back(round_, client, provider, each, secrets) for each in group)
        )
        bucket.answered(made)
        may_go_on = _record(round_, provider, group, verdicts)
        if not may_go_on or (is_doubted and verdicts[-1].outcome not in _ANSWERS):
            return


async def _room(round_: Round, bucket: TokenBucket | SharedBucket, wanted: int) -> int:
    """How many of the wanted calls the route's pace has room for, once there is any; 0: the round is over."""
    while round_.seconds_left > 0:
        if room := bucket.available(wanted):
            return room
        seconds = max(bucket.wait_seconds(wanted), 0.01)
        await asyncio.sleep(min(seconds, max(round_.seconds_left, 0.0)))
    return 0


def _record(
    round_: Round, provider: Provider, group: Sequence[Revocation], verdicts: Sequence[Verdict]
) -> bool:
    """Write down what came of a group; whether the provider may be asked for more."""
    now = round_.clock()
    asked = [
        Asked(each, verdict, _again_at(round_, now, each, verdict))
        for each, verdict in zip(group, verdicts, strict=True)
    ]
    round_.summary.taken_back += round_.ledger.record_revocations(now, asked)
    round_.on_progress(round_.summary)
    may_go_on = True
    for verdict in verdicts:
        wished = asked_seconds(verdict.retry_after_seconds)
        if verdict.outcome is Outcome.ROUTE_BLOCKED:
            round_.block_route(provider, verdict.reason)
            may_go_on = False
        elif verdict.outcome is Outcome.RETRY and wished > round_.pace.patience_seconds:
            round_.pause_route(provider, min(wished, round_.pace.longest_pause_seconds))
            may_go_on = False
    return may_go_on


def _again_at(round_: Round, now: datetime, revocation: Revocation, verdict: Verdict) -> datetime | None:
    """When to ask again; None: that was an answer."""
    if verdict.outcome in _ANSWERS:
        return None
    attempts, wished = revocation.attempts + 1, verdict.retry_after_seconds
    return retry_at(now, revocation.message_id, attempts, wished, revocation.expires_at, round_.pace)
