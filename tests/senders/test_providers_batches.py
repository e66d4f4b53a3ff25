"""A batch of receipts with something odd in it: the good ones count."""

import json
import logging
from base64 import b64encode

import pytest
from provider_samples import steady_provider

from senders.contract import RawWebhook

COMPLAINT = {"event": "spamreport", "email": "zoe@example.com", "sg_event_id": "1", "timestamp": 1}
OPEN = {"event": "open", "email": "ann@example.com", "sg_event_id": "2", "timestamp": 1}
ODD = {
    "half a character in the address": OPEN | {"email": "\ud83d@example.com"},
    "half a character in the id": OPEN | {"sg_event_id": "\udc00"},
    "an id that is a list": OPEN | {"message_id": ["x"]},
    "an id that is a number": OPEN | {"message_id": 5},
    "no object": "open",
}


def heard(name, body):
    return steady_provider(name).events(RawWebhook("https://shop.example", {}, body))


@pytest.mark.parametrize("odd", ODD.values(), ids=list(ODD))
def test_an_odd_item_is_logged_and_left_out_and_the_complaint_beside_it_counts(ledger, caplog, odd):
    with caplog.at_level(logging.WARNING):
        events = heard("sendgrid", json.dumps([odd, COMPLAINT]).encode())
    ledger.apply_receipts(events)
    assert [(event.kind, event.address) for event in events] == [("complained", "zoe@example.com")]
    assert "item 1 of a receipt of sendgrid is left out" in caplog.text
    assert "example.com" not in caplog.text


def test_half_a_character_in_what_nobody_reads_loses_no_complaint(ledger):
    events = heard("sendgrid", json.dumps([COMPLAINT | {"useragent": "\ud83d"}]).encode())
    assert ledger.apply_receipts(events).waiting == len(events) == 1


@pytest.mark.parametrize("wrong", [{"messageId": ["x"]}, {"phoneNumber": {"a": 1}}])
def test_an_event_with_an_id_that_is_no_text_is_left_out(wrong):
    said = {"agentId": "demo_agent", "eventType": "DELIVERED", "eventId": "e", "messageId": "m", **wrong}
    data = b64encode(json.dumps(said).encode()).decode()
    assert heard("google_rcs", json.dumps({"message": {"data": data}}).encode()) == []
