"""Where a sender can be struck, and how: a ledger and a call that tell somebody at every named point.

The protocol's own code knows nothing of it. `Watched` stands in for the ledger, and `watched_calls`
for the network, only in a process that a drill has started.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from senders import one_call, transport
from senders.deadline import Deadline
from senders.ledger import Ledger

Strike = Callable[[str], None]

METHODS = (
    *("plan", "claim", "intent", "record", "release", "settle", "sweep", "apply_receipts"),
    *("ask_back_many", "revocations_due", "record_revocations"),
)
CALLS = ("send.before", "send.byte", "send.mid", "send.after")
POINTS = (
    *(f"{method}.{when}" for method in METHODS for when in ("before", "after")),
    *("commit.before", "commit.after"),
    *CALLS,
)
MID_SECONDS = 0.005  # the provider has the call and has not answered: the sandbox takes its time


class Watched(Ledger):
    """A ledger that tells `strike` the point it has come to."""

    strike: Strike = staticmethod(lambda _: None)
    _depth = 0

    @contextmanager
    def transaction(self, *how: Any) -> Iterator[None]:
        self._depth += 1
        try:
            with super().transaction(*how):
                yield
                if self._depth == 1:
                    self.strike("commit.before")
        finally:
            self._depth -= 1
        if self._depth == 0:
            self.strike("commit.after")


def _watched(name: str) -> Callable[..., Any]:
    original = getattr(Ledger, name)

    def method(self: Watched, *arguments: Any, **named: Any) -> Any:
        self.strike(f"{name}.before")
        result = original(self, *arguments, **named)
        self.strike(f"{name}.after")
        return result

    return method


for _name in METHODS:
    setattr(Watched, _name, _watched(_name))


@contextmanager
def watched_calls(strike: Strike) -> Iterator[None]:
    """Every call of a message tells `strike` when it is about to be made, has a connection and is about to
    look at its deadline for the last time, is under way, and is answered."""
    original, last_look = transport.call, Deadline.look

    async def call(*arguments: Any) -> Any:
        strike("send.before")
        # No task of its own: it would leave a gap between the last look at the lease and the first byte.
        mid = asyncio.get_running_loop().call_later(MID_SECONDS, strike, "send.mid")
        try:
            return await original(*arguments)
        finally:
            mid.cancel()
            strike("send.after")

    def look(deadline: Deadline) -> None:
        strike("send.byte")
        last_look(deadline)

    with replaced(one_call, "call", call), replaced(Deadline, "look", look):
        yield


@contextmanager
def replaced(module: Any, name: str, value: Any) -> Iterator[None]:
    original = getattr(module, name)
    setattr(module, name, value)
    try:
        yield
    finally:
        setattr(module, name, original)


def kill_at(point: str, nth: int) -> Strike:
    """Kill this very process, as `kill -9` does, when it comes to `point` for the nth time."""
    if point not in POINTS:
        raise ValueError(f"no point is called {point!r}; there are {', '.join(POINTS)}")
    seen: Counter[str] = Counter()

    def strike(reached: str) -> None:
        seen[reached] += 1
        if reached == point and seen[reached] == nth:
            os.kill(os.getpid(), signal.SIGKILL)

    return strike
