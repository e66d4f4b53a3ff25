"""One call of a message: its headers, the call itself, and our verdict of whatever came of it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace

import httpx

from senders.authorization import headers_for
from senders.contract import Answer, Outcome, Provider, Verdict
from senders.entries import Attempt
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
    except NotSent as error:
        return Verdict(Outcome.RETRY, str(error))
    except InvalidRequest as error:
        return Verdict(Outcome.REJECTED, "invalid_request", raw=str(error))
    except NoAnswer as error:
        return Verdict(Outcome.UNKNOWN, str(error))
    return judge(provider, answer)


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
