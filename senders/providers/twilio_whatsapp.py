"""WhatsApp by Twilio, API 2010-04-01, with Content templates.

Source of the rules: Twilio's OpenAPI (Messages create: ContentSid, ContentVariables), "Send WhatsApp
notification messages with templates" and the error dictionary (63xxx). What is the same as for SMS is in
`twilio_sms.py`. Twilio knows an approved template by its ContentSid: `content_sids` says which is whose.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from senders.contract import EventKind, Outcome
from senders.providers import _twilio_receipts as receipts
from senders.providers._declared import Option
from senders.providers._judging import Meaning, Ruling
from senders.providers._reasons import Reason
from senders.providers._twilio_content import content_sids, filled
from senders.providers.twilio_sms import RULINGS as SMS_RULINGS
from senders.providers.twilio_sms import TwilioSms

PAIR_SECONDS = 6.0  # what WhatsApp wants between two messages of ours to one person
TEMPLATE: Ruling = (Outcome.ROUTE_BLOCKED, Reason.MISSING_TEMPLATE)

RULINGS: dict[Any, Ruling] = SMS_RULINGS | {
    "21655": TEMPLATE,  # the ContentSid is none
    "21656": (Outcome.REJECTED, Reason.INVALID_CONTENT),  # the values do not fit the template
    "63007": (Outcome.ROUTE_BLOCKED, Reason.WRONG_SENDER),  # our number is not on WhatsApp
    "63016": (Outcome.REJECTED, Reason.OUTSIDE_WINDOW),
    "63003": (Outcome.REJECTED, Reason.UNREACHABLE_ON_CHANNEL),
    "63024": (Outcome.REJECTED, Reason.UNREACHABLE_ON_CHANNEL),
    "63018": (Outcome.RETRY, Reason.RATE_LIMITED),
}
STATUSES = receipts.STATUSES
FAILURES: dict[str, Meaning] = receipts.FAILURES | {
    "63003": (EventKind.FAILED, Reason.UNREACHABLE_ON_CHANNEL),
    "63024": (EventKind.FAILED, Reason.UNREACHABLE_ON_CHANNEL),
    "63016": (EventKind.FAILED, Reason.OUTSIDE_WINDOW),
    "63018": (EventKind.FAILED, Reason.QUEUE_FULL),
    "63049": (EventKind.FAILED, Reason.RECIPIENT_LIMIT),
    "63032": (EventKind.FAILED, Reason.BLOCKED_BY_CARRIER),
    "63042": (EventKind.FAILED, Reason.MISSING_TEMPLATE),
}


class TwilioWhatsapp(TwilioSms):
    """Answers the contract's questions for WhatsApp by Twilio."""

    name = "twilio_whatsapp"
    channel = "whatsapp"
    scheme = "whatsapp:"
    rulings = RULINGS
    failures = FAILURES
    capabilities = replace(TwilioSms.capabilities, pair_seconds=PAIR_SECONDS)
    options = (
        *TwilioSms.options,
        Option("content_sids", "template.language=ContentSid of each approved template", "", content_sids),
    )

    def content(self, content: Mapping[str, Any], message_id: str) -> Sequence[tuple[str, str]]:
        """A template with its values numbered in order: header, body, button. Raises ValueError where
        `content_sids` has none of that name."""
        if "text" in content:
            return [("Body", content["text"])]
        name = f"{content['template']}.{content['language']}"
        sid = self._chosen["content_sids"].get(name)
        if sid is None:
            raise ValueError(f"content_sids has no {name}")
        values = [value for part in ("header", "body", "button") for value in content.get(part) or ()]
        return filled(sid, values)


PROVIDER = TwilioWhatsapp
