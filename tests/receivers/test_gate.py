"""The gate's SQL says of every row what Great Expectations says of it."""

import json
import random
from collections import defaultdict
from datetime import datetime

import duckdb
import pytest

from receivers.expectations import frame_of, rows_failing, suite_of
from receivers.feed import FOLDER, Rule, all_feeds, feed_names, load_feed
from receivers.gate import EXPECTATIONS, check_feeds, fails
from receivers.mapping import map_arrived
from receivers.warehouse import insert_rows, statement

LATEST = datetime(2026, 1, 15, 13)
FEEDS = [name for name in feed_names() if "/" not in name or name == "shopify/orders"]
ROWS = 400

TEXTS = [
    "", " ", "\n", "x", "ok\n", "\tok", "a\x00b", "a\x7fb", "a\nb", "\u0301" * 256, "👩‍👩‍👧" * 52,
    "é" * 257, "x" * 256, "x" * 257, "x" * 1025, "x" * 2049, "x" * 4097, "x" * 70_000, "'; --", "=1+1",
    "<b>", "\u00a0", "\u2028", "\ufeff",
]  # fmt: skip
NUMBERS = [
    0, -1, 1, 7, 2**31, 2**63, 2**64, 10**30, 1.5, -0.0, 1e300, -1e-300, 1e9, 1000000000.1, "12.5",
    "-3", "1e5", "1e500", "12.5\n", " 12 ", "٣", "1_000", "0x1f", "nan", "inf", "-inf", "+4", "12.0",
    "12.5.1", "", "9" * 30,
]  # fmt: skip
TIMES = [
    "2026-01-15T11:00:00Z", "2026-01-15 11:00:00.123456789 UTC", "2026-01-15T13:00:00Z",
    "2026-01-15T13:00:00.000001Z", "2026-01-15T15:00:00+02:00", "2026-01-15T15:00:01+02:00",
    "1999-12-31T23:59:59.999999Z", "2000-01-01", "infinity", "-infinity", "epoch", "now", "today",
    "2026-02-30", "0001-01-01", "12024-01-01", "", "2026-01-15\n", "1768474800",
]  # fmt: skip
ADDRESSES = [
    "ada@example.com", "ada@example", "a@b.c", "a@b.co", "ada@@example.com", "a b@example.com",
    "a,b@example.com", "ada@exam\u00a0ple.com", "ada@example.com\n", "ada@example.com\nBcc: x@y.zz",
    "<ada@example.com>", "é@ü.de", "x" * 64 + "@example.com", "x" * 65 + "@example.com",
    "a@b." + "c" * 64, "https://x.io/a?b=c#d", "http://x", "HTTPS://X.IO", "javascript:alert(1)",
    "https://x.io/a b", 'https://x.io/"', "https://", "//x.io", "https://ü.io/é",
]  # fmt: skip
WORDS = [
    "given", "withdrawn", "GIVEN ", "sms", "email", "fax", "marketing", "transactional", "EUR", "eur",
    "Euro", "E1R", "track", "identify", "alias", "page", "Track", "group", "product_added",
    "Product Added",
]  # fmt: skip
OTHERS = [
    None,
    True,
    False,
    {},
    {"a": 1},
    {"a": None},
    [],
    [1],
    "{}",
    "[1]",
    '{"a": 1}',
    "{not",
    {"text": "x" * 66_000},
]
POOLS = [TEXTS, NUMBERS, TIMES, ADDRESSES, WORDS, OTHERS]


def documents(feed, seed):
    """Rows whose columns hold anything: mostly what is somehow like it, sometimes what is not."""
    dice = random.Random(f"{feed.name} {seed}")
    keys = sorted(
        {path.removeprefix("$.").partition(".")[0] for paths in feed.given.values() for path in paths}
    )
    for _ in range(ROWS):
        row = {"new": 1} if dice.random() < 0.1 else {}
        for key in keys:
            if dice.random() < 0.75:
                row[key] = dice.choice(likely(key) if dice.random() < 0.7 else dice.choice(POOLS))
        yield json.dumps(row)


def likely(key):
    words = key.lower()
    hints = {
        "_at": TIMES,
        "stamp": TIMES,
        "email": ADDRESSES,
        "url": ADDRESSES,
        "price": NUMBERS,
        "stock": NUMBERS,
    }
    objects = [{}, {"a": 1}, None, "{}"]
    if words in ("properties", "context", "traits"):
        return objects
    return next((pool for hint, pool in hints.items() if hint in words), [*WORDS, "u1", 7])


@pytest.fixture(scope="module")
def judgements():
    """For each feed: (rule, rows failing it by the gate, by Great Expectations) over generated rows."""
    found = {}
    for name in FEEDS:
        feed = load_feed(name)
        with duckdb.connect() as connection:
            connection.execute("set timezone = 'UTC'")
            connection.execute(statement("macros"))
            connection.execute(statement("arrived"))
            for variable in ("latest", "landed_at"):
                connection.execute(f"set variable {variable} = cast(? as timestamp)", [LATEST])
            rows = [(0, number, None, None, doc) for number, doc in enumerate(documents(feed, seed=1))]
            insert_rows(connection, "arrived", ["integer", "bigint", "varchar", "varchar", "varchar"], rows)
            map_arrived(connection, feed, feed.name)
            masks = [
                mask
                for (mask,) in connection.execute("select failed from mapped order by row_number").fetchall()
            ]
            theirs = rows_failing(feed, frame_of(connection, feed), LATEST)
        ours = [{row for row, mask in enumerate(masks) if mask >> bit & 1} for bit in range(len(feed.rules))]
        found[name] = list(zip(feed.rules, ours, theirs, strict=True))
    return found


@pytest.mark.parametrize("feed", FEEDS)
def test_gate_and_great_expectations_judge_every_row_alike(judgements, feed):
    for rule, ours, theirs in judgements[feed]:
        if rule.type == "expect_column_to_exist":  # the one says of rows what the other says of the file
            assert (len(ours) == ROWS) == (len(theirs) == ROWS), rule
        else:
            assert ours == theirs, rule


def test_the_generated_rows_put_every_kind_of_expectation_to_the_test(judgements):
    failing = defaultdict(set)
    for rules in judgements.values():
        for rule, _, theirs in rules:
            failing[rule.type].add(len(theirs))
    for kind in set(EXPECTATIONS) - {"expect_column_to_exist", "expect_column_values_to_be_null"}:
        assert any(0 < count < ROWS for count in failing[kind]), kind
    assert set(failing) == set(EXPECTATIONS)


def test_most_rules_of_every_feed_meet_rows_that_break_them(judgements):
    for feed, rules in judgements.items():
        broken = [rule for rule, _, theirs in rules if theirs]
        assert len(broken) > len(rules) / 2, feed


ABSENT = [
    ("events", "event_id"),
    ("segment", "message_id"),
    ("products", "product_id"),
    ("snowplow", "event_name"),
]


@pytest.mark.parametrize(("name", "column"), ABSENT)
def test_a_column_that_no_row_has_does_not_exist_to_either(name, column):
    feed = load_feed(name)
    (path,) = feed.given[column]
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        connection.execute(statement("macros"))
        connection.execute(statement("arrived"))
        for variable in ("latest", "landed_at"):
            connection.execute(f"set variable {variable} = cast(? as timestamp)", [LATEST])
        rows = [json.loads(doc) for doc in documents(feed, seed=2)][:20]
        for row in rows:
            row.pop(path.removeprefix("$."), None)
        documented = [(0, number, None, None, json.dumps(row)) for number, row in enumerate(rows)]
        insert_rows(connection, "arrived", ["integer", "bigint", "varchar", "varchar", "varchar"], documented)
        map_arrived(connection, feed, feed.name)
        masks = [mask for (mask,) in connection.execute("select failed from mapped").fetchall()]
        theirs = rows_failing(feed, frame_of(connection, feed), LATEST)
    bit = next(
        bit for bit, rule in enumerate(feed.rules)
        if rule.type == "expect_column_to_exist" and rule.about == column
    )  # fmt: skip
    assert all(mask >> bit & 1 for mask in masks)
    assert len(theirs[bit]) == len(rows)


def test_every_rule_of_every_feed_is_known_to_the_gate(tmp_path):
    assert set(check_feeds()) == set(feed_names())
    (tmp_path / "events.yml").write_text(
        (FOLDER / "events.yml")
        .read_text()
        .replace("expect_column_values_to_not_be_null", "expect_no_null", 1)
    )
    with pytest.raises(ValueError, match="the gate does not know expect_no_null"):
        check_feeds(tmp_path)


def test_no_feed_says_the_same_twice():
    for feed in all_feeds():
        said = [json.dumps({**config, "meta": None}, default=str) for config in suite_of(feed)]
        assert len(said) == len(set(said)), feed.name


def test_an_expectation_nobody_translated_is_refused_with_the_nearest_name():
    rule = Rule("expect_column_values_to_match_regexp", "event_id", {"regex": "x"}, "", whole_file=False)
    with pytest.raises(ValueError, match="nearest is expect_column_values_to_match_regex"):
        fails(rule)


def test_a_type_is_asked_of_what_was_given():
    rule = Rule(
        "expect_column_values_to_be_in_type_list", "event_id", {"type_list": ["str"]}, "", whole_file=False
    )
    with pytest.raises(ValueError, match=r"write given\.event_id"):
        fails(rule)
