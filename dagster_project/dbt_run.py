"""One dbt invocation in this process, told node by node while it runs."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dagster_project import manifest, warehouse
from senders.providers import revocable_channels
from senders.settings import Settings

BROKEN = {"error", "fail", "runtime error"}
# A view has no rows of its own; counting it would run it.
COUNTED = {"table", "incremental", "seed", "snapshot"}


class DbtRunError(RuntimeError):
    """One or more models or tests failed; the text names each with dbt's own words."""


@dataclass(frozen=True)
class Node:
    """One executed model, seed or test. `rows`: of a table after the run; None for views and tests.
    `failures`: rows that a test found; None for models."""

    unique_id: str
    kind: str
    status: str  # success | error | skipped | pass | warn | fail
    message: str
    seconds: float
    failures: int | None = None
    rows: int | None = None


class Run:
    """A dbt command on the project at `as_of`; iterate for the nodes in the order they finish.

    Raises DbtRunError at the end when anything failed, and WarehouseBusy when another process does not
    let go of the warehouse. It is closed at the end, either way, so that this process can open it.
    """

    def __init__(self, settings: Settings, as_of: datetime, command: Sequence[str]) -> None:
        self.settings = settings
        self.as_of = as_of
        self.command = command
        self._finished: queue.SimpleQueue[Node | None] = queue.SimpleQueue()
        self._result: Any = None

    def __iter__(self) -> Iterator[Node]:
        # Held open from here: dbt gives up at once where another process looks in for a moment.
        with warehouse.opened(self.settings) as connection:
            # What was written is safe in the log beside the file; to put it in order can wait until the mail
            # has left (warehouse.tidy). After 300,000 decisions that takes 1.5 s.
            connection.execute("pragma disable_checkpoint_on_shutdown")
            yield from self._nodes()
        self._raise_unless_well()

    def _nodes(self) -> Iterator[Node]:
        # dbt works in a thread of its own so that the caller can write down what is done meanwhile.
        worker = threading.Thread(target=self._work, name="dbt")
        worker.start()
        try:
            while (node := self._finished.get()) is not None:
                yield node
        finally:
            worker.join()
            close_warehouse()

    def _work(self) -> None:
        from dbt.cli.main import dbtRunner

        try:
            runner = dbtRunner(manifest.manifest(self.settings), callbacks=[self._hear])
            self._result = runner.invoke([*self.command, *self._options()])
        except BaseException as error:  # told in the caller's thread
            self._result = error
        finally:
            self._finished.put(None)

    def _options(self) -> list[str]:
        target = self.settings.home / "dbt" / "target"
        as_of = self.as_of.strftime("%Y-%m-%d %H:%M:%S.%f")
        channels = sorted(self.settings.routes)
        variables = {
            "as_of": as_of,
            "shop_url": self.settings.shop_url,
            "channels": channels,
            "revocable_channels": revocable_channels(self.settings),
        }
        return [
            *manifest.arguments(self.settings, target),
            *("--vars", json.dumps(variables), "--no-write-json", "--no-use-colors"),
        ]

    def _hear(self, event: Any) -> None:
        if event.info.name != "NodeFinished":
            return
        node, result = event.data.node_info, event.data.run_result
        is_test = node.resource_type in ("test", "unit_test")
        self._finished.put(
            Node(
                unique_id=node.unique_id,
                kind=node.resource_type,
                status=str(result.status),
                message=result.message,
                seconds=result.execution_time,
                failures=result.num_failures if is_test else None,
                rows=None if is_test else _rows(node),
            )
        )

    def _raise_unless_well(self) -> None:
        if isinstance(self._result, BaseException):
            raise DbtRunError(f"dbt did not run: {self._result}") from self._result
        if self._result.success:
            return
        outcomes = getattr(self._result.result, "results", [])
        words = [
            f"{each.node.unique_id} ({each.node.original_file_path}): {each.message}"
            for each in outcomes
            if str(each.status) in BROKEN
        ]
        skipped = sum(str(each.status) == "skipped" for each in outcomes)
        words += [f"{skipped} more were skipped behind these."] if skipped and words else []
        raise DbtRunError("\n".join(words) or f"dbt did not run: {self._result.exception}")


def _rows(node: Any) -> int | None:
    """Rows of a finished table, counted over the connection that dbt holds open anyway."""
    if node.materialized not in COUNTED or node.node_status != "success":
        return None
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    with DuckDBConnectionManager.env().conn.cursor() as cursor:
        relation = node.node_relation.relation_name
        (rows,) = cursor.execute(f"select count(*) from {relation}").fetchone()  # noqa: S608 dbt quotes it
    return rows


def close_warehouse() -> None:
    """Let go of the DuckDB file that dbt's adapter holds open in this process."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    DuckDBConnectionManager.close_all_connections()
