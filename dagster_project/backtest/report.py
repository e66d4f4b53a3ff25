"""What a replay says about one journey: as data, as tables for the terminal, and as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dagster_project.backtest.landed import statement
from receivers.warehouse import in_utc

Rows = list[dict[str, Any]]
QUESTIONS = ("entries", "sends", "sends_by_hour", "gates", "collisions", "bought_anyway")
EXPLAINED = {
    "entries": ("Entries", ("status", "entries", "people")),
    "sends": ("Messages", ("step", "channel", "messages", "people", "cost", "currency")),
    "gates": ("What the gates did (steps)", ("step", "gate", "stopped", "delayed", "stood_behind")),
    "collisions": ("Collisions with other journeys", ("part", "other_journey", "reason", "cap_id", "steps")),
    "bought_anyway": (
        "Reached the goal during the wait, without the message",
        ("step", "goal_event", "waits", "people", "reached_the_goal"),
    ),
}


@dataclass(frozen=True)
class Span:
    """What is counted: `first` and `last` included, aware UTC."""

    first: datetime
    last: datetime


def answers(connection: Any, journey: str, span: Span) -> dict[str, Rows]:
    """Each of QUESTIONS → its rows (sql/replay/<question>.sql); times as the warehouse holds them."""
    values = {"journey": journey, "first": in_utc(span.first), "last": in_utc(span.last)}
    return {question: rows(connection, question, values) for question in QUESTIONS}


def rows(connection: Any, name: str, values: Mapping[str, Any]) -> Rows:
    query = statement(name)
    asked = {key: value for key, value in values.items() if f"${key}" in query}
    cursor = connection.execute(query, asked)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def show(found: Mapping[str, Any]) -> None:
    """The answers as tables."""
    from rich.console import Console

    console = Console()
    console.print(
        f"[bold]{found['journey']}[/], {found['from']:%Y-%m-%d %H:%M} to {found['to']:%Y-%m-%d %H:%M} UTC: "
        f"{found['ticks']:,} ticks, of which {found['moments']:,} could change anything; "
        f"replayed in {found['seconds']:.1f} s."
    )
    for question, (title, columns) in EXPLAINED.items():
        console.print(_table(title, columns, found[question]))
    console.print(f"Rows to query: {found['warehouse']}\nPicture: {found['picture']}")


def _table(title: str, columns: Sequence[str], found: Rows) -> Any:
    from rich.table import Table

    table = Table(title=title, title_justify="left", title_style="bold", show_edge=False)
    for column in columns:
        numbers = any(isinstance(row[column], int | float) for row in found)
        table.add_column(column.replace("_", " "), justify="right" if numbers else "left")
    for row in found:
        table.add_row(
            *(
                f"{row[column]:,}" if isinstance(row[column], int) else _cell(row[column])
                for column in columns
            )
        )
    if not found:
        table.add_row(*["none"], *[""] * (len(columns) - 1))
    return table


def _cell(value: Any) -> str:
    return "" if value is None else str(value)


def draw(figure: Any, data: Any) -> None:
    """`data`: title, bin (hour, day), (moment, channel, messages), (gate, stopped, delayed)."""
    from dagster_project import kpi_pictures as ink

    title, bin_name, sends, gates = data
    figure.set_size_inches(10, 5.5)
    figure.suptitle(title, x=0.01, ha="left", fontsize=13, fontweight="bold", color=ink.INK)
    figure.subplots_adjust(left=0.14, right=0.84, top=0.87, bottom=0.09, hspace=0.5)
    above, below = figure.subplots(2, 1)
    ink.bare(above, f"Messages that would have gone out, a {bin_name} (UTC)")
    ink.stack(above, sends, ink.CHANNEL_COLOURS, bin_name)
    above.grid(axis="y", color=ink.PALE, linewidth=0.6)
    above.yaxis.get_major_locator().set_params(integer=True, nbins=4)
    if sends:
        ink.name_times(above)
        above.legend(loc="upper left", bbox_to_anchor=(1.01, 1.03), frameon=False, fontsize=9, reverse=True)
    ink.bare(below, "Steps that a gate stopped, or only delayed")
    places = range(len(gates))
    below.barh(places, [stopped for _, stopped, _ in gates], color=ink.RED, label="stopped", height=0.7)
    lefts = [stopped for _, stopped, _ in gates]
    below.barh(
        places, [late for *_, late in gates], left=lefts, color=ink.YELLOW, label="delayed", height=0.7
    )
    below.set_yticks(places, [gate for gate, *_ in gates])
    below.invert_yaxis()
    below.xaxis.get_major_locator().set_params(integer=True, nbins=8)
    if gates:
        below.legend(loc="upper left", bbox_to_anchor=(1.01, 1.03), frameon=False, fontsize=9)


def drawing(found: Mapping[str, Any]) -> list[Any]:
    """The data of `draw`: hours for up to a week, days beyond it."""
    is_long = (found["to"] - found["from"]).days > 7
    sends: dict[tuple[str, str], int] = {}
    for row in found["sends_by_hour"]:
        moment = row["hour"].replace(hour=0) if is_long else row["hour"]
        key = (moment.isoformat(), row["channel"])
        sends[key] = sends.get(key, 0) + row["messages"]
    gates: dict[str, list[int]] = {}
    for row in found["gates"]:
        total = gates.setdefault(row["gate"], [0, 0])
        total[0] += row["stopped"]
        total[1] += row["delayed"]
    return [
        f"{found['journey']}, {found['from']:%Y-%m-%d} to {found['to']:%Y-%m-%d}",
        "day" if is_long else "hour",
        [[*key, messages] for key, messages in sends.items()],
        [
            [gate, *total]
            for gate, total in sorted(gates.items(), key=lambda item: -sum(item[1]))
            if sum(total)
        ],
    ]
