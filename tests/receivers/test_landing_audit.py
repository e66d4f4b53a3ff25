"""Great Expectations itself looks at what landed, and says where gate, quarantine or manifest are wrong."""

import json
import socket
from datetime import UTC, datetime, timedelta

import duckdb
import pytest
from landed import EARLIER, event

from receivers import gate
from receivers.landing_audit import audit

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
PROFILE = {"user_id": "u1", "email": "a@b.io", "updated_at": EARLIER}


@pytest.fixture
def audited(house):
    """A house in which everything has landed that the gate has something to say about."""
    house.put(
        "events/a.jsonl",
        event("e1"),
        event("e1"),
        event("e1", event_name="another"),
        event(None),
        b"{nonsense",
    )
    house.put(
        "events/b.jsonl", {"event_id": "e2", "user_id": "u", "occurred_at": EARLIER}, old=True
    )  # no column
    house.put("events/c.jsonl", b"", old=True)
    house.put(
        "events/d.csv", b"event_id,event_name,user_id,occurred_at\ne3,x,u,2026-01-01\ne4,x,u\n", old=True
    )
    house.put("events/e.jsonl", event("e5", occurred_at="2999-01-01"), event("e6"))
    house.put(
        "profiles/a.jsonl", PROFILE, {**PROFILE, "email": "nobody"}, {**PROFILE, "phone": "+4930901820"}
    )
    house.put(
        "segment/a.jsonl",
        {
            "type": "identify",
            "messageId": "m",
            "userId": "u",
            "timestamp": EARLIER,
            "traits": {"email": "no"},
        },
    )
    house.put("nobody/a.csv", b"a\n1\n")
    house.ingest()
    house.put("events/a.jsonl", event("e7"))  # the archive has a file of that name already
    house.ingest()
    return house


def results_of(house, since=LONG_AGO):
    return {result.feed: result for result in audit(house.settings, since)}


def test_gate_quarantine_and_manifest_are_right_about_all_that_landed(audited):
    before = audited.archived()
    results = results_of(audited)
    assert {name: (result.files, result.rows) for name, result in results.items()} == {
        "events": (6, 11),
        "profiles": (1, 3),
        "segment": (1, 1),
    }
    for result in results.values():
        assert (result.disagreements, result.strays) == ([], [])
        assert result.is_good
        assert result.is_warehouse_checked
    failed = {(rule.type, rule.column): rule.unexpected for rule in results["profiles"].expectations}
    assert failed["expect_column_values_to_match_regex", "set.email"] == 1
    assert audited.archived() == before
    assert json.loads(json.dumps([result.as_json() for result in results.values()]))[0]["is_good"]


def test_a_gate_that_lets_bad_rows_pass_is_found_out(audited, monkeypatch):
    monkeypatch.setitem(gate._FAILS, "expect_column_values_to_match_regex", lambda column, kwargs: "false")
    result = results_of(audited)["profiles"]
    assert result.disagreements == [
        "profiles/a.jsonl, row 2: only Great Expectations says that email is not an e-mail address "
        "(expect_column_values_to_match_regex)"
    ]
    assert result.strays == ["profiles/a.jsonl: row 2 is in the quarantine and is good"]
    assert not result.is_good


def test_a_gate_that_refuses_good_rows_is_found_out(audited, monkeypatch):
    monkeypatch.setitem(
        gate._FAILS, "expect_column_values_to_match_regex", lambda column, kwargs: f"{column} <> ''"
    )
    disagreements = results_of(audited)["profiles"].disagreements
    assert [text.partition(" says")[0] for text in disagreements] == [
        "profiles/a.jsonl, row 1: only the gate",
        "profiles/a.jsonl, row 3: only the gate",
    ]


TAMPERED = {
    "a row is no longer in the quarantine": (
        "delete from raw.quarantine where feed = 'profiles' and path like 'profiles%'",
        "profiles/a.jsonl: row 2 is bad and is not in the quarantine",
    ),
    "a good row is in the quarantine": (
        "update raw.quarantine set row_number = 1 where path = 'profiles/a.jsonl'",
        "profiles/a.jsonl: row 1 is in the quarantine and is good",
    ),
    "the manifest has forgotten a file": (
        "delete from raw.manifest where path = 'profiles/a.jsonl'",
        "profiles/a.jsonl: not in the manifest, or changed since it was taken",
    ),
    "the manifest counts other rows": (
        "update raw.manifest set rows_read = 9, rows_taken = 8 where path = 'profiles/a.jsonl'",
        "profiles/a.jsonl: the manifest counts 9 rows, the file has 3",
    ),
    "the manifest says a file is bad that is not": (
        "update raw.manifest set status = 'quarantined' where path = 'profiles/a.jsonl'",
        "profiles/a.jsonl: the manifest says quarantined, the gate says otherwise",
    ),
}


@pytest.mark.parametrize("case", TAMPERED)
def test_a_warehouse_that_does_not_fit_the_archive_is_found_out(audited, case):
    change, stray = TAMPERED[case]
    with duckdb.connect(str(audited.settings.warehouse)) as connection:
        connection.execute(change)
    assert stray in results_of(audited)["profiles"].strays


def test_a_file_that_was_changed_in_the_archive_is_found_out(audited):
    file = audited.settings.archive / "profiles" / "a.jsonl"
    file.write_bytes(file.read_bytes() + b"\n")
    assert results_of(audited)["profiles"].strays == [
        "profiles/a.jsonl: not in the manifest, or changed since it was taken"
    ]


def test_while_a_tick_holds_the_warehouse_the_gate_is_audited_all_the_same(audited):
    with duckdb.connect(str(audited.settings.warehouse)):
        result = results_of(audited)["profiles"]
    assert (result.rows, result.is_good, result.is_warehouse_checked) == (3, True, False)


def test_only_what_was_archived_since_is_looked_at(audited):
    assert results_of(audited, datetime.now(UTC) + timedelta(hours=1)) == {}


def test_an_audit_tells_nobody_outside(audited, monkeypatch):
    def refuse(self, address):
        pytest.fail(f"a connection to {address}")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert results_of(audited)["events"].is_good
