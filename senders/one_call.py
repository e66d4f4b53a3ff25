"""One call for a message, to send it or to take it back: its headers, the call itself, and our verdict of
whatever came of it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import cast

import httpx

from senders.authorization import headers_for
from senders.contract import Answer, Outcome, Provider, Revoker, Verdict
from senders.entries import Attempt
from senders.revocations import Revocation
from senders.round import Round
from senders.transport import InvalidRequest, NoAnswer, NotSent, call

RAW_LIMIT = 8_000  # characters of an answer that nobody understood


async def make(
    round_: Round,
    client: httpx.AsyncClient,
    provider: Provider,
    attempt: Attempt,
    secrets: Mapping[str, str],
    ends_at: float,
) -> Verdict:
    """Call once, unless the lease is too short for it. `ends_at`: by the monotonic clock, from when on no
    byte leaves, even where the wall clock is turned back. Raises nothing: a failure is a verdict."""
    claim, seconds = attempt.claim, round_.pace.call_seconds
    if (claim.lease_until - round_.clock()).total_seconds() < seconds:  # the machine was asleep
        return Verdict(Outcome.RETRY, "lease_too_short")

    def is_over() -> bool:
        return time.monotonic() >= ends_at or round_.clock() >= claim.lease_until

    try:
        headers = headers_for(provider, claim.request, secrets)
        answer = await call(client, provider.base_url, claim.request, headers, seconds, is_over)
    except (NotSent, InvalidRequest, NoAnswer) as error:
        return without_answer(error)
    return judge(provider, answer)


async def take_back(
    round_: Round,
    client: httpx.AsyncClient,
    provider: Provider,
    revocation: Revocation,
    secrets: Mapping[str, str],
) -> Verdict:
    """Ask once for a message to be taken back. Raises nothing."""
    revoker = cast(Revoker, provider)
    about = (revocation.message_id, revocation.address, revocation.provider_message_id)
    try:
        request = revoker.revoke(*about)
        headers = headers_for(provider, request, secrets)
        answer = await call(client, provider.base_url, request, headers, round_.pace.call_seconds)
        return revoker.judge_revoke(answer)
    except (NotSent, InvalidRequest, NoAnswer) as error:
        return without_answer(error)
    except Exception as error:  # a provider's file that cannot read this answer is no reason to guess
        return Verdict(Outcome.UNKNOWN, f"answer_not_understood: {type(error).__name__}")


def without_answer(error: NotSent | InvalidRequest | NoAnswer) -> Verdict:
    """What a call came to that has no answer."""
    if isinstance(error, InvalidRequest):
        return Verdict(Outcome.REJECTED, "invalid_request", raw=str(error))
    return Verdict(Outcome.RETRY if isinstance(error, NotSent) else Outcome.UNKNOWN, str(error))


def judge(provider: Provider, answer: Answer) -> Verdict:
    """The provider's verdict, UNKNOWN where it has none: a status that says yes with the rest cut off
    may have been carried out, so it is never "known not sent"."""
    try:
        verdict = provider.judge(answer)
    except Exception as error:
        raw = f"{answer.status} {answer.body.decode(errors='replace')}"[:RAW_LIMIT]
        return Verdict(Outcome.UNKNOWN, f"answer_not_understood: {type(error).__name__}", raw=raw)
    if verdict.outcome is Outcome.RETRY and not answer.is_complete and 200 <= answer.status < 300:
        return replace(verdict, outcome=Outcome.UNKNOWN)
    return verdict
