"""What every provider must be true to, whoever it is. A new provider is tried by these at once."""

from __future__ import annotations

import importlib
import json
from base64 import b64encode
from datetime import datetime
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from provider_samples import CASES, cases, environment, message, provider_of, steady_provider
from sandbox_server import PROVIDERS

from senders.contract import Answer, Outcome, Provider, RawWebhook, Revoker, Verdict
from senders.providers import provider_options
from senders.providers._reasons import Reason
from senders.settings import load

pytestmark = pytest.mark.parametrize("name", PROVIDERS)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("providers")


@pytest.fixture
def provider(folder: Path, name: str) -> Provider:
    return provider_of(folder, name)


def answer_of(case: dict[str, Any]) -> Answer:
    text = json.dumps(case["body"]) if "body" in case else case["text"]
    return Answer(case["status"], case.get("headers", {}), text.encode(), case.get("is_complete", True))


# ---- the request


def test_the_same_message_is_always_the_same_bytes(folder: Path, name: str):
    first, second = provider_of(folder, name), provider_of(folder, name)
    assert first.request(message(first.channel)) == second.request(message(first.channel))


def test_another_message_is_another_request(provider: Provider, name: str):
    other = message(provider.channel, message_id="00000000-0000-5000-8000-000000000000")
    assert provider.request(other) != provider.request(message(provider.channel))


def test_no_secret_is_in_a_request(folder: Path, provider: Provider, name: str):
    given = load(environment(folder)).provider_settings(name)
    secrets = [given[option.name] for option in provider_options(name) if option.is_secret] + [
        "the-private-key"
    ]
    request = repr(provider.request(message(provider.channel)))
    assert secrets
    assert [secret for secret in secrets if secret in request] == []


def test_our_message_id_travels_in_the_call(provider: Provider, name: str):
    made = message(provider.channel)
    request = provider.request(made)
    assert made.message_id in request.path + request.body.decode()


def test_every_request_is_as_the_provider_documents_it(folder: Path, name: str):
    for case in cases("requests", name):
        provider = provider_of(folder, name, case.get("options"))
        request = provider.request(_message_of(provider.channel, case["message"]))
        wanted = (case.get("method", "POST"), case.get("path", request.path))
        assert (request.method, request.path) == wanted, case["says"]
        if "json" in case:
            assert json.loads(request.body) == case["json"], case["says"]
        elif "text" in case:
            assert request.body.decode() == case["text"], case["says"]
        else:
            assert _form(request.body) == [tuple(pair) for pair in case["form"]], case["says"]


def _message_of(channel: str, changes: dict[str, Any]) -> Any:
    times = {"due_at": "2026-01-15T12:00:00+00:00", "expires_at": "2026-01-15T18:00:00+00:00"}
    given = times | changes
    return message(channel, **{**given, **{time: datetime.fromisoformat(given[time]) for time in times}})


def _form(body: bytes) -> list[tuple[str, str]]:
    return parse_qsl(body.decode(), keep_blank_values=True)


# ---- the answer


def test_every_documented_answer_has_its_verdict(provider: Provider, name: str):
    for case in cases("answers", name):
        verdict = provider.judge(answer_of(case))
        assert (verdict.outcome, verdict.reason) == (case["outcome"], case["reason"]), case["says"]
        for what in ("provider_message_id", "retry_after_seconds"):
            assert getattr(verdict, what) == case.get(what, getattr(verdict, what)), case["says"]


def test_the_cases_try_every_status_and_code_of_the_table(name: str):
    """A ruling that no case tries could be wrong without anybody noticing."""
    answers = [(case["status"], answer_of(case).body.decode()) for case in cases("answers", name)]
    statuses = {status for status, _ in answers}

    def is_tried(key: Any) -> bool:
        if isinstance(key, int):
            return key in statuses
        status, word = key if isinstance(key, tuple) else (None, key)
        return any(word in body and status in (None, given) for given, body in answers)

    rulings = importlib.import_module(f"senders.providers.{name}").RULINGS
    assert [key for key in rulings if not is_tried(key)] == []


@pytest.mark.parametrize("status", [203, 206, 302, 307, 408, 418, 499, 501, 599])
def test_an_answer_that_nobody_documented_is_unknown(provider: Provider, name: str, status: int):
    assert provider.judge(Answer(status, {}, b"")).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_server_error_may_have_been_sent(provider: Provider, name: str, status: int):
    assert provider.judge(Answer(status, {"Retry-After": "1"}, b'{"code": 20429}')).outcome in (
        Outcome.UNKNOWN,
        Outcome.RETRY,  # only where the body says, in the provider's own code, that it was not processed
    )
    assert provider.judge(Answer(status, {}, b"<html>oops")).outcome is Outcome.UNKNOWN


def test_the_provider_s_own_words_are_kept(provider: Provider, name: str):
    assert provider.judge(Answer(400, {}, b'{"their": "w\xc3\xb6rds"}')).raw == '400 {"their": "wörds"}'


KEYS = (
    "code error errors status sid name field details retryDelay messages message data event eventType "
    "suggestionResponse agentId RecordType Metadata ErrorCode Message MessageID Messages "
    "entry changes value metadata statuses Type TopicArn SigningCertURL mail tags __type"
).split()
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=12,
)
bodies = st.binary(max_size=60) | json_values.map(lambda value: json.dumps(value).encode())


@given(st.integers(100, 599), bodies, st.dictionaries(st.sampled_from(["Retry-After", "Date"]), st.text()))
def test_no_answer_can_break_the_judge(name: str, status: int, body: bytes, headers: dict[str, str]):
    provider = steady_provider(name)
    verdict = provider.judge(Answer(status, headers, body))
    looked_up = provider.judge_look_up("m", Answer(status, headers, body))
    assert all(_is_in_our_words(item) for item in (verdict, looked_up or verdict))
    assert verdict.outcome is not Outcome.ACCEPTED or 200 <= status < 300 or status == 409


def _is_in_our_words(verdict: Verdict) -> bool:
    return verdict.outcome in Outcome and verdict.reason in list(Reason)


# ---- the look-up


def test_a_provider_that_can_look_up_has_a_question_and_no_other_has(provider: Provider, name: str):
    asked = provider.look_up("m", message(provider.channel).address, None)
    assert (asked is not None) == provider.capabilities.can_look_up
    assert asked is None or (asked.method, asked.body) == ("GET", b"")


def test_an_unknown_outcome_has_a_way_to_be_settled(provider: Provider, name: str):
    able = provider.capabilities
    assert able.dedupe_seconds or able.echoes_message_id or able.can_look_up
    assert able.has_receipts or not able.echoes_message_id


# ---- taking back


def test_a_provider_that_takes_back_is_asked_and_answers_as_documented_and_no_other_has_a_question(
    folder: Path, provider: Provider, name: str
):
    place = CASES / "revocations" / f"{name}.json"
    assert place.exists() == hasattr(provider, "revoke") == provider.capabilities.can_revoke
    if not place.exists():
        return
    revoker, documented = cast(Revoker, provider), json.loads(place.read_text())
    made = message(provider.channel)
    asked = revoker.revoke(made.message_id, made.address, made.message_id)
    assert {"method": asked.method, "path": asked.path} == documented["request"]
    assert (asked.body, asked.headers) == (b"", {})
    for case in documented["answers"]:
        verdict = revoker.judge_revoke(answer_of(case))
        assert (verdict.outcome, verdict.reason) == (case["outcome"], case["reason"]), case["says"]
        assert verdict.retry_after_seconds == case.get("retry_after_seconds"), case["says"]
    rulings = importlib.import_module(f"senders.providers.{name}").REVOKE_RULINGS
    assert rulings.keys() <= {case["status"] for case in documented["answers"]}


# ---- the receipt


def test_every_receipt_means_what_its_case_says(folder: Path, provider: Provider, name: str):
    for case in cases("receipts", name):
        events = provider.events(_webhook_of(case, name))
        assert len(events) == len(case["events"]), case["says"]
        for event, expected in zip(events, case["events"], strict=True):
            said = {key: str(getattr(event, key)) for key in expected}
            wanted = {key: str(value) for key, value in expected.items()}
            assert _in_iso(said) == _in_iso(wanted), case["says"]


def test_a_provider_that_names_ours_alone_says_nothing_about_a_message_without_our_id(
    folder: Path, provider: Provider, name: str
):
    if not provider.capabilities.names_ours_alone:
        return
    assert provider.capabilities.echoes_message_id or not provider.capabilities.has_receipts
    for case in cases("receipts", name):
        named = [event for event in provider.events(_webhook_of(case, name)) if event.provider_message_id]
        assert all(event.message_id for event in named) or case.get("is_of_another_system"), case["says"]


def _in_iso(said: dict[str, str]) -> dict[str, str]:
    return {key: value.replace("T", " ") if key == "occurred_at" else value for key, value in said.items()}


def _webhook_of(case: dict[str, Any], name: str) -> RawWebhook:
    if "data" in case:
        data = b64encode(json.dumps(case["data"]).encode()).decode()
        body = json.dumps({"message": {"data": data, "publishTime": "2026-01-15T12:30:00Z"}}).encode()
    elif "mail" in case:
        body = case["mail"].encode()
    elif "form" in case:
        body = urlencode(case["form"]).encode()
    else:
        body = json.dumps(case["items"]).encode()
    return RawWebhook(f"https://shop.example/v1/receipts/{name}{case.get('query', '')}", {}, body)


@given(bodies, st.text(max_size=30))
def test_no_webhook_can_break_the_reader(name: str, body: bytes, signature: str):
    headers = {
        "x-goog-signature": signature,
        "x-twilio-signature": signature,
        "x-twilio-email-event-webhook-signature": signature,
        "svix-signature": f"v1,{signature}",
        "authorization": signature,
        "webhook-signature": f"v1,{signature}",
        "x-hub-signature-256": f"sha256={signature}",
        "x-cio-signature": signature,
    }
    webhook = RawWebhook("https://shop.example/v1/receipts/x?message_id=m&token=x", headers, body)
    assert steady_provider(name).verify(webhook) is False
    assert isinstance(steady_provider(name).events(webhook), list)


# ---- the words


def test_our_reasons_use_no_provider_s_words(name: str):
    theirs = name.split("_")[0]
    assert [reason for reason in Reason if theirs in reason.value or "rcs" in reason.value] == []
