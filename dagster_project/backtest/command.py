"""`dovecote backtest`: what a journey would have done."""

from __future__ import annotations

import json
import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from dagster_project.backtest.models import Project
from dagster_project.backtest.plan import Plan
from dagster_project.backtest.replay import Progress, Replay, replayed
from dagster_project.backtest.report import Span, answers, draw, drawing
from senders.settings import REPOSITORY, Settings

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class BacktestError(ValueError):
    """What was asked for cannot be replayed; the text says why and what to ask for instead."""


@dataclass(frozen=True)
class Asked:
    """A backtest as somebody asks for it: ISO 8601 times (UTC where they name no zone) and durations."""

    journey: str
    first: str
    last: str
    every: str = "1m"
    warm_up: str = "7d"
    as_if_live: bool = False
    exhaustive: bool = False

    def span(self) -> Span:
        first, last = moment(self.first), moment(self.last)
        if last <= first:
            raise BacktestError(f"--to {self.last} does not lie after --from {self.first}")
        return Span(first, last)

    def plan(self) -> Plan:
        """Ticks begin `warm_up` earlier, so that the caps and the journeys are under way at `first`."""
        span, every = self.span(), duration(self.every)
        if not every:
            raise BacktestError("--every 0 is no cadence: the shortest is 1s")
        begin = span.first - -(-duration(self.warm_up) // every) * every
        return Plan(begin, span.last, every, self.as_if_live, self.exhaustive)


def moment(text: str) -> datetime:
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError as error:
        raise BacktestError(f"{text!r} is no time such as 2022-10-14 or 2022-10-14T18:30") from error
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)


def duration(text: str) -> timedelta:
    if not (found := re.fullmatch(r"(\d+)([smhd])", text)):
        raise BacktestError(f"{text!r} is no duration such as 30s, 5m, 1h or 7d")
    return timedelta(seconds=int(found[1]) * UNITS[found[2]])


def backtest(settings: Settings, asked: Asked, folder: Path | None, progress: Progress) -> dict[str, Any]:
    """Replay, answer, draw. Everything stays in `folder` (a new temporary one by default).

    `journey`, `from`, `to`, `ticks`, `moments`, `queries`, `seconds`, `warehouse`, `picture` and the rows of
    each of `report.QUESTIONS`. Raises BacktestError, LockedError, DbtRunError, DbtProjectError.
    """
    from dagster_project.kpi_pictures import picture

    span, plan = asked.span(), asked.plan()
    project = project_with(settings, asked.journey)
    folder = new_folder(folder, "dovecote-backtest-")
    began = time.monotonic()
    with replayed(project, plan, folder, progress) as replay:
        _refuse_emptiness(replay, plan)
        found: dict[str, Any] = {
            "journey": asked.journey,
            "from": span.first,
            "to": span.last,
            "as_if_live": plan.as_if_live,
            "ticks": (plan.last - plan.first) // plan.every + 1,
            "moments": replay.moments,
            "queries": replay.queries,
            "seconds": round(time.monotonic() - began, 1),
            **answers(replay.connection, asked.journey, span),
        }
    drawn = folder / f"{asked.journey}.png"
    drawn.write_bytes(picture(draw, drawing(found), None))
    found |= {"warehouse": str(folder / "warehouse.duckdb"), "picture": str(drawn)}
    (folder / "summary.json").write_text(json.dumps(found, default=str, indent=2))
    return found


def project_with(settings: Settings, journey: str) -> Project:
    """The project as it is, with the journey among the live ones also before its launch."""
    from dagster_project.journeys import load_journeys

    live = [each.name for each in load_journeys(REPOSITORY) if each.is_live]
    if journey in live:
        return Project(settings)
    triggers = {path.stem.removeprefix("trg_") for path in (REPOSITORY / "dbt").rglob("trg_*.sql")}
    if journey not in triggers:
        near = get_close_matches(journey, triggers, 1)
        hint = f"; did you mean {near[0]}?" if near else f"; there are {', '.join(sorted(triggers))}"
        raise BacktestError(f"there is no dbt/models/triggers/trg_{journey}.sql{hint}")
    return Project(settings, variables=(("journeys", sorted([*live, journey])),))


def new_folder(folder: Path | None, prefix: str) -> Path:
    """An empty folder for a scratch warehouse. Raises BacktestError for one that holds a warehouse."""
    if folder is None:
        return Path(tempfile.mkdtemp(prefix=prefix))
    if (folder / "warehouse.duckdb").exists():
        raise BacktestError(f"{folder} holds a warehouse already: name another folder for this one")
    folder.mkdir(parents=True, exist_ok=True)
    return folder.resolve()


def _refuse_emptiness(replay: Replay, plan: Plan) -> None:
    (events,) = replay.connection.execute("select count(*) from staging.int_events").fetchone()
    if not events:
        hint = "" if plan.as_if_live else "; where it was loaded later, in bulk, ask with --as-if-live"
        raise BacktestError(f"no event had landed by {plan.last:%Y-%m-%d %H:%M} UTC{hint}")


@contextmanager
def bar(plan: Plan, is_quiet: bool, about: str = "") -> Iterator[Progress]:
    """A progress bar on stderr, in the time of the replay."""
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeElapsedColumn(),
    )
    with Bar(*columns, console=Console(stderr=True), disable=is_quiet, transient=True) as shown:
        task = shown.add_task(
            f"{about} {plan.first:%Y-%m-%d %H:%M}", total=(plan.last - plan.first).total_seconds()
        )

        def progress(now: datetime) -> None:
            done = (now - plan.first).total_seconds()
            shown.update(task, completed=done, description=f"{about} {now:%Y-%m-%d %H:%M}")

        yield progress
