"""A row of the outbox on each of the newer channels: rendered, planned, sent, reported back."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from outbox_rows import row, settings
from provider_samples import ADDRESS
from sandbox_server import Running, calm, running_sandbox, wait_until

from senders.contract import Message
from senders.delivery import deliver, plan
from senders.ledger import Ledger
from senders.rendering import Renderer

TEMPLATES = {
    "push": "{% block title %}Hello {{ person.first_name }}{% endblock %}{% block body %}Hi{% endblock %}",
    "whatsapp": "{% block template %}hello{% endblock %}{% block language %}en{% endblock %}"
    "{% block body %}{{ value(person.first_name) }}{% endblock %}",
    "webhook": '{"first_name": {{ person.first_name | tojson }}}',
}
PROVIDER_OF = {"push": "firebase", "whatsapp": "meta_whatsapp", "webhook": "webhook"}
ENDS_AS = {"push": "accepted", "whatsapp": "read", "webhook": "delivered"}


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running_sandbox(tmp_path_factory.mktemp("channels"), calm()) as running:
        yield running


def rendered(folder: Path, channel: str) -> Message:
    (folder / "hello").mkdir()
    (folder / "hello" / f"{channel}.jinja").write_text(TEMPLATES[channel])
    changes = {"channel": channel, "template": "hello", "address": ADDRESS[channel], "payload": "{}"}
    made = Renderer(settings(), folder).render(row("welcome", "email") | changes)
    now = datetime.now(UTC)
    return replace(
        made, message_id=str(uuid.uuid4()), due_at=now, expires_at=now + timedelta(hours=1), channel=channel
    )


def state_of(ledger: Ledger, message_id: str) -> str:
    return str(ledger.run("explain_message", {"message_id": message_id}).fetchone()["state"])


@pytest.mark.parametrize("channel", TEMPLATES)
def test_a_message_goes_out_and_its_receipts_move_it_on(sandbox: Running, tmp_path: Path, channel: str):
    provider = sandbox.provider(PROVIDER_OF[channel])
    made = rendered(tmp_path, channel)
    with Ledger(tmp_path / "ledger.db") as ledger:
        plan(ledger, {channel: provider}, [made], datetime.now(UTC))
        summary = deliver(ledger, {channel: provider}, lambda: datetime.now(UTC), 20)
        assert dict(summary.accepted) == {channel: 1}
        rows = [each for each in sandbox.journal() if each["message_id"] == made.message_id]
        assert [(each["channel"], each["recipient"]) for each in rows] == [(channel, ADDRESS[channel])]
        assert "Ada" in rows[0]["text"]
        wait_until(lambda: sandbox.stats()["receipts"]["pending"] == 0)
        heard = sandbox.receiver.of(provider.name)
        assert all(provider.verify(webhook) for webhook in heard)
        ledger.apply_receipts([event for webhook in heard for event in provider.events(webhook)])
        assert state_of(ledger, made.message_id) == ENDS_AS[channel]
