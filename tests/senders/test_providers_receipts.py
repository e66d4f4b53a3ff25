"""What every provider's receipts must be true to: real ones, of a message that the sandbox took."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from provider_samples import message, provider_of, steady_provider
from sandbox_server import PROVIDERS, calm, prepared, running_sandbox, send, wait_until

from senders.contract import Outcome, Provider, RawWebhook
from senders.providers._judging import read_json

Signed = dict[str, tuple[Provider, list[RawWebhook], Provider]]
NAMES_NO_ADDRESS = {"braze"}
WITH_RECEIPTS = [name for name in PROVIDERS if steady_provider(name).capabilities.has_receipts]

pytestmark = pytest.mark.parametrize("name", WITH_RECEIPTS)


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Signed]:
    """For every provider: itself, real signed receipts of one message that the sandbox took, and a twin."""
    world = calm(machine_open_share=1, stop_share=1, complaint_share=1)
    with running_sandbox(tmp_path_factory.mktemp("signed"), world) as sandbox:
        providers = {name: sandbox.provider(name) for name in WITH_RECEIPTS}
        for provider in providers.values():
            answer = asyncio.run(send(provider, provider.request(message(provider.channel))))[0]
            assert provider.judge(answer).outcome is Outcome.ACCEPTED
        wait_until(lambda: sandbox.stats()["receipts"]["pending"] == 0)
        signed = {}
        for name, provider in providers.items():
            heard, twin = sandbox.receiver.of(name), sandbox.provider(name)
            signed[name] = (prepared(provider, heard), heard, prepared(twin, heard))
        yield signed


def test_a_genuine_receipt_is_believed(signed: Any, name: str):
    provider, webhooks, _ = signed[name]
    assert webhooks
    assert all(provider.verify(webhook) for webhook in webhooks)


def test_a_receipt_names_our_message_and_its_person(signed: Any, name: str):
    provider, webhooks, _ = signed[name]
    events = [event for webhook in webhooks for event in provider.events(webhook)]
    sent = message(provider.channel)
    assert sent.message_id in {event.message_id for event in events}
    assert {event.address for event in events} == {None if name in NAMES_NO_ADDRESS else sent.address}
    assert {event.provider for event in events} == {name}


def test_no_changed_byte_changes_what_we_believe(signed: Any, name: str):
    """Either the signature no longer fits, or the byte was not one that says anything."""
    provider, webhooks, _ = signed[name]
    for webhook in webhooks[: 2 * provider.capabilities.signs_receipts]:
        for place in range(len(webhook.body)):
            changed = bytes([webhook.body[place] ^ 1])
            body = webhook.body[:place] + changed + webhook.body[place + 1 :]
            forged = replace(webhook, body=body)
            assert not provider.verify(forged) or _said(provider, forged) == _said(provider, webhook), body


def _said(provider: Provider, webhook: RawWebhook) -> list[dict[str, Any]]:
    kept_out = ("raw", "occurred_at")  # bytes as they came; the time of reading where they carry none
    said = [asdict(event) for event in provider.events(webhook)]
    return [{name: value for name, value in event.items() if name not in kept_out} for event in said]


def test_a_receipt_without_its_signature_is_refused(signed: Any, name: str):
    provider, webhooks, _ = signed[name]
    for webhook in webhooks:
        bare = _without_proof(webhook)
        assert bare != webhook
        assert not provider.verify(bare)


def _without_proof(webhook: RawWebhook) -> RawWebhook:
    """Without the headers or the word in the address that prove who sends it, or a signature in its body."""
    names = [name for name in webhook.headers if "signature" not in name and name != "authorization"]
    said = read_json(webhook.body)
    if isinstance(said, dict) and said.pop("Signature", None):
        webhook = replace(webhook, body=json.dumps(said).encode())
    address = re.sub(r"token=[^&]*", "", webhook.url)
    return replace(webhook, url=address, headers={name: webhook.headers[name] for name in names})


def test_another_account_s_signature_is_refused(signed: Any, tmp_path: Path, name: str):
    _, webhooks, _ = signed[name]
    stranger = provider_of(tmp_path, name)
    assert not any(stranger.verify(webhook) for webhook in webhooks)


def test_a_repeated_receipt_has_the_keys_it_had(signed: Any, name: str):
    """Also when another process reads the repetition."""
    provider, webhooks, twin = signed[name]
    keys = [[event.event_key for event in provider.events(webhook)] for webhook in webhooks]
    assert keys == [[event.event_key for event in twin.events(webhook)] for webhook in webhooks]


def test_different_receipts_have_different_keys(signed: Any, name: str):
    provider, webhooks, _ = signed[name]
    keys = [event.event_key for webhook in webhooks for event in provider.events(webhook)]
    assert len(keys) == len(set(keys)) > 1
