"""What the links in messages do: unsubscribe, choose, lead on; and what a forged one does not."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from receivers_process import Receivers
from sent_messages import EMAIL, PHONE, accepted, engagements, planned, state_of, suppressions

from senders.contract import Message
from senders.ledger import Ledger
from senders.links import click_url, preferences_url, unsubscribe_url

BROWSER = {
    "User-Agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Safari/604.1"
}
TARGET = "https://shop.example/cart?id=1&name=Søren%20|x#top"


@pytest.fixture(scope="module")
def receivers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receivers]:
    running = Receivers(
        tmp_path_factory.mktemp("receivers") / "home",
        DOVECOTE_ROUTES="rcs=google_rcs,sms=twilio_sms,email=sendgrid",
        DOVECOTE_SHOP_NAME="Ada's <b>shop</b>",
    )
    running.start()
    yield running
    running.stop()


@pytest.fixture
def client(receivers: Receivers) -> Iterator[httpx.Client]:
    with receivers.client(headers=BROWSER) as client:
        yield client


def _somebody() -> str:
    return f"u-{uuid.uuid4()}"


def _unsubscribe(receivers: Receivers, message: Message) -> str:
    return unsubscribe_url(
        receivers.settings, message.message_id, message.user_id, message.channel, message.address
    )


def _consents(receivers: Receivers, user_id: str) -> list[tuple[str, str, str, str, str]]:
    return [
        (row["channel"], row["purpose"], row["status"], row["consent_source"], row["wording_version"])
        for row in receivers.landed("consents")
        if row["user_id"] == user_id
    ]


# ---- unsubscribe


@pytest.mark.parametrize("as_multipart", [False, True])
def test_one_click_suppresses_at_once_and_lands_the_withdrawal_with_its_proof(
    receivers: Receivers, client: httpx.Client, as_multipart: bool
) -> None:
    address = f"{uuid.uuid4()}@example.com"
    sent = accepted(receivers.settings, _somebody(), "email", address=address)
    waits = planned(receivers.settings, sent.user_id, "email", address=address)
    form = {"List-Unsubscribe": "One-Click"}
    body = (
        {"files": {name: (None, value) for name, value in form.items()}} if as_multipart else {"data": form}
    )
    answer = client.post(_unsubscribe(receivers, sent), **body)
    assert answer.status_code == 200
    assert "set-cookie" not in answer.headers
    assert suppressions(receivers.settings)[address] == ("marketing",)
    assert engagements(receivers.settings, sent) == [("unsubscribed", False, "one_click_unsubscribe")]
    assert _consents(receivers, sent.user_id) == [
        ("email", "marketing", "withdrawn", "one_click_unsubscribe", "rfc8058")
    ]
    with Ledger(receivers.settings.ledger) as ledger:
        ledger.claim(waits.due_at + timedelta(minutes=2), "sendgrid", 100, 60)
    assert state_of(receivers.settings, waits) == "suppressed"


def test_opening_the_link_changes_nothing_and_shows_a_button(
    receivers: Receivers, client: httpx.Client
) -> None:
    message = accepted(receivers.settings, _somebody(), "email", address="grace@example.com")
    url = _unsubscribe(receivers, message)
    answer = client.get(url)
    assert client.head(url).status_code == 200
    assert answer.status_code == 200
    assert '<form method="post">' in answer.text
    assert "g•••@example.com" in answer.text
    assert "grace@" not in answer.text
    assert "grace@example.com" not in suppressions(receivers.settings)
    assert _consents(receivers, message.user_id) == []


def test_the_button_withdraws_with_the_pages_wording_as_proof(
    receivers: Receivers, client: httpx.Client
) -> None:
    message = accepted(receivers.settings, _somebody(), "email", address="joan@example.com")
    page = client.get(_unsubscribe(receivers, message)).text
    fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]+)">', page))
    answer = client.post(_unsubscribe(receivers, message), data=fields)
    assert "You are unsubscribed" in answer.text
    assert _consents(receivers, message.user_id) == [
        ("email", "marketing", "withdrawn", "unsubscribe_page", "unsubscribe-1")
    ]


def test_an_unsubscribe_holds_again_after_the_person_came_back(
    receivers: Receivers, client: httpx.Client
) -> None:
    message = accepted(receivers.settings, _somebody(), "email", address="back@example.com")
    url, one_click = _unsubscribe(receivers, message), {"List-Unsubscribe": "One-Click"}
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
    message = accepted(receivers.settings, _somebody(), "email", address="stays@example.com")
    assert client.post(_unsubscribe(receivers, message), data=data).status_code == 400
    assert "stays@example.com" not in suppressions(receivers.settings)


def test_a_huge_or_broken_form_is_refused(receivers: Receivers, client: httpx.Client) -> None:
    url = _unsubscribe(receivers, accepted(receivers.settings, _somebody(), "email"))
    broken = {"Content-Type": "multipart/form-data; boundary=x"}
    assert client.post(url, content=b"a=" + b"x" * 50_000).status_code in (400, 413)
    assert client.post(url, content=b"--y\r\n\r\n", headers=broken).status_code == 400


# ---- forged links


@pytest.mark.parametrize("path", ["/u/", "/p/", "/c/"])
@pytest.mark.parametrize(
    "how", ["nonsense", "cut", "changed", "of another purpose", "of another secret", "long"]
)
def test_a_forged_link_shows_a_page_and_does_nothing(
    receivers: Receivers, client: httpx.Client, path: str, how: str
) -> None:
    settings = receivers.settings
    message = accepted(settings, _somebody(), "email", address="forged@example.com")
    made = {
        "/u/": _unsubscribe(receivers, message),
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


# ---- the pages


def test_pages_load_nothing_run_nothing_and_are_kept_nowhere(
    receivers: Receivers, client: httpx.Client
) -> None:
    message = accepted(receivers.settings, _somebody(), "email")
    for url in (
        _unsubscribe(receivers, message),
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


# ---- preferences


def _marked(html: str) -> dict[str, str]:
    """name → value of the answers that are marked on the page."""
    return dict(re.findall(r'name="([a-z.]+)" value="(given|withdrawn)" checked', html))


def test_what_is_chosen_lands_with_its_proof_and_is_shown_again(
    receivers: Receivers, client: httpx.Client
) -> None:
    user = _somebody()
    url = preferences_url(receivers.settings, user)
    assert _marked(client.get(url).text) == {}
    choices = {"email.marketing": "given", "sms.marketing": "withdrawn", "sms.transactional": "withdrawn"}
    saved = client.post(url, data=choices, follow_redirects=True)
    assert "Saved." in saved.text
    assert _marked(saved.text) == choices
    assert sorted(_consents(receivers, user)) == [
        ("email", "marketing", "given", "preference_page", "preferences-1"),
        ("sms", "marketing", "withdrawn", "preference_page", "preferences-1"),
        ("sms", "transactional", "withdrawn", "preference_page", "preferences-1"),
    ]


def test_choices_are_shown_again_after_a_restart(own_receivers: Receivers) -> None:
    own_receivers.start()
    url = preferences_url(own_receivers.settings, "u-1")
    with own_receivers.client() as client:
        assert client.post(url, data={"sms.marketing": "given"}).status_code == 303
    own_receivers.end()
    own_receivers.start()
    with own_receivers.client() as client:
        assert _marked(client.get(url).text) == {"sms.marketing": "given"}


def test_saving_without_a_change_lands_nothing(receivers: Receivers, client: httpx.Client) -> None:
    user = _somebody()
    url = preferences_url(receivers.settings, user)
    for _ in range(2):
        assert client.post(url, data={"email.marketing": "given"}).status_code == 303
    assert client.post(url, data={}).status_code == 303
    assert len(_consents(receivers, user)) == 1


def test_a_withdrawal_stops_what_waits_and_keeps_the_address_for_orders(
    receivers: Receivers, client: httpx.Client
) -> None:
    user, address = _somebody(), f"{uuid.uuid4()}@example.com"
    offer = planned(receivers.settings, user, "email", address=address)
    order = planned(receivers.settings, user, "email", address=address, message_class="transactional")
    assert client.post(
        preferences_url(receivers.settings, user), data={"email.marketing": "withdrawn"}
    ).is_redirect
    assert state_of(receivers.settings, offer) == "cancelled"
    assert state_of(receivers.settings, order) == "planned"
    assert suppressions(receivers.settings)[address] == ("marketing",)


def test_one_of_two_channels_of_a_number_can_be_switched_off(
    receivers: Receivers, client: httpx.Client
) -> None:
    user, phone = _somebody(), f"+49151{uuid.uuid4().int % 10**8:08}"
    for channel in ("sms", "rcs"):
        accepted(receivers.settings, user, channel, address=phone)
    waits = {channel: planned(receivers.settings, user, channel, address=phone) for channel in ("sms", "rcs")}
    url = preferences_url(receivers.settings, user)
    assert client.post(url, data={"sms.marketing": "withdrawn"}).is_redirect
    assert phone not in suppressions(receivers.settings)
    assert [state_of(receivers.settings, waits[channel]) for channel in ("sms", "rcs")] == [
        "cancelled",
        "planned",
    ]
    assert client.post(url, data={"rcs.marketing": "withdrawn"}).is_redirect
    assert suppressions(receivers.settings)[phone] == ("marketing",)
    assert client.post(url, data={"rcs.marketing": "given", "sms.marketing": "withdrawn"}).is_redirect
    assert phone not in suppressions(receivers.settings)


def test_a_channel_that_only_a_suppression_kept_off_stays_off_when_its_sibling_comes_on(
    receivers: Receivers, client: httpx.Client
) -> None:
    user, phone = _somebody(), f"+49151{uuid.uuid4().int % 10**8:08}"
    sms, _ = [accepted(receivers.settings, user, channel, address=phone) for channel in ("sms", "rcs")]
    assert (
        client.post(_unsubscribe(receivers, sms), data={"List-Unsubscribe": "One-Click"}).status_code == 200
    )
    url = preferences_url(receivers.settings, user)
    shown = _marked(client.get(url).text)
    assert shown == {"sms.marketing": "withdrawn", "rcs.marketing": "withdrawn"}
    assert client.post(url, data={**shown, "sms.marketing": "given"}).is_redirect
    assert phone not in suppressions(receivers.settings)
    newest = {(channel, purpose): status for channel, purpose, status, *_ in _consents(receivers, user)}
    assert newest == {("sms", "marketing"): "given", ("rcs", "marketing"): "withdrawn"}


def test_a_bounced_address_stays_suppressed_whatever_is_chosen(
    receivers: Receivers, client: httpx.Client
) -> None:
    user, address = _somebody(), f"{uuid.uuid4()}@example.com"
    message = accepted(receivers.settings, user, "email", address=address)
    with Ledger(receivers.settings.ledger) as ledger:
        ledger.suppress(address, "all", "bounced", message.due_at)
    url = preferences_url(receivers.settings, user)
    assert client.post(url, data={"email.marketing": "given"}).is_redirect
    assert suppressions(receivers.settings)[address] == ("all",)
    assert "Nothing is sent to this address at the moment" in client.get(url).text


@pytest.mark.parametrize(
    "data",
    [{"fax.marketing": "given"}, {"email.marketing": "maybe"}, {"user_id": "somebody-else"}],
    ids=["channel", "answer", "field"],
)
def test_a_form_with_something_else_in_it_is_refused(
    receivers: Receivers, client: httpx.Client, data: dict[str, str]
) -> None:
    user = _somebody()
    assert client.post(preferences_url(receivers.settings, user), data=data).status_code == 400
    assert _consents(receivers, user) == []


# ---- clicks


def _clicks(receivers: Receivers, message: Message) -> list[dict[str, object]]:
    return [
        row for row in receivers.landed("events") if row["properties"].get("message_id") == message.message_id
    ]


def test_a_click_is_counted_and_leads_on(receivers: Receivers, client: httpx.Client) -> None:
    message = accepted(receivers.settings, _somebody())
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
    message = accepted(receivers.settings, _somebody(), ago=ago)
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
    message = accepted(receivers.settings, _somebody())
    url = click_url(receivers.settings, message.message_id, TARGET)
    with receivers.client(headers=BROWSER, timeout=30) as client, ThreadPoolExecutor(25) as people:
        assert set(people.map(lambda _: client.get(url).status_code, range(100))) == {302}
    assert len(engagements(receivers.settings, message)) == 100


def test_the_log_holds_no_token_and_no_address(receivers: Receivers, client: httpx.Client) -> None:
    message = accepted(receivers.settings, "u-logged", "email", address="logged.person@example.com")
    url = _unsubscribe(receivers, message)
    client.get(url)
    client.post(url, data={"List-Unsubscribe": "One-Click"})
    client.get(click_url(receivers.settings, message.message_id, TARGET))
    log = receivers.log_with("GET /c/{token} 302")
    assert "GET /c/{token} 302" in log
    words = (url.rpartition("/")[2][:40], "logged.person", "u-logged", message.message_id)
    assert not [word for word in words if word in log]
    assert not [word for word in (EMAIL, PHONE) if word in log]
