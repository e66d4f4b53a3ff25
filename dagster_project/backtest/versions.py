"""`dovecote diff`: the same history decided by two versions of the models, and where they disagree."""

from __future__ import annotations

import hashlib
import subprocess
import tarfile
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

from dagster_project import home, manifest, warehouse
from dagster_project.backtest.command import BacktestError, duration, moment
from dagster_project.backtest.models import Project
from dagster_project.backtest.plan import Plan
from dagster_project.backtest.replay import Progress, replayed
from dagster_project.backtest.report import Span, rows
from receivers.warehouse import in_utc
from senders.settings import REPOSITORY, Settings

SPAN = timedelta(days=7)  # how far back it looks unless told otherwise
CHANGES = {
    "gains": "gain a message",
    "loses": "lose a message",
    "other channel": "get it on another channel",
    "other template": "get another template",
    "other time": "get it at another time",
    "other reason": "get none, as before, but for another reason",
}
Bar = Callable[[Plan, str], AbstractContextManager[Progress]]


def diff(settings: Settings, revision: str, plan: Plan, span: Span, bar: Bar) -> dict[str, Any]:
    """`revision`, `from`, `to`, `changes` (rows of sql/replay/diff.sql) and `summary` (how many, by what).

    `revision` is anything that git knows; it is held against the models as they lie in the working tree.
    Raises BacktestError, LockedError, DbtRunError, DbtProjectError.
    """
    with tempfile.TemporaryDirectory(prefix="dovecote-diff-") as folder:
        before = _checked_out(revision, Path(folder) / "revision")
        is_same = _digest(before) == _digest(home.DBT_PROJECT)
        found = [] if is_same else disagreements(settings, before, plan, span, Path(folder), bar)
    return {
        "revision": revision,
        "from": span.first,
        "to": span.last,
        "changes": found,
        "summary": summary(found),
    }


def disagreements(
    settings: Settings, before: Path, plan: Plan, span: Span, folder: Path, bar: Bar
) -> list[dict[str, Any]]:
    """The rows of sql/replay/diff.sql; `before` is another dbt folder, `folder` an empty one to work in."""
    # Ticks go on meanwhile: both versions get what had landed before the first of them began.
    plan = replace(plan, known_until=_last_tick(settings))
    with (
        bar(plan, "before") as progress,
        replayed(Project(settings, before), plan, _made(folder / "before"), progress),
    ):
        pass
    with (
        bar(plan, "after") as progress,
        replayed(Project(settings), plan, _made(folder / "after"), progress) as after,
    ):
        after.connection.execute(f"attach '{folder / 'before' / 'warehouse.duckdb'}' as base (read_only)")
        return rows(after.connection, "diff", {"first": in_utc(span.first), "last": in_utc(span.last)})


def _last_tick(settings: Settings) -> datetime:
    with warehouse.opened_when_free(settings) as connection:
        if (last := warehouse.last_as_of(connection)) is None:
            raise BacktestError("no tick has run here yet: there is no history to decide again")
    return last


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _checked_out(revision: str, folder: Path) -> Path:
    """The dbt folder as it was at `revision`."""
    command = ["git", "-C", str(REPOSITORY), "archive", "--format=tar", revision, "dbt"]
    done = subprocess.run(command, capture_output=True)
    if done.returncode:
        raise BacktestError(f"git has no models at {revision!r}: {done.stderr.decode().strip()}")
    with tarfile.open(fileobj=BytesIO(done.stdout)) as archive:
        archive.extractall(folder, filter="data")
    return folder / "dbt"


def _digest(folder: Path) -> str:
    content = hashlib.sha256()
    for path in manifest.files(folder):
        content.update(f"{path.relative_to(folder)}\0".encode() + path.read_bytes())
    return content.hexdigest()


def summary(changes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """How many steps changed how, by journey, step and the gate on the side that does not send."""
    counted = Counter(
        (each["journey"], each["step"], each["change"], each["reason_before"], each["reason_after"])
        for each in changes
    )
    names = ("journey", "step", "change", "before", "after")
    return [dict(zip(names, key, strict=True)) | {"steps": count} for key, count in sorted(counted.items())]


def span_of(settings: Settings, first: str | None, last: str | None) -> Span:
    """The asked span; by default the week before the last tick."""
    end = moment(last) if last else _last_tick(settings)
    begin = moment(first) if first else end - SPAN
    if end <= begin:
        raise BacktestError(f"--to {end:%Y-%m-%d %H:%M} does not lie after --from {begin:%Y-%m-%d %H:%M}")
    return Span(begin, end)


def plan_of(span: Span, every: str, warm_up: str, as_if_live: bool) -> Plan:
    step = duration(every)
    return Plan(span.first - -(-duration(warm_up) // step) * step, span.last, step, as_if_live)


def in_words(found: Mapping[str, Any]) -> str:
    head = (
        f"{found['revision']} and the working tree, {found['from']:%Y-%m-%d %H:%M} to "
        f"{found['to']:%Y-%m-%d %H:%M} UTC"
    )
    if not found["changes"]:
        return f"{head}: every step gets the same verdict."
    lines = [f"{head}:"]
    for row in found["summary"]:
        steps = f"{row['steps']} step{'s' * (row['steps'] != 1)}"
        lines.append(
            f"  {row['journey']}.{row['step']}: {steps} {CHANGES[row['change']]} "
            f"({row['before']} → {row['after']})"
        )
    lines += ["", "For example:"]
    for each in found["changes"][:10]:
        lines.append(
            f"  {each['user_id']}, {each['journey']}.{each['step']}: "
            f"{_side(each, 'before')} → {_side(each, 'after')}"
        )
    return "\n".join(lines)


def _side(each: Mapping[str, Any], side: str) -> str:
    if each[f"outcome_{side}"] != "send":
        return str(each[f"reason_{side}"])
    decided_at: datetime = each[f"decided_{side}"]
    return f"{each[f'channel_{side}']} {each[f'template_{side}']} {decided_at:%Y-%m-%d %H:%M}"
