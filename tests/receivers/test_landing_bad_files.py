"""A file that is no good is quarantined once, with the reason; the others flow."""

import gzip
import json

import pytest
from landed import event, json_lines, parquet

TYPED = {"event_id": "e9", "event_name": "x", "user_id": "u", "occurred_at": "2026-01-15T11:00:00Z"}

# path, content (None: made in the test), what the reason says
UNREADABLE = {
    "an empty file": ("events/bad.jsonl", b"", "the file is empty"),
    "nothing but blank lines": ("events/bad.ndjson", b"\n \r\n\n", "the file is empty"),
    "an empty CSV": ("events/bad.csv", b"", "the file is empty"),
    "an empty Parquet": ("events/bad.parquet", b"", "not a Parquet file, or a broken one"),
    "an empty gzip": ("events/bad.csv.gz", b"", "the file is empty"),
    "text called Parquet": (
        "events/bad.parquet",
        b"event_id,event_name\n",
        "not a Parquet file, or a broken one",
    ),
    "text called gzip": (
        "events/bad.jsonl.gz",
        json_lines(event("e9")),
        "the gzip stream is broken or cut off",
    ),
    "a gzip cut off": (
        "events/bad.jsonl.gz",
        gzip.compress(json_lines(event("e9")) * 50)[:-20],
        "broken or cut off",
    ),
    "noise called JSON": ("events/bad.jsonl", bytes(range(256)) * 20, "no row can be read: not"),
    "UTF-16": (
        "events/bad.csv",
        "event_id,event_name\ne9,x\n".encode("utf-16"),
        "the header cannot be read: not UTF-8",
    ),
    "no format we know": ("events/bad.xlsx", b"PK", "no format named .xlsx: read are .parquet, .jsonl"),
    "a column twice": (
        "events/bad.csv",
        b"event_id,event_name,event_id\na,b,c\n",
        "the header names event_id twice",
    ),
    "a header that never ends": (
        "events/bad.csv",
        b'"event_id,event_name\na,b\n',
        "the header cannot be read",
    ),
    "a feed nobody declared": (
        "event/bad.jsonl",
        json_lines(event("e9")),
        "no feed named event, nearest is events",
    ),
    "a folder of a feed's family": (
        "shopify/order/bad.csv",
        b"id\n1\n",
        "no feed named shopify/order, nearest is shopify/orders",
    ),
    "no folder at all": (
        "bad.jsonl",
        json_lines(event("e9")),
        "a file must be in the folder of a feed: consents, ",
    ),
}

# what the rows are, what the reason says, the expectation that failed, its column
OF_ANOTHER_SHAPE = {
    "a column is missing": (
        [{"event_id": "e9", "user_id": "u", "occurred_at": "2026-01-15"}] * 2,
        "there is no column event_name (in all rows: 2)",
        "expect_column_to_exist",
        "event_name",
    ),
    "an id has become a number": (
        [{**TYPED, "event_id": 7}, {**TYPED, "event_id": 8}],
        "event_id is not text (in all rows: 2)",
        "expect_column_values_to_be_in_type_list",
        "event_id",
    ),
    "a time has become a number": (
        [{**TYPED, "occurred_at": 1768474800}],
        "occurred_at is not text (in all rows: 1)",
        "expect_column_values_to_be_in_type_list",
        "occurred_at",
    ),
    "a time has another form": (
        [{**TYPED, "occurred_at": "15/01/2026"}, {**TYPED, "occurred_at": "16/01/2026"}],
        "occurred_at is missing or not a time (ISO 8601) (in all rows: 2)",
        "expect_column_values_to_not_be_null",
        "occurred_at",
    ),
    "properties have become a list": (
        [{**TYPED, "properties": [1]}, {**TYPED, "event_id": "e8", "properties": [2]}],
        "properties is not an object (in all rows: 2)",
        "expect_column_values_to_be_in_type_list",
        "properties",
    ),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_a_file_that_cannot_be_read_is_quarantined_once_and_the_others_flow(house, case):
    path, content, reason = UNREADABLE[case]
    house.put(path, content, old=True)
    house.put("events/good.jsonl", event("e1"))
    house.ingest()
    house.ingest()
    ((row_number, said, *_),) = house.quarantine
    assert row_number is None
    assert reason in said
    assert house.query("select status, reason from raw.manifest where path = ?", path) == [
        ("quarantined", said)
    ]
    assert house.event_ids == ["e1"]
    assert house.waiting() == []
    assert path in house.archived()


@pytest.mark.parametrize("suffix", ["jsonl", "parquet"])
@pytest.mark.parametrize("case", OF_ANOTHER_SHAPE)
def test_a_missing_column_or_a_changed_type_condemns_the_file(house, tmp_path, case, suffix):
    rows, reason, expectation, column = OF_ANOTHER_SHAPE[case]
    house.put(f"events/bad.{suffix}", parquet(rows, tmp_path) if suffix == "parquet" else json_lines(*rows))
    house.put("events/good.jsonl", event("e1"))
    house.ingest()
    ((row_number, *said, line),) = house.quarantine
    assert row_number is None
    assert said == [reason, expectation, column]
    assert json.loads(line).keys() == rows[0].keys()
    account = "select status, rows_read, rows_quarantined from raw.manifest where path like '%bad%'"
    assert house.one(account) == ("quarantined", len(rows), len(rows))
    assert house.event_ids == ["e1"]


def test_a_missing_column_of_a_csv_condemns_the_file(house):
    house.put("consents/bad.csv", b"user_id,channel,purpose,occurred_at\nu1,sms,marketing,2026-01-01\n")
    house.ingest()
    assert house.one("select reason from raw.manifest") == "there is no column status (in all rows: 1)"
    assert house.one("select count(*) from raw.consents") == 0


def test_one_row_of_another_type_costs_only_itself(house):
    house.put("events/a.jsonl", event("e1"), event(7), event("e3", properties=[]))
    house.ingest()
    assert house.event_ids == ["e1"]
    assert [(row, reason) for row, reason, *_ in house.quarantine] == [
        (2, "event_id is not text"),
        (3, "properties is not an object"),
    ]


HALF_WRITTEN = {
    "JSON lines": ("events/half.jsonl", json_lines(event("e1"), event("e2"))[:-25]),
    "CSV": (
        "events/half.csv",
        b"event_id,event_name,user_id,occurred_at\ne1,x,u,2026-01-01T00:00:00Z\ne2,x,",
    ),
}


@pytest.mark.parametrize("case", HALF_WRITTEN)
def test_a_half_written_file_waits_while_it_is_young(house, case):
    path, content = HALF_WRITTEN[case]
    house.put(path, content)
    assert "the file ends in the middle of this row" in house.ingest().left[path]
    assert (house.event_ids, house.quarantine, house.waiting()) == ([], [], [path])


@pytest.mark.parametrize("case", HALF_WRITTEN)
def test_of_a_half_written_file_nobody_finishes_the_whole_rows_are_taken(house, case):
    path, content = HALF_WRITTEN[case]
    house.put(path, content, old=True)
    house.ingest()
    house.ingest()
    assert house.event_ids == ["e1"]
    ((_, reason, *_),) = house.quarantine
    assert "the file ends in the middle of this row" in reason
    assert house.waiting() == []


def test_a_file_that_is_finished_while_it_waits_is_taken_whole(house):
    whole = json_lines(event("e1"), event("e2"))
    house.put("events/a.jsonl", whole[:-25])
    house.ingest()
    house.put("events/a.jsonl", whole)
    house.ingest()
    assert (house.event_ids, house.quarantine) == (["e1", "e2"], [])


@pytest.mark.parametrize("path", ["events/young.parquet", "events/young.jsonl.gz", "events/young.jsonl"])
def test_a_young_file_that_cannot_be_read_waits(house, path):
    target = house.put(path, b"")
    target.write_bytes(b"")
    assert list(house.ingest().left) == [path]
    assert house.waiting() == [path]
    house.age(path)
    assert house.ingest().left == {}
    assert len(house.quarantine) == 1


def test_a_file_of_headings_only_is_taken_and_has_no_rows(house):
    house.put("events/a.csv", b"event_id,event_name,user_id,occurred_at\n")
    house.ingest()
    assert house.one("select status, rows_read from raw.manifest") == ("taken", 0)
    assert house.quarantine == []


def test_a_file_that_cannot_be_opened_is_refused_and_not_read_again(house, monkeypatch):
    from pathlib import Path

    house.put("events/bad.jsonl", event("e9"), old=True)
    house.put("events/good.jsonl", event("e1"))
    real = Path.open

    def refuse(self, *args, **options):
        if self.name == "bad.jsonl":
            raise PermissionError(13, "Permission denied")
        return real(self, *args, **options)

    monkeypatch.setattr(Path, "open", refuse)
    house.ingest()
    assert house.event_ids == ["e1"]
    assert [reason for _, reason, *_ in house.quarantine] == ["the file cannot be read: Permission denied"]


def test_a_zip_bomb_does_not_fill_the_memory(house, monkeypatch):
    from receivers import reading

    monkeypatch.setattr(reading, "FILE_LIMIT", 1_000_000)
    house.put("events/bad.jsonl.gz", gzip.compress(json_lines(event("e9")) * 20_000), old=True)
    house.ingest()
    assert [reason for _, reason, *_ in house.quarantine] == ["the file is larger than 1,000,000 bytes"]
    assert house.event_ids == []
