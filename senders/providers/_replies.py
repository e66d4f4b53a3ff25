"""What a text from a person means, whoever carried it."""

from __future__ import annotations

from senders.contract import EventKind
from senders.providers._opt_out import asks_for_help, is_opt_out
from senders.providers._reasons import Reason


def meaning_of(text: str) -> tuple[EventKind, Reason]:
    """An opt-out, a question what this is, or a reply."""
    if is_opt_out(text):
        return EventKind.UNSUBSCRIBED, Reason.OPT_OUT_WORD
    return EventKind.REPLIED, Reason.HELP_WORD if asks_for_help(text) else Reason.REPLIED
