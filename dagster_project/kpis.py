"""The KPIs as Dagster shows them: numbers that it draws over time, tables and pictures.

What a KPI is stands in its dbt model. Here the last DAYS days of windows are put together, always from
numerators and denominators, never by averaging values.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any

from dagster_project import kpi_pictures
from dagster_project.kpi_forms import KPIS, NUMBER, UNITS, Kpi, rate
from senders.settings import REPOSITORY

SQL = REPOSITORY / "sql" / "warehouse" / "kpis"
DAYS = 30
RECENT = f"last {DAYS} days"
BOARD = "board"
# How wide a bar of time is: the first that the whole span holds no more than so many of.
BINS = (("minute", timedelta(hours=3)), ("hour", timedelta(days=4)), ("day", timedelta.max))


class Markdown(str):
    """Text that the UI renders. Under 1,000 characters it shows it in place, else behind a click."""


Metadata = dict[str, float | Markdown]
Row = Mapping[str, Any]


def kpi_metadata(connection: Any, pictures: Path | None = None) -> dict[str, Metadata]:
    """What to attach to each KPI's asset, by model name, and to the board of all (`BOARD`).

    A float or a Markdown for each key; a figure that nobody can know yet has no key. Keys are the same
    in every tick: `conversion_rate`, `converted`, `journey/<journey>`, …, the table under RECENT
    and a picture under its title. `pictures` is a folder that keeps drawn pictures between ticks.
    `connection` is DuckDB's, read only will do; before anything was decided there is nothing to tell.
    """
    (span,) = _query(connection, "span", days=DAYS)
    if span["last_at"] is None:
        return {}
    since = datetime.combine(span["last_at"], time()) - timedelta(days=DAYS - 1)
    rows = {kpi: _rows(connection, kpi, since) for kpi in _kpis(connection)}
    told: dict[str, Metadata] = {
        kpi.model: {**_numbers(kpi, own), RECENT: _places(kpi, own)} for kpi, own in rows.items()
    }
    told["kpi_suppression_rate"] |= _reasons(_query(connection, "reasons", since=since))
    for model, title, draw, gather in PICTURES:
        if data := gather(connection, since, span):
            png = base64.b64encode(kpi_pictures.picture(draw, data, pictures)).decode()
            told[model][title] = Markdown(f"![{title}](data:image/png;base64,{png})")
    told[BOARD] = {**_headline(rows), RECENT: _by_journey(rows)}
    return told


def _kpis(connection: Any) -> list[Kpi]:
    """KPIS, and whichever other models stand beside them, which show what their columns say; with units."""
    known = {kpi.model for kpi in KPIS}
    units = {row["model"]: row["unit"] for row in _query(connection, "names")}
    others = [
        rate(model, model.removeprefix("kpi_"), "numerator", "denominator")
        for model in units
        if model not in known
    ]
    return [
        replace(kpi, written=kpi.written or UNITS.get(units.get(kpi.model) or "", NUMBER))
        for kpi in (*KPIS, *others)
    ]


def _rows(connection: Any, kpi: Kpi, since: datetime) -> list[Row]:
    if (SQL / f"{kpi.model}.sql").exists():
        return _query(connection, kpi.model, since=since)
    return _query(connection, "any_kpi", kpi=kpi.model, since=since)


def _query(connection: Any, name: str, **values: Any) -> list[Row]:
    cursor = connection.execute((SQL / f"{name}.sql").read_text(), values)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _numbers(kpi: Kpi, rows: Iterable[Row]) -> Metadata:
    """The figures of all journeys together, and each journey's value."""
    numbers: Metadata = {}
    for row in rows:
        if row["level"] == "all":
            numbers |= {
                name: _rounded(row[column]) for name, column in kpi.figures.items() if row[column] is not None
            }
        elif row["level"] == "journey" and row["value"] is not None:
            numbers[f"journey/{row['journey']}"] = _rounded(row["value"])
    return numbers


def _rounded(value: float) -> float:
    """As many digits as a chart can show."""
    return round(float(value), 4)


def _places(kpi: Kpi, rows: Iterable[Row]) -> Markdown:
    """Journey, step and channel, the value and what it is made of."""
    texts = (kpi.written, *kpi.beside.values())
    return _table(
        ["journey", "step", "channel", kpi.value, *kpi.beside],
        (
            [row["journey"], row["step"], row["channel"] or "none", *(_written(text, row) for text in texts)]
            for row in rows
            if row["level"] == "place"
        ),
        words=3,
    )


def _reasons(rows: Sequence[Row]) -> Metadata:
    numbers: Metadata = {f"reason/{row['reason']}": _rounded(row["value"]) for row in rows}
    texts = (UNITS["share"], "{numerator:,.0f} / {denominator:,.0f}")
    table = _table(
        ["reason", "suppression_rate", "suppressed / decided"],
        ([row["reason"], *(_written(text, row) for text in texts)] for row in rows),
        words=1,
    )
    return {**numbers, "by reason": table}


def _headline(rows: Mapping[Kpi, Iterable[Row]]) -> Metadata:
    values = {kpi.value: row["value"] for kpi, own in rows.items() for row in own if row["level"] == "all"}
    return {name: _rounded(value) for name, value in values.items() if value is not None}


def _by_journey(rows: Mapping[Kpi, Iterable[Row]]) -> Markdown:
    """One row a KPI; one column for all journeys together and one for each."""
    found = {
        (kpi, row["journey"]): row for kpi, own in rows.items() for row in own if row["level"] != "place"
    }
    journeys = [None, *sorted({journey for _, journey in found if journey})]
    return _table(
        ["KPI", *(journey or "all" for journey in journeys)],
        ([kpi.value, *(_written(kpi.written, found.get((kpi, each))) for each in journeys)] for kpi in rows),
        words=1,
    )


def _written(text: str, row: Row | None) -> str:
    """`text` filled in from `row`; a dash where a figure is not known."""
    try:
        return text.format(**row) if row else "–"
    except TypeError:  # None has no digits
        return "–"


def _table(titles: Sequence[str], rows: Iterable[Sequence[str]], words: int) -> Markdown:
    """The first `words` columns are words, the others numbers."""
    ruler = ["---"] * words + ["--:"] * (len(titles) - words)
    return Markdown("\n".join("|" + "|".join(cells) + "|" for cells in [titles, ruler, *rows]))


def _funnel(connection: Any, since: datetime, span: Row) -> Any:
    return [list(row.values()) for row in _query(connection, "funnel", since=since)]


def _over_time(connection: Any, since: datetime, span: Row) -> Any:
    width = next(name for name, longest in BINS if span["last_at"] - span["first_at"] <= longest)
    counted = (
        _query(connection, f"{what}_over_time", since=since, bin=width) for what in ("decisions", "messages")
    )
    return [
        width,
        *([(row["moment"].isoformat(), row["name"], row["amount"]) for row in rows] for rows in counted),
    ]


def _arms(connection: Any, since: datetime, span: Row) -> Any:
    journeys: dict[str, dict[str, list[int]]] = {}
    for row in _query(connection, "arms", since=since):
        journeys.setdefault(row["journey"], {})[row["arm"]] = [row["people"], row["converted"]]
    return [
        [name, *arms.get("treated", [0, 0]), *arms.get("control", [0, 0])] for name, arms in journeys.items()
    ]


# The model a picture belongs to, its title, how it is drawn, and from what; no data, no picture.
PICTURES = (
    ("kpi_journey_completion", "funnel", kpi_pictures.funnel, _funnel),
    ("kpi_suppression_rate", "over time", kpi_pictures.over_time, _over_time),
    ("kpi_incremental_revenue", "treated and control", kpi_pictures.arms, _arms),
)
