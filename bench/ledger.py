"""What the ledger costs: planning a campaign, and a look at it when there is nothing to send."""

from __future__ import annotations

import gc
import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from statistics import median

from bench import results
from bench.throughput import messages
from senders import delivery
from senders.contract import Provider
from senders.ledger import Ledger
from senders.providers import load_provider
from senders.sandbox.credentials import read_environment, write_credentials
from senders.settings import load

SQL = Path(__file__).with_name("sql") / "ledger_messages.sql"
PLANNED, PLANNING_AIM = 300_000, 15
SMALL, LARGE, LOOKS, LOOKING_AIM = 10_000, 10_000_000, 200, 1.2


def run(folder: Path, scale: float) -> str:
    environment = read_environment(write_credentials(folder / "sandbox", "http://127.0.0.1:9"))
    provider = load_provider(load({"DOVECOTE_HOME": str(folder), **environment}), "sendgrid")
    planned, large = int(PLANNED * scale), int(LARGE * scale)
    planning = plan(folder / "planned.db", provider, planned)
    paths = {count: filled(folder / f"{count}.db", count) for count in (SMALL, large)}
    taken: dict[int, list[float]] = {count: [] for count in paths}
    for _ in range(LOOKS):
        for count, path in paths.items():
            taken[count].append(look(path, provider))
    looks = {count: median(seconds) for count, seconds in taken.items()}
    size = len(provider.request(next(messages(1, 0))).body)
    ratio = looks[large] / looks[SMALL]
    rows = [
        (f"{planned:,} messages planned, requests and all (aim ≤ {PLANNING_AIM} s)", f"**{planning:.1f} s**"),
        *(
            (f"a look with nothing to send, {count:,} messages", f"{1000 * seconds:.2f} ms")
            for count, seconds in looks.items()
        ),
        (f"the one to the other (aim ≤ {LOOKING_AIM})", f"**{ratio:.2f}**"),
    ]
    return (
        "## The ledger\n\n"
        f"`python -m bench ledger`: SQLite with synchronous=FULL, e-mails of {size:,} bytes. A look is "
        "what a tick asks of the ledger: "
        "open it, copy what is new in its journal, sweep, see whether there is work and when the next retry "
        f"is; the median of {LOOKS}, the two ledgers in turn.\n\n"
        f"{results.machine()}\n\n{results.table(['', ''], rows)}"
    )


def plan(path: Path, provider: Provider, count: int) -> float:
    """Seconds until all is in the file, without those in which the messages are made up."""
    gc.disable()  # as a tick does
    seconds, rest = 0.0, messages(count, 0)
    with Ledger(path) as ledger:
        while batch := list(islice(rest, delivery.PLAN_BATCH)):
            began = time.monotonic()
            delivery.plan(ledger, {"email": provider}, batch, datetime.now(UTC))
            seconds += time.monotonic() - began
        began = time.monotonic()
    return seconds + time.monotonic() - began


def filled(path: Path, count: int) -> Path:
    Ledger(path).close()
    began = time.monotonic()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("pragma synchronous = off")
        connection.execute("pragma cache_size = -1000000")
        for sql in SQL.read_text().split(";\n"):
            connection.execute(sql, {"count": count} if ":count" in sql else {})
    print(f"{count:,} messages written in {time.monotonic() - began:.0f} s", flush=True)
    return path


def look(path: Path, provider: Provider) -> float:
    """Seconds."""
    began = time.perf_counter()
    with Ledger(path) as ledger:
        assert not list(ledger.journal_since(ledger.settled("last_seq"), 1000))
        summary = delivery.deliver(ledger, {"email": provider}, lambda: datetime.now(UTC), 1)
        ledger.next_attempt_at(datetime.now(UTC))
    assert not summary.accepted
    return time.perf_counter() - began
