"""`dovecote demo`: start everything, let the town live, show each tick, close the books."""

from __future__ import annotations

import asyncio
import json
import secrets
import shutil
import signal
import time
from collections.abc import Mapping
from typing import Any

import httpx

from dagster_project import home, lock, warehouse
from dagster_project.demo import books, screen, servers
from dagster_project.demo.recipients import Recipients
from dagster_project.demo.servers import Server
from dagster_project.demo.shop import Shop
from senders.settings import REPOSITORY, Settings, load

SANDBOX_PORT = 8400
SETTLE_SECONDS = 4  # for the last receipts
TICK_MAY_TAKE_SECONDS = 120


def run(settings: Settings, minutes: float | None, events_per_second: float, tick_seconds: int) -> int:
    """Play for `minutes` (None: until Ctrl-C); print the books as the last line; 0 when they agree.
    No tick, no books: that is 1."""
    # Whoever ends the demo by a signal gets the same clean end as with Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sandbox_port = servers.free_port(SANDBOX_PORT)
    settings, environment = prepare(settings, sandbox_port, tick_seconds)
    sandbox_url = f"http://127.0.0.1:{sandbox_port}"
    screen.console.print(f"Starting in {settings.home} (logs in {settings.home / 'logs'}) …")
    with servers.running(children(settings, sandbox_port), settings.home / "logs", environment) as processes:
        ui = f"http://127.0.0.1:{settings.ui_port}"
        screen.console.print(
            f"[bold]The Dagster UI is at {ui}[/]. A tick every {tick_seconds} s; Ctrl-C ends.\n"
        )
        ticks = screen.Ticks(settings.home)
        try:
            landed = asyncio.run(play(settings, sandbox_url, minutes, events_per_second, ticks))
        except KeyboardInterrupt:
            landed = {}
            screen.console.print("\nEnding …")
        wait_for_tick(settings)
        processes["daemon"].end()
        time.sleep(SETTLE_SECONDS)
        accepted = journal(sandbox_url)
    for summary in ticks.news():
        screen.show(summary)
    report = close_books(settings, ticks, accepted, landed)
    if not report["ticks"]:
        screen.console.print(f"No tick ended. Why not is in {settings.home / 'logs' / 'daemon.log'}.")
    environment_file = settings.home / "demo.env"
    screen.console.print(
        f"\nTo look around: set -a; . {environment_file}; set +a; .venv/bin/dovecote explain u00000"
    )
    print(json.dumps(report), flush=True)
    return 0 if report["ticks"] and report["duplicates"] == report["unaccounted"] == 0 else 1


def prepare(settings: Settings, sandbox_port: int, tick_seconds: int) -> tuple[Settings, dict[str, str]]:
    """A fresh home below DOVECOTE_HOME with secrets of its own, and the environment that says so."""
    from senders.sandbox.credentials import read_environment, write_credentials, write_private

    # Whoever looked around has this play's own settings in the shell: the next one takes its place.
    folder = settings.home if (settings.home / "demo.env").exists() else settings.home / "demo"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    receivers_port, ui_port = servers.free_port(settings.receivers_port), servers.free_port(settings.ui_port)
    environment = {
        "DOVECOTE_HOME": str(folder),
        "DOVECOTE_LEDGER": "",  # a play never writes into a ledger that others share
        "DOVECOTE_TICK_SECONDS": str(tick_seconds),
        "DOVECOTE_RECEIVERS_PORT": str(receivers_port),
        "DOVECOTE_UI_PORT": str(ui_port),
        "DOVECOTE_PUBLIC_URL": f"http://127.0.0.1:{receivers_port}",
        "DOVECOTE_WRITE_KEY": secrets.token_urlsafe(24),
        "DOVECOTE_LINK_SECRET": secrets.token_urlsafe(32),
        "DOVECOTE_ERASURE_SECRET": secrets.token_urlsafe(32),
        "DOVECOTE_SHOPIFY_SECRET": secrets.token_urlsafe(32),
        **read_environment(write_credentials(folder / "sandbox", f"http://127.0.0.1:{sandbox_port}")),
    }
    ready = load({**settings.environment, **environment})
    home.create(ready)
    # For a look around afterwards: `set -a; . .dovecote/demo/demo.env`.
    write_private(folder / "demo.env", "".join(f"{name}={value}\n" for name, value in environment.items()))
    return ready, environment


def children(settings: Settings, sandbox_port: int) -> list[Server]:
    workspace = ["-w", str(REPOSITORY / "workspace.yaml")]
    ui = ["--host", "127.0.0.1", "--port", str(settings.ui_port)]
    sandbox_home = ["--home", str(settings.home / "sandbox"), "--receivers", settings.public_url]
    return [
        Server("sandbox", ["-m", "senders.sandbox", "--port", str(sandbox_port), *sandbox_home],
               f"http://127.0.0.1:{sandbox_port}/journal"),
        Server("receivers", ["-m", "receivers.http"], f"{settings.public_url}/healthz"),
        Server("webserver", ["-m", "dagster_webserver", *workspace, *ui],
               f"http://127.0.0.1:{settings.ui_port}/server_info"),
        Server("daemon", ["-m", "dagster._daemon", "run", *workspace]),
    ]  # fmt: skip


async def play(
    settings: Settings, sandbox_url: str, minutes: float | None, events_per_second: float, ticks: screen.Ticks
) -> Mapping[str, float]:
    """The town's life; returns when each event was on disk (event id → wall-clock seconds)."""
    until = time.monotonic() + (minutes * 60 if minutes else float("inf"))
    async with httpx.AsyncClient(timeout=10, limits=httpx.Limits(max_connections=50)) as client:
        shop = Shop(settings, client)
        shop.open()
        watching = asyncio.create_task(watch(ticks))
        try:
            await asyncio.gather(
                shop.serve(events_per_second, until), Recipients(shop, sandbox_url, client).live(until)
            )
        finally:
            watching.cancel()
    return shop.landed


async def watch(ticks: screen.Ticks) -> None:
    while True:
        for summary in ticks.news():
            screen.show(summary)
        await asyncio.sleep(1)


def wait_for_tick(settings: Settings) -> None:
    """Let the tick that runs now, if one does, come to its end."""
    deadline = time.monotonic() + TICK_MAY_TAKE_SECONDS
    while lock.is_held(settings.home) and time.monotonic() < deadline:
        time.sleep(0.5)


def journal(sandbox_url: str) -> list[dict[str, Any]]:
    """Everything the sandbox accepted."""
    rows: list[dict[str, Any]] = []
    while page := httpx.get(f"{sandbox_url}/journal", params={"after": len(rows)}, timeout=10).json()[
        "messages"
    ]:
        rows.extend(page)
    return rows


def close_books(
    settings: Settings, ticks: screen.Ticks, accepted: list[dict[str, Any]], landed: Mapping[str, float]
) -> dict[str, Any]:
    messages = books.read(settings)
    good = [tick for tick in ticks.seen if not tick["failure"]]
    outbox: list[str] = []
    if good:  # else dbt never built one
        with warehouse.opened(settings, read_only=True) as connection:
            rows = connection.execute("select message_id from decisions.fct_outbox").fetchall()
        outbox = [message_id for (message_id,) in rows]
    tick_seconds = [tick["seconds"]["total"] for tick in good]
    waits = books.landed_to_accepted(messages, landed)
    fallbacks = books.landed_to_accepted(books.fallbacks(messages), landed)
    return {
        "ticks": len(ticks.seen),
        "failed_ticks": len(ticks.seen) - len(good),
        "events": sum(tick["events"] for tick in good),
        "decisions": sum(sum(tick["decisions"].values()) for tick in good),
        "sent": len(accepted),
        "delivered": sum(row["state"] in ("delivered", "read") for row in messages),
        "converted": good[-1]["converted"] if good else 0,
        **books.balance(messages, accepted, outbox),
        "tick_seconds_p50": books.percentile(tick_seconds, 50),
        "tick_seconds_p95": books.percentile(tick_seconds, 95),
        "landed_to_accepted_seconds_p50": books.percentile(waits, 50),
        "landed_to_accepted_seconds_p95": books.percentile(waits, 95),
        "fallbacks": len(fallbacks),
        "fallback_seconds_p50": books.percentile(fallbacks, 50),
        "fallback_seconds_p95": books.percentile(fallbacks, 95),
    }
