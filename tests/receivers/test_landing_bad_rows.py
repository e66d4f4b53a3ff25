"""A bad row is quarantined with its reason and its line; the good rows of the same file go on."""

import csv
import io
import json

import pytest
from landed import event, json_lines
from rows_to_refuse import BAD, CONSENT, GOOD, PRODUCT, PROFILE, TAKEN


@pytest.mark.parametrize(("feed", "row", "reason"), BAD, ids=lambda value: str(value)[:60])
def test_a_bad_row_is_kept_with_its_reason_and_the_good_rows_go_on(house, feed, row, reason):
    house.put(f"{feed}/rows.jsonl", GOOD[feed], row)
    house.ingest()
    assert house.column(TAKEN[feed]) == ["good"]
    ((row_number, said, expectation, column, line),) = house.quarantine
    assert (row_number, said) == (2, reason)
    assert expectation.startswith("expect_")
    assert column
    whole = row.decode("utf-8", "backslashreplace") if isinstance(row, bytes) else json.dumps(row)
    assert line == whole[:10_000]
    assert house.one("select rows_read, rows_taken, rows_quarantined from raw.manifest") == (2, 1, 1)


def test_everything_that_is_wrong_with_a_row_is_said_once_a_column(house):
    house.put("events/a.jsonl", event("good"), event(None, event_name=3, user_id=None, occurred_at="x"))
    house.ingest()
    assert [reason for _, reason, *_ in house.quarantine] == [
        "event_name is not text; event_id is missing or empty; neither user_id nor anonymous_id is there; "
        "occurred_at is missing or not a time (ISO 8601)"
    ]


HOSTILE = [
    "=cmd|'/c calc'!A1",
    "<script>alert(1)</script>",
    "{{ 7*7 }}",
    "'; drop table raw.events; --",
    "ÄÖ𝔘\u202eabc",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_formulas_and_html_in_names_are_data_and_are_kept(house, name):
    house.put("profiles/a.jsonl", {**PROFILE, "first_name": name})
    house.put("profiles/b.csv", b'user_id,last_name\nu9,"' + name.encode() + b'"\n')
    house.put("products/a.jsonl", {**PRODUCT, "name": name})
    house.put("events/a.jsonl", event("e1", properties={"name": name}))
    house.ingest()
    assert house.quarantine == []
    assert set(house.query("select first_name, last_name from raw.profiles")) == {(name, None), (None, name)}
    assert house.one("select name from raw.products") == name
    assert json.loads(house.one("select properties from raw.events")) == {"name": name}


def test_half_a_character_does_not_cost_an_event(house):
    row = json.dumps(event("e1", properties={"name": "cut HALF", "whole": "😀"})).replace("HALF", "\\ud83d")
    house.put("events/a.jsonl", row.encode())
    house.ingest()
    assert json.loads(house.one("select properties from raw.events")) == {"name": "cut \ufffd", "whole": "😀"}


BAD_CSV = {
    "too few cells": (b"e9,x,u\n", "the row has 3 cells, the header 5"),
    "too many cells": (b"e9,x,u,2026-01-01,n,more\n", "the row has 6 cells, the header 5"),
    "a quote that never closes": (b'e9,x,u,2026-01-01,"open\n', ""),
    "text after a quote": (b'e9,x,u,2026-01-01,"a"b\n', "',' expected after '\"'"),
    "no UTF-8": (b"e9,x,u,2026-01-01,\xff\n", "not UTF-8"),
    "no time": (b"e9,x,u,today,n\n", "occurred_at is missing or not a time (ISO 8601)"),
}


@pytest.mark.parametrize("case", BAD_CSV)
def test_a_bad_row_of_a_csv_costs_no_other_row(house, case):
    row, reason = BAD_CSV[case]
    good = b'%s,x,u,2026-01-01,"two\nlines, ""quoted"""\n'
    house.put(
        "events/a.csv",
        b"event_id,event_name,user_id,occurred_at,note\n" + good % b"e1" + row + good % b"e2",
        old=True,
    )
    house.ingest()
    assert house.event_ids == ["e1", "e2"]
    assert {json.loads(row)["note"] for row in house.column("select properties from raw.events")} == {
        'two\nlines, "quoted"'
    }
    ((row_number, said, _, _, line),) = house.quarantine
    assert reason in said
    assert row_number == 4
    assert line == row.decode("utf-8", "backslashreplace").rstrip("\n")


def test_a_new_column_is_kept_in_every_format(house):
    house.put("events/a.jsonl", event("e1", properties={"price": 1}, colour="red", size={"cm": 3}))
    house.put("events/b.csv", b"event_id,event_name,user_id,occurred_at,colour\ne2,x,u,2026-01-01,blue\n")
    house.put("profiles/a.jsonl", {**PROFILE, "shoe_size": 42})
    house.put("products/a.jsonl", {**PRODUCT, "colour": "red"})
    house.put("consents/a.jsonl", {**CONSENT, "ip": "127.0.0.1"})
    house.ingest()
    properties = [
        json.loads(text) for text in house.column("select properties from raw.events order by event_id")
    ]
    assert properties == [{"price": 1, "colour": "red", "size": {"cm": 3}}, {"colour": "blue"}]
    assert json.loads(house.one("select traits from raw.profiles")) == {"shoe_size": 42}
    assert json.loads(house.one("select attributes from raw.products")) == {"colour": "red"}
    assert json.loads(house.one("select attributes from raw.consents")) == {"ip": "127.0.0.1"}


def test_a_withdrawal_counts_without_a_proof(house):
    house.put(
        "consents/a.jsonl", {**CONSENT, "status": "Withdrawn", "channel": " SMS ", "consent_source": None}
    )
    house.ingest()
    assert house.one("select channel, status, consent_source from raw.consents") == (
        "sms",
        "withdrawn",
        "unstated",
    )


def test_a_number_that_is_none_becomes_null_in_parquet(house, tmp_path):
    import duckdb

    file = tmp_path / "rows.parquet"
    duckdb.execute(
        "copy (select 'p1' as product_id, 'nan'::double as price, {'weight': 'inf'::double} as size) "
        f"to '{file}'"
    )
    house.put("products/a.parquet", file.read_bytes())
    house.ingest()
    price, attributes = house.one("select price, attributes from raw.products")
    assert price is None
    assert json.loads(attributes) == {"size": {"weight": None}}


def test_csv_cells_that_only_look_like_json_stay_text(house):
    text = io.StringIO()
    csv.writer(text).writerows(
        [
            ["event_id", "event_name", "user_id", "occurred_at", "note"],
            ["e1", "x", "u", "2026-01-01", "[see below"],
            ["e2", "x", "u", "2026-01-01", '{"a": [1]}'],
        ]
    )
    house.put("events/a.csv", text.getvalue().encode())
    house.put("events/b.jsonl", json_lines(event("e3", note="{oh"), event("e4", note="[1]")))
    house.ingest()
    notes = [
        json.loads(text)["note"]
        for text in house.column("select properties from raw.events order by event_id")
    ]
    assert notes == ["[see below", {"a": [1]}, "{oh", [1]]
