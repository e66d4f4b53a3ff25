"""The last look before bytes leave: a call whose time is over writes nothing more, however late it wakes.

A worker may be stopped for minutes (SIGSTOP, a laptop that sleeps, a machine that stalls) anywhere between
its look at the lease and the first byte. A timer does not help: on waking, asyncio runs what is ready before
what is overdue. So the look is in the socket, right before the system call, at every piece that is written.

Between that look and the system call lie microseconds that nobody on this side can close. Who is stopped in
exactly there, and wakes after others heard "no record", doubles the message, unless the provider ignores
repeated ids. A virtual machine that is paused with all its clocks sees nothing of it either.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any

IsOver = Callable[[], bool]


class Deadline:
    """Until when the bytes of one call may leave, and how many did."""

    def __init__(self, seconds: float, is_over: IsOver) -> None:
        """Over after `seconds` of the monotonic clock, or as soon as `is_over` says so."""
        self.seconds = seconds
        self._ends_at = time.monotonic() + seconds
        self._is_over = is_over
        self.is_done = False
        self.has_refused = False
        self.written = 0  # bytes handed to the system

    def look(self) -> None:
        """Raises TimeoutError (an OSError, as asyncio expects) when nothing may leave any more."""
        if self._is_over() or time.monotonic() >= self._ends_at:
            self.has_refused = True
            raise TimeoutError("the call's time was over before its bytes had left")


# A transport that writes later does so in the context of whoever wrote first: each piece meets its deadline.
_UNDER_WAY: ContextVar[Deadline | None] = ContextVar("_UNDER_WAY", default=None)


@asynccontextmanager
async def held_to(deadline: Deadline) -> AsyncIterator[None]:
    """One total deadline around a call, and no byte of it after that. A connection that is kept outlives the
    call that opened it; what it says later on its own is held to nothing."""
    token = _UNDER_WAY.set(deadline)
    try:
        async with asyncio.timeout(deadline.seconds):
            yield
    finally:
        deadline.is_done = True
        _UNDER_WAY.reset(token)


def begin_message() -> None:
    """What was written up to here, a handshake or a greeting, was not the message."""
    if deadline := _UNDER_WAY.get():
        deadline.written = 0


class GuardedSocket(socket.socket):
    """Looks at the deadline right before each system call that writes."""

    def send(self, data: Any, flags: int = 0) -> int:
        deadline = _looked()
        return _written(deadline, super().send(data, flags))

    def sendmsg(self, buffers: Iterable[Any], *rest: Any) -> int:
        deadline = _looked()
        return _written(deadline, super().sendmsg(buffers, *rest))


def _looked() -> Deadline | None:
    deadline = _UNDER_WAY.get()
    if deadline is None or deadline.is_done:
        return None
    deadline.look()
    return deadline


def _written(deadline: Deadline | None, count: int) -> int:
    if deadline is not None:
        deadline.written += count
    return count


def guarded_socket(address: tuple[Any, ...]) -> socket.socket:
    """For one of the addresses that `getaddrinfo` found."""
    family, kind, protocol, *_ = address
    return GuardedSocket(family, kind, protocol)


async def connected_socket(host: str, port: int) -> socket.socket:
    """A connection to the first of a name's addresses that takes it. Raises OSError."""
    loop = asyncio.get_running_loop()
    failure = OSError(f"{host} has no address")
    for found in await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        opened = guarded_socket(found)
        opened.setblocking(False)
        try:
            await loop.sock_connect(opened, found[4])
        except OSError as error:
            opened.close()
            failure = error
        except BaseException:
            opened.close()
            raise
        else:
            return opened
    raise failure
