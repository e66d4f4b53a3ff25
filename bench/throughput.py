"""Messages a second through the whole delivery protocol, beside a bare loop of the same HTTP client."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from uuid import NAMESPACE_URL, uuid5

from bench import results, sandboxed
from senders import delivery, transport
from senders.contract import Message, Provider, Request
from senders.ledger import Ledger
from senders.providers import providers_for

MESSAGES, TURNS, AIM = 50_000, 10, 0.7
PARAGRAPHS = (1, 115)  # bodies of half a kilobyte and of 20
CONNECT_SECONDS = 5.0
PARAGRAPH = "We kept what you left in your cart, and it is still there for you whenever you like. "


def run(folder: Path, scale: float) -> str:
    each = int(MESSAGES * scale) // TURNS
    rows = []
    gc.disable()  # as a tick does; for both
    with sandboxed.running(folder) as settings:
        provider = providers_for(settings)["email"]
        for paragraphs in PARAGRAPHS:
            rates = [
                in_turn(folder / f"{paragraphs}.db", provider, each, paragraphs, n) for n in range(TURNS)
            ]
            bare, full = ([pair[at] for pair in rates] for at in (0, 1))
            ratios = [one / other for other, one in rates]
            size = f"{len(provider.request(next(messages(1, 0, paragraphs))).body):,} bytes"
            rows += [
                row(f"{size}: bare loop of the same client", bare, ",.0f"),
                row(f"{size}: claim, intent, send, record, each on disk", full, ",.0f"),
                row(f"{size}: ratio, pair by pair (aim ≥ {AIM})", ratios, ".2f"),
            ]
    gc.enable()
    return (
        "## Messages a second\n\n"
        f"`python -m bench throughput`: {each * TURNS:,} e-mails, one process, the sandbox in another (it "
        f"checks, journals and answers each call), {delivery.Pace().calls} calls at a time, SQLite with "
        f"synchronous=FULL, one ledger for all; loop and protocol in turns of {each:,}, so that both meet "
        "the machine in the same minute. The garbage collector is off for both, as in a tick.\n\n"
        f"{results.machine()}\n\n{results.table(['', 'messages/s (median)', 'min–max'], rows)}"
    )


def in_turn(path: Path, provider: Provider, count: int, paragraphs: int, number: int) -> tuple[float, float]:
    """Messages a second of the bare loop, and of the protocol."""
    batch = list(messages(count, f"{paragraphs}.{number}", paragraphs))
    bare = count / asyncio.run(bare_loop(provider, batch, delivery.Pace().calls))
    full = count / through_protocol(path, provider, batch)
    print(f"bare loop {bare:,.0f}/s, full protocol {full:,.0f}/s, {full / bare:.2f}", flush=True)
    return bare, full


def row(what: str, values: list[float], form: str) -> tuple[str, str, str]:
    return what, f"{median(values):{form}}", f"{min(values):{form}}–{max(values):{form}}"


def messages(count: int, number: int | str, paragraphs: int = 5) -> Iterator[Message]:
    now = datetime.now(UTC)
    text = PARAGRAPH * paragraphs
    content = {"subject": "Still there", "html": f"<p>{text}</p>", "text": text, "headers": {}}
    first = Message(
        message_id="", candidate_id="", decision_id="", journey="bench", journey_version="1", step="one",
        message_class="transactional", channel="email", user_id="", entity_key=None, event_id="e",
        variant=None,
        priority=50, address="", content=content, due_at=now, expires_at=now + timedelta(hours=1),
    )  # fmt: skip
    for each in range(count):
        message_id = str(uuid5(NAMESPACE_URL, f"bench|{number}|{each}"))
        yield replace(
            first, message_id=message_id, candidate_id=message_id, decision_id=message_id,
            user_id=f"u{each}", address=f"u{number}.{each}@example.com",
        )  # fmt: skip


async def bare_loop(provider: Provider, batch: list[Message], concurrency: int) -> float:
    """Seconds for posting every request, `concurrency` at a time, and reading the answer; no ledger."""
    # Other ids than the protocol will send, so that the sandbox never sees one twice.
    requests = iter([provider.request(replace(each, message_id=f"bare-{each.message_id}")) for each in batch])
    async with transport.open_client(CONNECT_SECONDS) as client:
        secrets = await provider.authorize(client)

        async def worker() -> None:
            request: Request
            for request in requests:
                answer = await transport.call(client, provider.base_url, request, secrets, 30)
                assert answer.status < 300, answer

        began = time.monotonic()
        await asyncio.gather(*(worker() for _ in range(concurrency)))
        return time.monotonic() - began


def through_protocol(path: Path, provider: Provider, batch: list[Message]) -> float:
    """Seconds from planned to the last record. Planning is timed by the ledger's bench, with what it leaves
    in the log: closing puts that into the file."""
    channels = {"email": provider}
    with Ledger(path) as ledger:
        delivery.plan(ledger, channels, batch, datetime.now(UTC))
    with Ledger(path) as ledger:
        began = time.monotonic()
        summary = delivery.deliver(ledger, channels, lambda: datetime.now(UTC), budget_seconds=600)
        seconds = time.monotonic() - began
    assert sum(summary.accepted.values()) == len(batch), summary
    return seconds
