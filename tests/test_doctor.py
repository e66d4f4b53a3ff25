"""The doctor names what is wrong and what to do, and never a secret."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import parsed_project
import pytest

from dagster_project import doctor, home, lock, state
from dagster_project.kpi_forms import misspelt_units
from senders import settings as environment
from senders.sandbox.credentials import read_environment, write_credentials

DOVECOTE = Path(sys.executable).with_name("dovecote")
SECRET = "do-not-tell-3f8a"


@pytest.fixture
def house(tmp_path, monkeypatch):
    """An environment in which all is well; returns the settings."""
    for name in [name for name in os.environ if name.startswith("DOVECOTE_")]:
        monkeypatch.delenv(name)
    for name in ("DAGSTER_HOME", "DBT_SEND_ANONYMOUS_USAGE_STATS", "DO_NOT_TRACK"):
        monkeypatch.setenv(name, "")  # what `export` sets is undone after the test
    ours = dict(read_environment(write_credentials(tmp_path / "sandbox", "http://127.0.0.1:9")))
    for name in ("WRITE_KEY", "SHOPIFY_SECRET", "LINK_SECRET"):
        ours[f"DOVECOTE_{name}"] = SECRET
    for name, value in (ours | {"DOVECOTE_HOME": str(tmp_path / "home")}).items():
        monkeypatch.setenv(name, value)
    settings = environment.load()
    home.create(settings)
    return settings


def wrong(*parts):
    looked_at = {part: doctor.PARTS[part] for part in parts}
    found = [
        each for part, look in looked_at.items() for each in doctor._examined(part, look, environment.load())
    ]
    return [each.says for each in found if each.is_wrong]


CHEAP = [part for part in doctor.PARTS if part not in ("dbt", "journeys", "dagster")]


def test_a_house_in_order_has_nothing_wrong(house):
    parsed_project.lend(house)
    assert wrong(*doctor.PARTS) == []


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("DOVECOTE_TICK_SECONDS", "1", "DOVECOTE_TICK_SECONDS: must be between 5 and 3600 seconds"),
        ("DOVECOTE_TICK_SECOND", "60", "there is no such setting: did you mean DOVECOTE_TICK_SECONDS?"),
        ("DOVECOTE_LINK_SECRET", "", "DOVECOTE_LINK_SECRET: not set"),
        ("DOVECOTE_SENDGRID_API_KEY", "", "DOVECOTE_SENDGRID_API_KEY: missing"),
        ("DOVECOTE_ROUTES", "email=sendgrip", 'there is no provider "sendgrip"'),
        ("DOVECOTE_HOME", "/proc/nowhere", "/proc is not writable"),
    ],
)  # fmt: skip
def test_a_wrong_setting_is_named_with_what_to_do(house, monkeypatch, name, value, says):
    monkeypatch.setenv(name, value)
    monkeypatch.setattr(doctor, "PARTS", {part: doctor.PARTS[part] for part in CHEAP})
    found = [each.says for each in doctor.examine() if each.is_wrong]
    assert any(says in each for each in found), found


def test_a_secret_that_closes_only_one_way_in_is_told_and_not_wrong(house, monkeypatch):
    monkeypatch.delenv("DOVECOTE_SHOPIFY_SECRET")
    assert wrong("settings") == []
    found = doctor._examined("settings", doctor.PARTS["settings"], environment.load())
    assert any("Shopify's webhooks are refused" in each.says for each in found)


def test_a_warehouse_that_another_process_holds_is_named_with_its_holder(house):
    script = (
        "import duckdb, sys, time; c = duckdb.connect(sys.argv[1]); print('open', flush=True); time.sleep(60)"
    )
    holder = subprocess.Popen([sys.executable, "-c", script, str(house.warehouse)], stdout=subprocess.PIPE)
    try:
        assert holder.stdout.readline() == b"open\n"
        assert str(holder.pid) in " ".join(wrong("warehouse"))
    finally:
        holder.kill()
        holder.wait()


def test_a_running_tick_is_no_fault(house):
    with lock.held(house.home, "a tick"), duckdb.connect(str(house.warehouse)):
        assert wrong("warehouse") == []


def test_a_file_that_is_no_ledger_is_told(house):
    house.ledger.write_bytes(b"no database at all, but long enough to look like one" * 100)
    assert str(house.ledger) in " ".join(wrong("ledger"))


def test_a_warehouse_ahead_of_the_clock_is_told(house):
    state.write(house.home, state.State(None, 0, datetime.now(UTC) + timedelta(days=400)))
    assert "no tick can run in this warehouse" in " ".join(wrong("clock"))


def test_a_failed_tick_is_told_with_its_reason(house):
    state.record_tick(
        house.home, {"as_of": "2026-01-15", "failure": "dbt: model.dovecote.eggs", "seconds": {}}
    )
    assert wrong("last tick") == ["2026-01-15 failed in dbt: model.dovecote.eggs"]


def test_a_failed_tick_is_told_by_its_first_line_and_where_the_others_are(house):
    summary = {"as_of": "2026-01-15", "failure": "dbt: eggs\nspam\nmore spam", "seconds": {}}
    state.record_tick(house.home, summary)
    (says,) = wrong("last tick")
    assert says == f"2026-01-15 failed in dbt: eggs (and 2 lines more: {house.home / 'ticks.jsonl'})"


def test_what_two_parts_find_wrong_is_told_once(house, monkeypatch):
    def typo(_settings):
        raise ValueError("trg_tea.yml: holdut: no such key\ntrg_tea.yml: stps: no such key")

    monkeypatch.setattr(doctor, "PARTS", {"dbt": typo, "clock": doctor.PARTS["clock"], "journeys": typo})
    told = [(each.part, each.says.split(": ")[1]) for each in doctor.examine() if each.is_wrong]
    assert told == [("dbt", "holdut"), ("dbt", "stps")]


def test_a_valid_journey_that_is_not_live_is_a_note_and_no_mistake(house):
    (note,) = [each for each in doctor.PARTS["journeys"](house) if "not live" in each.says]
    assert note.says.startswith("vip_preview is valid and not live: naming it in vars.journeys")
    assert not note.is_wrong


def test_a_misspelt_unit_of_a_kpi_is_told_with_the_nearest(tmp_path):
    model = "models: [{name: kpi_answers, config: {meta: {unit: shares}}}, {name: kpi_calls}]"
    (tmp_path / "kpi_answers.yml").write_text(model)
    assert [*misspelt_units(tmp_path)] == [
        'kpi_answers.yml: kpi_answers: config.meta.unit: shares: did you mean "share"?'
    ]


@pytest.mark.slow
@pytest.mark.parametrize("link_secret", [SECRET, ""], ids=["in order", "not in order"])
def test_the_command_says_it_in_words_and_as_json_and_tells_no_secret(house, link_secret):
    parsed_project.lend(house)
    variables = os.environ | {"DOVECOTE_LINK_SECRET": link_secret}
    words, as_json = (
        subprocess.run([DOVECOTE, "doctor", *options], capture_output=True, text=True, env=variables)
        for options in ([], ["--json"])
    )
    assert words.returncode == as_json.returncode == (0 if link_secret else 1)
    assert words.stdout.endswith("All is well.\n" if link_secret else "1 thing(s) to set right.\n")
    findings = json.loads(as_json.stdout)
    assert sum(finding["is_wrong"] for finding in findings) == (0 if link_secret else 1)
    assert {finding["part"] for finding in findings} >= {
        "settings",
        "home",
        "dbt",
        "journeys",
        "providers",
        "dagster",
    }
    assert SECRET not in words.stdout + words.stderr + as_json.stdout
