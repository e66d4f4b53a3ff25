"""A whole house to break: landing zone, warehouse, ledger and Dagster's folder, and ticks that decide."""

from __future__ import annotations

import importlib
import json
import shutil
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from dagster_project.demo.books import TAKEN
from dagster_project.drill.children import Child
from dagster_project.drill.oracle import Findings, weigh
from dagster_project.drill.rig import TICK_SECONDS, Rig
from senders.contract import State
from senders.ledger import Ledger
from senders.settings import Settings, exported, load

PEOPLE = 12
SETTLED = TAKEN | {State.HELD}
# Once here, and not again in every tick: half of what a small one costs.
IMPORTED = ("dagster_project.assets", "dagster_project.manifest", "dbt.adapters.duckdb", "dbt.cli.main")


@dataclass
class House:
    """Every drill begins with the same house, in the same place: dbt's parsed project belongs to it."""

    rig: Rig
    settings: Settings
    pristine: Path
    orders: list[str] = field(default_factory=list)
    after: int = 0  # what the provider had taken before
    has_forgotten: bool = False  # its ledger is older than some calls
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    built_at: datetime = field(init=False)

    def begin(self) -> None:
        # Not where the drill before it ended: after a dozen of them no tick would believe so late a time.
        self.now = self.built_at
        shutil.rmtree(self.settings.home)
        shutil.copytree(self.pristine, self.settings.home)
        self.orders, self.after = [], self.rig.taken_so_far()
        self.has_forgotten = False

    def land(self, name: str, count: int = PEOPLE, text: Callable[[str], str] = lambda text: text) -> Path:
        """A file of orders that nobody had before, of which each is to be confirmed once."""
        orders = [f"{name} {uuid.uuid4()}" for _ in range(count)]
        self.orders += orders
        return self.put(name, [_order(each, number, self.now) for number, each in enumerate(orders)], text)

    def put(
        self, name: str, rows: Sequence[Mapping[str, Any]], text: Callable[[str], str] = lambda text: text
    ) -> Path:
        path = self.settings.landing / "events" / f"{name}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text("".join(json.dumps(row) + "\n" for row in rows)))
        return path

    def _is_settled(self) -> bool:
        with Ledger(self.settings.ledger) as ledger:
            counts = ledger.counts()
        return set(counts) <= SETTLED and sum(counts.values()) == len(self.orders)

    def start(
        self,
        around: Callable[[], Any] | None = None,
        is_loud: bool = False,
        after_seconds: float = TICK_SECONDS,
    ) -> Child:
        """A tick two minutes later, in a process of its own; `around` is a context that it runs in."""
        self.now += timedelta(seconds=after_seconds)
        return Child(lambda: self._tick(self.now.isoformat(), around), is_loud)

    def tick(self, around: Callable[[], Any] | None = None, is_loud: bool = False) -> int:
        """The exit code: 0 when all of it went well, below 0 the signal that killed it."""
        return self.start(around, is_loud).wait()

    def _tick(self, as_of: str, around: Callable[[], Any] | None) -> None:
        from dagster_project import foreground

        with ExitStack() as stack:
            # What dbt leaves behind of its semaphores when it is killed is no news.
            stack.enter_context(exported({**self.settings.environment, "PYTHONWARNINGS": "ignore"}))
            if around:
                stack.enter_context(around())
            if failure := foreground.tick(self.settings, as_of, datetime.now(UTC), is_quiet=True)["failure"]:
                raise RuntimeError(failure)

    def at_rest(self) -> Findings:
        """Three unaided ticks later at most, each order was confirmed once, and the ledger knows of it."""
        codes = [self.tick(is_loud=True) for _ in range(2)]
        if codes[-1] or not self._is_settled():
            codes.append(self.tick(is_loud=True))
        accepted = self.rig.accepted(self.after)
        with Ledger(self.settings.ledger) as ledger:
            findings = weigh(ledger, accepted, [], has_forgotten=self.has_forgotten)
            planned = sum(ledger.counts().values())
        if codes[-1] != 0:
            findings.lost.append(f"the ticks after it ended with {codes}")
        if planned != len(self.orders):
            findings.lost.append(f"{planned} messages of {len(self.orders)} orders")
        reached = Counter(row["message_id"] for row in accepted)
        if len(reached) + findings.held < len(self.orders):
            findings.lost.append(f"{len(reached)} taken and {findings.held} held of {len(self.orders)}")
        return findings


def _order(order_id: str, number: int, now: datetime) -> dict[str, Any]:
    return {
        "event_id": f"event {order_id}",
        "event_name": "order_completed",
        "user_id": f"person-{number % PEOPLE}",
        "occurred_at": now.isoformat(),
        "properties": {"order_id": order_id, "total": 49.0, "currency": "EUR"},
    }


def _people() -> list[dict[str, Any]]:
    return [
        {
            "user_id": f"person-{number}",
            "updated_at": "2026-01-01T00:00:00Z",
            "email": f"person-{number}@example.com",
            "first_name": "Ada",
            "time_zone": "Europe/London",
        }
        for number in range(PEOPLE)
    ]


@contextmanager
def built(rig: Rig) -> Iterator[House]:
    """A house with a dozen people, after its first ticks: dbt's project is parsed, every table is there."""
    from dagster_project import home

    for name in IMPORTED:
        importlib.import_module(name)
    folder = rig.home / "house"
    secrets = dict.fromkeys(("WRITE_KEY", "LINK_SECRET", "SHOPIFY_SECRET"), "drill")
    given = {"HOME": str(folder / "home"), "LEDGER": "", "SEND_SECONDS": "10", **secrets}
    environment = {**rig.environment, **{f"DOVECOTE_{name}": value for name, value in given.items()}}
    settings = load(environment)
    code = Child(lambda: _create(settings, home)).wait()
    house = House(rig, settings, folder / "pristine")
    people = settings.landing / "profiles" / "people.jsonl"
    people.parent.mkdir(parents=True)
    people.write_text("".join(json.dumps(row) + "\n" for row in _people()))
    if code or house.tick(is_loud=True):
        raise RuntimeError("the house could not be built")
    shutil.copytree(settings.home, house.pristine)
    house.built_at = house.now
    yield house


def _create(settings: Settings, home: Any) -> None:
    with exported(settings.environment):
        home.create(settings)
