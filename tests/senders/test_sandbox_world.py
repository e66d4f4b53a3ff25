"""What becomes of messages in the sandbox's world, and that a seed decides it."""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from provider_samples import message, steady_provider
from sandbox_server import PROVIDERS, Running, calm, prepared, running_sandbox, send, wait_until

from senders.contract import Outcome, ProviderEvent
from senders.providers.google_rcs import GoogleRcs
from senders.sandbox.world import World


def sent_to(running: Running, name: str, *addresses: str, **changes: Any) -> list[Outcome]:
    """The outcomes of one message to each address; its id follows from the address."""
    provider = running.provider(name)
    ids = {address: str(uuid.uuid5(uuid.NAMESPACE_URL, address)) for address in addresses}
    made = [
        message(provider.channel, address=address, message_id=ids[address], **changes)
        for address in addresses
    ]
    answers = asyncio.run(send(provider, *map(provider.request, made)))
    return [provider.judge(answer).outcome for answer in answers]


def all_heard(running: Running, name: str) -> list[ProviderEvent]:
    wait_until(lambda: running.stats()["receipts"]["pending"] == 0)
    provider = prepared(running.provider(name), running.receiver.of(name))
    assert all(provider.verify(webhook) for webhook in running.receiver.of(name))
    return [event for webhook in running.receiver.of(name) for event in provider.events(webhook)]


def kinds(events: list[ProviderEvent]) -> Counter[str]:
    return Counter(event.kind.value for event in events)


WITH_RECEIPTS = [name for name in PROVIDERS if steady_provider(name).capabilities.has_receipts]
NUMBERS = [f"+49151{number:08d}" for number in range(60)]
TOKENS = [f"token{number}" for number in range(60)]
PEOPLE = [f"person{number}@example.com" for number in range(60)]
ADDRESSES = {
    "rcs": NUMBERS,
    "sms": NUMBERS,
    "email": PEOPLE,
    "whatsapp": NUMBERS,
    "push": TOKENS,
    "webhook": TOKENS,
}  # by channel


@pytest.mark.parametrize("name", PROVIDERS)
def test_the_same_seed_gives_the_same_fates(tmp_path: Path, name: str):
    world = World(receipt_seconds=0.01, undelivered_share=0.3, bounce_share=0.3, offline_share=0)
    fates = []
    for run in ("first", "second"):
        with running_sandbox(tmp_path / run, world) as running:
            outcomes = sent_to(running, name, *ADDRESSES[running.provider(name).channel])
            events = all_heard(running, name)
            fates.append((outcomes, sorted((event.address or "", event.kind.value) for event in events)))
    assert fates[0] == fates[1]
    assert len({kind for _, kind in fates[0][1]}) > 1 or name not in WITH_RECEIPTS


def test_a_phone_without_rcs_has_none_tomorrow_either(tmp_path: Path):
    with running_sandbox(tmp_path, calm(unreachable_share=0.35)) as running:
        first, again = (sent_to(running, "google_rcs", *NUMBERS) for _ in range(2))
        reasons = Counter(first)
    assert first == again
    assert set(reasons) == {Outcome.ACCEPTED, Outcome.REJECTED}
    assert 10 <= reasons[Outcome.REJECTED] <= 32  # 0.35 of 60


def test_a_phone_that_is_off_gives_the_message_back_when_it_expires(tmp_path: Path):
    with running_sandbox(tmp_path, calm(offline_share=1)) as running:
        soon = datetime.now(UTC) + timedelta(seconds=3)  # a busy machine takes one for the call
        assert sent_to(running, "google_rcs", NUMBERS[0], expires_at=soon) == [Outcome.ACCEPTED]
        (event,) = all_heard(running, "google_rcs")
        assert (event.kind, event.reason) == ("failed", "expired_undelivered")


def asked_back(running: Running, *addresses: str) -> list[int]:
    """What Google's stand-in answers when it is asked to take back what was sent to each address."""
    provider = cast(GoogleRcs, running.provider("google_rcs"))
    ids = {address: str(uuid.uuid5(uuid.NAMESPACE_URL, address)) for address in addresses}
    requests = [provider.revoke(ids[address], address, None) for address in addresses]
    return [answer.status for answer in asyncio.run(send(provider, *requests))]


def test_what_waits_for_a_phone_that_is_off_is_taken_back_for_good(tmp_path: Path):
    with running_sandbox(tmp_path, calm(offline_share=1)) as running:
        sent_to(running, "google_rcs", NUMBERS[0], expires_at=datetime.now(UTC) + timedelta(minutes=1))
        assert running.stats()["receipts"]["pending"] == 1
        assert asked_back(running, NUMBERS[0], NUMBERS[0]) == [200, 200]
        assert all_heard(running, "google_rcs") == []


def test_what_was_delivered_or_never_sent_cannot_be_taken_back(tmp_path: Path):
    with running_sandbox(tmp_path, calm()) as running:
        sent_to(running, "google_rcs", NUMBERS[0])
        assert set(kinds(all_heard(running, "google_rcs"))) == {"delivered", "read"}
        assert asked_back(running, *NUMBERS[:2]) == [404, 404]


def test_a_world_may_deliver_what_it_said_was_taken_back(tmp_path: Path):
    with running_sandbox(tmp_path, calm(offline_share=1, late_share=1)) as running:
        sent_to(running, "google_rcs", NUMBERS[0], expires_at=datetime.now(UTC) + timedelta(minutes=1))
        assert asked_back(running, NUMBERS[0]) == [200]
        assert set(kinds(all_heard(running, "google_rcs"))) == {"delivered"}


def test_an_sms_that_is_given_back_says_why(tmp_path: Path):
    with running_sandbox(tmp_path, calm(undelivered_share=1)) as running:
        sent_to(running, "twilio_sms", *NUMBERS)
        events = all_heard(running, "twilio_sms")
    assert kinds(events)["sent"] == len(NUMBERS)
    assert {event.reason for event in events if event.kind in ("failed", "bounced")} == {
        "handset_unreachable",
        "unknown_number",
    }


@pytest.mark.parametrize(
    ("mailbox", "told"),
    [
        ("bounce@example.com", {"accepted": 1, "bounced": 1}),
        ("blocked@example.com", {"accepted": 1, "failed": 1}),
        ("drop@example.com", {"bounced": 1}),
        ("defer@example.com", {"accepted": 1, "deferred": 1, "delivered": 1, "opened": 1}),
        ("spam@example.com", {"accepted": 1, "delivered": 1, "opened": 1, "complained": 1}),
    ],
)
def test_a_mailbox_does_what_its_name_says(tmp_path: Path, mailbox: str, told: dict[str, int]):
    with running_sandbox(tmp_path) as running:
        assert sent_to(running, "sendgrid", mailbox) == [Outcome.ACCEPTED]
        assert kinds(all_heard(running, "sendgrid")) == told


def test_an_open_by_a_machine_is_marked(tmp_path: Path):
    with running_sandbox(tmp_path, calm(machine_open_share=1)) as running:
        sent_to(running, "sendgrid", "zoe@example.com")
        opens = [event for event in all_heard(running, "sendgrid") if event.kind == "opened"]
    assert sorted(event.is_machine for event in opens) == [False, True]


def test_somebody_who_says_stop_gets_no_more_sms(tmp_path: Path):
    with running_sandbox(tmp_path, calm(stop_share=1)) as running:
        assert sent_to(running, "twilio_sms", NUMBERS[0]) == [Outcome.ACCEPTED]
        (stop,) = [event for event in all_heard(running, "twilio_sms") if event.kind == "unsubscribed"]
        assert (stop.address, stop.reason, stop.message_id) == (NUMBERS[0], "opt_out_word", None)
        assert sent_to(running, "twilio_sms", NUMBERS[0]) == [Outcome.SUPPRESSED]


def test_a_tap_on_stop_in_rcs_unsubscribes_and_another_tap_answers(tmp_path: Path):
    later = {"type": "reply", "label": "Later", "postback": "later"}
    with running_sandbox(tmp_path / "stop", calm(stop_share=1)) as running:
        sent_to(running, "google_rcs", NUMBERS[0])
        (stop,) = [event for event in all_heard(running, "google_rcs") if event.kind == "unsubscribed"]
        assert stop.message_id == str(uuid.uuid5(uuid.NAMESPACE_URL, NUMBERS[0]))
    with running_sandbox(tmp_path / "reply", calm(reply_share=1)) as running:
        sent_to(running, "google_rcs", NUMBERS[0], content={"text": "When?", "suggestions": [later]})
        (reply,) = [event for event in all_heard(running, "google_rcs") if event.kind == "replied"]
        assert reply.message_id == str(uuid.uuid5(uuid.NAMESPACE_URL, NUMBERS[0]))


def test_a_receipt_is_repeated_until_it_is_taken(tmp_path: Path):
    with running_sandbox(tmp_path, refuses=3) as running:
        sent_to(running, "twilio_sms", NUMBERS[0])
        events = all_heard(running, "twilio_sms")
        assert running.stats()["receipts"]["repeated"] == 3
    assert kinds(events) == {"sent": 1, "delivered": 1}


def test_mail_receipts_travel_together(tmp_path: Path):
    with running_sandbox(tmp_path, calm(receipt_seconds=0.3)) as running:
        sent_to(running, "sendgrid", *PEOPLE)
        events = all_heard(running, "sendgrid")
        assert len(events) == 3 * len(PEOPLE)
        assert len(running.receiver.of("sendgrid")) < len(events) / 2
