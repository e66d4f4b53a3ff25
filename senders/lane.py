"""One provider's lane: claim, intent, send, record, in batches that overlap.

Each provider has a lane of its own, so one that is slow holds up nobody else. A lane starts with a
few calls at once and doubles them while answers are clear; when as many calls as its window holds failed
or stayed unclear one after the other, the route's breaker opens (`breaker.py`): a provider that is down
costs a few attempts and not the backlog.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

import httpx

from senders import inquiry, one_call, taking_back
from senders.authorization import NotAuthorized, RouteBlocked, authorize
from senders.breaker import is_failure
from senders.contract import Outcome, Provider, Verdict
from senders.entries import Attempt, Claim, Recorded
from senders.pace import Made, asked_seconds, retry_at
from senders.reconcile import first_look_at
from senders.round import Round
from senders.shared_pace import bucket_for
from senders.store import Beside
from senders.transport import open_client


async def run_lanes(round_: Round, providers: Iterable[Provider]) -> None:
    """A lane for each provider, all to their end; then raise what made one fail: only the ledger can."""
    by_name = {provider.name: provider for provider in providers}
    async with open_client(round_.pace.connect_seconds) as client:
        lanes = [Lane(round_, client, provider) for provider in by_name.values()]
        failures = await asyncio.gather(*(lane.run() for lane in lanes), return_exceptions=True)
    for failure in failures:
        if failure is not None:
            raise failure.exceptions[0] if isinstance(failure, BaseExceptionGroup) else failure


class Lane:
    def __init__(self, round_: Round, client: httpx.AsyncClient, provider: Provider) -> None:
        self._round = round_
        self._client = client
        self._provider = provider
        self._bucket = bucket_for(round_.ledger, provider)
        self._window = min(round_.pace.first_calls, round_.pace.calls)
        self._in_flight = 0
        self._answered: list[tuple[Attempt, Verdict]] = []
        self._has_answers = asyncio.Event()
        self._has_many_answers = asyncio.Event()
        self._patience = round_.pace.patience_seconds
        self._is_probe = False  # the call under way is the one that a half open breaker lets through
        self._is_over = False  # the breaker is open: it lets nobody through in this round
        self._secrets: Mapping[str, str] | None = None  # of the last calls
        self._is_dry = False  # the last claim got all there was
        self._urgent_at = 0.0  # by the loop's clock: when to look for what is urgent beside a full window
        self._closed_because = ""

    async def run(self) -> None:
        """Send what is due until nothing is left, the round ends or the lane is closed."""
        async with asyncio.TaskGroup() as tasks:
            if doubtful := inquiry.settle_due(self._round, self._provider):
                tasks.create_task(inquiry.ask(self._round, self._client, self._provider, doubtful))
            if unwanted := taking_back.due(self._round, self._provider):
                tasks.create_task(
                    taking_back.ask(self._round, self._client, self._provider, self._bucket, unwanted)
                )
            while True:
                if self._room() > 0:
                    await self._turn(tasks)
                    continue
                if self._in_flight:
                    await self._some_answers()
                    if self._room() > 0:  # the turn records them, in its own commit
                        continue
                self._record()
                self._round.on_progress(self._round.summary)
                if not (self._in_flight or await self._rest()):
                    break
        if self._closed_because:
            self._round.summary.cut_short[self._provider.name] = self._closed_because

    # Starting calls --------------------------------------------------------------------------

    @property
    def _is_open(self) -> bool:
        return not (self._closed_because or self._is_over) and self._round.seconds_left > 0

    @property
    def _may_claim(self) -> bool:
        return self._is_open and not (self._is_probe and self._in_flight)

    def _free(self) -> int:
        """Calls that the window has room for; few at a time are not worth the commits."""
        free = self._window - self._in_flight
        return free if free * 2 >= self._window and not self._is_dry else 0

    def _wanted(self) -> int:
        """Calls to start: for anything, or while the window is full now and then a few for what is urgent."""
        if not self._may_claim:
            return 0
        if self._free() or not self._in_flight or self._urgent_in() > 0:
            return self._free()
        return max(0, self._window + self._round.pace.spare_calls - self._in_flight)

    def _urgent_in(self) -> float:
        return max(0.0, self._urgent_at - asyncio.get_running_loop().time())

    def _room(self) -> int:
        return self._bucket.available(self._wanted())

    async def _turn(self, tasks: asyncio.TaskGroup) -> None:
        """Record what came back, claim and put on record what goes out next: all in one commit."""
        round_ = self._round
        # No lease of this turn outlives it, even where the wall clock is turned back meanwhile.
        ends_at = time.monotonic() + round_.pace.lease_seconds
        # Until there is a message, no token is asked for.
        early = self._claim(round_.clock()) if self._secrets is None else []
        if self._secrets is None and not early:
            return
        try:
            secrets = await authorize(round_, self._client, self._provider, self._secrets)
        except NotAuthorized as error:
            round_.ledger.release(round_.clock(), early, str(error))
            self._closed_because = str(error)
            if not isinstance(error, RouteBlocked):
                failed = Verdict(Outcome.RETRY, str(error))
                round_.heed_outcomes(self._provider, [failed], 1, is_probe=self._is_probe)
            return
        self._secrets = secrets
        with round_.ledger.transaction(Beside.SENDERS):
            self._record()
            now = round_.clock()
            attempts = self._intend(now, early or self._claim(now), are_new=not early)
        made = self._bucket.take(len(attempts))
        self._in_flight += len(attempts)
        for attempt in attempts:
            tasks.create_task(self._send(attempt, secrets, ends_at, made))
        round_.on_progress(round_.summary)
        await asyncio.sleep(0)  # a long row of suppressed addresses leaves the other lanes their turn

    def _claim(self, now: datetime) -> list[Claim]:
        round_, can = self._round, self._provider.capabilities
        room, free = self._room(), self._free()
        picked = round_.ledger.claim(
            now,
            self._provider.name,
            room,
            round_.pace.lease_seconds,
            marketing=min(room, free),
            pair_seconds=can.pair_seconds,
            unreachable_seconds=can.unreachable_seconds,
            warm_up=can.warm_up,
        )
        round_.summary.count_picked(picked, self._provider.name)
        self._is_over, self._is_probe = picked.is_open, picked.is_half_open
        if picked.is_half_open:  # what was not to be sent is out of the line, or the answer is waited for
            self._is_dry = bool(picked.claims) or not picked.rows
        elif not free:  # a few calls at a time are not worth their commits more often
            self._urgent_at = asyncio.get_running_loop().time() + round_.pace.urgent_seconds
            self._is_dry = False  # retries whose time came are in line now, and were left there
        elif picked.rows < room:
            self._is_dry = True
        if picked.claims:
            self._patience = round_.pace.patience_seconds
        return picked.claims

    def _intend(self, now: datetime, claims: list[Claim], *, are_new: bool) -> list[Attempt]:
        round_ = self._round
        attempts = round_.ledger.intent(now, claims, round_.pace.call_seconds, are_new=are_new)
        if len(attempts) < len(claims):
            started = {attempt.claim.message_no for attempt in attempts}
            left = [claim for claim in claims if claim.message_no not in started]
            round_.ledger.release(round_.clock(), left, "stopped_before_intent")
            self._is_dry = False  # the next claim says what stopped them
        round_.summary.attempted += len(attempts)
        return attempts

    # One call --------------------------------------------------------------------------------

    async def _send(self, attempt: Attempt, secrets: Mapping[str, str], ends_at: float, made: Made) -> None:
        verdict = await one_call.make(self._round, self._client, self._provider, attempt, secrets, ends_at)
        self._bucket.answered(made)
        self._answered.append((attempt, verdict))
        self._in_flight -= 1
        self._has_answers.set()
        if not self._in_flight or self._free():
            self._has_many_answers.set()

    # Recording -------------------------------------------------------------------------------

    def _record(self) -> None:
        self._has_answers.clear()
        self._has_many_answers.clear()
        if not self._answered:
            return
        round_, answered, self._answered = self._round, self._answered, []
        now = round_.clock()
        learns_id = not self._provider.capabilities.names_ours_alone
        results = [
            Recorded(attempt, verdict, self._wake_at(attempt, verdict), learns_id)
            for attempt, verdict in answered
        ]
        with round_.ledger.transaction(Beside.SENDERS):
            round_.ledger.record(now, results)
            for _, verdict in answered:
                round_.summary.count_outcome(verdict.outcome, self._provider.channel)
                self._heed(verdict)
            why = round_.heed_outcomes(
                self._provider, [verdict for _, verdict in answered], self._window, is_probe=self._is_probe
            )
        self._closed_because = self._closed_because or why
        if self._is_probe:  # the provider answers: the others may go
            self._is_probe = self._is_dry = False

    def _wake_at(self, attempt: Attempt, verdict: Verdict) -> datetime | None:
        now, claim, pace = self._round.clock(), attempt.claim, self._round.pace
        if verdict.outcome is Outcome.RETRY:
            after = verdict.retry_after_seconds
            return retry_at(now, claim.message_id, claim.attempts + 1, after, claim.expires_at, pace)
        if verdict.outcome is Outcome.UNKNOWN:
            return first_look_at(now, self._provider.capabilities, pace)
        return None

    def _heed(self, verdict: Verdict) -> None:
        """What an outcome means for the calls that follow."""
        pace = self._round.pace
        if verdict.outcome is Outcome.ROUTE_BLOCKED:
            self._round.block_route(self._provider, verdict.reason)
            self._closed_because = verdict.reason
        elif verdict.outcome is Outcome.RETRY and verdict.retry_after_seconds is not None:
            seconds = asked_seconds(verdict.retry_after_seconds)
            if seconds > pace.patience_seconds:
                self._closed_because = "asked_to_wait"
                self._round.pause_route(self._provider, min(seconds, pace.longest_pause_seconds))
            self._bucket.pause(min(seconds, max(self._round.seconds_left, 0.0)))
        elif not is_failure(verdict):
            self._window = min(self._window * 2, pace.calls)

    # Waiting ---------------------------------------------------------------------------------

    async def _rest(self) -> bool:
        """With nothing in flight, wait for whatever comes next; False when nothing will."""
        seconds = self._pause_seconds()
        if seconds is None:
            return False
        await asyncio.sleep(min(seconds, self._round.seconds_left))
        self._is_dry = False
        return True

    async def _some_answers(self) -> None:
        """Until there are enough for a batch, or the first of them waited long enough for the others; not
        longer than until the throttle lets go, or until it is time to look for what is urgent."""
        wanted = self._wanted()
        idle = self._urgent_in() if self._may_claim else None
        at_most = self._bucket.wait_seconds(wanted) if wanted else idle
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(at_most):
                await self._has_answers.wait()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._round.pace.gather_seconds):
                        await self._has_many_answers.wait()

    def _pause_seconds(self) -> float | None:
        """With nothing in flight: how long until the throttle lets go or a retry is due; None: done."""
        round_ = self._round
        if not self._is_open:
            return None
        if not self._is_dry:
            return self._bucket.wait_seconds(self._free())
        now = round_.clock()
        until = now + timedelta(seconds=self._patience)
        retry_due_at = round_.ledger.next_retry_at(self._provider.name, now, until)
        if retry_due_at is None:
            return None
        seconds = max(0.0, (retry_due_at - now).total_seconds())
        self._patience -= seconds  # given back by a claim that found something
        return seconds
