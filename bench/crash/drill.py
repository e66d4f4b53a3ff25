"""The crash drill of `python -m bench crash`."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from bench import results
from bench.crash import peers
from bench.crash.peers import Way
from bench.crash.proxy import Proxy, Strike, between
from bench.throughput import messages
from dagster_project.drill.rig import Rig, started
from senders.contract import Message
from senders.settings import REPOSITORY

COUNT = 100
STRIKES = {
    "killed before the provider had message 55": Strike(55, is_after=False, kills=True),
    "killed after it took message 55": Strike(55, is_after=True, kills=True),
    "killed after it took the last": Strike(COUNT, is_after=True, kills=True),
    "its answer to message 55 lost, nobody killed": Strike(55, is_after=True, kills=False),
}
# provider → its path, and the header of its own protection against repetition
PROVIDERS = {
    "resend": ("/emails", "Idempotency-Key", "ignores a repeated key"),
    "postmark": ("/email", "", "can be asked what it took"),
    "sendgrid": ("/v3/mail/send", "", "can do neither; reports"),
}
RUNS = 4  # of a tool, one after the other: the killed one and three more
LATER_SECONDS = 600.0  # Dovecote's clock from one run to the next: after 15 minutes of asking it gives up
RUN_SECONDS = 120.0

Command = Callable[[Path, int], list[str]]


@dataclass(frozen=True)
class Tool:
    name: str
    command: Command  # (home, which run) → arguments
    set_up: Callable[[Path, Way, int], None] = lambda home, way, number: None


@dataclass
class Tally:
    lost: int = 0
    duplicated: int = 0
    held: int = 0  # it may have been taken, nobody can tell, and the tool says so
    failures: list[str] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        self.lost += other.lost
        self.duplicated += other.duplicated
        self.held += other.held
        self.failures += other.failures


def run(folder: Path, scale: float) -> str:
    """Every tool, provider and strike; `scale` below 1: only the second strike."""
    python = peers.installed()
    strikes = dict(list(STRIKES.items())[1:2] if scale < 1 else STRIKES.items())
    found: dict[tuple[str, str, str], Tally] = {}
    number = 0
    with (
        peers.state_server() as state,
        started(folder, "http://127.0.0.1:9", receipt_seconds=86_400.0) as rig,
        between(rig.url) as proxy,
    ):
        tools = all_tools(python, state)
        for provider in PROVIDERS:
            for tool in tools:
                for what, strike in strikes.items():
                    number += 1
                    way = way_to(rig, proxy.url, provider, number)
                    found[tool.name, provider, what] = tally = _trial(folder, rig, proxy, tool, way, strike)
                    print(f"{provider}, {tool.name}, {what}: {tally}", flush=True)
    return _section(found, [tool.name for tool in tools], list(strikes))


def all_tools(python: Path, state: Path) -> list[Tool]:
    """Dovecote, and each other one with one message a batch and with its default."""

    def drt(home: Path, way: Way, number: int, batch_size: int) -> None:
        subprocess.run(
            ["psql", "-h", state, "-U", "dovecote", "-qc", f"create database drt_{number}", "postgres"],
            check=True,
        )
        peers.set_up_drt(home, way, state, f"drt_{number}", batch_size)

    sends_dlt = str(peers.HERE / "send_with_dlt.py")
    return [
        Tool(
            "Dovecote",
            lambda home, nth: [
                sys.executable, "-m", "bench.crash.send_with_dovecote", str(home), str(nth * LATER_SECONDS),
            ],
        ),
        *(
            Tool(
                f"dlt, {batch}",
                partial(lambda size, home, nth: [str(python), sends_dlt, str(home), str(size)], size),
            )
            for batch, size in (("batches of 1 (advised)", 1), ("batches of 10 (default)", 10))
        ),
        *(
            Tool(
                f"drt, delivered keys kept, {batch}",
                lambda home, nth: [str(python.with_name("drt")), "run", "--output", "json"],
                partial(drt, batch_size=size),
            )
            for batch, size in (("batches of 1", 1), ("batches of 100 (default)", 100))
        ),
    ]  # fmt: skip


def way_to(rig: Rig, url: str, provider: str, number: int) -> Way:
    path, key_header, _ = PROVIDERS[provider]
    environment = {
        **{name: value for name, value in rig.environment.items() if name.startswith("DOVECOTE_")},
        f"DOVECOTE_{provider.upper()}_BASE_URL": url,
        f"DOVECOTE_{provider.upper()}_MESSAGES_PER_SECOND": "10000",
        "DOVECOTE_SENDGRID_HAS_ACTIVITY_API": "false",  # as most accounts are
    }
    return Way(provider, url, path, {}, key_header, environment, number)


def _trial(folder: Path, rig: Rig, proxy: Proxy, tool: Tool, way: Way, strike: Strike) -> Tally:
    home = folder / f"trial-{way.number}"
    batch = list(messages(COUNT, way.number))
    way, bodies = with_headers(rig, way, batch)
    way.write(home, bodies)
    tool.set_up(home, way, way.number)
    after = rig.taken_so_far()
    proxy.arm(strike)
    tally = Tally()
    last = ""
    for nth in range(RUNS):
        code, last = _run(home, proxy, tool.command(home, nth))
        if code not in (0, -signal.SIGKILL):
            tally.failures.append(f"run {nth}: exit {code}")
    if not proxy.has_struck:
        raise RuntimeError(f"{tool.name} never came to message {strike.nth}: {last[-2000:]}")
    taken = Counter(row["message_id"] for row in rig.accepted(after))
    # A held message is on the list of those a person decides about: it is not lost, taken or not.
    held = set(json.loads(last)) if tool.name == "Dovecote" else set()
    tally.held = len(held)
    tally.lost = sum(not taken[each.message_id] for each in batch if each.message_id not in held)
    tally.duplicated = sum(times - 1 for times in taken.values() if times)
    return tally


def with_headers(rig: Rig, way: Way, batch: Sequence[Message]) -> tuple[Way, list[tuple[str, str]]]:
    """The same bytes and headers for every tool, as our provider's file makes them."""
    provider = rig.provider(way.provider)
    requests = [provider.request(message) for message in batch]
    kept = {name: value for name, value in requests[0].headers.items() if name != way.key_header}
    secrets = asyncio.run(provider.authorize(None))
    bodies = [
        (message.message_id, request.body.decode()) for message, request in zip(batch, requests, strict=True)
    ]
    return replace(way, headers={**kept, **secrets}), bodies


def environment_of(home: Path) -> dict[str, str]:
    """What a tool's process sees: nobody's settings but those of its home, and no telemetry."""
    return {
        **os.environ,
        "HOME": str(home),
        "PYTHONPATH": str(REPOSITORY),
        "DRT_TELEMETRY": "0",
        "DO_NOT_TRACK": "1",
        "RUNTIME__DLTHUB_TELEMETRY": "false",
    }


def _run(home: Path, proxy: Proxy, command: Sequence[str]) -> tuple[int, str]:
    with (home / "log.txt").open("ab") as log:
        process = subprocess.Popen(
            [*command], cwd=home, env=environment_of(home), stdout=subprocess.PIPE, stderr=log, text=True
        )
        proxy.kill = partial(_kill, process.pid)
        said, _ = process.communicate(timeout=RUN_SECONDS)
    return process.returncode, said.strip().splitlines()[-1] if said.strip() else ""


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


HEAD = """\
## The same crash, three tools

`python -m bench crash`: {trials} batches of {count} e-mails for each tool and provider, each struck once in
its midst; then the tool runs again, {runs} runs in all (Dovecote's clock goes on {later:.0f} s from one to
the next). A proxy before the provider strikes: {strikes}. Each cell: **lost / duplicated / held**, by the
provider's own journal. Held: it may have been taken, nobody can tell, and the tool says so and asks a person
(no receipts come in here; they settle what was taken).
"""
TAIL = """\
The others are set up as their documentation advises where a repetition does harm. dlt ("Custom destination",
"Adjust batch size and retry policy for atomic loads"): a batch of 1, incremental extraction, the pipeline's
folder kept; its request helper repeats by itself. drt-core (`drt/state/idempotency.py`): `state.idempotency`
on PostgreSQL with `idempotency_key`, an incremental cursor, `on_error: skip` with `dlq`. For Resend both send
its Idempotency-Key. Neither writes down that a call is about to be made, so neither can know of one whose
answer never came, and sends it again; drt's own text calls its order "check-then-send-then-mark". Both make
one call after the other, so one is in doubt; Dovecote has up to 100 under way, and holds those of them that
no provider can tell about.
"""


def _section(found: dict[tuple[str, str, str], Tally], tools: Sequence[str], strikes: Sequence[str]) -> str:
    pins = dict(line.split("==")[:2] for line in peers.PINS.read_text().splitlines())
    head = ["", *(f"{name} ({what})" for name, (_, _, what) in PROVIDERS.items())]
    rows = [
        [tool, *(_cell(found[tool, provider, what] for what in strikes) for provider in PROVIDERS)]
        for tool in tools
    ]
    where = [[what, *(_cell([found[tool, "postmark", what]]) for tool in tools)] for what in strikes]
    told = HEAD.format(
        trials=len(strikes), count=COUNT, runs=RUNS, later=LATER_SECONDS, strikes="; ".join(strikes)
    )
    versions = f"dlt {pins['dlt']}, drt-core {pins['drt-core']}"
    return (
        f"{told}\n{results.machine()}, {versions}\n\n{results.table(head, rows)}\n\n"
        f"With Postmark, by where it was struck:\n\n{results.table(['', *tools], where)}\n\n{TAIL.rstrip()}"
    )


def _cell(tallies: Iterable[Tally]) -> str:
    total = Tally()
    for tally in tallies:
        total.add(tally)
    return f"{total.lost} / {total.duplicated} / {total.held}"
