"""Receipts a second, verified and on disk, and how long a provider waits for its 200."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from statistics import quantiles

import aiohttp
import httpx

from bench import results, sandboxed
from bench.throughput import messages
from dagster_project.demo import play, servers
from dagster_project.drill.mailbag import Post, office
from senders import delivery
from senders.contract import Message
from senders.ledger import Ledger
from senders.providers import providers_for
from senders.settings import Settings

MESSAGES, AT_ONCE, AIM = 10_000, 32, 2_000
PATIENCE_SECONDS = 120


def run(folder: Path, scale: float) -> str:
    count = int(MESSAGES * scale)
    rows = []
    for channel, what in (("sms", "one a call"), ("email", "up to 100 a call")):
        with sandboxed.running(folder / channel) as settings:
            posts = reports(settings, list(letters(channel, count)))
            with servers.running([play.children(settings, 0)[1]], settings.home / "logs", {}):
                seconds, waits = asyncio.run(hand_in(settings.public_url, posts))
            stored = stored_in(folder / channel / "demo" / "ledger.db")
        p50, p99 = (quantiles(waits, n=100)[at - 1] * 1000 for at in (50, 99))
        rate = stored / seconds
        rows.append((f"{channel}, {what}", f"{stored:,}", f"{rate:,.0f}", f"{p50:.0f} ms", f"{p99:.0f} ms"))
        print(rows[-1], flush=True)
    head = ["", "receipts", f"receipts/s (aim ≥ {AIM:,})", "answer p50", "answer p99"]
    return (
        "## Receipts\n\n"
        f"`python -m bench receipts`: what the sandbox reports of {count:,} messages a channel is kept back, "
        f"then handed in, {AT_ONCE} calls at a time, to `python -m receivers.http` in another process: "
        "signature checked, stored by event key and applied before the 200, SQLite with synchronous=FULL. "
        f"The caller shares the two cores.\n\n{results.machine()}\n\n{results.table(head, rows)}"
    )


def letters(channel: str, count: int) -> list[Message]:
    if channel == "email":
        return list(messages(count, 0))
    return [
        replace(each, channel=channel, address=f"+4479460{number:05}", content={"text": "Still there"})
        for number, each in enumerate(messages(count, 0))
    ]


def reports(settings: Settings, letters: Sequence[Message]) -> list[Post]:
    """Send them, and keep what the sandbox posts about them."""
    providers = {letters[0].channel: providers_for(settings)[letters[0].channel]}
    with office(settings.receivers_port) as (_, posts), Ledger(settings.ledger) as ledger:
        delivery.plan(ledger, providers, letters, datetime.now(UTC))
        summary = delivery.deliver(ledger, providers, lambda: datetime.now(UTC), PATIENCE_SECONDS)
        assert sum(summary.accepted.values()) == len(letters), summary
        ends_at = time.monotonic() + PATIENCE_SECONDS
        url = providers[letters[0].channel].base_url
        while httpx.get(f"{url}/stats").json()["receipts"]["pending"]:
            assert time.monotonic() < ends_at, "the sandbox did not report in time"
            time.sleep(0.2)
    return posts


async def hand_in(url: str, posts: Sequence[Post]) -> tuple[float, list[float]]:
    """Seconds for all of them, and for each until its 200."""
    waiting, waits = iter(posts), []

    async def worker(session: aiohttp.ClientSession) -> None:
        for post in waiting:
            began = time.monotonic()
            async with session.post(url + post.path, data=post.body, headers=post.headers) as answer:
                assert answer.status == 200, (answer.status, await answer.text())
            waits.append(time.monotonic() - began)

    async with aiohttp.ClientSession() as session:
        began = time.monotonic()
        await asyncio.gather(*(worker(session) for _ in range(AT_ONCE)))
        return time.monotonic() - began, waits


def stored_in(ledger: Path) -> int:
    with closing(sqlite3.connect(ledger)) as connection:
        return int(connection.execute("select count(*) from receipts").fetchone()[0])
