"""Clicks are counted and lead on; machines are flagged; nothing leads where we did not send."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from people import TARGET, somebody
from receivers_process import BROWSER, Receivers
from sent_messages import accepted, engagements, state_of

from senders.contract import Message
from senders.links import click_url


def _clicks(receivers: Receivers, message: Message) -> list[dict[str, object]]:
    return [
        row for row in receivers.landed("events") if row["properties"].get("message_id") == message.message_id
    ]


def test_a_click_is_counted_and_leads_on(receivers: Receivers, client: httpx.Client) -> None:
    message = accepted(receivers.settings, somebody())
    url = click_url(receivers.settings, message.message_id, TARGET)
    answer = client.get(url)
    assert answer.status_code == 302
    assert answer.headers["location"] == "https://shop.example/cart?id=1&name=S%C3%B8ren%20%7Cx#top"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert engagements(receivers.settings, message) == [("clicked", False, "clicked")]
    (event,) = _clicks(receivers, message)
    assert (event["event_name"], event["user_id"]) == ("message_clicked", message.user_id)
    assert event["properties"]["url"] == TARGET  # type: ignore[index]
    client.get(url)
    assert len(engagements(receivers.settings, message)) == 2


@pytest.mark.parametrize(
    ("method", "agent", "ago"),
    [
        ("HEAD", BROWSER["User-Agent"], 60),
        ("GET", BROWSER["User-Agent"], 0),
        ("GET", "", 60),
        ("GET", "Mozilla/5.0 (compatible; Googlebot/2.1)", 60),
        ("GET", "Mozilla/5.0 (Windows NT 10.0) BingPreview/1.0b", 60),
        ("GET", "WhatsApp/2.23.20.0", 60),
        ("GET", "python-requests/2.32", 60),
        ("GET", "Barracuda Sentinel (EE)", 60),
    ],
)
def test_a_machines_click_leads_on_and_is_flagged(
    receivers: Receivers, client: httpx.Client, method: str, agent: str, ago: float
) -> None:
    message = accepted(receivers.settings, somebody(), ago=ago)
    answer = client.request(
        method, click_url(receivers.settings, message.message_id, TARGET), headers={"User-Agent": agent}
    )
    assert answer.status_code == 302
    assert engagements(receivers.settings, message) == [("clicked", True, "clicked")]
    assert state_of(receivers.settings, message) == "accepted"
    assert _clicks(receivers, message) == []


def test_a_click_on_a_message_that_nobody_knows_still_leads_on(
    receivers: Receivers, client: httpx.Client
) -> None:
    url = click_url(receivers.settings, str(uuid.uuid4()), "https://shop.example/")
    assert client.get(url).headers["location"] == "https://shop.example/"


@pytest.mark.parametrize(
    "path",
    [
        "/c/https://evil.example/",
        "/c//evil.example",
        "/c/?url=https://evil.example/",
        "/c",
        "/u/x/",
        "//evil.example/%2e%2e",
    ],
)
def test_no_address_of_ours_leads_to_somebody_elses(
    receivers: Receivers, client: httpx.Client, path: str
) -> None:
    answer = client.get(
        httpx.URL(receivers.url).copy_with(raw_path=path.encode()), headers={"Host": "evil.example"}
    )
    assert answer.status_code in (400, 404)
    assert "location" not in answer.headers


def test_a_hundred_clicks_at_once_are_a_hundred_clicks(receivers: Receivers) -> None:
    message = accepted(receivers.settings, somebody())
    url = click_url(receivers.settings, message.message_id, TARGET)
    with receivers.client(headers=BROWSER, timeout=30) as client, ThreadPoolExecutor(25) as people:
        assert set(people.map(lambda _: client.get(url).status_code, range(100))) == {302}
    assert len(engagements(receivers.settings, message)) == 100
