"""Somebody who is erased is in no store any more, comes back by no way, and nobody else notices."""

import json
import os
import re
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import duckdb
import household
import pytest
from letters import letter, planned
from typer.testing import CliRunner

from dagster_project import lock
from dagster_project.cli import app
from dagster_project.privacy import erasing, intent, returned
from dagster_project.privacy.person import UnknownPersonError
from receivers import landing, landing_audit, zone
from senders import settings as environment
from senders.erased import Erased, ErasureSecretError
from senders.ledger import Ledger

# What nobody may find of ann: her ids, her addresses, her devices, what only her rows say.
# What was in a tick's hands for a moment may stand in a block that DuckDB will use again.
FREE_BLOCKS = ("warehouse.duckdb",)
ANN = "ann@x.example"  # and every account that has it
OF_ANN = re.compile(rb'"ann"|\bann@x|ANN@x|Ann@x|dev-ann|7400.?123456|\bann,email|Dear ann\b|"Ann"')


@pytest.fixture
def settings(tmp_path, monkeypatch):
    for name in [name for name in os.environ if name.startswith("DOVECOTE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("DOVECOTE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DOVECOTE_ERASURE_SECRET", "for tests")
    settings = environment.load()
    household.move_in(settings)
    return settings


def remains(settings, but=()):
    """Every place that still names ann: files by their bytes, `but` some; the warehouse also by its rows."""
    found = [
        str(path.relative_to(settings.home))
        for path in settings.home.rglob("*")
        if path.is_file() and path.name not in but and OF_ANN.search(_content(path))
    ]
    with duckdb.connect(str(settings.warehouse), read_only=True) as database:
        columns = database.execute(
            "select schema_name || '.' || table_name, column_name from duckdb_columns()"
            " where data_type = 'VARCHAR' and database_name = 'warehouse' and not internal"
        ).fetchall()
        for table, column in columns:
            query = f"select count(*) from {table} where {column} = 'ann' or {column} like '%ann@x%'"
            found += [f"{table}.{column}"] * database.execute(query).fetchone()[0]
    return found


def _content(path):
    if path.name.endswith(".parquet"):
        return str(duckdb.sql(f"from '{path}'").fetchall()).encode()
    return subprocess.run(["zcat", "-f", path], capture_output=True, check=True).stdout


def in_the_books(settings):
    with duckdb.connect(str(settings.warehouse), read_only=True) as database:
        return {row[0] for row in database.execute("select file_id from raw.manifest").fetchall()}


def files_there_are(settings):
    return {file.file_id() for file in zone.waiting(settings.archive)}


def everybody_else(settings):
    """All rows of the warehouse and of the ledger that are not ann's."""
    with duckdb.connect(str(settings.warehouse), read_only=True) as database:
        events = database.execute("select event_id from raw.events order by all").fetchall()
        people = database.execute("select user_id, email from raw.profiles order by all").fetchall()
    with Ledger(settings.ledger) as ledger:
        others = [row[:6] for row in ledger.journal_since(0, 100) if row[15] in ("ben", "annabel")]
    return [event for (event,) in events if event in ("e3", "e5", "e7")], people, others


def test_nothing_is_left_of_the_person_and_all_of_everybody_else(settings):
    events, people, others = everybody_else(settings)
    assert remains(settings)
    receipt = erasing.erase(settings, ANN)
    assert remains(settings) == []
    left = everybody_else(settings)
    assert left == (events, [row for row in people if row[0] != "ann"], others)
    assert len(left[0]) == 3
    assert receipt["ledger"]["messages"] == receipt["ledger"]["cancelled"] == 1
    assert receipt["warehouse"]["removed"]["raw.events"] == 5
    assert receipt["files"]["archive"] == {"files": 6, "rows": 10}


def test_what_is_left_in_the_archive_is_what_the_books_say(settings):
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    assert all(result.is_good for result in landing_audit.audit(settings, long_ago))
    erasing.erase(settings, "ann")
    results = landing_audit.audit(settings, long_ago)
    assert [stray for result in results for stray in result.strays + result.disagreements] == []


def test_the_receipt_names_nobody_and_is_found_by_whoever_has_the_key(settings):
    erased = CliRunner().invoke(app, ["erase", "ann", "--json"])
    receipt = json.loads(erased.stdout)
    assert not OF_ANN.search(erased.stdout.encode())
    assert receipt["addresses_that_others_have_too"] == 1  # ann2 has the e-mail address, and stays
    for who, has_one in {"ann": True, "ann@x.example": False, "+447400123456": True, "dev-ann": True}.items():
        shown = CliRunner().invoke(app, ["erase", who, "--receipts", "--json"])
        assert json.loads(shown.stdout) == [receipt] * has_one
    assert erasing.erase(settings, "ann") == receipt
    assert erasing.receipts(settings, "ben") == []
    with pytest.raises(UnknownPersonError):
        erasing.erase(settings, "nobody")


@pytest.mark.parametrize(
    "about_her",
    [
        '"event_name": "x", "user_id": "ann"}',
        '"event_name": "x", "anonymous_id": "dev-ann"}',
        '"user_id": "ann", oops',
    ],
    ids=["by user id", "by device", "in a line that nobody can read"],
)
def test_what_lands_about_them_later_is_taken_out_again(settings, about_her):
    erasing.erase(settings, ANN)
    start = f'{{"event_id": "n1", "occurred_at": "{household.EARLIER}", '
    other = start.replace("n1", "n2") + '"event_name": "x", "user_id": "ben"}'
    household.write(settings, "events/late.jsonl", f"{start}{about_her}\n{other}\n")
    landing.ingest(settings, household.NOW)
    assert remains(settings)
    returned.keep_out(settings, household.NOW)
    assert remains(settings, FREE_BLOCKS) == []
    assert (settings.archive / "events/late.jsonl").read_text() == f"\n{other}\n"
    assert returned.keep_out(settings, household.NOW) == 0


def test_a_list_imported_under_another_id_is_refused_by_its_address(settings):
    erasing.erase(settings, ANN)
    row = {"user_id": "new", "email": "ANN@x.example", "updated_at": "2026-01-12T00:00:00Z"}
    household.write(settings, "profiles/list.jsonl", json.dumps(row) + "\n")
    landing.ingest(settings, household.NOW)
    assert returned.keep_out(settings, household.NOW) == 1
    assert remains(settings, FREE_BLOCKS) == []


def test_whoever_comes_back_is_let_in_again_and_their_objection_with_them(settings):
    erasing.erase(settings, "ann")
    with Ledger(settings.ledger) as ledger:
        assert Erased(ledger, settings).has_address("+447400123456")
    assert CliRunner().invoke(app, ["erase", "--lift", "ann"]).exit_code == 0
    with Ledger(settings.ledger) as ledger:
        erased = Erased(ledger, settings)
        assert not erased.has_id("ann")
        assert erased.has_address("+447400123456")  # had said STOP
    assert erasing.lift(settings, "+447400123456")
    with Ledger(settings.ledger) as ledger:
        times = {"due_at": household.NOW, "expires_at": household.NOW + timedelta(hours=1)}
        planned(ledger, letter("back", address="+447400123456", **times), now=household.NOW)
        assert ledger.claim(household.NOW, "postal", 9, 60).suppressed == 1
    assert CliRunner().invoke(app, ["erase", "--lift", "ann"]).exit_code == 1


@pytest.mark.parametrize("secret", ["", "another"])
def test_without_the_key_nothing_lands(settings, monkeypatch, secret):
    erasing.erase(settings, "ann")
    monkeypatch.setenv("DOVECOTE_ERASURE_SECRET", secret)
    with pytest.raises(ErasureSecretError, match="Set it to what it was"):
        returned.keep_out(environment.load(), household.NOW)


def test_nobody_is_erased_without_a_key(settings, monkeypatch):
    monkeypatch.setenv("DOVECOTE_ERASURE_SECRET", "")
    done = CliRunner().invoke(app, ["erase", "ann"])
    assert (done.exit_code, "DOVECOTE_ERASURE_SECRET is not set" in done.stderr) == (1, True)
    assert remains(settings)


def test_a_tick_is_waited_for(settings, monkeypatch):
    monkeypatch.setattr(erasing, "LOCK_WAIT_SECONDS", 0.3)
    with lock.held(settings.home, "tick 1"), pytest.raises(lock.LockedError, match="held by tick 1"):
        erasing.erase(settings, "ann")


@pytest.mark.parametrize("store", ["ledger", "warehouse"])
def test_a_store_restored_from_before_learns_of_the_erasure_from_the_other(settings, store):
    path = getattr(settings, store)
    if store == "ledger":
        with Ledger(path) as ledger:
            ledger.run("counts").fetchall()
            ledger.scrub()
    before = path.read_bytes()
    erasing.erase(settings, ANN)
    path.write_bytes(before)
    assert remains(settings)
    returned.keep_out(settings, household.NOW)
    if store == "ledger":
        with Ledger(settings.ledger) as ledger:
            ledger.scrub()
    assert remains(settings, FREE_BLOCKS) == []
    with Ledger(settings.ledger) as ledger:
        assert Erased(ledger, settings).has_id("ann")


KILLED = """
import os, signal
from dagster_project.privacy import erasing, files, intent, record, traces
from receivers import rewriting
from senders import settings

def killed(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

{kill}
erasing.erase(settings.load(), "ann@x.example")
"""
KILLS = {
    "before the ledger": "erasing._from_ledger = killed",
    "after the ledger": "files.clean = killed",
    "before a file is put in place": "rewriting.put_in_place = killed",
    "in the midst of the files": "puts = rewriting.put_in_place\n"
    "rewriting.put_in_place = lambda *a: (puts(*a), killed())",
    "before the warehouse": "record.forget = killed",
    "in the midst of the warehouse": "record.note = killed",
    "after the warehouse": "traces.mask = killed",
    "before the warehouse is compact": "from pathlib import Path\nrecord.compact = killed",
    "before the last word": "erasing.to_text = killed",
}


@pytest.mark.parametrize("place", KILLS)
def test_killed_anywhere_a_second_run_ends_where_an_undisturbed_one_does(settings, place):
    killed = subprocess.run(
        [sys.executable, "-c", KILLED.format(kill=KILLS[place])], capture_output=True, text=True
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    receipt = erasing.erase(settings, ANN)
    assert remains(settings) == []
    assert intent.unfinished(settings.home) == []
    assert [len(erasing.receipts(settings)), receipt["ledger"]["messages"]] == [1, 1]
    assert receipt["warehouse"]["removed"]["raw.events"] == 5
    assert receipt["files"]["archive"] == {"files": 6, "rows": 10}
    assert in_the_books(settings) == files_there_are(settings)
