"""Looking into the messages that may have been sent: what can be settled at once, and asking the
provider about the rest."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import httpx

from senders.authorization import NotAuthorized, authorize, headers_for
from senders.contract import Outcome, Provider, State, Verdict
from senders.entries import Settlement, Unknown
from senders.reconcile import Ask, after_look_up, give_up, next_step
from senders.round import Round
from senders.transport import InvalidRequest, NoAnswer, NotSent, call

AT_ONCE = 8  # look-ups of one provider


def settle_due(round_: Round, provider: Provider) -> list[Unknown]:
    """Settle what needs no asking; what is left is to be asked about."""
    now = round_.clock()
    due = round_.ledger.unknown_due(now, provider.name, round_.pace.look_ups)
    steps = [next_step(now, unknown, provider.capabilities, round_.pace) for unknown in due]
    _settle(round_, provider, [step for step in steps if isinstance(step, Settlement)])
    return [step.unknown for step in steps if isinstance(step, Ask)]


async def ask(
    round_: Round, client: httpx.AsyncClient, provider: Provider, doubtful: Sequence[Unknown]
) -> None:
    """Ask the provider about each; without an answer, the message is looked into again later. While the
    route's breaker is half open, one by one, up to the first without a clear answer."""
    is_doubted = round_.ledger.breaker(provider.name).openings > 0
    at_once = 1 if is_doubted else AT_ONCE
    for start in range(0, len(doubtful), at_once):
        if round_.seconds_left <= 0:
            return
        try:
            secrets = await authorize(round_, client, provider)
        except NotAuthorized:
            return
        group = doubtful[start : start + at_once]
        settlements = await asyncio.gather(
            *(_ask(round_, client, provider, unknown, secrets) for unknown in group)
        )
        _settle(round_, provider, settlements)
        if is_doubted and settlements[-1].state is State.UNKNOWN:
            return


async def _ask(
    round_: Round, client: httpx.AsyncClient, provider: Provider, unknown: Unknown, secrets: Mapping[str, str]
) -> Settlement:
    question = provider.look_up(unknown.message_id, unknown.address, unknown.provider_message_id)
    if question is None:
        return give_up(round_.clock(), unknown)
    verdict: Verdict | None
    try:
        headers = headers_for(provider, question, secrets)
        answer = await call(client, provider.base_url, question, headers, round_.pace.call_seconds)
        verdict = provider.judge_look_up(unknown.message_id, answer)
    except (NotSent, NoAnswer, InvalidRequest):
        verdict = None
    except Exception as error:  # a provider's file that cannot read this answer is no reason to guess
        verdict = Verdict(Outcome.UNKNOWN, f"answer_not_understood: {type(error).__name__}")
    if verdict is not None and verdict.outcome is Outcome.ROUTE_BLOCKED:
        round_.block_route(provider, verdict.reason)
    return after_look_up(round_.clock(), unknown, verdict, round_.pace)


def _settle(round_: Round, provider: Provider, settlements: Sequence[Settlement]) -> None:
    if settlements:
        round_.ledger.settle(round_.clock(), settlements)
        round_.summary.count_settled(settlements, provider.channel)
        round_.on_progress(round_.summary)
