"""Dagster's record of runs, written through held connections."""

import dagster as dg
import pytest
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage

from dagster_project import home
from dagster_project.event_log import OPEN_AT_MOST, HeldSqliteEventLogStorage
from senders import settings as environment


@dg.asset
def shelf() -> dg.MaterializeResult:
    return dg.MaterializeResult(metadata={"books": 7})


@pytest.fixture
def instance(tmp_path, monkeypatch):
    settings = environment.load({"DOVECOTE_HOME": str(tmp_path)})
    for name in ("DOVECOTE_HOME", "DAGSTER_HOME", "DBT_SEND_ANONYMOUS_USAGE_STATS", "DO_NOT_TRACK"):
        monkeypatch.setenv(name, "")  # what `prepare` sets is undone after the test
    home.prepare(settings)
    with dg.DagsterInstance.get() as instance:
        assert isinstance(instance.event_log_storage, HeldSqliteEventLogStorage)
        yield instance


def shard_of(instance, run_id):
    return instance.event_log_storage.path_for_shard(run_id)


def test_the_stock_storage_reads_what_the_held_one_wrote(instance, tmp_path):
    run_id = dg.materialize([shelf], instance=instance).run_id
    stock = SqliteEventLogStorage(str(tmp_path / "dagster" / "history" / "runs"))
    events = [entry.dagster_event_type for entry in stock.get_logs_for_run(run_id)]
    assert dg.DagsterEventType.ASSET_MATERIALIZATION in events
    assert dg.DagsterEventType.PIPELINE_SUCCESS in events
    latest = stock.get_asset_records([dg.AssetKey("shelf")])[0].asset_entry.last_materialization
    assert latest.asset_materialization.metadata["books"].value == 7


def test_a_deleted_run_leaves_no_file_and_no_other_run_suffers(instance, tmp_path):
    from pathlib import Path

    old, new = (dg.materialize([shelf], instance=instance).run_id for _ in range(2))
    instance.delete_run(old)
    assert list((tmp_path / "dagster" / "history" / "runs").glob(f"{old}*")) == []
    assert Path(shard_of(instance, new)).exists()
    assert len(instance.all_logs(new)) > 0


def test_connections_do_not_pile_up(instance):
    run_ids = [dg.materialize([shelf], instance=instance).run_id for _ in range(OPEN_AT_MOST + 2)]
    assert all(instance.all_logs(run_id) for run_id in run_ids)
    assert len(instance.event_log_storage._engines) <= OPEN_AT_MOST
