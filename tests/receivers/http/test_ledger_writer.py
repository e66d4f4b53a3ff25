"""The thread that owns the ledger: what is handed in is done, whoever waits for it."""

import asyncio
import threading

import pytest

from receivers.http.ledger_writer import LedgerWriter
from senders.ledger import Ledger

PATIENCE = 20.0


def with_writer(folder, use):
    async def run():
        writer = LedgerWriter(lambda: Ledger(folder / "ledger.db"))
        await writer.open()
        try:
            return await use(writer)
        finally:
            await writer.close()

    return asyncio.run(asyncio.wait_for(run(), PATIENCE))


def test_what_was_handed_in_is_done_though_its_caller_hangs_up(tmp_path):
    has_begun, may_end, done = threading.Event(), threading.Event(), []

    def work(ledger):
        has_begun.set()
        may_end.wait(PATIENCE)
        done.append(ledger.value("last_seq"))

    async def use(writer):
        caller = asyncio.create_task(writer.run(work))
        await asyncio.to_thread(has_begun.wait, PATIENCE)
        caller.cancel()
        with pytest.raises(asyncio.CancelledError):
            await caller
        may_end.set()
        return await writer.run(lambda ledger: "the next")

    assert with_writer(tmp_path, use) == "the next"
    assert len(done) == 1


def test_who_hangs_up_keeps_the_answer_from_nobody_whose_receipts_share_the_transaction(tmp_path):
    may_end = threading.Event()

    async def use(writer):
        busy = asyncio.create_task(writer.run(lambda ledger: may_end.wait(PATIENCE)))
        gone, stays = (asyncio.create_task(writer.apply_receipts([])) for _ in range(2))
        await asyncio.sleep(0.1)  # both are in line behind what is under way
        gone.cancel()
        may_end.set()
        await asyncio.wait_for(asyncio.gather(busy, stays), PATIENCE / 2)
        return gone.cancelled()

    assert with_writer(tmp_path, use)


def test_a_failure_is_told_to_its_own_caller(tmp_path):
    def fail(ledger):
        raise ValueError("no")

    async def use(writer):
        outcomes = await asyncio.gather(
            writer.run(fail), writer.run(lambda ledger: "yes"), return_exceptions=True
        )
        return [str(outcome) for outcome in outcomes]

    assert with_writer(tmp_path, use) == ["no", "yes"]
