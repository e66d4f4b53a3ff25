"""How fast and how patiently a provider is called: leases, deadlines, throttle and backoff."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256


@dataclass(frozen=True, slots=True)
class Pace:
    """The numbers of the protocol, in seconds unless said otherwise."""

    call_seconds: float = 15.0  # one call, from the connection to the body's last byte
    connect_seconds: float = 5.0
    lease_seconds: float = 60.0  # must outlast authorizing and the call
    calls: int = 100  # at once, for each provider
    first_calls: int = 8  # before it answered; doubles with each clear answer, up to `calls`
    gather_seconds: float = 0.02  # how long an answer waits for others, so that they share a commit
    patience_seconds: float = 5.0  # how long a lane with nothing else to do waits for a retry or a pause
    first_backoff_seconds: float = 5.0
    longest_backoff_seconds: float = 900.0
    receipt_seconds: float = 90.0  # a receipt may take so long; before it is over nobody believes "no record"
    look_again_seconds: float = 60.0
    give_up_seconds: float = 900.0  # after this nobody is asked any more; the journey's on_unknown decides
    look_ups: int = 200  # in one delivery, for each provider

    def __post_init__(self) -> None:
        if self.lease_seconds < 2 * self.call_seconds:
            raise ValueError(
                f"lease_seconds is {self.lease_seconds}; it must be at least twice call_seconds "
                f"({self.call_seconds}): authorizing may take as long as the call"
            )
        if self.receipt_seconds < 2 * self.call_seconds:
            raise ValueError(
                f"receipt_seconds is {self.receipt_seconds}; it must be at least twice call_seconds "
                f"({self.call_seconds}): bytes that left in a lease's last moment are still under way, and "
                "whoever asks meanwhile hears that there is no record"
            )


def asked_seconds(retry_after: float | None) -> float:
    """How long a provider asked to be left alone; 0 for what is no time to wait (below 0, not a number).

    There is no upper end: a Unix time in place of seconds is seen. Whoever waits has an end of his own.
    """
    return max(0.0, retry_after) if retry_after is not None and not math.isnan(retry_after) else 0.0


def retry_at(
    now: datetime, message_id: str, attempts: int, retry_after: float | None, expires_at: datetime, pace: Pace
) -> datetime:
    """When to try again after `attempts` failed ones: doubling, with a jitter that belongs to the
    message (the same on every machine and in every replay), not before what the provider asked for,
    not after the message expires."""
    backoff = min(pace.first_backoff_seconds * 2 ** min(attempts - 1, 20), pace.longest_backoff_seconds)
    digest = sha256(f"{message_id}|{attempts}".encode()).digest()
    jitter = int.from_bytes(digest[:4], "big") / 2**32
    wait = max(backoff * (0.5 + jitter / 2), asked_seconds(retry_after) * (1 + jitter / 10))
    left = (expires_at - now).total_seconds()  # compared as numbers: a time of that year may not exist
    return expires_at if wait >= left else now + timedelta(seconds=wait)


class TokenBucket:
    """At most `per_second` calls a second, measured in real time and handed out in batches of up to a
    tenth of a second's worth: calls that start together share their commits."""

    def __init__(self, per_second: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        if per_second <= 0:
            raise ValueError(f"messages_per_second is {per_second}; it must be above 0")
        self._rate = per_second
        self._batch = max(1, int(per_second / 10))
        self._monotonic = monotonic
        # One batch to begin with, and never many: two ticks in a row do not add their bursts up.
        self._tokens = float(self._batch)
        self._filled_at = monotonic()
        self._paused_until = 0.0

    def available(self, wanted: int) -> int:
        """How many of the wanted calls may be made now; 0 until a batch of them may."""
        return min(wanted, int(self._fill())) if self.wait_seconds(wanted) == 0 else 0

    def take(self, calls: int) -> None:
        self._tokens -= calls

    def pause(self, seconds: float) -> None:
        """The provider asked to be left alone for so long."""
        self._paused_until = max(self._paused_until, self._monotonic() + seconds)

    def wait_seconds(self, wanted: int) -> float:
        """How long until that many calls, or a batch, may be made."""
        missing = min(wanted, self._batch) - self._fill()
        return max(self._paused_until - self._monotonic(), missing / self._rate, 0.0)

    def _fill(self) -> float:
        now = self._monotonic()
        filled = self._tokens + (now - self._filled_at) * self._rate
        self._tokens, self._filled_at = min(filled, 2.0 * self._batch), now
        return self._tokens
