"""What to do about a message that may have been sent: send it again where that is harmless, wait for
its receipt, ask the provider, or leave it to the journey's `on_unknown`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from senders.contract import Capabilities, Outcome, State, Verdict
from senders.entries import Settlement, Unknown
from senders.pace import Pace, retry_at


@dataclass(frozen=True, slots=True)
class Ask:
    """The provider is to be asked whether it took the message."""

    unknown: Unknown


Step = Settlement | Ask


def first_look_at(now: datetime, capabilities: Capabilities, pace: Pace) -> datetime:
    """When a message that has just become unknown is looked into: a provider that ignores repeated
    ids can be tried again soon, any other is given the time that its receipt may take."""
    if capabilities.dedupe_seconds:
        return now + timedelta(seconds=pace.first_backoff_seconds)
    return now + timedelta(seconds=pace.receipt_seconds if _may_hear(capabilities) else 0.0)


def next_step(now: datetime, unknown: Unknown, capabilities: Capabilities, pace: Pace) -> Step:
    """The first of: same id and same bytes again, inside the provider's window; wait for the receipt;
    ask; the journey's on_unknown."""
    resend_until = _resend_until(unknown, capabilities, pace)
    if now < resend_until:
        wake_at = retry_at(now, unknown.message_id, unknown.attempts, None, resend_until, pace)
        return Settlement(
            unknown, State.RETRY_WAIT, "repeated_id_is_ignored", wake_at, resend_until=resend_until
        )
    receipt_due_at = unknown.unknown_since + timedelta(seconds=pace.receipt_seconds)
    if _may_hear(capabilities) and now < receipt_due_at:
        return Settlement(unknown, State.UNKNOWN, "waits_for_receipt", receipt_due_at)
    if capabilities.can_look_up and now < unknown.unknown_since + timedelta(seconds=pace.give_up_seconds):
        return Ask(unknown)
    return give_up(now, unknown)


def give_up(now: datetime, unknown: Unknown) -> Settlement:
    """Nobody can tell. Sending again (`resend`) is no use once the message has expired."""
    wish = unknown.on_unknown
    if wish == "resend" and now >= unknown.expires_at:
        wish = "hold"
    return _ON_UNKNOWN[wish](unknown, now)


_ON_UNKNOWN: dict[str, Callable[[Unknown, datetime], Settlement]] = {
    "hold": lambda unknown, _: Settlement(unknown, State.HELD, "outcome_unknown"),
    "drop": lambda unknown, _: Settlement(unknown, State.CANCELLED, "outcome_unknown", has_lost_attempt=True),
    "resend": lambda unknown, now: Settlement(
        unknown, State.RETRY_WAIT, "outcome_unknown", now, has_lost_attempt=True
    ),
}

# What the answer to a look-up makes of a message; for anything else it is asked again later.
_AFTER_LOOK_UP = {
    Outcome.ACCEPTED: State.ACCEPTED,
    Outcome.RETRY: State.RETRY_WAIT,  # the provider has no record of it
    Outcome.REJECTED: State.REJECTED,
    Outcome.SUPPRESSED: State.SUPPRESSED,
}


def after_look_up(now: datetime, unknown: Unknown, verdict: Verdict | None, pace: Pace) -> Settlement:
    """What a look-up's verdict means; None and an unclear one: ask again later."""
    state = None if verdict is None else _AFTER_LOOK_UP.get(verdict.outcome)
    if verdict is None or state is None:
        again_at = now + timedelta(seconds=pace.look_again_seconds)
        return Settlement(unknown, State.UNKNOWN, "look_up_unclear", again_at)
    wake_at = None
    if state is State.RETRY_WAIT:
        wake_at = retry_at(now, unknown.message_id, unknown.attempts, None, unknown.expires_at, pace)
    return Settlement(unknown, state, verdict.reason, wake_at, verdict.provider_message_id)


def _may_hear(capabilities: Capabilities) -> bool:
    """Whether something will tell by itself, or can be asked once the provider had time to settle."""
    return capabilities.can_look_up or (capabilities.echoes_message_id and capabilities.has_receipts)


def _resend_until(unknown: Unknown, capabilities: Capabilities, pace: Pace) -> datetime:
    """Until when the same id may be sent again: the provider ignores repetitions that long after the
    first attempt, the call itself takes its time, and a message that expired is not sent."""
    window = timedelta(seconds=capabilities.dedupe_seconds - pace.call_seconds)
    return min(unknown.first_sent_at + window, unknown.expires_at)
