"""The real providers' code over a real HTTP client against the real sandbox, on loopback ports."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from provider_samples import message
from sandbox_server import PROVIDERS, Running, calm, prepared, running_sandbox, send, wait_until

from senders.contract import CredentialsRefused, Message, Outcome, ProviderEvent, RawWebhook, Verdict
from senders.providers.google_rcs import GoogleRcs
from senders.providers.meta_whatsapp import MetaWhatsapp
from senders.sandbox.credentials import write_credentials
from senders.sandbox.twilio_whatsapp import CONTENT_SID


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running_sandbox(tmp_path_factory.mktemp("sandbox"), calm()) as running:
        yield running


def fresh(channel: str, **changes: Any) -> Message:
    return message(channel, message_id=str(uuid.uuid4()), **changes)


def verdicts(running: Running, name: str, *messages: Message, **options: str) -> list[Verdict]:
    provider = running.provider(name, **options)
    answers = asyncio.run(send(provider, *(provider.request(item) for item in messages)))
    return [provider.judge(answer) for answer in answers]


def heard(running: Running, name: str, made: Message, kinds: set[str]) -> list[ProviderEvent]:
    """The events about a message, once they cover `kinds`; every receipt must be genuine."""
    provider = running.provider(name)
    found: list[ProviderEvent] = []

    def has_all() -> bool:
        webhooks = running.receiver.of(name)
        prepared(provider, webhooks)
        assert all(provider.verify(webhook) for webhook in webhooks)
        said = [event for webhook in webhooks for event in provider.events(webhook)]
        found[:] = [event for event in said if event.message_id == made.message_id]
        return kinds <= {event.kind for event in found}

    wait_until(has_all)
    return found


def rows_of(running: Running, made: Message) -> list[dict[str, Any]]:
    return [row for row in running.journal() if row["message_id"] == made.message_id]


# ---- a message and its receipts

TOLD = {
    "google_rcs": {"delivered", "read"},
    "twilio_sms": {"sent", "delivered"},
    "sendgrid": {"accepted", "delivered", "opened"},
    "resend": {"accepted", "delivered", "opened"},
    "postmark": {"delivered", "opened"},
    "amazon_ses": {"accepted", "delivered", "opened"},
    "smtp": {"delivered"},
    "webhook": {"sent", "delivered"},
    "meta_whatsapp": {"sent", "delivered", "read"},
    "twilio_whatsapp": {"sent", "delivered"},
    "twilio_rcs": {"sent", "delivered"},
    "braze": {"accepted", "sent", "delivered"},
    "customer_io": {"sent"},  # later events name the message by the provider's id alone
}


def test_every_provider_that_has_receipts_is_tried_with_them(sandbox: Running):
    able = {name for name in PROVIDERS if sandbox.provider(name).capabilities.has_receipts}
    assert set(TOLD) == able


@pytest.mark.parametrize("name", TOLD)
def test_a_message_is_taken_and_its_receipts_name_it(sandbox: Running, name: str):
    made = fresh(sandbox.provider(name).channel)
    (verdict,) = verdicts(sandbox, name, made)
    assert (verdict.outcome, verdict.reason) == (Outcome.ACCEPTED, "accepted")
    events = heard(sandbox, name, made, TOLD[name])
    assert {event.kind for event in events} == TOLD[name]
    assert {event.provider_message_id for event in events} == {verdict.provider_message_id}


NAMELESS = {"smtp", "webhook"}  # answers without an id of theirs


@pytest.mark.parametrize("name", PROVIDERS)
def test_the_journal_says_what_the_provider_took(sandbox: Running, name: str):
    provider = sandbox.provider(name)
    made = fresh(provider.channel)
    (verdict,) = verdicts(sandbox, name, made)
    (row,) = rows_of(sandbox, made)
    assert (row["provider"], row["channel"], row["recipient"]) == (name, made.channel, made.address)
    assert name in NAMELESS or row["provider_message_id"] == verdict.provider_message_id
    assert row["body_sha256"] == sha256(provider.request(made).body).hexdigest()
    said = row["text"] + row["html"]
    name_of_template = {"meta_whatsapp": "cart_reminder", "twilio_whatsapp": CONTENT_SID}
    words = {
        "push": "Your cart waits",
        "whatsapp": name_of_template.get(name),
        "webhook": "Your cart waits",
        "rcs": "Your cart waits",
        "sms": made.content.get("text"),
        "email": made.content.get("html"),
    }
    assert words[made.channel] in said
    assert [link for link in row["links"] if link.startswith("https://shop.example/c")]


def test_the_journal_is_read_from_where_one_left_off(sandbox: Running):
    verdicts(sandbox, "sendgrid", *(fresh("email") for _ in range(3)))
    rows = sandbox.journal()
    assert [row["seq"] for row in rows] == list(range(1, len(rows) + 1))
    assert sandbox.journal(after=rows[-2]["seq"]) == rows[-1:]
    assert sandbox.journal(after=rows[-1]["seq"]) == []


# ---- refusals

WRONG = {
    "twilio_sms": {"auth_token": "wrong"},
    "sendgrid": {"api_key": "SG.wrong"},
    "resend": {"api_key": "re_wrong"},
    "postmark": {"server_token": "wrong"},
    "amazon_ses": {"secret_access_key": "wrong"},
    "smtp": {"password": "wrong"},
    "webhook": {"secret": "whsec_AAAA"},
    "firebase": {"project_id": "somebody-else-s"},
    "meta_whatsapp": {"access_token": "wrong"},
    "twilio_whatsapp": {"auth_token": "wrong"},
    "twilio_rcs": {"auth_token": "wrong"},
    "braze": {"api_key": "wrong"},
    "customer_io": {"app_api_key": "wrong"},
    "google_rcs": {"agent_id": "somebody_else"},
}


@pytest.mark.parametrize("name", PROVIDERS)
def test_wrong_credentials_block_the_route_and_nothing_is_taken(sandbox: Running, name: str):
    made = fresh(sandbox.provider(name).channel)
    (verdict,) = verdicts(sandbox, name, made, **WRONG[name])
    assert (verdict.outcome, verdict.reason) == (Outcome.ROUTE_BLOCKED, "credentials_refused")
    assert rows_of(sandbox, made) == []


def test_a_service_account_of_somebody_else_gets_no_token(sandbox: Running, tmp_path: Path):
    write_credentials(tmp_path, sandbox.url)  # another home: another key for the same account
    theirs = str(tmp_path / "google_service_account.json")
    with pytest.raises(CredentialsRefused, match="invalid_grant Invalid JWT Signature"):
        verdicts(sandbox, "google_rcs", fresh("rcs"), service_account_file=theirs)


def test_one_token_serves_many_calls(sandbox: Running):
    provider = sandbox.provider("google_rcs")
    asked = []

    async def authorized() -> set[str]:
        async def count(request: httpx.Request) -> None:
            asked.append(request.url.path)

        async with httpx.AsyncClient(event_hooks={"request": [count]}) as client:
            headers = await asyncio.gather(*(provider.authorize(client) for _ in range(20)))
        return {header["Authorization"] for header in headers}

    assert len(asyncio.run(authorized())) == 1
    assert len(asyncio.run(authorized())) == 1  # in another loop, as another tick would
    assert asked == ["/token"]


@pytest.mark.parametrize(
    ("number", "outcome", "reason"),
    [
        ("+15005550001", "suppressed", "invalid_address"),
        ("+15005550002", "rejected", "unroutable"),
        ("+15005550003", "rejected", "country_not_enabled"),
        ("+15005550004", "suppressed", "unsubscribed"),
        ("+15005550009", "suppressed", "not_a_mobile_number"),
        ("12345", "suppressed", "invalid_address"),
    ],
)
def test_a_number_is_refused_in_twilio_s_words(sandbox: Running, number: str, outcome: str, reason: str):
    made = fresh("sms", address=number)
    (verdict,) = verdicts(sandbox, "twilio_sms", made)
    assert (verdict.outcome, verdict.reason) == (outcome, reason)
    assert rows_of(sandbox, made) == []


NOT_APPROVED = {"template": "no_such_template", "language": "en"}
MAIL = {"subject": "s", "text": "t", "html": "<p>h</p>"}


@pytest.mark.parametrize(
    ("name", "changes", "options", "outcome", "reason"),
    [
        ("twilio_sms", {"content": {"text": ""}}, {}, "rejected", "invalid_content"),
        ("twilio_sms", {"content": {"text": "x" * 1601}}, {}, "rejected", "too_large"),
        ("twilio_sms", {}, {"from": "+15005550007"}, "route_blocked", "wrong_sender"),
        ("google_rcs", {"content": {"text": "x" * 3073}}, {}, "rejected", "invalid_content"),
        ("google_rcs", {"content": {"cards": [{"title": "x" * 201}]}}, {}, "rejected", "invalid_content"),
        ("google_rcs", {"content": {"cards": [{"title": "x"}] * 11}}, {}, "rejected", "invalid_content"),
        ("google_rcs", {"address": "12345"}, {}, "rejected", "invalid_content"),
        ("sendgrid", {"address": "nobody"}, {}, "suppressed", "invalid_address"),
        ("sendgrid", {"content": {**MAIL, "subject": ""}}, {}, "rejected", "invalid_content"),
        ("sendgrid", {"content": {**MAIL, "text": ""}}, {}, "rejected", "invalid_content"),
        ("sendgrid", {"content": {**MAIL, "headers": {"Subject": "x"}}}, {}, "rejected", "invalid_content"),
        ("sendgrid", {}, {"from": "hello@elsewhere.example"}, "route_blocked", "wrong_sender"),
        ("sendgrid", {}, {"from": "nobody"}, "route_blocked", "wrong_sender"),
        ("postmark", {"address": "nobody"}, {}, "suppressed", "invalid_address"),
        ("postmark", {"address": "nobody-anymore@shop.example"}, {}, "suppressed", "suppressed_by_provider"),
        ("postmark", {"content": {**MAIL, "subject": ""}}, {}, "rejected", "invalid_content"),
        ("postmark", {"content": {**MAIL, "text": "", "html": ""}}, {}, "rejected", "invalid_content"),
        ("postmark", {}, {"from": "hello@elsewhere.example"}, "route_blocked", "wrong_sender"),
        ("postmark", {}, {"from": "nobody"}, "route_blocked", "wrong_sender"),
        ("postmark", {}, {"marketing_stream": "news"}, "route_blocked", "wrong_sender"),
        ("amazon_ses", {"address": "nobody"}, {}, "suppressed", "invalid_address"),
        ("amazon_ses", {"content": {**MAIL, "subject": ""}}, {}, "rejected", "invalid_content"),
        ("amazon_ses", {}, {"from": "hello@elsewhere.example"}, "route_blocked", "wrong_sender"),
        ("amazon_ses", {}, {"configuration_set": "another"}, "route_blocked", "wrong_sender"),
        ("amazon_ses", {}, {"access_key_id": "AKIAWRONG"}, "route_blocked", "credentials_refused"),
        ("twilio_whatsapp", {"address": "12345"}, {}, "suppressed", "invalid_address"),
        ("twilio_whatsapp", {}, {"from": "+15005550007"}, "route_blocked", "wrong_sender"),
        ("meta_whatsapp", {"address": "+12"}, {}, "rejected", "invalid_content"),
        ("meta_whatsapp", {"content": {"text": ""}}, {}, "rejected", "invalid_content"),
        ("meta_whatsapp", {"content": NOT_APPROVED}, {}, "route_blocked", "missing_template"),
        ("meta_whatsapp", {}, {"phone_number_id": "1"}, "route_blocked", "wrong_sender"),
        ("firebase", {"address": "zoe@example.com"}, {}, "suppressed", "invalid_address"),
        ("firebase", {"address": "gone-with-the-app"}, {}, "suppressed", "no_longer_registered"),
        ("firebase", {"content": {"title": "t", "body": "x" * 5_000}}, {}, "rejected", "invalid_content"),
        ("smtp", {"address": "nobody-anymore@shop.example"}, {}, "suppressed", "invalid_address"),
        ("smtp", {"address": "zoe@localhost"}, {}, "suppressed", "invalid_address"),
        ("smtp", {}, {"from": "hello@elsewhere.example"}, "route_blocked", "wrong_sender"),
        ("smtp", {}, {"username": "somebody"}, "route_blocked", "credentials_refused"),
        ("resend", {"address": "nobody"}, {}, "suppressed", "invalid_address"),
        ("resend", {"content": {**MAIL, "subject": ""}}, {}, "rejected", "invalid_content"),
        ("resend", {"content": {**MAIL, "text": "", "html": ""}}, {}, "rejected", "invalid_content"),
        ("resend", {}, {"from": "hello@elsewhere.example"}, "route_blocked", "wrong_sender"),
        ("resend", {}, {"from": "nobody"}, "route_blocked", "wrong_sender"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_message_is_refused_by_the_provider(
    sandbox: Running, name: str, changes: Any, options: Any, outcome: str, reason: str
):
    made = fresh(sandbox.provider(name).channel, **changes)
    (verdict,) = verdicts(sandbox, name, made, **options)
    assert (verdict.outcome, verdict.reason) == (outcome, reason)
    assert rows_of(sandbox, made) == []


def test_a_chip_without_a_label_or_too_many_chips_are_refused(sandbox: Running):
    chip = {"type": "reply", "label": "Yes", "postback": "yes"}
    contents = [
        {"text": "Hello", "suggestions": [chip] * 12},
        {"text": "Hello", "suggestions": [{**chip, "label": "x" * 26}]},
        {"cards": [{"title": "Hello", "suggestions": [chip] * 5}]},
    ]
    found = verdicts(sandbox, "google_rcs", *(fresh("rcs", content=content) for content in contents))
    assert [verdict.outcome for verdict in found] == [Outcome.REJECTED] * 3


def test_the_topic_of_amazon_s_events_is_confirmed_by_itself(sandbox: Running):
    (verdict,) = verdicts(sandbox, "amazon_ses", fresh("email"))
    assert verdict.outcome is Outcome.ACCEPTED
    wait_until(lambda: sandbox.receiver.of("amazon_ses"))
    prepared(sandbox.provider("amazon_ses"), sandbox.receiver.of("amazon_ses"))
    asked = f"{sandbox.url}/?TopicArn={sandbox.environment['DOVECOTE_AMAZON_SES_TOPIC_ARN']}"
    assert httpx.get(asked).json() == {"is_confirmed": True}


# ---- a repeated id, and the look-ups


def test_a_repeated_rcs_id_is_answered_and_goes_nowhere(sandbox: Running):
    made = fresh("rcs")
    found = verdicts(sandbox, "google_rcs", made, made, made)
    assert [verdict.outcome for verdict in found] == [Outcome.ACCEPTED] * 3
    assert len(rows_of(sandbox, made)) == 1


def test_a_repeated_mail_by_braze_is_answered_as_before_and_goes_nowhere(sandbox: Running):
    made = fresh("email")
    first, again = verdicts(sandbox, "braze", made, made)
    assert (first.outcome, first.provider_message_id) == (again.outcome, again.provider_message_id)
    assert len(rows_of(sandbox, made)) == 1


def test_a_repeated_mail_by_resend_is_answered_as_before_and_another_under_its_id_is_refused(
    sandbox: Running,
):
    made = fresh("email")
    other = message("email", message_id=made.message_id, content={**made.content, "subject": "Another"})
    first, again, refused = verdicts(sandbox, "resend", made, made, other)
    assert (first.outcome, again.outcome) == (Outcome.ACCEPTED, Outcome.ACCEPTED)
    assert first.provider_message_id == again.provider_message_id
    assert refused.outcome is Outcome.UNKNOWN
    assert len(rows_of(sandbox, made)) == 1


@pytest.mark.parametrize("name", ["firebase", "webhook"])
def test_a_repetition_that_nobody_sees_is_one_message(sandbox: Running, name: str):
    made = fresh(sandbox.provider(name).channel)
    found = verdicts(sandbox, name, made, made)
    assert [verdict.outcome for verdict in found] == [Outcome.ACCEPTED] * 2
    assert len(rows_of(sandbox, made)) == 1


def test_a_repeated_sms_is_sent_twice_which_is_why_nobody_repeats_it(sandbox: Running):
    made = fresh("sms")
    verdicts(sandbox, "twilio_sms", made, made)
    assert len(rows_of(sandbox, made)) == 2


def looked_up(running: Running, name: str, made: Message, sid: str | None = None) -> Verdict | None:
    provider = running.provider(name)
    request = provider.look_up(made.message_id, made.address, sid)
    assert request is not None
    (answer,) = asyncio.run(send(provider, request))
    assert answer.status == 200
    return provider.judge_look_up(made.message_id, answer)


def test_a_look_up_by_sid_finds_the_sms(sandbox: Running):
    made = fresh("sms")
    (sent,) = verdicts(sandbox, "twilio_sms", made)
    found = looked_up(sandbox, "twilio_sms", made, sent.provider_message_id)
    assert found is not None
    assert (found.outcome, found.provider_message_id) == (Outcome.ACCEPTED, sent.provider_message_id)


def test_a_number_that_never_got_an_sms_clears_the_message(sandbox: Running):
    found = looked_up(sandbox, "twilio_sms", fresh("sms", address="+4915199999999"))
    assert found is not None
    assert (found.outcome, found.reason) == (Outcome.RETRY, "no_record")


def test_a_number_that_got_another_sms_leaves_it_open(sandbox: Running):
    verdicts(sandbox, "twilio_sms", fresh("sms", address="+4915188888888"))
    assert looked_up(sandbox, "twilio_sms", fresh("sms", address="+4915188888888")) is None


@pytest.mark.parametrize("name", ["sendgrid", "postmark"])
def test_the_history_of_mails_finds_one_by_our_id(sandbox: Running, name: str):
    made = fresh("email")
    assert looked_up(sandbox, name, made) is None
    (sent,) = verdicts(sandbox, name, made)
    found = looked_up(sandbox, name, made)
    assert found is not None
    assert (found.outcome, found.provider_message_id) == (Outcome.ACCEPTED, sent.provider_message_id)


def test_a_refused_look_up_says_nothing(sandbox: Running):
    provider = sandbox.provider("twilio_sms", auth_token="wrong")
    request = provider.look_up("m", "+4915177777777", None)
    assert request is not None
    (answer,) = asyncio.run(send(provider, request))
    assert provider.judge_look_up("m", answer) is None


def test_a_text_outside_of_24_hours_is_taken_and_then_fails_so_that_another_channel_may_be_tried(
    sandbox: Running,
):
    made = fresh("whatsapp", content={"text": "Hello"})
    verdicts(sandbox, "meta_whatsapp", made)
    (event,) = heard(sandbox, "meta_whatsapp", made, {"failed"})
    assert event.reason == "outside_window"


# ---- the webhook of Google is challenged before it gets receipts


def test_google_s_challenge_is_answered_only_for_our_token(sandbox: Running):
    provider = sandbox.provider("google_rcs")
    assert isinstance(provider, GoogleRcs)
    token = sandbox.environment["DOVECOTE_GOOGLE_RCS_CLIENT_TOKEN"]

    def asked(**body: str) -> bytes | None:
        return provider.challenge(RawWebhook("https://shop.example/", {}, json.dumps(body).encode()))

    assert asked(clientToken=token, secret="1234") == b"1234"
    assert asked(clientToken="wrong", secret="1234") is None
    assert asked(message="a receipt") is None


def test_meta_s_check_of_the_address_is_answered_only_for_our_word(sandbox: Running):
    provider = sandbox.provider("meta_whatsapp")
    assert isinstance(provider, MetaWhatsapp)
    token = sandbox.environment["DOVECOTE_META_WHATSAPP_VERIFY_TOKEN"]

    def asked(**query: str) -> bytes | None:
        pairs = urlencode({f"hub.{name}": value for name, value in query.items()})
        return provider.challenge(RawWebhook(f"https://shop.example/?{pairs}", {}, b""))

    assert asked(mode="subscribe", verify_token=token, challenge="1158201444") == b"1158201444"
    assert asked(mode="subscribe", verify_token="wrong", challenge="1158201444") is None
    assert asked(verify_token=token) is None
