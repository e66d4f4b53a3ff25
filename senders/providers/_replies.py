"""What a person's answer means, whoever carried it."""

from __future__ import annotations

from senders.contract import EventKind
from senders.providers._judging import Meaning
from senders.providers._opt_out import asks_for_help, is_opt_out
from senders.providers._reasons import Reason


def meaning_of(text: str) -> Meaning:
    """An opt-out, a question what this is, or a reply."""
    if is_opt_out(text):
        return EventKind.UNSUBSCRIBED, Reason.OPT_OUT_WORD
    return EventKind.REPLIED, Reason.HELP_WORD if asks_for_help(text) else Reason.REPLIED


def meaning_of_tap(word: str, label: str) -> Meaning:
    """An opt-out or a reply, of a button with that word of ours behind it."""
    if is_opt_out(word) or is_opt_out(label):
        return EventKind.UNSUBSCRIBED, Reason.OPT_OUT_BUTTON
    return EventKind.REPLIED, Reason.REPLIED
