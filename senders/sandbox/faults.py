"""Trouble on demand: what a provider's network does on a bad day, drawn from a seed."""

from __future__ import annotations

import asyncio
import random
import socket
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send


@dataclass(frozen=True, slots=True)
class Kind:
    """When a fault strikes: before the provider acts (it takes nothing) or after (it has taken it)."""

    is_before: bool
    about: str


KINDS = {
    "rate_limit": Kind(True, "429 in the provider's own words"),
    "rate_limit_bare": Kind(True, "429 from something before the provider, without a word of when"),
    "too_large": Kind(True, "413 from something before the provider"),
    "error_before": Kind(True, "500, and nothing was taken"),
    "error_after": Kind(False, "500, though the message was taken"),
    "bad_gateway_before": Kind(True, "502 with a page for people, and nothing was taken"),
    "bad_gateway_after": Kind(False, "502 with a page for people, though the message was taken"),
    "unavailable_before": Kind(True, "503 with a page for people, and nothing was taken"),
    "unavailable_after": Kind(False, "503 with a page for people, though the message was taken"),
    "reset_before": Kind(True, "the connection is reset, and nothing was taken"),
    "reset_after": Kind(False, "the connection is reset, though the message was taken"),
    "close_before": Kind(True, "the connection ends in good order without an answer, and nothing was taken"),
    "close_after": Kind(False, "the connection ends without an answer, though the message was taken"),
    "babble": Kind(False, "taken, and what comes back is no HTTP"),
    "garbage": Kind(False, "taken: the status says so, and the body is noise"),
    "hang_before": Kind(True, "never answered, and nothing was taken"),
    "hang_after": Kind(False, "taken, and never answered"),
    "truncate": Kind(False, "the status and half of the body, then the connection ends"),
    "stall": Kind(False, "taken, and the answer comes `seconds` late"),
    "drip": Kind(False, "taken, and the answer comes in drips over `seconds`"),
}


# Faults that are a status and a page which no provider wrote.
PAGES = {
    "rate_limit_bare": 429,
    "too_large": 413,
    "bad_gateway_before": 502,
    "bad_gateway_after": 502,
    "unavailable_before": 503,
    "unavailable_after": 503,
}
NOISE = b"\x00\xff{]<html>220 mail.example ESMTP\r\n\r\n"
DRIPS = 20  # pieces of an answer that drips


@dataclass(slots=True)
class Fault:
    """A share of a provider's calls that fail so; `count` ends it after so many, None never."""

    kind: str
    provider: str = "*"
    share: float = 1.0
    count: int | None = None
    seconds: float = 5.0

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> Fault:
        """Raises ValueError that says what is wrong with a fault given as JSON."""
        unknown = set(given) - {"kind", "provider", "share", "count", "seconds"}
        if unknown or given.get("kind") not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(KINDS)}; unknown keys: {sorted(unknown)}")
        return cls(**given)


class Faults:
    """The faults in force, and the draw for each call."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311  chance on purpose, nothing to guess
        self.in_force: list[Fault] = []
        self.drawn: dict[str, int] = dict.fromkeys(KINDS, 0)

    def replace(self, faults: Iterable[Fault]) -> None:
        self.in_force = list(faults)

    def draw(self, provider: str) -> Fault | None:
        """The fault that strikes this call, if any."""
        for fault in self.in_force:
            is_meant = fault.provider in ("*", provider) and fault.count != 0
            if is_meant and self._random.random() < fault.share:
                fault.count = None if fault.count is None else fault.count - 1
                self.drawn[fault.kind] += 1
                return fault
        return None


class Reset(Response):
    """No answer: the connection is reset under the caller."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        transport = transport_of(receive)
        linger_nothing = struct.pack("ii", 1, 0)  # close() then sends RST instead of FIN
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_nothing)
        transport.abort()
        await asyncio.sleep(0.01)  # the server must notice before it would answer 500 itself


class Closed(Response):
    """No answer: the connection ends as if all had been said, or after `noise`, which is no HTTP."""

    def __init__(self, noise: bytes = b"") -> None:
        self._noise = noise

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        transport = transport_of(receive)
        if self._noise:
            transport.write(self._noise)
        transport.close()
        await asyncio.sleep(0.01)


class Silent(Response):
    """No answer, and the connection stays."""

    def __init__(self) -> None:
        pass

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass


def page(kind: str) -> Response:
    """An answer by a proxy or a firewall on the way."""
    return Response("<html><h1>Something went wrong</h1></html>", PAGES[kind], None, "text/html")


class Truncated(Response):
    """The head of `answer` and half of its body, then the connection ends."""

    def __init__(self, answer: Response) -> None:
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        whole = bytes(self._answer.body) or b" " * 64
        headers = [(name, value) for name, value in self._answer.raw_headers if name != b"content-length"]
        headers.append((b"content-length", str(len(whole)).encode()))
        await send({"type": "http.response.start", "status": self._answer.status_code, "headers": headers})
        await send({"type": "http.response.body", "body": whole[: len(whole) // 2], "more_body": True})
        transport_of(receive).close()
        await asyncio.sleep(0.01)


class Slow(Response):
    """`answer` as it is, late (`is_drip` False) or in drips."""

    def __init__(self, answer: Response, seconds: float, *, is_drip: bool) -> None:
        self._answer, self._seconds, self._is_drip = answer, seconds, is_drip

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self._is_drip:
            await asyncio.sleep(self._seconds)
            await self._answer(scope, receive, send)
            return
        whole = bytes(self._answer.body) or b" " * DRIPS
        headers = [(name, value) for name, value in self._answer.raw_headers if name != b"content-length"]
        headers.append((b"content-length", str(len(whole)).encode()))
        await send({"type": "http.response.start", "status": self._answer.status_code, "headers": headers})
        step = -(-len(whole) // DRIPS)
        for start in range(0, len(whole), step):
            await asyncio.sleep(self._seconds / DRIPS)
            piece = whole[start : start + step]
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def transport_of(receive: Receive) -> asyncio.Transport:
    """The connection below an ASGI call. ASGI hides it; uvicorn's `receive` is a method of the
    request's cycle, which holds it.
    """
    transport: asyncio.Transport = receive.__self__.transport  # type: ignore[attr-defined]
    return transport
