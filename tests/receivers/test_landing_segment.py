"""Segment's calls become canonical events and changes of profiles, by the rules of its spec."""

import json
from datetime import datetime

import pytest
from landed import EARLIER

CALL = {"messageId": "m1", "userId": "u1", "timestamp": EARLIER}
ELEVEN = datetime(2026, 1, 15, 11)


def landed(house, **call):
    house.put("segment/calls.jsonl", {**CALL, **call})
    house.ingest()
    name, user_id, anonymous_id, occurred_at, properties, context, source = house.one(
        "select event_name, user_id, anonymous_id, occurred_at, properties, context, source from raw.events"
    )
    assert source == "segment"
    return name, user_id, anonymous_id, occurred_at, json.loads(properties), json.loads(context)


NAMES = {
    "Product Added": "product_added",
    "Order Completed": "order_completed",
    "productViewed": "product_viewed",
    "checkout-started": "checkout_started",
    "  Signed Up! ": "signed_up",
    "Größe gewählt": "größe_gewählt",
    "already_snake": "already_snake",
}


@pytest.mark.parametrize("name", NAMES)
def test_a_track_call_is_an_event_of_that_name(house, name):
    assert landed(house, type="track", event=name)[0] == NAMES[name]


CALLS = {
    "track": (
        {
            "type": "track",
            "event": "Product Added",
            "properties": {"price": 2},
            "context": {"ip": "127.0.0.1"},
        },
        ("product_added", {"price": 2}, {"ip": "127.0.0.1"}),
    ),
    "page": (
        {"type": "page", "name": "Home", "category": "Shop", "properties": {"url": "https://x.io"}},
        ("page", {"name": "Home", "category": "Shop", "url": "https://x.io"}, {}),
    ),
    "screen": ({"type": "screen", "name": "Cart"}, ("screen", {"name": "Cart"}, {})),
    "identify": ({"type": "identify", "traits": {"email": "a@b.io"}}, ("identify", {"email": "a@b.io"}, {})),
    "group": (
        {"type": "group", "groupId": "g1", "traits": {"plan": "pro"}},
        ("group", {"plan": "pro", "group_id": "g1"}, {}),
    ),
    "alias": ({"type": "alias", "previousId": "old"}, ("alias", {"previous_id": "old"}, {})),
    "a key nobody knows": (
        {"type": "track", "event": "x", "properties": {"a": 1}, "extra": [1]},
        ("x", {"a": 1, "extra": [1]}, {}),
    ),
    "the envelope": (
        {
            "type": "track",
            "event": "x",
            "integrations": {"All": True},
            "channel": "web",
            "version": 2,
            "writeKey": "k",
        },
        ("x", {}, {}),
    ),
}


@pytest.mark.parametrize("case", CALLS)
def test_a_call_says_what_was_done_and_the_envelope_is_left_away(house, case):
    call, (name, properties, context) = CALLS[case]
    assert landed(house, **call) == (name, "u1", None, ELEVEN, properties, context)


def test_an_id_may_be_a_whole_number_and_a_person_may_be_anonymous(house):
    assert landed(house, type="page", userId=7, anonymousId="a1")[1:3] == ("7", "a1")


TIMES = {
    "the time that Segment worked out": (
        {
            "timestamp": EARLIER,
            "originalTimestamp": "2026-01-15T09:00:00Z",
            "sentAt": "2026-01-15T09:00:05Z",
            "receivedAt": "2026-01-15T11:00:05Z",
        },
        ELEVEN,
    ),
    "a device whose clock is two hours slow": (
        {
            "timestamp": "2026-01-15T09:00:00Z",
            "sentAt": "2026-01-15T09:00:05Z",
            "receivedAt": "2026-01-15T11:00:05Z",
        },
        ELEVEN,
    ),
    "the same with the older name": (
        {
            "timestamp": None,
            "originalTimestamp": "2026-01-15T09:00:00Z",
            "sentAt": "2026-01-15T09:00:05Z",
            "receivedAt": "2026-01-15T11:00:05Z",
        },
        ELEVEN,
    ),
    "an event of last year, sent now": (
        {"timestamp": "2025-01-15T11:00:00Z", "sentAt": "2026-01-15T10:59:59Z", "receivedAt": EARLIER},
        datetime(2025, 1, 15, 11, 0, 1),
    ),
    "no time of sending": ({"timestamp": EARLIER, "receivedAt": "2026-01-15T12:00:00Z"}, ELEVEN),
    "a time of sending that is none": (
        {"timestamp": EARLIER, "sentAt": "soon", "receivedAt": "2026-01-15T12:00:00Z"},
        ELEVEN,
    ),
    "no time but that of receipt": ({"timestamp": None, "receivedAt": EARLIER}, ELEVEN),
    "another zone": ({"timestamp": "2026-01-15T12:00:00+01:00"}, ELEVEN),
}


@pytest.mark.parametrize("case", TIMES)
def test_when_it_happened_is_worked_out_as_segment_does(house, case):
    call, occurred_at = TIMES[case]
    assert landed(house, type="page", **call)[3] == occurred_at


def test_an_identify_call_is_a_change_of_a_profile_too(house):
    traits = {
        "email": " Ada@Example.com ",
        "phone": "030 901820",
        "firstName": "Ada",
        "lastName": "Lovelace",
        "address": {"country": "DE", "city": "Berlin"},
        "loyalty_tier": "gold",
        "shoeSize": 42,
    }
    house.put(
        "segment/a.jsonl",
        {
            **CALL,
            "type": "identify",
            "anonymousId": "a1",
            "traits": traits,
            "context": {"timezone": "Europe/Berlin", "locale": "de-DE", "device": {"token": "t0"}},
        },
    )
    house.ingest()
    columns = (
        "user_id, anonymous_id, email, phone, phone_e164, phone_country, phone_time_zones, first_name,"
        " last_name, time_zone, language, country, push_token, loyalty_tier, updated_at, source"
    )
    assert house.one(f"select {columns} from raw.profiles") == (
        "u1",
        "a1",
        "Ada@Example.com",
        "030 901820",
        "+4930901820",
        "DE",
        '["Europe/Berlin"]',
        "Ada",
        "Lovelace",
        "Europe/Berlin",
        "de-DE",
        "DE",
        "t0",
        "gold",
        ELEVEN,
        "segment",
    )
    assert json.loads(house.one("select traits from raw.profiles")) == {
        "address": {"country": "DE", "city": "Berlin"},
        "shoeSize": 42,
    }


def test_a_bad_address_costs_the_profile_and_never_the_event_that_says_who_is_who(house):
    house.put(
        "segment/a.jsonl", {**CALL, "type": "identify", "anonymousId": "a1", "traits": {"email": "ada@@"}}
    )
    house.ingest()
    assert house.one("select event_name, user_id, anonymous_id from raw.events") == ("identify", "u1", "a1")
    assert house.column("select user_id from raw.profiles") == []
    assert house.query("select feed, row_number, reason from raw.quarantine") == [
        ("profiles", 1, "email is not an e-mail address")
    ]
    assert house.one("select rows_read, rows_taken, rows_quarantined from raw.manifest") == (1, 1, 0)


def test_a_call_that_is_delivered_twice_changes_a_profile_once(house):
    call = {**CALL, "type": "identify", "traits": {"email": "a@b.io"}}
    house.put("segment/a.jsonl", call, call)
    house.ingest()
    house.put("segment/b.jsonl", call)
    house.ingest()
    assert house.one("select count(*) from raw.events") == 1
    assert house.one("select count(*) from raw.profiles") == 1
