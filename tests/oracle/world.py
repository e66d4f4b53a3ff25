"""A generated world: people with everything that may befall them, aimed at the edges of the rules.

One person is one small world: nobody's decisions touch another's but through an address they share.
A seed makes a world; the same seed, the same world, on every machine.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from oracle.fate import Fate
from oracle.policy import Policy

Rows = dict[str, list[dict]]


@dataclass
class World:
    """`rows`: by feed, each with the `tick` it lands in; `opt_outs`: what the ledger is told before one."""

    seed: int
    policy: Policy
    ticks: list[datetime]
    rows: Rows = field(default_factory=lambda: {"events": [], "profiles": [], "consents": []})
    opt_outs: list[dict] = field(default_factory=list)
    blocked_routes: dict[int, str] = field(default_factory=dict)  # tick → channel

    def landing_in(self, tick: int) -> Rows:
        return {feed: [row for row in rows if row["tick"] == tick] for feed, rows in self.rows.items()}

    def landed_by(self, tick: int) -> Rows:
        """What the reading reads: the rows so far, with the moment they landed; an event once."""
        seen: dict[tuple, dict] = {}
        for feed, rows in self.rows.items():
            for place, row in enumerate(rows):
                key = (feed, row["event_id"] if feed == "events" else place)
                if row["tick"] <= tick and (key not in seen or row["tick"] < seen[key]["tick"]):
                    seen[key] = row | {"landed_at": self.ticks[row["tick"]]}
        return {feed: [row for (name, _), row in seen.items() if name == feed] for feed in self.rows}


def generate(seed: int, people: int, policy: Policy, ticks: list[datetime]) -> World:
    world = World(seed, policy, ticks, blocked_routes={2: "sms", 3: "rcs"} if len(ticks) > 4 else {})
    household: list[tuple[str, str | None]] = []  # of the last few people
    for number in range(people):
        Fate(world, Random(f"{seed}|{number}"), f"p{number}", number, household).befall()
        del household[:-3]
    return world


def purchase(step: dict) -> dict:
    """An order that ends the entry of a row of the decisions, right after it began."""
    return {
        "event_id": f"late-{step['candidate_id']}",
        "event_name": "order_completed",
        "user_id": step["user_id"],
        "occurred_at": step["entered_at"] + timedelta(seconds=1),
        "properties": {"cart_id": step["entity_key"]} if step["entity_key"] else {},
    }


def as_files(rows: Rows) -> Rows:
    """As they are written to the landing zone."""
    return {feed: [_as_json(row) for row in of_feed] for feed, of_feed in rows.items()}


def _as_json(row: dict) -> dict:
    return {
        key: f"{value.isoformat()}Z" if isinstance(value, datetime) else value
        for key, value in row.items()
        if key != "tick"
    }


def people_of(rows: Iterable[dict], name: str) -> Iterator[dict]:
    """The rows about one person, for whoever reads a failure."""
    names = {name, f"{name}-before"}
    for row in rows:
        if row.get("user_id") in names or row.get("anonymous_id") == f"d-{name}":
            yield row
