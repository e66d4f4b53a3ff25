"""Why a trigger never selected a person: from the trigger's own SQL, over that person's rows.

The compiled trigger is read by DuckDB's parser, with the models of its own folder put into it. Each of its
conditions is then left out in turn; one without which the person is selected is a reason. Where none alone
lets them in, all are left out and put back one by one: what cannot be put back is the reason. How many of
their rows each part of the query keeps is told as well.

What it cannot tell: a condition that only the select list decides (the parts' rows show where they end), what
a model outside the folder leaves out, and what would let them in besides leaving a condition out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from dagster_project import lock
from dagster_project.backtest import kept
from dagster_project.backtest.models import Model
from dagster_project.explain_query import FOLDER, Condition, Query
from receivers.warehouse import open_warehouse
from senders.settings import Settings

READER_WAIT_SECONDS = 60


def compiled(settings: Settings, as_of: datetime) -> dict[str, Model]:
    """The models of the triggers' folder by `schema.table`, the clock left open within the day of `as_of`."""

    def prepare(folder: Path) -> None:
        open_warehouse(replace(settings, home=folder)).close()

    models = kept.compiled(settings, "triggers", as_of, as_of, (f"path:models/{FOLDER}",), prepare)
    return {model.name: model for model in models}


def why_not(
    source: Path, models: Mapping[str, Model], journey: str, user_id: str, as_of: datetime
) -> dict[str, Any]:
    """What a trigger says of the person's rows in the warehouse file `source`, as they stood at `as_of`.

    `journey`, `is_selected`, `has_rows` (whether it reads anything of theirs), `parts` ({part, rows})
    and `reasons` ({lets_into, conditions: [{part, words}]}).
    """
    import duckdb

    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        query = Query(connection, models, f"{FOLDER}.trg_{journey}", as_of)
        query.copy_rows(source, user_id)
        parts = {part: query.rows_of_part(part, user_id) for part in query.parts}
        is_selected = query.is_selected(user_id)
        is_known = query.has_rows_of_person
        reasons = _reasons(query, user_id, parts) if is_known and not is_selected else []
    return {
        "journey": journey,
        "is_selected": is_selected,
        "has_rows": is_known,
        "parts": [{"part": part, "rows": rows} for part, rows in parts.items() if rows is not None],
        "reasons": reasons,
    }


def _reasons(query: Query, user_id: str, parts: Mapping[str, int | None]) -> list[dict[str, Any]]:
    """The conditions of which each alone keeps them out. Where several do at once: the few that keep them
    out of the first part that has none of their rows and would have some, else out of the whole."""
    conditions = list(query.conditions())
    if alone := [[each] for each in conditions if query.is_selected(user_id, [each])]:
        return _told(alone, query.name)
    for empty in (part for part, rows in parts.items() if rows == 0):
        inside = [each for each in conditions if each.part == empty]
        if few := _few(inside, partial(_has_rows, query, user_id, empty)):
            return _told([few], empty)
    few = _few(conditions, lambda left_out: query.is_selected(user_id, left_out))
    return _told([few] if few else [], query.name)


def _has_rows(query: Query, user_id: str, part: str, left_out: Sequence[Condition]) -> bool:
    return bool(query.rows_of_part(part, user_id, left_out))


def _few(
    conditions: Sequence[Condition], lets_in: Callable[[Sequence[Condition]], bool]
) -> Sequence[Condition]:
    """Conditions without which they are in, none of which can be put back; none where it is not these."""
    left_out = list(conditions)
    if not lets_in(left_out):
        return []
    for each in conditions:
        others = [other for other in left_out if other != each]
        if lets_in(others):
            left_out = others
    return left_out


def _told(found: Sequence[Sequence[Condition]], into: str) -> list[dict[str, Any]]:
    return [
        {"lets_into": into, "conditions": [{"part": each.part, "words": each.words} for each in conditions]}
        for conditions in found
    ]


def in_words(found: Mapping[str, Any]) -> list[str]:
    """Why one journey was never entered, as lines."""
    if found["is_selected"]:
        return [f"  {found['journey']}: its trigger selects them now; the next tick lets them in"]
    if not found["has_rows"]:
        return [f"  {found['journey']}: nothing of theirs is on record that its trigger reads"]
    kept = ", ".join(f"{each['part']} {each['rows']}" for each in found["parts"])
    lines = [
        f"  {found['journey']}: their rows in the parts of its trigger: {kept or 'none can be told apart'}"
    ]
    for reason in found["reasons"]:
        told = " and ".join(f"{each['words']} ({each['part']})" for each in reason["conditions"])
        where = "in" if reason["lets_into"] == f"trg_{found['journey']}" else f"in {reason['lets_into']}"
        lines.append(f"    they would be {where} but for: {told}")
    if not found["reasons"]:
        lines.append("    it is none of its conditions that keeps them out")
    return lines


def ask(settings: Settings, user_id: str, journey: str) -> dict[str, Any]:
    """`why_not` at the last tick of this warehouse. Raises LockedError when no tick comes to its end."""
    from dagster_project import warehouse

    with warehouse.opened_when_free(settings) as connection:
        as_of = warehouse.last_as_of(connection)
    assert as_of is not None, "who is known was seen by a tick"
    models = compiled(settings, as_of)
    with lock.held(settings.home, "dovecote explain", READER_WAIT_SECONDS):
        return why_not(settings.warehouse, models, journey, user_id, as_of)
