"""The processes of the demo: started together, watched, and ended together."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from senders.settings import REPOSITORY, exported

STARTS_WITHIN_SECONDS = 90
ENDS_WITHIN_SECONDS = 15


class ServerError(RuntimeError):
    """A process did not start or ended by itself; the text names its log."""


@dataclass(frozen=True)
class Server:
    name: str
    arguments: Sequence[str]  # of `python`
    answers_at: str | None = None  # an address that answers once it is up


def free_port(wanted: int) -> int:
    """`wanted` if nobody listens there, else any that is free."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise ServerError("no port is free on 127.0.0.1")


@contextmanager
def running(
    servers: Sequence[Server], logs: Path, environment: Mapping[str, str]
) -> Iterator[dict[str, Process]]:
    """All of them up and answering; none of them left at the end, whatever happens in between."""
    logs.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        stack.enter_context(exported(environment))
        processes = {server.name: stack.enter_context(Process(server, logs)) for server in servers}
        for process in processes.values():
            process.wait_until_up()
        yield processes


class Process:
    """One child in a process group of its own, so that what it starts ends with it."""

    def __init__(self, server: Server, logs: Path) -> None:
        self.server = server
        self.log = logs / f"{server.name}.log"

    def __enter__(self) -> Process:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, *self.server.arguments], cwd=REPOSITORY, stdin=subprocess.DEVNULL,
                stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def wait_until_up(self) -> None:
        deadline = time.monotonic() + STARTS_WITHIN_SECONDS
        while not self._answers():
            if self._process.poll() is not None:
                raise ServerError(f"{self.server.name} ended with {self._process.returncode}: see {self.log}")
            if time.monotonic() > deadline:
                raise ServerError(
                    f"{self.server.name} did not answer in {STARTS_WITHIN_SECONDS} s: see {self.log}"
                )
            time.sleep(0.2)

    @property
    def pid(self) -> int:
        return self._process.pid

    def end(self) -> None:
        """Ask the whole group to end, then make it."""
        for ask, patience in ((signal.SIGINT, ENDS_WITHIN_SECONDS), (signal.SIGTERM, 5), (signal.SIGKILL, 5)):
            if not self._signal_group(ask):
                return
            self._wait_for_group(patience)

    def _wait_for_group(self, patience: float) -> None:
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline and self._signal_group(0):
            self._process.poll()
            time.sleep(0.1)

    def _signal_group(self, number: int) -> bool:
        try:
            os.killpg(self._process.pid, number)
        except ProcessLookupError:
            return False
        return True

    def _answers(self) -> bool:
        if self.server.answers_at is None:
            return True
        try:
            return httpx.get(self.server.answers_at, timeout=2).status_code < 500
        except httpx.HTTPError:
            return False
