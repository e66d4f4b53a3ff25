"""`dovecote explain WHO --journey J --with cap.marketing=5`: the record beside two replays of it.

One replay changes nothing. It should say what the record says; where it does not, the other one's answer
is not to be relied on, and that is told.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from dagster_project import explain_entry
from dagster_project.backtest.replay import Progress
from dagster_project.counterfactual.changes import Change, ChangeError, apply, options, read
from dagster_project.counterfactual.fork import Fork, decisions, fork, replayed
from dagster_project.explain import explain
from dagster_project.warehouse import opened_when_free
from senders.settings import Settings

VERDICT = ("outcome", "reason", "gates", "channel", "blocking_id", "decided_at")


@dataclass(frozen=True)
class Asked:
    """`until`: about their last entry made by then; `everybody`: nobody is left out of the replay."""

    who: str
    journey: str
    changes: Sequence[str]
    until: datetime | None = None
    everybody: bool = False


def ask(settings: Settings, asked: Asked, progress: Progress) -> dict[str, Any]:
    """The record of one entry and two replays of it, from the tick that first decided one of its steps.

    `person`, `journey`, `entity_key`, `event_id`, `entered_at`, `entries` (how many there are), `changes`,
    `first`, `last`, `ticks`, `moments`, `people`, `everybody`, `seconds`, `agrees`, `differs` and `steps`:
    {step, due_at, record, unchanged, changed, agrees, differs}, each side a list of decisions. Raises
    ChangeError, UnknownPersonError, UnknownJourneyError, LockedError, DbtRunError and DbtProjectError.
    """
    began = time.monotonic()
    changes, purpose = _changes(settings, asked)
    record = explain(settings, asked.who, asked.journey)
    entries = _entries(record, asked)
    entry, user_id = entries[-1], record["person"]["user_id"]
    first = min(each["decided_at"] for step in entry["steps"] for each in step["decisions"])
    until = max(step["expires_at"] for step in entry["steps"])
    with tempfile.TemporaryDirectory(prefix="dovecote-what-if-") as folder:
        here = fork(settings, user_id, first, until, Path(folder), everybody=asked.everybody)
        suppose = partial(apply, user_id=user_id, purpose=purpose, first=first)
        sides = {}
        for side, made in (("unchanged", ()), ("changed", changes)):
            there = _copied(here, Path(folder) / side)
            replay = replayed(settings, here, there, partial(suppose, changes=made), progress)
            with closing(replay.connection):
                sides[side] = decisions(replay, entry["entry_id"])
    steps = _compared(entry["steps"], sides, here.plan.last)
    return {
        "person": user_id,
        **{name: entry[name] for name in ("journey", "entity_key", "event_id", "entered_at")},
        "entries": len(entries),
        "changes": [asdict(change) for change in changes],
        **{"first": first, "last": here.plan.last, "ticks": len(here.plan.ticks), "people": here.people},
        "everybody": asked.everybody,
        "seconds": round(time.monotonic() - began, 1),
        "agrees": all(step["agrees"] for step in steps),
        "differs": any(step["differs"] for step in steps),
        "steps": steps,
    }


@contextmanager
def spinner(is_quiet: bool) -> Iterator[Progress]:
    """The moment that is being decided, on stderr."""
    from rich.console import Console

    with Console(stderr=True, quiet=is_quiet).status("What if …") as shown:
        yield lambda now: shown.update(f"What if … {now:%Y-%m-%d %H:%M}")


def _changes(settings: Settings, asked: Asked) -> tuple[list[Change], str | None]:
    """What is to be otherwise, and the class of the journey: what a consent is to."""
    if not asked.journey or not asked.changes:
        raise ChangeError(
            "say about which journey, and what is to be otherwise: --journey NAME --with cap.marketing=5"
        )
    with opened_when_free(settings) as connection:
        classes = dict(connection.execute("select journey, message_class from policy.journeys").fetchall())
        return read(asked.changes, options(connection)), classes.get(asked.journey)


def _entries(record: Mapping[str, Any], asked: Asked) -> list[dict[str, Any]]:
    """The entries of which something was decided, up to the one to ask about. ChangeError where none was."""
    user_id = record["person"]["user_id"]
    if "why_not" in record:
        told = "\n".join(explain_entry.in_words(record["why_not"]))
        raise ChangeError(
            f"{user_id} never entered {asked.journey}, and no policy keeps anybody out of a journey:\n{told}"
        )
    decided = [each for each in record["journeys"] if any(step["decisions"] for step in each["steps"])]
    made = [each for each in decided if asked.until is None or each["entered_at"] <= asked.until]
    if not made:
        known = ", ".join(f"{each['entered_at']:%Y-%m-%d %H:%M}" for each in decided) or "none"
        by = f" of an entry by {asked.until:%Y-%m-%d %H:%M}" if asked.until else ""
        raise ChangeError(
            f"nothing is decided yet{by} about {user_id} in {asked.journey}; decided entries: {known}"
        )
    return made


def _copied(here: Fork, folder: Path) -> Path:
    folder.mkdir()
    return Path(shutil.copyfile(here.warehouse, folder / here.warehouse.name))


def _compared(
    steps: Sequence[Mapping[str, Any]], sides: Mapping[str, Mapping[str, Any]], last: datetime
) -> list[dict[str, Any]]:
    compared = []
    for step in steps:
        record = [each for each in step["decisions"] if each["decided_at"] <= last]
        found = {"record": record} | {side: told.get(step["step"], []) for side, told in sides.items()}
        told = {side: [{name: each[name] for name in VERDICT} for each in found[side]] for side in found}
        compared.append(
            {"step": step["step"], "due_at": step["due_at"], **told}
            | {"agrees": told["record"] == told["unchanged"], "differs": told["unchanged"] != told["changed"]}
        )
    return compared
