"""A warehouse and a ledger of their own, with the real models over a world's journeys.

What is real: ingest, the copy of the journal, every model from staging to the outbox, the ledger. What is the
world's: triggers, segments and seeds, so that policies can be had that no shop would want. Only the
providers' answers are drawn, by the message's id, so that two houses with one world get the same.
"""

import json
import shutil
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from oracle import policy as policies
from oracle.gates import REVOCABLE

from dagster_project import warehouse
from dagster_project.dbt_run import close_warehouse
from dagster_project.home import DBT_PROJECT
from receivers import landing
from senders.ledger import Ledger
from senders.settings import load

KEPT = ("macros", "seeds", "models/staging", "models/people", "models/decisions", "tests")
SELECTED = (
    *("--select", "+fct_outbox", "+fct_cancellations", "+fct_postponements", "int_decisions_this_run"),
    *("--exclude", "tag:audit", "--exclude-resource-type", "unit_test"),
)
FEEDS = ("events", "profiles", "consents")
PARSED = "target/partial_parse.msgpack"
# What stays of a decision.
KEPT_TABLES = (
    *("fct_entries", "fct_entry_steps", "fct_decisions", "fct_outbox", "fct_cancellations"),
    "int_assignments",
)


class House:
    """`tick` lands rows, runs dbt and hands back what the models decided."""

    def __init__(self, folder: Path, policy: policies.Policy, like: "House | None" = None) -> None:
        self.settings = load({"DOVECOTE_HOME": str(folder)})
        self.project = folder / "project"
        self.landed = 0
        if not self.project.exists():
            for name in KEPT:
                shutil.copytree(DBT_PROJECT / name, self.project / name)
            self.adopt(policy)
        if like:
            (self.project / "target").mkdir(exist_ok=True)
            shutil.copy(like.project / PARSED, self.project / PARSED)
        output = {"type": "duckdb", "path": str(self.settings.warehouse), "threads": 2}
        profile = {"dovecote": {"target": "duckdb", "outputs": {"duckdb": output}}}
        (self.project / "profiles.yml").write_text(yaml.safe_dump(profile))
        self.policy = policy

    def adopt(self, policy: policies.Policy) -> None:
        """From the next tick on another policy holds."""
        config = yaml.safe_load((DBT_PROJECT / "dbt_project.yml").read_text())
        config["vars"] |= {
            "journeys": [journey.name for journey in policy.journeys],
            "segments": list(policy.segments),
            "global_holdout": policy.global_holdout,
            "revocable_channels": sorted(REVOCABLE),
        }
        (self.project / "dbt_project.yml").write_text(yaml.safe_dump(config))
        policies.write(policy, self.project)
        (self.project / PARSED).unlink(missing_ok=True)

    def branch(self, folder: Path) -> "House":
        """A copy with all that this one knows."""
        shutil.copytree(self.settings.home, folder)
        other = House(folder, self.policy)
        other.landed = self.landed
        return other

    def land(self, rows: dict[str, Sequence[dict]]) -> None:
        """`rows` by feed, as files of the landing zone; one file a feed and call."""
        self.landed += 1
        for feed in FEEDS:
            if rows.get(feed):
                path = self.settings.landing / feed / f"{self.landed:04}.jsonl"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text("".join(json.dumps(row) + "\n" for row in rows[feed]))

    def tick(self, as_of: datetime) -> None:
        """Ingest what landed and run the models at `as_of`."""
        with Ledger(self.settings.ledger) as ledger, warehouse.opened(self.settings) as connection:
            warehouse.copy_news(connection, ledger, aware(as_of))
        summary = landing.ingest(self.settings, aware(as_of))
        assert not summary.total.rows_quarantined, "the gate refuses rows of the world"
        self._dbt("build", *SELECTED, as_of=as_of)

    def _dbt(self, *command: str, as_of: datetime) -> None:
        from dbt.cli.main import dbtRunner

        try:
            result = dbtRunner(self._parsed()).invoke([*command, *self._options(as_of)])
        finally:
            close_warehouse()
        broken = [
            f"{each.node.name}: {each.message}"
            for each in getattr(result.result, "results", [])
            if str(each.status) in ("error", "fail", "runtime error")
        ]
        assert result.success, "\n".join(broken) or result.exception

    def _parsed(self) -> Any:
        from dbt.cli.main import dbtRunner
        from dbt.contracts.graph.manifest import Manifest

        kept = self.project / PARSED
        if not kept.exists():
            result = dbtRunner().invoke(["parse", *self._options(None)])
            assert result.success, result.exception
        manifest = Manifest.from_msgpack(kept.read_bytes())
        manifest.build_flat_graph()
        return manifest

    def _options(self, as_of: datetime | None) -> list[str]:
        here = str(self.project)
        variables = {"as_of": as_of.strftime("%Y-%m-%d %H:%M:%S.%f")} if as_of else {}
        return [
            *("--project-dir", here, "--profiles-dir", here, "--target-path", f"{here}/target"),
            *("--log-path", f"{here}/logs", "--log-level", "none", "--log-level-file", "none"),
            *("--vars", json.dumps(variables), "--no-print"),
            *("--no-send-anonymous-usage-stats", "--no-version-check"),
        ]  # fmt: skip

    def rows(self, relation: str, order_by: str = "all") -> list[dict[str, Any]]:
        """A whole table, in an order that does not depend on how it was written."""
        return self.query(f"select * from {relation} order by {order_by}")

    def query(self, sql: str) -> list[dict[str, Any]]:
        with warehouse.opened(self.settings, read_only=True) as connection:
            cursor = connection.execute(sql)
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def dump(self) -> dict[str, str]:
        """Every byte of what stays."""
        tables = {name: self.rows(f"decisions.{name}") for name in KEPT_TABLES}
        return {name: "\n".join(map(str, rows)) for name, rows in tables.items()}

    def journal(self, since: int = 0) -> list[dict[str, Any]]:
        """What the ledger wrote down after `since`; times naive UTC."""
        from senders.ledger import JOURNAL_COLUMNS

        with Ledger(self.settings.ledger) as ledger:
            rows = [
                dict(zip(JOURNAL_COLUMNS, row, strict=True)) for row in ledger.journal_since(since, 10**9)
            ]
        return [row | {"happened_at": datetime.fromisoformat(row["happened_at"])} for row in rows]


def aware(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC)


def of_tick(rows: Iterable[dict], number: int) -> list[dict]:
    return [row for row in rows if row["tick"] == number]
