"""Everybody who is no sender: people who opt out or buy, operators, and providers that report."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from dagster_project.drill.oracle import Stop
from dagster_project.drill.simulation.carrier import CLASSES
from senders.contract import EventKind, Message, ProviderEvent
from senders.ledger import Ledger

REPORTS = (EventKind.ACCEPTED, EventKind.SENT, EventKind.DELIVERED, EventKind.READ)


class People:
    """Each with the receivers' own connection to the ledger and a clock that is right."""

    def __init__(
        self,
        chance: random.Random,
        ledger: Ledger,
        clock: Callable[[], datetime],
        messages: Sequence[Message],
    ) -> None:
        self._chance, self._ledger, self._clock, self._messages = chance, ledger, clock, messages
        self.cancelled: set[str] = set()
        self.stops: list[Stop] = []

    def schedule(self, seconds: float) -> None:
        """Let each of them do something at some time within so many seconds."""
        loop, chance = asyncio.get_running_loop(), self._chance
        for act, times in ((self._opt_out, 5), (self._buy, 2), (self._stop, 1), (self._forge, 1)):
            for _ in range(chance.randint(0, times)):
                loop.call_later(chance.uniform(0, seconds), act)

    def _opt_out(self) -> None:
        message = self._chance.choice(self._messages)
        self._ledger.suppress(
            message.address, self._chance.choice(["all", "marketing"]), "stop", self._clock()
        )

    def _buy(self) -> None:
        message = self._chance.choice(self._messages)
        self.cancelled.add(message.message_id)
        self._ledger.cancel(message.message_id, "bought", self._clock())

    def _stop(self) -> None:
        """The kill switch, and off again some minutes later."""
        message = self._chance.choice(self._messages)
        scope, name = self._chance.choice(
            [("all", ""), ("route", message.channel), ("journey", message.journey)]
        )
        self._ledger.stop(scope, name, "drill", self._clock())
        after = self._ledger.last_seq()
        asyncio.get_running_loop().call_later(self._chance.uniform(60, 400), self._start, scope, name, after)

    def _start(self, scope: str, name: str, after: int) -> None:
        self.stops.append(Stop(scope, name, after, self._ledger.last_seq()))
        self._ledger.start(scope, name, "drill", self._clock())

    def _forge(self) -> None:
        """A receipt about a message that was never here."""
        event = ProviderEvent(
            "forged", "reports", EventKind.DELIVERED, self._clock(), message_id="never here"
        )
        self._ledger.apply_receipts([event], self._clock())

    def report(self, provider: str, message_id: str) -> None:
        """Receipts of what was taken: lost, twice, in any order, and some before the answer."""
        if not CLASSES[provider].echoes_message_id or self._chance.random() < 0.3:
            return
        loop = asyncio.get_running_loop()
        for number, kind in enumerate(REPORTS[: self._chance.randint(1, 4)]):
            event = ProviderEvent(
                f"{message_id} {number}", provider, kind, self._clock() + timedelta(seconds=number),
                message_id=message_id,
            )  # fmt: skip
            for _ in range(self._chance.choice([1, 1, 2])):
                loop.call_later(self._chance.choice([0.0, 1.0, 30.0, 200.0]), self._receive, event)

    def _receive(self, event: ProviderEvent) -> None:
        self._ledger.apply_receipts([event], self._clock())
