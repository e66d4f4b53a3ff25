"""DOVECOTE_HOME: the folder that holds everything this installation knows.

Whatever runs first makes it: the command line, the code server, a test.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from senders.settings import REPOSITORY, Settings

DAGSTER_TEMPLATE = Path(__file__).with_name("dagster.yaml")
DBT_PROJECT = REPOSITORY / "dbt"
CREATE_WAIT_SECONDS = 120


def prepare(settings: Settings) -> None:
    """Create what is missing below DOVECOTE_HOME and point child processes at it.

    Safe to call from every process, every time. The instance's dagster.yaml is copied from
    `dagster_project/dagster.yaml` whenever that is newer, so change it there.
    """
    export(settings)
    for folder in (settings.landing, settings.archive, settings.dagster_home):
        folder.mkdir(parents=True, exist_ok=True)
    copy_if_changed(DAGSTER_TEMPLATE, settings.dagster_home / "dagster.yaml")


def create(settings: Settings) -> None:
    """`prepare`, and what must not be made by two processes at once: the warehouse's raw tables, the ledger
    and Dagster's storage, whose migrations trip over each other when daemon and webserver both begin.

    Raises LockedError or WarehouseBusy when another process does not let go of them, LedgerError.
    """
    from dagster import DagsterInstance

    from dagster_project import lock, warehouse
    from senders.ledger import Ledger

    prepare(settings)
    with (
        lock.held(settings.home, "dovecote init", CREATE_WAIT_SECONDS),
        warehouse.opened(settings),
        Ledger(settings.ledger),
        DagsterInstance.get(),
    ):
        pass


def is_created(settings: Settings) -> bool:
    return (
        settings.warehouse.exists()
        and settings.ledger.exists()
        and (settings.dagster_home / "history").exists()
    )


def export(settings: Settings) -> None:
    """dbt's profile and Dagster read these two from the environment, as absolute paths."""
    os.environ["DOVECOTE_HOME"] = str(settings.home)
    os.environ["DAGSTER_HOME"] = str(settings.dagster_home)
    # No call home, whoever starts a dbt or Dagster process from here.
    os.environ["DBT_SEND_ANONYMOUS_USAGE_STATS"] = "false"
    os.environ["DO_NOT_TRACK"] = "1"


def copy_if_changed(source: Path, target: Path) -> None:
    if target.exists() and target.read_bytes() == source.read_bytes():
        return
    part = target.with_name(f".{target.name}.{os.getpid()}")
    shutil.copyfile(source, part)
    part.replace(target)
