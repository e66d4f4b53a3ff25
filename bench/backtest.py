"""What `dovecote backtest` takes over a real shop's tracker events, by how much history it decides again."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import polars as pl

from bench import results, sandboxed
from senders.settings import REPOSITORY

DATA = REPOSITORY.parent / "shared" / "data" / "snowplow_ecommerce" / "snowplow_ecommerce_events.csv"
USER = "contexts_com_snowplowanalytics_snowplow_ecommerce_user_1_0_0"
JOURNEY, BEFORE = "cart_abandoned", "2022-09-01T00:00:00Z"
SPANS = (
    ("a day", "2022-10-25", "2022-10-26"),
    ("a week", "2022-10-24", "2022-10-31"),
)


def run(folder: Path, scale: float) -> str:
    if not DATA.exists():
        raise FileNotFoundError(f"{DATA} is not there: Snowplow's e-commerce events, as one CSV file")
    spans = SPANS if scale == 1 else SPANS[:1]
    with sandboxed.running(folder) as settings:
        events, people = land(settings.landing)
        dovecote("tick", "--json")
        rows = [row(name, *measured(first, last)) for name, first, last in spans]
    head = ["span", "ticks", "could change anything", "queries", "messages", "whole", "replay", "CPU"]
    return (
        "## What a backtest takes\n\n"
        f"`python -m bench backtest`: `dovecote backtest {JOURNEY} --as-if-live` in a fresh process over "
        f"{events:,} events of {people} shoppers from a real tracker, a week of warm-up before each span "
        "and a tick a minute, all live journeys taking part. The whole is the wall time from start to end, "
        "the replay without Python's start, the CPU user and system of all of it.\n\n"
        f"{results.machine()}\n\n{results.table(head, rows)}"
    )


def land(landing: Path) -> tuple[int, int]:
    """The tracker's file, and for each device who it is and that they agreed; how many events and people."""
    events = pl.read_csv(DATA, infer_schema=False)
    devices = people_of_devices(events)
    calls = [
        {
            "type": "identify", "messageId": f"identify-{device}", "anonymousId": device, "userId": person,
            "timestamp": BEFORE, "traits": {"email": f"{person}@example.com".lower()},
        }
        for device, person in devices.items()
    ]  # fmt: skip
    consents = [
        {
            "user_id": person, "channel": "email", "purpose": "marketing", "status": "given",
            "occurred_at": BEFORE, "consent_source": "bench",
        }
        for person in sorted(set(devices.values()))
    ]  # fmt: skip
    write(landing / "segment" / "people.jsonl", lines(calls))
    write(landing / "consents" / "people.jsonl", lines(consents))
    write(landing / "snowplow" / "events.csv", DATA.read_text())
    return events.height, len(consents)


def people_of_devices(events: pl.DataFrame) -> dict[str, str]:
    """Device → the user that the tracker named on it, else a name of our own."""
    rows = events.select(pl.coalesce("domain_userid", "network_userid").alias("device"), USER).rows()
    named = {device: json.loads(user)[0]["id"] for device, user in rows if user and user != "[]"}
    return {device: named.get(device, f"shopper-{device[:8]}") for device, _ in rows if device}


def lines(records: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def measured(first: str, last: str) -> tuple[dict[str, Any], float, float]:
    """The answer, and the wall and CPU seconds of the process that gave it."""
    began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    text = dovecote("backtest", JOURNEY, "--from", first, "--to", last, "--as-if-live", "--json")
    wall, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    found: dict[str, Any] = json.loads(text)
    print(f"{first} to {last}: {wall:.1f} s, {cpu:.1f} s of CPU", flush=True)
    return found, wall, cpu


def dovecote(*arguments: str) -> str:
    command = [str(Path(sys.executable).with_name("dovecote")), *arguments]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"dovecote {arguments[0]} failed: {done.stderr[-2000:]}{done.stdout[-1000:]}")
    return done.stdout


def row(name: str, found: dict[str, Any], wall: float, cpu: float) -> list[str]:
    messages = sum(each["messages"] for each in found["sends"])
    return [
        name, f"{found['ticks']:,}", f"{found['moments']:,}", f"{found['queries']:,}", f"{messages:,}",
        f"{wall:.0f} s", f"{found['seconds']:.0f} s", f"{cpu:.0f} s",
    ]  # fmt: skip
