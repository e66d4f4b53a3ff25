"""Once an hour: whole tables, Great Expectations over what landed, and old runs forgotten."""

import json
from datetime import timedelta
from pathlib import Path

import dagster as dg
import duckdb
import pytest
import warm
from small_town import consent, event, profile, town

from dagster_project import audit, home
from senders.settings import load

AUDIT = """
import json
import dagster as dg
from dagster_project import definitions
with dg.DagsterInstance.get() as instance:
    job = definitions.defs.resolve_job_def("audit")
    result = job.execute_in_process(instance=instance, raise_on_error=False)
    checks = result.get_asset_check_evaluations()
    told = {
        f"{check.asset_key.to_user_string()} {check.check_name}": [check.passed, str(check.metadata)]
        for check in checks
    }
    print(json.dumps([result.success, told]))
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    with town(tmp_path_factory.mktemp("audit"), 8460) as place:
        place.land("profiles", "people", [profile("ann"), profile("ben", birth_date="1990-01-01")])
        place.land("consents", "people", [consent("ann"), consent("ben")])
        order = event("ann", "order_completed", "2026-01-15T11:59:00Z", order_id="o1", total=49.0)
        place.land("events", "orders", [order, {"event_id": "nobody did it", "event_name": "signed_up"}])
        place.tick("2026-01-15T12:00:00Z")
        yield place


def audited():
    done = warm.python(AUDIT, imported=("great_expectations",))
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def adults(place):
    with duckdb.connect(str(place.settings.warehouse), read_only=True) as connection:
        return [name for (name,) in connection.execute("select user_id from segments.seg_adults").fetchall()]


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_audit_finds_a_house_in_order_and_notices_when_it_is_not(place):
    assert adults(place) == []
    is_well, checks = audited()
    assert is_well
    assert [name for name, (passed, _) in checks.items() if not passed] == []
    assert f"raw/events {audit.GATE_CHECK}" in checks
    assert len(checks) > 30
    # What changes slowly is built here, and was empty for the tick before.
    assert adults(place) == ["ben"]

    with duckdb.connect(str(place.settings.warehouse)) as connection:
        connection.execute("insert into decisions.fct_outbox select * from decisions.fct_outbox")
        connection.execute("update raw.manifest set rows_read = rows_read + 1, rows_taken = rows_taken + 1")
    is_well, checks = audited()
    wrong = {name: metadata for name, (passed, metadata) in checks.items() if not passed}
    assert not is_well  # a failing test fails the run, so that somebody sees it
    assert "decisions/fct_outbox unique_fct_outbox_message_id" in wrong
    assert "the manifest counts" in wrong[f"raw/events {audit.GATE_CHECK}"]


@dg.asset
def shelf():
    pass


def test_old_runs_are_forgotten_and_young_ones_kept(tmp_path, monkeypatch):
    for name in ("DOVECOTE_HOME", "DAGSTER_HOME", "DBT_SEND_ANONYMOUS_USAGE_STATS", "DO_NOT_TRACK"):
        monkeypatch.setenv(name, "")  # what `prepare` sets is undone after the test
    home.prepare(load({"DOVECOTE_HOME": str(tmp_path)}))
    with dg.DagsterInstance.get() as instance:
        old = dg.materialize([shelf], instance=instance).run_id
        assert dg.materialize([audit.run_history], instance=instance).success
        assert instance.get_run_by_id(old) is not None  # two days have not passed
        monkeypatch.setitem(audit.KEPT_RUNS, dg.DagsterRunStatus.SUCCESS, timedelta(0))
        assert dg.materialize([audit.run_history], instance=instance).success
        assert instance.get_run_by_id(old) is None
        assert not list(Path(tmp_path).rglob(f"{old}*"))
