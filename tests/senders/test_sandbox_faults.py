"""Trouble on demand: whether the sandbox took the message, and what its caller sees of it."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from provider_samples import message
from sandbox_server import PROVIDERS, Running, calm, running_sandbox, send

from senders.contract import Answer, Message, Outcome, Provider
from senders.one_call import judge
from senders.sandbox.faults import KINDS

# The others have their own trouble and their own tests (test_smtp.py).
HTTP_PROVIDERS = [name for name in PROVIDERS if name != "smtp"]


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running_sandbox(tmp_path_factory.mktemp("faults")) as running:
        yield running


@pytest.fixture(autouse=True)
def calm_again(sandbox: Running) -> Iterator[None]:
    yield
    sandbox.faults()


NO_ANSWER = [
    ("reset_before", False), ("reset_after", True), ("close_before", False), ("close_after", True),
    ("babble", True),
]  # fmt: skip


def fresh(provider: Provider) -> Message:
    return message(provider.channel, message_id=str(uuid.uuid4()))


def sent(provider: Provider, made: Message) -> Answer:
    return asyncio.run(send(provider, provider.request(made)))[0]


def took(running: Running, made: Message) -> bool:
    return any(row["message_id"] == made.message_id for row in running.journal())


@pytest.mark.parametrize("name", HTTP_PROVIDERS)
@pytest.mark.parametrize(
    ("kind", "outcome", "is_taken"),
    [
        ("rate_limit", Outcome.RETRY, False),
        ("rate_limit_bare", Outcome.RETRY, False),
        ("too_large", Outcome.REJECTED, False),
        ("bad_gateway_before", Outcome.UNKNOWN, False),
        ("bad_gateway_after", Outcome.UNKNOWN, True),
        ("unavailable_before", Outcome.UNKNOWN, False),
        ("unavailable_after", Outcome.UNKNOWN, True),
        ("error_before", Outcome.UNKNOWN, False),
        ("error_after", Outcome.UNKNOWN, True),
    ],
)
def test_an_error_looks_the_same_whether_the_message_was_taken_or_not(
    sandbox: Running, name: str, kind: str, outcome: Outcome, is_taken: bool
):
    provider = sandbox.provider(name)
    sandbox.faults({"kind": kind})
    made = fresh(provider)
    assert provider.judge(sent(provider, made)).outcome is outcome
    assert took(sandbox, made) is is_taken


@pytest.mark.parametrize("name", HTTP_PROVIDERS)
@pytest.mark.parametrize(("kind", "is_taken"), NO_ANSWER)
def test_no_answer_looks_the_same_whether_the_message_was_taken_or_not(
    sandbox: Running, name: str, kind: str, is_taken: bool
):
    provider = sandbox.provider(name)
    sandbox.faults({"kind": kind, "provider": name})
    made = fresh(provider)
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        sent(provider, made)
    assert took(sandbox, made) is is_taken


@pytest.mark.parametrize(("kind", "is_taken"), [("hang_before", False), ("hang_after", True)])
def test_a_provider_that_hangs_never_answers(sandbox: Running, kind: str, is_taken: bool):
    provider = sandbox.provider("sendgrid")
    sandbox.faults({"kind": kind})
    made = fresh(provider)

    async def wait_a_little() -> None:
        async with asyncio.timeout(0.5):
            await send(provider, provider.request(made))

    with pytest.raises(TimeoutError):
        asyncio.run(wait_a_little())
    assert took(sandbox, made) is is_taken


@pytest.mark.parametrize("name", HTTP_PROVIDERS)
def test_noise_in_place_of_a_body_never_counts_as_known_not_sent(sandbox: Running, name: str):
    provider = sandbox.provider(name)
    sandbox.faults({"kind": "garbage"})
    made = fresh(provider)
    assert judge(provider, sent(provider, made)).outcome in (Outcome.UNKNOWN, Outcome.ACCEPTED)
    assert took(sandbox, made)


@pytest.mark.parametrize("name", HTTP_PROVIDERS)
def test_a_truncated_answer_leaves_its_status(sandbox: Running, name: str):
    provider = sandbox.provider(name)
    sandbox.faults({"kind": "truncate"})
    made = fresh(provider)
    answer = sent(provider, made)
    assert not answer.is_complete
    assert provider.judge(answer).outcome is Outcome.ACCEPTED
    assert took(sandbox, made)


def test_a_slow_answer_comes_whole_at_last(sandbox: Running):
    provider = sandbox.provider("twilio_sms")
    for kind in ("stall", "drip"):
        sandbox.faults({"kind": kind, "seconds": 0.4})
        started_at = time.monotonic()
        answer = sent(provider, fresh(provider))
        assert time.monotonic() - started_at > 0.4
        assert provider.judge(answer).provider_message_id


def test_an_rcs_message_whose_answer_was_lost_is_not_sent_again_by_its_repetition(sandbox: Running):
    provider = sandbox.provider("google_rcs")
    sandbox.faults({"kind": "reset_after", "count": 1})
    made = fresh(provider)
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        sent(provider, made)
    assert provider.judge(sent(provider, made)).outcome is Outcome.ACCEPTED
    assert [row["message_id"] for row in sandbox.journal()].count(made.message_id) == 1


def test_a_fault_strikes_only_whom_it_names_and_as_often_as_it_says(sandbox: Running):
    sms, mail = sandbox.provider("twilio_sms"), sandbox.provider("sendgrid")
    sandbox.faults({"kind": "error_before", "provider": "twilio_sms", "count": 2})
    assert [sent(sms, fresh(sms)).status for _ in range(3)] == [500, 500, 201]
    assert sent(mail, fresh(mail)).status == 202


def test_a_share_of_the_calls_fails_and_the_counter_says_how_many(tmp_path: Path):
    with running_sandbox(tmp_path) as running:
        provider = running.provider("twilio_sms")
        running.faults({"kind": "error_before", "share": 0.5})
        requests = [provider.request(fresh(provider)) for _ in range(60)]
        answers = asyncio.run(send(provider, *requests))
        failed = [answer.status for answer in answers].count(500)
        assert 15 <= failed <= 45
        assert running.stats()["faults"]["error_before"] == failed
        assert len(running.journal()) == 60 - failed


def test_a_fault_that_does_not_exist_is_refused_with_those_that_do(sandbox: Running):
    refused = httpx.post(f"{sandbox.url}/faults", json=[{"kind": "earthquake"}])
    assert refused.status_code == 400
    assert all(kind in refused.json()["error"] for kind in KINDS)
    assert httpx.get(f"{sandbox.url}/faults").json()["in_force"] == []


# ---- the providers' own limits


@pytest.mark.parametrize(
    ("name", "waits_seconds"), [("google_rcs", {1}), ("twilio_sms", {None}), ("sendgrid", {1, 2})]
)
def test_too_many_calls_are_refused_in_the_provider_s_own_way(
    tmp_path: Path, name: str, waits_seconds: set[float | None]
):
    with running_sandbox(tmp_path, calm(calls_per_second=3)) as running:
        provider = running.provider(name)
        answers = asyncio.run(send(provider, *(provider.request(fresh(provider)) for _ in range(8))))
        found = [provider.judge(answer) for answer in answers]
        refused = [verdict for verdict in found if verdict.outcome is Outcome.RETRY]
        assert refused
        assert len(running.journal()) == len(found) - len(refused)
        assert {verdict.reason for verdict in refused} == {"rate_limited"}
        assert {verdict.retry_after_seconds for verdict in refused} <= waits_seconds


def test_latency_is_added_to_every_answer(tmp_path: Path):
    with running_sandbox(tmp_path, calm(latency_seconds=0.2)) as running:
        provider = running.provider("sendgrid")
        started_at = time.monotonic()
        sent(provider, fresh(provider))
        assert time.monotonic() - started_at > 0.2
