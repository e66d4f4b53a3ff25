"""A link that we did not make does nothing, and the pages are safe to show."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest
from people import TARGET, somebody, unsubscribe_link
from receivers_process import Receivers
from sent_messages import EMAIL, PHONE, accepted, engagements, suppressions

from senders.links import click_url, preferences_url


@pytest.mark.parametrize("path", ["/u/", "/p/", "/c/"])
@pytest.mark.parametrize(
    "how", ["nonsense", "cut", "changed", "of another purpose", "of another secret", "long"]
)
def test_a_forged_link_shows_a_page_and_does_nothing(
    receivers: Receivers, client: httpx.Client, path: str, how: str
) -> None:
    settings = receivers.settings
    message = accepted(settings, somebody(), "email", address="forged@example.com")
    made = {
        "/u/": unsubscribe_link(receivers, message),
        "/p/": preferences_url(settings, message.user_id),
        "/c/": click_url(settings, message.message_id, TARGET),
    }
    foreign = Receivers(Path(settings.home), DOVECOTE_LINK_SECRET="another").settings
    token = made[path].rpartition("/")[2]
    forged = {
        "nonsense": "%3Cscript%3Ealert(1)",
        "cut": token[:-4],
        "changed": ("A" if token[0] != "A" else "B") + token[1:],
        "of another purpose": made["/c/" if path == "/u/" else "/u/"].rpartition("/")[2],
        "of another secret": click_url(foreign, message.message_id, "https://evil.example/").rpartition("/")[
            2
        ],
        "long": "A" * 10_000,
    }[how]
    before = len(receivers.landed("consents")), suppressions(settings), engagements(settings, message)
    methods = ["GET"] if path == "/c/" else ["GET", "POST"]
    for method in methods:
        answer = client.request(method, path + forged, data={"List-Unsubscribe": "One-Click"})
        assert answer.status_code == 400
        assert "location" not in answer.headers
        assert "This link does not work" in answer.text
        assert "<script" not in answer.text
    assert (
        len(receivers.landed("consents")),
        suppressions(settings),
        engagements(settings, message),
    ) == before


def test_pages_load_nothing_run_nothing_and_are_kept_nowhere(
    receivers: Receivers, client: httpx.Client
) -> None:
    message = accepted(receivers.settings, somebody(), "email")
    for url in (
        unsubscribe_link(receivers, message),
        preferences_url(receivers.settings, message.user_id),
        "/u/forged",
    ):
        answer = client.get(url)
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'")
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "Ada&#39;s &lt;b&gt;shop&lt;/b&gt;" in answer.text
        assert not re.search(r"<script|<img|<link|src=|@import|https?://(?!127\.0\.0\.1)", answer.text)


def test_the_log_holds_no_token_and_no_address(receivers: Receivers, client: httpx.Client) -> None:
    message = accepted(receivers.settings, "u-logged", "email", address="logged.person@example.com")
    url = unsubscribe_link(receivers, message)
    client.get(url)
    client.post(url, data={"List-Unsubscribe": "One-Click"})
    client.get(click_url(receivers.settings, message.message_id, TARGET))
    log = receivers.log_with("GET /c/{token} 302")
    assert "GET /c/{token} 302" in log
    words = (url.rpartition("/")[2][:40], "logged.person", "u-logged", message.message_id)
    assert not [word for word in words if word in log]
    assert not [word for word in (EMAIL, PHONE) if word in log]
