"""One click and no more marketing, from that moment on; and a scanner's GET changes nothing."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta

import httpx
import pytest
from people import consents, somebody, unsubscribe_link
from receivers_process import Receivers
from sent_messages import accepted, engagements, planned, state_of, suppressions

from senders.ledger import Ledger
from senders.links import preferences_url


@pytest.mark.parametrize("as_multipart", [False, True])
def test_one_click_suppresses_at_once_and_lands_the_withdrawal_with_its_proof(
    receivers: Receivers, client: httpx.Client, as_multipart: bool
) -> None:
    address = f"{uuid.uuid4()}@example.com"
    sent = accepted(receivers.settings, somebody(), "email", address=address)
    waits = planned(receivers.settings, sent.user_id, "email", address=address)
    form = {"List-Unsubscribe": "One-Click"}
    body = (
        {"files": {name: (None, value) for name, value in form.items()}} if as_multipart else {"data": form}
    )
    answer = client.post(unsubscribe_link(receivers, sent), **body)
    assert answer.status_code == 200
    assert "set-cookie" not in answer.headers
    assert suppressions(receivers.settings)[address] == ("marketing",)
    assert engagements(receivers.settings, sent) == [("unsubscribed", False, "one_click_unsubscribe")]
    assert consents(receivers, sent.user_id) == [
        ("email", "marketing", "withdrawn", "one_click_unsubscribe", "rfc8058")
    ]
    with Ledger(receivers.settings.ledger) as ledger:
        ledger.claim(waits.due_at + timedelta(minutes=2), "sendgrid", 100, 60)
    assert state_of(receivers.settings, waits) == "suppressed"


def test_opening_the_link_changes_nothing_and_shows_a_button(
    receivers: Receivers, client: httpx.Client
) -> None:
    message = accepted(receivers.settings, somebody(), "email", address="grace@example.com")
    url = unsubscribe_link(receivers, message)
    answer = client.get(url)
    assert client.head(url).status_code == 200
    assert answer.status_code == 200
    assert '<form method="post">' in answer.text
    assert "g•••@example.com" in answer.text
    assert "grace@" not in answer.text
    assert "grace@example.com" not in suppressions(receivers.settings)
    assert consents(receivers, message.user_id) == []


def test_the_button_withdraws_with_the_pages_wording_as_proof(
    receivers: Receivers, client: httpx.Client
) -> None:
    message = accepted(receivers.settings, somebody(), "email", address="joan@example.com")
    page = client.get(unsubscribe_link(receivers, message)).text
    fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]+)">', page))
    answer = client.post(unsubscribe_link(receivers, message), data=fields)
    assert "You are unsubscribed" in answer.text
    assert consents(receivers, message.user_id) == [
        ("email", "marketing", "withdrawn", "unsubscribe_page", "unsubscribe-1")
    ]


def test_an_unsubscribe_holds_again_after_the_person_came_back(
    receivers: Receivers, client: httpx.Client
) -> None:
    message = accepted(receivers.settings, somebody(), "email", address="back@example.com")
    url, one_click = unsubscribe_link(receivers, message), {"List-Unsubscribe": "One-Click"}
    assert client.post(url, data=one_click).status_code == 200
    assert client.post(
        preferences_url(receivers.settings, message.user_id), data={"email.marketing": "given"}
    ).is_redirect
    assert "back@example.com" not in suppressions(receivers.settings)
    assert client.post(url, data=one_click).status_code == 200
    assert suppressions(receivers.settings)["back@example.com"] == ("marketing",)


@pytest.mark.parametrize(
    "data",
    [{}, {"List-Unsubscribe": "no"}, {"other": "One-Click"}],
    ids=["empty", "another value", "another name"],
)
def test_a_post_that_does_not_ask_for_it_unsubscribes_nobody(
    receivers: Receivers, client: httpx.Client, data: dict[str, str]
) -> None:
    message = accepted(receivers.settings, somebody(), "email", address="stays@example.com")
    assert client.post(unsubscribe_link(receivers, message), data=data).status_code == 400
    assert "stays@example.com" not in suppressions(receivers.settings)


def test_a_huge_or_broken_form_is_refused(receivers: Receivers, client: httpx.Client) -> None:
    url = unsubscribe_link(receivers, accepted(receivers.settings, somebody(), "email"))
    broken = {"Content-Type": "multipart/form-data; boundary=x"}
    assert client.post(url, content=b"a=" + b"x" * 50_000).status_code in (400, 413)
    assert client.post(url, content=b"--y\r\n\r\n", headers=broken).status_code == 400
