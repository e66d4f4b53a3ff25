"""A provider's pace where several workers share the ledger: one token bucket, kept on its server."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from senders.contract import Provider
from senders.ledger import Ledger
from senders.pace import SECOND, Made, TokenBucket

# Calls that were granted and not made are forgotten after this: the second they were counted in is going by.
KEPT_SECONDS: Final = 0.1


class SharedBucket:
    """A `TokenBucket` that asks the ledger for a batch of calls at a time; its server's clock decides."""

    def __init__(
        self,
        ledger: Ledger,
        provider: str,
        per_second: float,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ledger, self._provider, self._rate = ledger, provider, per_second
        self._batch = max(1, int(per_second / 10))
        self._monotonic = monotonic
        self._granted, self._granted_at, self._ask_at, self._stamp = 0, 0.0, 0.0, ""

    def available(self, wanted: int) -> int:
        """How many of the wanted calls may be made now. Inside a transaction nobody is asked: the others
        would wait for its end."""
        now = self._monotonic()
        if now - self._granted_at > KEPT_SECONDS:
            self._granted = 0
        is_asked = not (self._granted or self._ledger.is_in_transaction) and now >= self._ask_at
        if wanted > 0 and is_asked:
            values = {"provider": self._provider, "wanted": wanted, "per_second": self._rate}
            row = self._ledger.run("take_calls", {**values, "batch": self._batch, "span": SECOND}).fetchone()
            self._granted, self._granted_at, self._stamp = row["granted"], now, row["granted_at"]
            self._ask_at = now + row["wait_seconds"]
        return min(wanted, self._granted)

    def take(self, calls: int) -> Made:
        """So many of them are made now."""
        self._granted -= calls
        if calls:
            self._ledger.run("stamp_calls", {"provider": self._provider, "granted_at": self._stamp})
        return Made(self._monotonic(), calls, 0.0)

    def answered(self, made: Made) -> None:
        """The server counts from when calls were made, whatever becomes of them."""

    def pause(self, seconds: float) -> None:
        """The provider asked to be left alone for so long: by everybody."""
        if seconds > 0:
            self._granted, self._ask_at = 0, max(self._ask_at, self._monotonic() + seconds)
            self._ledger.run("pause_calls", {"provider": self._provider, "seconds": seconds})

    def wait_seconds(self, wanted: int) -> float:
        """How long until there may be some; whether there are, `available` tells."""
        return 0.0 if self._granted else max(0.0, self._ask_at - self._monotonic())


def bucket_for(ledger: Ledger, provider: Provider) -> TokenBucket | SharedBucket:
    """A file has one worker at a time, whose own count is enough."""
    per_second = provider.capabilities.messages_per_second
    if ledger.is_shared:
        return SharedBucket(ledger, provider.name, per_second)
    return TokenBucket(per_second)
