"""What the stand-ins of all providers share: one journal, one receipt queue, limits and faults."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from senders.sandbox.faults import (
    KINDS,
    NOISE,
    PAGES,
    Closed,
    Fault,
    Faults,
    Reset,
    Silent,
    Slow,
    Truncated,
    page,
)
from senders.sandbox.journal import Accepted, Journal
from senders.sandbox.receipts import ReceiptQueue
from senders.sandbox.world import World

Handler = Callable[[Request, bytes], Response]


class Stand(Protocol):
    """One provider's stand-in: its routes, and its own words for "too many" and "broken".

    One that speaks another protocol than HTTP has `serving(home)` besides, a context in which it listens.
    """

    name: str
    channel: str

    def __init__(self, core: Core, secrets: Mapping[str, str]) -> None: ...

    @staticmethod
    def new_secrets() -> dict[str, str]: ...

    @staticmethod
    def environment(secrets: Mapping[str, str], base_url: str, home: Path) -> dict[str, str]:
        """The provider's settings, named without their prefix; may write key files into `home`."""
        ...

    def routes(self) -> list[Route]: ...

    def too_many(self) -> Response: ...

    def broken(self) -> Response: ...


class Core:
    """Made inside the running server; `receivers` is the address that gets receipts."""

    def __init__(self, home: Path, receivers: str, world: World) -> None:
        self.world = world
        self.receivers = receivers.rstrip("/")
        self.journal = Journal(home / "sandbox.jsonl")
        self.receipts = ReceiptQueue()
        self.faults = Faults(world.seed)
        self._buckets: dict[str, _Bucket] = {}

    def receipts_url(self, provider: str) -> str:
        return f"{self.receivers}/v1/receipts/{provider}"

    def accept(self, stand: Stand, body: bytes, **row: Any) -> Accepted:
        """Write a message into the journal and return it. Nothing answers before this is done."""
        accepted = Accepted(
            provider=stand.name,
            channel=stand.channel,
            accepted_at=datetime.now(UTC).isoformat(timespec="microseconds"),
            body_sha256=sha256(body).hexdigest(),
            **row,
        )
        self.journal.append(accepted)
        return accepted

    def has_room(self, stand: Stand) -> bool:
        """Whether the provider's limit has room for one more call, which is then counted."""
        return self._buckets.setdefault(stand.name, _Bucket(self.world.calls_per_second)).take()

    def sends(self, stand: Stand, path: str, handle: Handler, method: str = "POST") -> Route:
        """A route that takes messages, or takes them back: with latency, faults and the provider's limit."""

        async def endpoint(request: Request) -> Response:
            body = await request.body()
            if self.world.latency_seconds:
                await asyncio.sleep(self.world.latency_seconds)
            fault = self.faults.draw(stand.name) if self.faults.in_force else None
            if fault and KINDS[fault.kind].is_before:
                return _instead(fault, stand)
            if not self.has_room(stand):
                return stand.too_many()
            answer = handle(request, body)
            return _spoilt(fault, stand, answer) if fault else answer

        return Route(path, endpoint, methods=[method])


def asks(path: str, handle: Handler, method: str = "GET") -> Route:
    """A route that takes no message."""

    async def endpoint(request: Request) -> Response:
        return handle(request, await request.body())

    return Route(path, endpoint, methods=[method])


def _instead(fault: Fault, stand: Stand) -> Response:
    if fault.kind in PAGES:
        return page(fault.kind)
    answers: dict[str, Callable[[], Response]] = {
        "rate_limit": stand.too_many,
        "error_before": stand.broken,
        "reset_before": Reset,
        "close_before": Closed,
        "hang_before": Silent,
    }
    return answers[fault.kind]()


def _spoilt(fault: Fault, stand: Stand, answer: Response) -> Response:
    if fault.kind in PAGES:
        return page(fault.kind)
    answers: dict[str, Callable[[], Response]] = {
        "error_after": stand.broken,
        "reset_after": Reset,
        "close_after": Closed,
        "hang_after": Silent,
        "babble": lambda: Closed(NOISE),
        "garbage": lambda: Response(NOISE, answer.status_code, None, "application/json"),
        "truncate": lambda: Truncated(answer),
        "stall": lambda: Slow(answer, fault.seconds, is_drip=False),
        "drip": lambda: Slow(answer, fault.seconds, is_drip=True),
    }
    return answers[fault.kind]()


class _Bucket:
    """A token bucket that holds one second's worth of calls."""

    def __init__(self, per_second: float) -> None:
        self._per_second = per_second
        self._tokens = max(1.0, per_second)
        self._filled_at = time.monotonic()

    def take(self) -> bool:
        now = time.monotonic()
        filled = self._tokens + (now - self._filled_at) * self._per_second
        self._tokens = min(max(1.0, self._per_second), filled)
        self._filled_at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
