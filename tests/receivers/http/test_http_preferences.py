"""What people choose by channel and purpose holds at once and lands with its proof."""

from __future__ import annotations

import fcntl
import re
import uuid

import duckdb
import httpx
import pytest
from people import consents, somebody, unsubscribe_link
from receivers_process import Receivers
from sent_messages import accepted, is_claimed, planned, state_of, suppressions

from senders.ledger import Ledger
from senders.links import preferences_url
from senders.settings import REPOSITORY


def _marked(html: str) -> dict[str, str]:
    """name → value of the answers that are marked on the page."""
    return dict(re.findall(r'name="([a-z.]+)" value="(given|withdrawn)" checked', html))


def test_what_is_chosen_lands_with_its_proof_and_is_shown_again(
    receivers: Receivers, client: httpx.Client
) -> None:
    user = somebody()
    url = preferences_url(receivers.settings, user)
    assert _marked(client.get(url).text) == {}
    choices = {"email.marketing": "given", "sms.marketing": "withdrawn", "sms.transactional": "withdrawn"}
    saved = client.post(url, data=choices, follow_redirects=True)
    assert "Saved." in saved.text
    assert _marked(saved.text) == choices
    assert sorted(consents(receivers, user)) == [
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
    user = somebody()
    url = preferences_url(receivers.settings, user)
    for _ in range(2):
        assert client.post(url, data={"email.marketing": "given"}).status_code == 303
    assert client.post(url, data={}).status_code == 303
    assert len(consents(receivers, user)) == 1


def test_a_withdrawal_stops_what_waits_and_keeps_the_address_for_orders(
    receivers: Receivers, client: httpx.Client
) -> None:
    user, address = somebody(), f"{uuid.uuid4()}@example.com"
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
    user, phone = somebody(), f"+49151{uuid.uuid4().int % 10**8:08}"
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


@pytest.mark.parametrize("purpose", ["marketing", "transactional"])
def test_a_withdrawal_stops_what_a_running_tick_plans_after_it_and_a_yes_lets_it_go(
    receivers: Receivers, client: httpx.Client, purpose: str
) -> None:
    user = somebody()
    url = preferences_url(receivers.settings, user)
    address = f"{uuid.uuid4()}@example.com"  # one that nobody has written to
    for status, is_sent in (("withdrawn", False), ("given", True)):
        assert client.post(url, data={f"email.{purpose}": status}).is_redirect
        late = planned(receivers.settings, user, "email", address=address, message_class=purpose)
        assert is_claimed(receivers.settings, late) == is_sent


def test_one_click_stops_what_a_running_tick_plans_for_a_new_address(
    receivers: Receivers, client: httpx.Client
) -> None:
    user = somebody()
    old = accepted(receivers.settings, user, "email", address=f"{uuid.uuid4()}@example.com")
    link = unsubscribe_link(receivers, old)
    assert client.post(link, data={"List-Unsubscribe": "One-Click"}).status_code == 200
    late = planned(receivers.settings, user, "email", address=f"{uuid.uuid4()}@example.com")
    assert not is_claimed(receivers.settings, late)


def test_a_channel_that_only_a_suppression_kept_off_stays_off_when_its_sibling_comes_on(
    receivers: Receivers, client: httpx.Client
) -> None:
    user, phone = somebody(), f"+49151{uuid.uuid4().int % 10**8:08}"
    sms, _ = [accepted(receivers.settings, user, channel, address=phone) for channel in ("sms", "rcs")]
    assert (
        client.post(unsubscribe_link(receivers, sms), data={"List-Unsubscribe": "One-Click"}).status_code
        == 200
    )
    url = preferences_url(receivers.settings, user)
    shown = _marked(client.get(url).text)
    assert shown == {"sms.marketing": "withdrawn", "rcs.marketing": "withdrawn"}
    assert client.post(url, data={**shown, "sms.marketing": "given"}).is_redirect
    assert phone not in suppressions(receivers.settings)
    newest = {(channel, purpose): status for channel, purpose, status, *_ in consents(receivers, user)}
    assert newest == {("sms", "marketing"): "given", ("rcs", "marketing"): "withdrawn"}


def test_a_bounced_address_stays_suppressed_whatever_is_chosen(
    receivers: Receivers, client: httpx.Client
) -> None:
    user, address = somebody(), f"{uuid.uuid4()}@example.com"
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
    user = somebody()
    assert client.post(preferences_url(receivers.settings, user), data=data).status_code == 400
    assert consents(receivers, user) == []


# ---- what the warehouse knows


CONSENT = """
insert into raw.consents by name
select
    'u-1' as user_id, ? as channel, 'marketing' as purpose, ? as status, cast(? as timestamp) as occurred_at,
    'form' as consent_source, '{}' as attributes, current_localtimestamp() as landed_at,
    'consents' as source, 'consents/f.csv' as source_file
"""


@pytest.fixture
def knowing(own_receivers: Receivers) -> str:
    """The page of a person of whom the warehouse has consents: understood by a tick, and ingested since."""
    own_receivers.start()
    with duckdb.connect(str(own_receivers.settings.warehouse)) as warehouse:
        warehouse.execute((REPOSITORY / "sql" / "warehouse" / "raw.sql").read_text())
        warehouse.execute(
            "create schema people;"
            " create table people.dim_consents (user_id text, channel text, purpose text, is_given boolean,"
            " occurred_at timestamp);"
            " insert into people.dim_consents values ('u-1', 'sms', 'marketing', true, '2026-01-01')"
        )
        warehouse.execute(CONSENT, ["email", "given", "2026-02-01"])
        warehouse.execute(CONSENT, ["email", "withdrawn", "2026-02-02"])
        warehouse.execute(CONSENT, ["rcs", "withdrawn", "2026-02-01"])
    return preferences_url(own_receivers.settings, "u-1")


def test_between_ticks_the_consents_in_the_warehouse_are_shown(knowing: str) -> None:
    assert _marked(httpx.get(knowing).text) == {
        "sms.marketing": "given",
        "email.marketing": "withdrawn",
        "rcs.marketing": "withdrawn",
    }
    httpx.post(knowing, data={"rcs.marketing": "given"})
    assert _marked(httpx.get(knowing).text)["rcs.marketing"] == "given"


def test_a_running_tick_is_never_disturbed_and_nothing_is_guessed(
    own_receivers: Receivers, knowing: str
) -> None:
    with (own_receivers.home / "tick.lock").open("w") as tick:
        fcntl.flock(tick, fcntl.LOCK_EX)
        assert _marked(httpx.get(knowing).text) == {}
        answer = httpx.post(knowing, data={"sms.marketing": "withdrawn"}, follow_redirects=True)
    assert _marked(answer.text) == {"sms.marketing": "withdrawn"}
