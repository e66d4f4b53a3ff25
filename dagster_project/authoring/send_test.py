"""`dovecote send-test`: one message of a journey to an address of one's own, through the one send path.

It is planned in the ledger and sent by the next tick like every other message: suppressions, kill switch,
pace and receipts hold for it too. It bears the journey's name as its step and `send_test` as its journey and
person, so that no cap, KPI or step of a real journey counts it.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from dagster_project.authoring import preview
from dagster_project.policy.reader import nearest
from senders import delivery
from senders.ledger import Ledger, address_key
from senders.providers import providers_for
from senders.rendering import Renderer
from senders.settings import PREFIX, Settings

JOURNEY: Final = "send_test"
# Sent in the next tick or not at all: a test that arrives tomorrow confuses.
EXPIRES_AFTER: Final = timedelta(minutes=30)


class SendTestError(LookupError):
    """It may not or cannot be sent; the text says what to change."""


@dataclass(frozen=True)
class Planned:
    message_id: str
    step: str
    channel: str
    provider: str


def plan(
    settings: Settings,
    journey: str,
    channel: str,
    address: str,
    *,
    step: str | None = None,
    who: str | None = None,
) -> Planned:
    """Plan one message of a journey's step (default: the first) to an allow-listed address.

    With `who` it says what the trigger selects for that person, else what the template's example does.
    Raises SendTestError, PreviewError, RenderError, SettingsError.
    """
    _refuse_strangers(settings, address)
    row = _row(settings, journey, channel, step, who)
    providers = providers_for(settings)
    if channel not in providers:
        raise SendTestError(f"no provider carries {channel}: name one in {PREFIX}ROUTES")
    now, message_id = datetime.now(UTC), str(uuid.uuid4())
    ours = {
        "message_id": message_id, "candidate_id": message_id, "decision_id": message_id, "address": address,
        "journey": JOURNEY, "step": f"{journey}.{row['step']}", "user_id": JOURNEY, "event_id": message_id,
        "priority": 100, "due_at": now, "expires_at": now + EXPIRES_AFTER, "on_unknown": "drop",
    }  # fmt: skip
    # It reads as advertising where it is, and is no advertising to whoever listed their own address.
    message = replace(Renderer(settings).render({**row, **ours}), message_class="transactional")
    with Ledger(settings.ledger) as ledger:
        delivery.plan(ledger, providers, [message], now)
    return Planned(message_id, message.step, channel, providers[channel].name)


def came_of(settings: Settings, message_id: str) -> str:
    """The message's moves in words: `planned → claimed → in_flight → retry_wait (timeout) → planned`."""
    with Ledger(settings.ledger) as ledger:
        moves = [dict(row) for row in ledger.run("explain_message", {"message_id": message_id})]
    return " → ".join(
        to_state if why in (None, to_state) else f"{to_state} ({why})"
        for to_state, why in ((move["to_state"], move["move_reason"]) for move in moves)
    )


def _refuse_strangers(settings: Settings, address: str) -> None:
    allowed = {address_key(each) for each in settings.test_addresses}
    if address_key(address) not in allowed:
        name = f"{PREFIX}TEST_ADDRESSES"
        listed = f"it lists {', '.join(sorted(allowed))}" if allowed else "it is empty"
        raise SendTestError(f"{address} may not be sent tests: {name} does not list it ({listed})")


def _row(
    settings: Settings, journey_name: str, channel: str, step_name: str | None, who: str | None
) -> Mapping[str, Any]:
    journey = preview.journey_named(journey_name)
    steps = {step.name: step for step in journey.steps}
    if step_name is not None and step_name not in steps:
        raise SendTestError(f'{journey_name} has no step "{step_name}"; {nearest(step_name, steps)}')
    step = steps[step_name] if step_name else journey.steps[0]
    reader, trigger = preview.found(settings, journey, who) if who else (None, None)
    by_channel = {row["channel"]: row for row in preview.rows(journey, step, reader, trigger)}
    if channel not in by_channel:
        raise SendTestError(f'step {step.name} does not go by "{channel}"; {nearest(channel, by_channel)}')
    return by_channel[channel]
