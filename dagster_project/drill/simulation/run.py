"""One seed: some messages, some workers that die and come back with wrong clocks, and the judgement."""

from __future__ import annotations

import asyncio
import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from pathlib import Path
from typing import Any

import httpx

from dagster_project.drill.breaking import Watched, replaced
from dagster_project.drill.letters import letters
from dagster_project.drill.oracle import Findings, weigh
from dagster_project.drill.simulation.carrier import CLASSES, Carrier, SimulatedProvider
from dagster_project.drill.simulation.people import People
from dagster_project.drill.simulation.virtual_time import VirtualLoop
from senders import delivery, inquiry, lane, one_call, shared_pace
from senders.contract import Message, State
from senders.ledger import Ledger
from senders.pace import Pace, TokenBucket
from senders.round import Round
from senders.summary import Summary

NOON = datetime(2026, 3, 28, 12, tzinfo=UTC)
PACE = Pace(first_calls=2, calls=4)
TROUBLE_SECONDS = 900.0
SKEWS = (0.0, 0.0, 0.0, 5.0, -5.0, 600.0, -600.0, 90_000.0)  # seconds; the last is 25 hours
POINTS_A_LIFE = 120  # of a worker that will die: up to so many points passed
LAST_TICKS = 80
PROVIDERS = {name: SimulatedProvider(name) for name in CLASSES}
UNSETTLED = (State.PLANNED, State.CLAIMED, State.IN_FLIGHT, State.RETRY_WAIT, State.UNKNOWN)


class Died(BaseException):
    """A worker is killed here: nothing of it runs on, and what it had not committed is gone."""


class Line:
    """A worker's client: it says whose call it is."""

    _shared = httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(500)))

    def __init__(self, strike: Callable[[str], None]) -> None:
        self.strike = strike
        self.build_request = self._shared.build_request


class Simulation:
    def __init__(self, seed: int, path: Path) -> None:
        self.chance = random.Random(seed)  # noqa: S311  chance on purpose, nothing to guess
        self.path = path
        self.loop = VirtualLoop()
        self.trace: list[str] = []
        self.messages = self._messages(seed)
        self.carrier = Carrier(self.chance, self.chance.choice([0.1, 0.4, 0.9]), self.note)
        self.furthest = NOON
        self._is_over = False
        self._strike: Callable[[str], None] = lambda _: None

    def note(self, text: str) -> None:
        self.trace.append(f"{self.loop.time():9.1f} s  {text}")

    def now(self, skew: float = 0.0) -> datetime:
        moment = NOON + timedelta(seconds=self.loop.time() + skew)
        self.furthest = max(self.furthest, moment)
        return moment

    def _messages(self, seed: int) -> list[Message]:
        chance, made = self.chance, list[Message]()
        for number in range(chance.randint(6, 14)):
            changes: dict[str, Any] = {
                "on_unknown": chance.choice(["hold", "hold", "drop", "resend"]),
                "message_class": chance.choice(["marketing", "transactional"]),
                "priority": chance.randint(0, 100),
                "due_at": NOON + timedelta(seconds=chance.choice([-60, 0, 200])),
                "expires_at": NOON + timedelta(seconds=chance.choice([400, 7_200, 300_000])),
                "content": {"text": "Your cart waits"},
            }
            if made and chance.random() < 0.2:  # another channel for the same candidate
                changes["candidate_id"] = chance.choice(made).candidate_id
            made += letters(f"seed {seed} {number}", [chance.choice(list(CLASSES))], 1, NOON, **changes)
        return made

    # Workers ---------------------------------------------------------------------------------

    async def _worker(self) -> None:
        """Processes one after the other, each with the clock it finds, until the trouble is over."""
        while not self._is_over:
            skew = self.chance.choice(SKEWS) if self.chance.random() < 0.3 else 0.0
            dies_after = self.chance.randint(1, POINTS_A_LIFE) if self.chance.random() < 0.6 else None
            with Quick(self.path) as ledger:
                ledger.strike = _life(dies_after, self.note)
                try:
                    for _ in range(self.chance.randint(1, 4)):
                        await self._tick(ledger, skew)
                        await asyncio.sleep(self.chance.uniform(15, 110))
                except Died:
                    await asyncio.sleep(self.chance.uniform(1, 90))

    async def _tick(self, ledger: Watched, skew: float) -> None:
        """`delivery.plan` and `delivery.deliver`, the latter inside a loop that runs already."""
        clock = partial(self.now, skew)
        edited = self.loop.time() > TROUBLE_SECONDS / 3  # the template was, meanwhile
        said = {"text": "Only today"} if edited else {"text": "Your cart waits"}
        delivery.plan(ledger, PROVIDERS, (_saying(each, said) for each in self.messages), clock())
        ledger.sweep(clock())
        if ledger.has_work(clock(), set(PROVIDERS)):
            round_ = Round(ledger, clock, clock() + timedelta(seconds=40), PACE, Summary(), lambda _: None)
            self._strike = ledger.strike
            await lane.run_lanes(round_, PROVIDERS.values())
            ledger.sweep(clock())

    # The whole -------------------------------------------------------------------------------

    def run(self) -> Findings:
        with self._staged():
            return self.loop.run_until_complete(self._run())

    async def _run(self) -> Findings:
        with Quick(self.path) as ledger:
            people = People(self.chance, ledger, self.now, self.messages)
            self.carrier.on_taken = people.report
            people.schedule(TROUBLE_SECONDS)
            workers = [asyncio.create_task(self._worker()) for _ in range(self.chance.randint(1, 3))]
            await asyncio.sleep(TROUBLE_SECONDS)
            self._is_over, self.carrier.trouble = True, 0.0
            await asyncio.gather(*workers)
            await asyncio.sleep(500)  # switches are on again, receipts are in
            await self._recover(ledger)
            return self._judge(ledger, people)

    async def _recover(self, ledger: Watched) -> None:
        """Healthy ticks, whenever the ledger says that there is something to do."""
        for name in ledger.blocked_routes():
            ledger.free_route(name, "drill", self.now())
        for _ in range(LAST_TICKS):
            await self._tick(ledger, 0.0)
            if not any(ledger.counts().get(state) for state in UNSETTLED):
                return
            due = ledger.next_attempt_at(self.now())
            await asyncio.sleep(max(60.0, (due - self.now()).total_seconds() if due else 0.0))

    def _judge(self, ledger: Ledger, people: People) -> Findings:
        first_of: dict[str, str] = {}
        for message in self.messages:
            first_of.setdefault(message.candidate_id, message.message_id)
        ends = {message.message_id: self._ends(message, people) for message in self.messages}
        return weigh(ledger, self.carrier.journal, first_of.values(), ends, people.stops)

    def _ends(self, message: Message, people: People) -> list[State]:
        """How a message may end besides taken or held, by what happened to it."""
        said_no = message.message_id in self.carrier.said_no
        causes = {
            State.CANCELLED: message.message_id in people.cancelled,
            State.EXPIRED: message.expires_at <= self.furthest,
            State.REJECTED: said_no,
            State.SUPPRESSED: said_no,
        }
        return [state for state, is_so in causes.items() if is_so]

    @contextmanager
    def _staged(self) -> Iterator[None]:
        """The network and the throttle's clock of this run, in place of the real ones."""

        @asynccontextmanager
        async def open_client(_: float) -> Any:
            yield Line(self._strike)

        async def call(client: Line, _: str, request: Any, headers: Any, *times: Any) -> Any:
            client.strike("send.before")
            answer = await self.carrier.call(request, *times)
            client.strike("send.after")
            return answer

        with ExitStack() as stack:
            stack.callback(self.loop.close)
            stack.enter_context(replaced(lane, "open_client", open_client))
            stack.enter_context(replaced(one_call, "call", call))
            stack.enter_context(replaced(inquiry, "call", call))
            stack.enter_context(
                replaced(shared_pace, "TokenBucket", partial(TokenBucket, monotonic=self.loop.time))
            )
            yield


class Quick(Watched):
    """A ledger in memory's file system: nobody pulls the plug, so nothing waits for a disk."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.run("drill_without_fsync")


def _life(dies_after: int | None, note: Callable[[str], None]) -> Callable[[str], None]:
    """Strike dead at the given number of points passed, and at every point after that."""
    passed = 0

    def strike(point: str) -> None:
        nonlocal passed
        passed += 1
        if dies_after is not None and passed >= dies_after:
            if passed == dies_after:
                note(f"a worker dies at {point}")
            raise Died(point)

    return strike


def _saying(message: Message, content: dict[str, str]) -> Message:
    return replace(message, content=content)


@cache
def _empty(folder: Path) -> Path:
    """A ledger with its schema, to be copied: making it takes longer than most of a run."""
    path = folder / "empty.db"
    Ledger(path).close()
    return path


def simulate(seed: int, folder: Path) -> Simulation:
    """A simulation of this seed that is ready to run; its ledger is a file in `folder`."""
    path = folder / f"seed-{seed}.db"
    shutil.copyfile(_empty(folder), path)
    return Simulation(seed, path)
