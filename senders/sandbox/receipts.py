"""Receipts: scheduled when a message is accepted, posted in the background, repeated until taken."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp

Signed = tuple[dict[str, str], bytes]  # headers and body of one POST

WORKERS = 16
DEADLINE_SECONDS = 10.0
REPEATS = 12  # then a receipt is given up and counted as dropped
LONGEST_PAUSE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Mailbox:
    """Where receipts of one kind go: `sign` makes the POST of up to `batch_size` of them, which
    were gathered for up to `gather_seconds`.
    """

    url: str
    sign: Callable[[str, Sequence[Any]], Signed]  # (url, receipts)
    batch_size: int = 1
    gather_seconds: float = 0.0


@dataclass(slots=True)
class _Parcel:
    mailbox: Mailbox
    receipts: list[Any]
    tries: int = 0


class ReceiptQueue:
    """Receipts by the time they are due. `pending` counts all that are not yet taken."""

    def __init__(self) -> None:
        self.posted = self.dropped = self.repeated = self.pending = 0
        self._due: list[tuple[float, int, _Parcel]] = []
        self._number = itertools.count()
        self._wake = asyncio.Event()
        self._ready: asyncio.Queue[_Parcel] = asyncio.Queue()

    def schedule(self, delay_seconds: float, mailbox: Mailbox, receipt: Any) -> None:
        self.pending += 1
        self._push(delay_seconds, _Parcel(mailbox, [receipt]))

    def withdraw(self, mailbox: Mailbox, is_meant: Callable[[Any], bool]) -> bool:
        """Of a mailbox without batches, take out the receipts of what never happens now; what was tried
        already is said. False: there are none."""
        left = [entry for entry in self._due if not _is_withdrawn(entry[2], mailbox, is_meant)]
        withdrawn = len(self._due) - len(left)
        self.pending -= withdrawn
        heapq.heapify(left)
        self._due = left
        return withdrawn > 0

    @property
    def scheduled(self) -> int:
        """Parcels whose time has not come."""
        return len(self._due)

    async def run(self) -> None:
        """Post what is due until cancelled."""
        timeout = aiohttp.ClientTimeout(total=DEADLINE_SECONDS)
        connector = aiohttp.TCPConnector(limit=WORKERS)
        session = aiohttp.ClientSession(timeout=timeout, connector=connector)
        async with session, asyncio.TaskGroup() as group:
            group.create_task(self._pump())
            for _ in range(WORKERS):
                group.create_task(self._work(session))

    def _push(self, delay_seconds: float, parcel: _Parcel) -> None:
        due = asyncio.get_running_loop().time() + delay_seconds
        if parcel.mailbox.gather_seconds:
            due = math.ceil(due / parcel.mailbox.gather_seconds) * parcel.mailbox.gather_seconds
        heapq.heappush(self._due, (due, next(self._number), parcel))
        if self._due[0][0] == due:
            self._wake.set()

    async def _pump(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            self._wake.clear()
            for parcel in self._batched(self._take(loop.time())):
                self._ready.put_nowait(parcel)
            pause = self._due[0][0] - loop.time() if self._due else None
            try:
                await asyncio.wait_for(self._wake.wait(), pause)
            except TimeoutError:
                continue

    def _take(self, now: float) -> list[_Parcel]:
        taken = []
        while self._due and self._due[0][0] <= now:
            taken.append(heapq.heappop(self._due)[2])
        return taken

    def _batched(self, parcels: list[_Parcel]) -> list[_Parcel]:
        """New receipts of a mailbox that takes many at once travel together; repeats stay as they were."""
        open_batches: dict[int, _Parcel] = {}
        batches = []
        for parcel in parcels:
            batch = open_batches.get(id(parcel.mailbox))
            if parcel.tries or batch is None or len(batch.receipts) >= parcel.mailbox.batch_size:
                batches.append(parcel)
                if not parcel.tries:
                    open_batches[id(parcel.mailbox)] = parcel
            else:
                batch.receipts += parcel.receipts
        return batches

    async def _work(self, session: aiohttp.ClientSession) -> None:
        while True:
            parcel = await self._ready.get()
            if await self._post(session, parcel):
                self.posted += len(parcel.receipts)
                self.pending -= len(parcel.receipts)
            elif parcel.tries >= REPEATS:
                self.dropped += len(parcel.receipts)
                self.pending -= len(parcel.receipts)
            else:
                parcel.tries += 1
                self.repeated += 1
                self._push(min(0.25 * 2**parcel.tries, LONGEST_PAUSE_SECONDS), parcel)

    @staticmethod
    async def _post(session: aiohttp.ClientSession, parcel: _Parcel) -> bool:
        url = parcel.mailbox.url
        headers, body = parcel.mailbox.sign(url, parcel.receipts)
        try:
            async with session.post(url, data=body, headers=headers, allow_redirects=False) as answer:
                return 200 <= answer.status < 300
        except (aiohttp.ClientError, TimeoutError, OSError):
            return False


def _is_withdrawn(parcel: _Parcel, mailbox: Mailbox, is_meant: Callable[[Any], bool]) -> bool:
    return parcel.mailbox is mailbox and not parcel.tries and is_meant(parcel.receipts[0])
