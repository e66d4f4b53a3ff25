"""The drills of the protocol once more, over a ledger on a PostgreSQL server."""

from __future__ import annotations

from functools import partial

from dagster_project.drill import kills, workers
from dagster_project.drill.database import DatabaseServer, running_folder
from dagster_project.drill.oracle import Findings
from dagster_project.drill.rig import Drill, Rig

# What breaks a file (a full disk, a connection that may only read) is the file's own.
_OF_A_FILE = ("disk full", "read-only ledger")
_MANY = 10_000  # the kill switch's backlog: queued once is enough


def drills() -> dict[str, Drill]:
    chosen = {**kills.drills(), **workers.drills()}
    return {
        f"on PostgreSQL, {name}": partial(_on_server, drill)
        for name, drill in chosen.items()
        if name not in _OF_A_FILE and f"{_MANY:,}" not in name
    }


def _on_server(drill: Drill, rig: Rig) -> Findings:
    if rig.server is None:
        rig.server = DatabaseServer(rig.stack.enter_context(running_folder()))
    rig.new_place = rig.server.empty
    try:
        return drill(rig)
    finally:
        rig.new_place = None
