"""A feed is one YAML file; a wrong one is refused with file, key and the nearest valid name."""

from pathlib import PurePosixPath

import pytest
from landed import event

from receivers.feed import FOLDER, FeedError, UnknownFeed, all_feeds, feed_names, feed_of, load_feed


@pytest.fixture
def folder(tmp_path):
    """The feeds of the house, to be changed."""
    for name in ("events", "consents"):
        (tmp_path / f"{name}.yml").write_text((FOLDER / f"{name}.yml").read_text())
    return tmp_path


def test_all_feeds_of_the_house_are_in_order():
    names = [feed.name for feed in all_feeds()]
    assert {"events", "segment", "snowplow", "profiles", "consents", "products", "shopify/orders"} <= set(
        names
    )
    assert all(feed.rules and feed.key and feed.table.startswith("raw.") for feed in all_feeds())


def test_a_feed_is_found_by_its_folder_however_deep_the_file_is():
    assert feed_of(PurePosixPath("events/2026/01/a.csv")) == "events"
    assert feed_of(PurePosixPath("shopify/orders/a.csv")) == "shopify/orders"
    with pytest.raises(UnknownFeed, match="no feed named shopify, nearest is shopify/"):
        feed_of(PurePosixPath("shopify/a.csv"))


WRONG = {
    "a key nobody knows": ("key:", "keys:", "events.yml: unknown key keys, nearest is key"),
    "a key that is missing": ("table: raw.events", "", "events.yml: table is missing"),
    "a column nobody has": (
        "for: [occurred_at]",
        "for: [ocurred_at]",
        "no column ocurred_at, nearest is occurred_at",
    ),
    "a key of columns nobody has": (
        "key: [event_id]",
        "key: [event]",
        "key/same: no column event, nearest is event_",
    ),
    "a key of a rule nobody knows": (
        "kwargs: {max_value: 256}",
        "kwarg: {}",
        "unknown key kwarg, nearest is kwargs",
    ),
    "a rule without a reason": (
        "reason: '{column} is not text', whole",
        "whole",
        "expectations: reason is missing",
    ),
    "another flag": (
        "whole_file: true}",
        "whole_files: true}",
        "meta: unknown key whole_files, nearest is whole_file",
    ),
    "no YAML": ("given:", "given: [", "events.yml: while parsing"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_declaration_is_refused_by_name(folder, case):
    before, after, said = WRONG[case]
    file = folder / "events.yml"
    assert before in file.read_text()
    file.write_text(file.read_text().replace(before, after, 1))
    with pytest.raises(FeedError, match=said.replace("(", r"\(")) as refused:
        load_feed("events", folder)
    assert "receivers/feeds/events.yml" in str(refused.value)


def test_a_feed_that_is_like_nothing_is_refused(folder):
    (folder / "mine.yml").write_text("like: event\n")
    with pytest.raises(FeedError, match="no feed named event, nearest is events"):
        load_feed("mine", folder)


def test_a_wrong_declaration_stops_the_tick_and_costs_no_file(house, folder):
    (folder / "mine.yml").write_text("like: events\nkey: [event]\n")
    house.put("mine/a.jsonl", event("e1"))
    with pytest.raises(FeedError):
        house.ingest(feeds=folder)
    assert house.waiting() == ["mine/a.jsonl"]


def test_wrong_sql_in_a_declaration_stops_the_tick_and_costs_no_file(house, folder):
    import duckdb

    text = (folder / "events.yml").read_text()
    (folder / "events.yml").write_text(
        text.replace("occurred_at: utc(occurred_at)", "occurred_at: utd(occurred_at)")
    )
    house.put("events/a.jsonl", event("e1"))
    with pytest.raises(duckdb.Error, match="utd"):
        house.ingest(feeds=folder)
    assert house.waiting() == ["events/a.jsonl"]


def test_data_that_no_rule_foresaw_costs_its_own_file_only(house, folder):
    text = (folder / "events.yml").read_text()
    (folder / "events.yml").write_text(
        text.replace("source: source", "source: cast(cast(user_id as integer) as text)")
    )
    for number, user_id in enumerate(["1", "2", "three", "4"]):
        house.put(f"events/{number}.jsonl", event(f"e{number}", user_id=user_id))
    house.ingest(feeds=folder)
    assert house.event_ids == ["e0", "e1", "e3"]
    ((_, reason, *_),) = house.quarantine
    assert reason.startswith("cannot be taken in: Conversion Error: Could not convert string 'three'")
    assert house.waiting() == []


def test_a_feed_of_ones_own_is_a_file_and_nothing_else(house, folder):
    (folder / "clicks.yml").write_text(
        "like: events\n"
        "given: {event_id: $.id, event_name: $.what, user_id: $.who, anonymous_id: $.device,\n"
        "        occurred_at: $.when, properties: $.data, context: $.context}\n"
    )
    house.put("clicks/a.csv", b'id,what,who,when,data,page\nc1,clicked,u1,2026-01-01,"{""a"":1}",7\n')
    house.ingest(feeds=folder)
    assert house.one("select event_id, event_name, user_id, properties, source from raw.events") == (
        "c1",
        "clicked",
        "u1",
        '{"page":"7","a":1}',
        "clicks",
    )
    assert "clicks" in feed_names(folder)
