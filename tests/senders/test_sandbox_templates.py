"""Every template of this repository, rendered and sent: its provider takes it."""

from __future__ import annotations

import asyncio
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

from outbox_rows import WRITTEN, row
from sandbox_server import running_sandbox, send

from senders.contract import Outcome
from senders.providers import providers_for
from senders.rendering import render
from senders.settings import load

ADDRESS = {"email": "ada@example.com", "sms": "+4915112345678", "rcs": "+4915112345678"}


def test_every_template_makes_a_message_that_its_provider_takes(tmp_path: Path):
    now = datetime.now(UTC)
    with running_sandbox(tmp_path) as sandbox:
        settings = load(sandbox.environment | {"DOVECOTE_LINK_SECRET": "only for tests"})
        providers = providers_for(settings)
        sent = {}
        for template, channel in WRITTEN:
            made = render(
                settings,
                row(
                    template,
                    channel,
                    message_id=str(uuid.uuid4()),
                    address=ADDRESS[channel],
                    due_at=now,
                    expires_at=now + timedelta(hours=6),
                ),
            )
            provider = providers[channel]
            (answer,) = asyncio.run(send(provider, provider.request(made)))
            verdict = provider.judge(answer)
            assert verdict.outcome is Outcome.ACCEPTED, f"{template}/{channel}: {verdict.raw}"
            sent[made.message_id] = made.channel
        assert {taken["message_id"]: taken["channel"] for taken in sandbox.journal()} == sent
        assert len(sent) == len(WRITTEN) > 10
