"""Everything that is held about a person is handed over, and nothing of anybody else's."""

import hashlib
import json
import os
import zipfile

import household
import pytest
from typer.testing import CliRunner

from dagster_project.cli import app
from dagster_project.privacy import export
from dagster_project.privacy.person import UnknownPersonError
from senders import settings as environment


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("DOVECOTE_")]:
            patch.delenv(name)
        settings = environment.load({"DOVECOTE_HOME": str(tmp_path_factory.mktemp("home"))})
        household.move_in(settings)
        household.write(
            settings, "events/waiting.jsonl", '{"event_id": "w1", "event_name": "x", "user_id": "ann"}\n'
        )
        yield settings


def exported(settings, who, folder):
    manifest = export.export(settings, who, folder)
    rows = {
        name: [json.loads(line) for line in (folder / name).read_text().splitlines()]
        for name in manifest["files"]
    }
    return manifest, rows


def ids(rows, name, key="event_id"):
    return sorted(row[key] for row in rows.get(name, []))


def test_what_is_held_about_a_person_is_in_it_and_nothing_of_anybody_elses(settings, tmp_path):
    manifest, rows = exported(settings, "ann", tmp_path / "ann")
    # e3 and e5 are of a device that somebody else uses, e7 and e8 of other accounts.
    assert ids(rows, "warehouse/raw.events.jsonl") == ["e1", "e2", "e4", "e6"]
    assert ids(rows, "warehouse/raw.profiles.jsonl", "user_id") == ["ann"]
    assert ids(rows, "warehouse/raw.consents.jsonl", "user_id") == ["ann"]
    assert ids(rows, "warehouse/raw.shopify_orders.jsonl", "row_id") == ["72"]
    assert ids(rows, "warehouse/raw.shopify_order_lines.jsonl", "row_id") == ["1"]
    assert ids(rows, "ledger/messages.jsonl", "address") == ["ann@x.example"]
    assert rows["ledger/messages.jsonl"][0]["body"] == "Dear ann"
    assert [move["to_state"] for move in rows["ledger/moves.jsonl"]] == ["planned"]
    assert ids(rows, "ledger/suppressions.jsonl", "address_key") == ["+447400123456"]
    assert set(manifest["ids"]) == {"ann", "anon:dev-ann", "anon:guest", "anon:ann@x.example"}
    assert manifest["addresses"] == ["+447400123456", "ann@x.example"]
    assert manifest["other_accounts_with_these_addresses"] == {"ann2": ["ann@x.example"]}


def test_the_rows_in_files_are_in_it_whatever_their_format(settings, tmp_path):
    _, rows = exported(settings, "ann", tmp_path / "ann")
    places = sorted((row["file"], row["line"]) for row in rows["files/archive.jsonl"])
    assert places == [
        ("consents/c.csv", 2), ("events/a.jsonl", 1), ("events/a.jsonl", 2), ("events/a.jsonl", 4),
        ("events/a.jsonl", 6), ("events/b.jsonl.gz", 1), ("profiles/people.json", 1),
        ("shopify/order_lines/l.jsonl", 2), ("shopify/orders/o.parquet", 2),
    ]  # fmt: skip
    assert [row["file"] for row in rows["files/landing.jsonl"]] == ["events/waiting.jsonl"]


def test_an_address_means_every_account_that_gave_it(settings, tmp_path):
    manifest, rows = exported(settings, "ANN@x.example", tmp_path / "ann")
    assert set(manifest["ids"]) >= {"ann", "ann2", "anon:guest"}
    assert ids(rows, "warehouse/raw.events.jsonl") == ["e1", "e2", "e4", "e6", "e8"]
    assert manifest["other_accounts_with_these_addresses"] == {}


def test_the_manifest_says_what_each_file_holds(settings, tmp_path):
    manifest, _ = exported(settings, "+447400123456", tmp_path / "ann")
    for name, said in manifest["files"].items():
        content = (tmp_path / "ann" / name).read_bytes()
        assert said == {"rows": content.count(b"\n"), "sha256": hashlib.sha256(content).hexdigest()}
    assert json.loads((tmp_path / "ann/manifest.json").read_text()) == manifest


def test_the_command_writes_a_zip_that_nobody_else_may_read_and_prints_the_manifest(
    settings, tmp_path, monkeypatch
):
    monkeypatch.setenv("DOVECOTE_HOME", str(settings.home))
    target = tmp_path / "ann.zip"
    done = CliRunner().invoke(app, ["export", "ann", "--out", str(target), "--json"])
    manifest = json.loads(done.stdout)
    with zipfile.ZipFile(target) as archive:
        assert set(archive.namelist()) == {*manifest["files"], "manifest.json"}
    assert target.stat().st_mode & 0o077 == 0
    again = CliRunner().invoke(app, ["export", "ann", "--out", str(target)])
    assert (again.exit_code, "never mixed" in again.stderr) == (1, True)


def test_nobody_is_exported_for_a_name_that_nobody_has(settings, tmp_path):
    with pytest.raises(UnknownPersonError, match="nobody has the id"):
        export.export(settings, "an", tmp_path / "nobody")
