"""One thread that owns the ledger's connection, so that SQLite never holds up the event loop.

Receipts that arrive while a transaction commits go into the next one together: the cost of a sync
is shared by all who wait for it.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import groupby
from typing import Any, TypeVar

from senders.contract import ProviderEvent
from senders.ledger import Ledger

log = logging.getLogger(__name__)

T = TypeVar("T")
MAX_JOBS = 500  # taken at once; bounds how long the first of them waits


@dataclass(frozen=True)
class _Job:
    """Either receipts, which may share a transaction, or any other work on the ledger."""

    done: asyncio.Future[Any]
    receipts: Sequence[ProviderEvent] = ()
    work: Callable[[Ledger], Any] | None = None

    def run(self, ledger: Ledger) -> None:
        try:
            result = self.work(ledger) if self.work else ledger.apply_receipts(self.receipts)
        except Exception as error:
            _tell([self], error=error)
        else:
            _tell([self], result)


def _tell(jobs: Sequence[_Job], result: Any = None, error: Exception | None = None) -> None:
    """From the writer's thread, and all in one go: to wake the loop for each costs more than its receipt."""

    def settle() -> None:
        for job in jobs:
            if job.done.done():  # its caller has hung up
                continue
            if error:
                job.done.set_exception(error)
            else:
                job.done.set_result(result)

    jobs[0].done.get_loop().call_soon_threadsafe(settle)


class LedgerWriter:
    """`open_ledger` is called in the writer's own thread: SQLite connections stay where they are made."""

    def __init__(self, open_ledger: Callable[[], AbstractContextManager[Ledger]]) -> None:
        self._open_ledger = open_ledger
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._opened: Future[None] = Future()
        self._thread = threading.Thread(target=self._main, name="ledger-writer", daemon=True)

    async def open(self) -> None:
        """Return when the ledger is open; raise what kept it from opening."""
        self._thread.start()
        await asyncio.wrap_future(self._opened)

    async def close(self) -> None:
        """Finish what was handed in, then close the ledger."""
        self._jobs.put(None)
        await asyncio.to_thread(self._thread.join)

    @property
    def is_alive(self) -> bool:
        return self._thread.is_alive()

    async def apply_receipts(self, receipts: Sequence[ProviderEvent]) -> None:
        """Return when the receipts are committed."""
        await self._hand_in(receipts=receipts)

    async def run(self, work: Callable[[Ledger], T]) -> T:
        """Return what `work` returned, once it ran (and committed) in the writer's thread."""
        result: T = await self._hand_in(work=work)
        return result

    async def read(self, work: Callable[[Ledger], T]) -> T:
        """Return what `work` read, over a connection of its own: a long read holds up no receipt."""

        def read_now() -> T:
            with self._open_ledger() as ledger:
                return work(ledger)

        return await asyncio.to_thread(read_now)

    async def _hand_in(self, **what: Any) -> Any:
        """A caller that hangs up does not take back what it handed in."""
        job = _Job(asyncio.get_running_loop().create_future(), **what)
        self._jobs.put(job)
        return await job.done

    def _main(self) -> None:
        try:
            with self._open_ledger() as ledger:
                self._opened.set_result(None)
                while self._work(ledger):
                    pass
        except Exception as error:
            if self._opened.done():
                raise
            self._opened.set_exception(error)

    def _work(self, ledger: Ledger) -> bool:
        """Wait for jobs and do them in order; False when the last one was done."""
        jobs = [self._jobs.get()]
        while len(jobs) < MAX_JOBS and not self._jobs.empty():
            jobs.append(self._jobs.get())
        for is_other, group in groupby([job for job in jobs if job], key=lambda job: job.work is not None):
            if is_other:
                for job in group:
                    job.run(ledger)
            else:
                _apply_together(ledger, list(group))
        return None not in jobs


def _apply_together(ledger: Ledger, jobs: list[_Job]) -> None:
    """One transaction for all; when it fails, each on its own, so that one bad receipt fails alone."""
    if len(jobs) > 1:
        try:
            ledger.apply_receipts([receipt for job in jobs for receipt in job.receipts])
        except Exception as error:
            log.warning("%d receipts failed together (%s): each on its own", len(jobs), type(error).__name__)
        else:
            _tell(jobs)
            return
    for job in jobs:
        job.run(ledger)
