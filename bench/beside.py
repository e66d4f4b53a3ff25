"""The same messages through the tools that people would otherwise use, and how many a second each makes."""

from __future__ import annotations

import subprocess
from datetime import datetime
from pathlib import Path

from bench import results
from bench.crash import drill, peers
from bench.throughput import messages
from dagster_project.drill.rig import Rig, started

COUNT, AIM = 2_000, 2
PROVIDER = "sendgrid"
RUN_SECONDS = 900.0


def run(folder: Path, scale: float) -> str:
    count, python = int(COUNT * scale), peers.installed()
    rates: dict[str, float] = {}
    with (
        peers.state_server() as state,
        started(folder, "http://127.0.0.1:9", receipt_seconds=86_400.0, latency_ms=0) as rig,
    ):
        tools = [*drill.all_tools(python, state), in_parallel(python)]
        for number, tool in enumerate(tools, 1):
            rates[tool.name] = rate(folder, rig, tool, number, count)
            print(f"{tool.name}: {rates[tool.name]:,.0f}/s", flush=True)
    ours = rates["Dovecote"]
    rows = [(name, f"{each:,.0f}", f"{ours / each:.2f}") for name, each in rates.items()]
    pins = dict(line.split("==")[:2] for line in peers.PINS.read_text().splitlines())
    return (
        "## Messages a second, three tools\n\n"
        f"`python -m bench beside`: {count:,} e-mails each, the same bytes to the same sandbox in another "
        "process, from the first that it took to the last, by its own journal: starting up, and planning, "
        "extracting or staging before the first call, count for nobody. Set up as in the crash drill: as "
        "its documentation advises where a repetition does harm, and with its default. Ours runs with the "
        "garbage collector off, as in a tick.\n\n"
        f"{results.machine()}, dlt {pins['dlt']}, drt-core {pins['drt-core']}\n\n"
        f"{results.table(['', 'messages/s', f'Dovecote by it (aim ≥ {AIM})'], rows)}"
    )


def in_parallel(python: Path) -> drill.Tool:
    """As dlt loads where nobody says otherwise, repetitions or not."""
    command = [str(python), str(peers.HERE / "send_with_dlt.py")]
    return drill.Tool(
        "dlt, batches of 10, in parallel (default)",
        lambda home, nth: [*command, str(home), "10", "parallel"],
    )


def rate(folder: Path, rig: Rig, tool: drill.Tool, number: int, count: int) -> float:
    home = folder / f"beside-{number}"
    batch = list(messages(count, number))
    way, bodies = drill.with_headers(rig, drill.way_to(rig, rig.url, PROVIDER, number), batch)
    way.write(home, bodies)
    tool.set_up(home, way, number)
    after = rig.taken_so_far()
    done = subprocess.run(
        tool.command(home, 0), cwd=home, env=drill.environment_of(home), capture_output=True, text=True,
        timeout=RUN_SECONDS,
    )  # fmt: skip
    taken = rig.accepted(after)
    if len({row["message_id"] for row in taken}) < count:
        raise RuntimeError(f"{tool.name} sent {len(taken)} of {count}: {done.stderr[-2000:]}")
    first, last = (datetime.fromisoformat(taken[at]["accepted_at"]) for at in (0, -1))
    return (len(taken) - 1) / (last - first).total_seconds()
