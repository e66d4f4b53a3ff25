"""How fast and how patiently a provider is called: leases, deadlines, throttle and backoff."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

# A route's pause that ends later was written down by a clock that was wrong, and is none.
HONEST_BREAK_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Pace:
    """The numbers of the protocol, in seconds unless said otherwise."""

    call_seconds: float = 15.0  # one call, from the connection to the body's last byte
    connect_seconds: float = 5.0
    lease_seconds: float = 60.0  # must outlast authorizing and the call
    calls: int = 100  # at once, for each provider
    spare_calls: int = 10  # besides, kept for what is transactional: it waits for no campaign's answers
    urgent_seconds: float = 1.0  # how often a lane with all its calls under way looks for such a message
    first_calls: int = 8  # before it answered; doubles with each clear answer, up to `calls`
    gather_seconds: float = 0.02  # how long an answer waits for others, so that they share a commit
    patience_seconds: float = 5.0  # how long a lane with nothing else to do waits for a retry or a pause
    first_backoff_seconds: float = 5.0
    longest_backoff_seconds: float = 900.0
    longest_pause_seconds: float = 3_600.0  # of a route whose provider asked to be left alone
    first_break_seconds: float = 30.0  # of a route whose provider fails call after call; doubles each time
    longest_break_seconds: float = 120.0  # so that all is under way again within three ticks
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
        if self.longest_break_seconds > HONEST_BREAK_SECONDS:
            raise ValueError(
                f"longest_break_seconds is {self.longest_break_seconds}; it must be at most "
                f"{HONEST_BREAK_SECONDS}: a longer one is taken for the work of a clock that was wrong"
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


# What a limit of so many in a second is held over: the calls of one second may take longer to arrive than
# those of the next. Two in a hundred of the limit are not used for it.
SECOND = 1.02


LONGEST_STALL = 0.5  # what a call that was held up on the way keeps others waiting at most


@dataclass(slots=True)
class Made:
    """Calls that started together; `free_at`: from when on they are in nobody's second any more."""

    at: float
    calls: int
    free_at: float


class TokenBucket:
    """At most `per_second` calls in any second of real time, handed out evenly, in batches of a tenth of a
    second's worth: calls that start together share their commits."""

    def __init__(self, per_second: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        if per_second <= 0:
            raise ValueError(f"messages_per_second is {per_second}; it must be above 0")
        self._rate = per_second
        self._batch = max(1, int(per_second / 10))
        self._second = max(SECOND, SECOND / per_second)
        self._room = max(1, int(per_second))  # of that second
        self._made: deque[Made] = deque()  # oldest first
        self._fastest = math.inf  # seconds that an answer took
        self._monotonic = monotonic
        # One batch to begin with: two ticks in a row do not add their bursts up.
        self._tokens = float(self._batch)
        self._filled_at = monotonic()
        self._paused_until = 0.0

    def available(self, wanted: int) -> int:
        """How many of the wanted calls may be made now; 0 until a batch of them may."""
        return min(wanted, int(self._fill()), self._room) if self.wait_seconds(wanted) == 0 else 0

    def take(self, calls: int) -> Made:
        """So many are made now."""
        now = self._monotonic()
        made = Made(now, calls, now + self._second)
        self._tokens -= calls
        self._room -= calls
        self._made.append(made)
        return made

    def answered(self, made: Made) -> None:
        """One of them got its answer: what it took longer than the fastest, it may have been under way."""
        seconds = self._monotonic() - made.at
        self._fastest = min(self._fastest, seconds)
        stall = min(seconds - self._fastest, LONGEST_STALL)
        made.free_at = max(made.free_at, made.at + self._second + stall)

    def pause(self, seconds: float) -> None:
        """The provider asked to be left alone for so long."""
        self._paused_until = max(self._paused_until, self._monotonic() + seconds)

    def wait_seconds(self, wanted: int) -> float:
        """How long until that many calls, or a batch, may be made."""
        needed = min(wanted, self._batch)
        missing, now = needed - self._fill(), self._monotonic()
        return max(self._paused_until - now, missing / self._rate, self._room_at(needed) - now, 0.0)

    def _fill(self) -> float:
        now = self._monotonic()
        filled = self._tokens + (now - self._filled_at) * self._rate
        self._tokens, self._filled_at = min(filled, 2.0 * self._batch), now
        while self._made and self._made[0].free_at <= now:
            self._room += self._made.popleft().calls
        return self._tokens

    def _room_at(self, calls: int) -> float:
        """When the second has room for so many."""
        room, at = self._room, 0.0
        for made in self._made:
            if room >= calls:
                break
            room, at = room + made.calls, max(at, made.free_at)
        return at
