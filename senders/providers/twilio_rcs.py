"""RCS by Twilio, API 2010-04-01, with Content templates and Messaging Services.

Source of the rules: Twilio's OpenAPI (Messages create: ContentSid, ContentVariables; Content create:
twilio/card, twilio/carousel), "Send and receive RCS messages" and the error dictionary (63xxx). What is the
same as for SMS is in `twilio_sms.py`. To `rcs:…` Twilio sends RCS or nothing: whether a text message goes in
its place is decided here, with its own consent.

A Content template stands for a shape and not for a message: `tbmur` is a card with title, body, media, a
button that opens a URL and one that replies (`d` dials), `tbmu-tbmu` a carousel of two cards, `br` a text
with a reply below it; `python -m senders.providers.twilio_rcs tbmur` prints what creates it. A message
whose shape `content_sids` lacks goes as plain text.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from senders.contract import EventKind, Outcome
from senders.providers import _twilio_receipts as receipts
from senders.providers._declared import Option
from senders.providers._judging import Meaning, Ruling
from senders.providers._reasons import Reason
from senders.providers._replies import meaning_of_tap
from senders.providers._twilio_content import content_sids, filled
from senders.providers.twilio_sms import RULINGS as SMS_RULINGS
from senders.providers.twilio_sms import TwilioSms

UNREACHABLE_SECONDS = 3 * 86_400  # so long a handset without RCS is not tried again
UNREACHABLE: Ruling = (Outcome.REJECTED, Reason.UNREACHABLE_ON_CHANNEL)

RULINGS: dict[Any, Ruling] = SMS_RULINGS | {
    "21655": (Outcome.ROUTE_BLOCKED, Reason.MISSING_TEMPLATE),  # the ContentSid is none
    "21656": (Outcome.REJECTED, Reason.INVALID_CONTENT),  # the values do not fit the template
    "63003": UNREACHABLE,
    "63007": (Outcome.ROUTE_BLOCKED, Reason.WRONG_SENDER),  # our agent is not one of this account
    "63018": (Outcome.RETRY, Reason.RATE_LIMITED),
    "63106": UNREACHABLE,  # the handset has no RCS
}
STATUSES = receipts.STATUSES
FAILURES: dict[str, Meaning] = receipts.FAILURES | {
    "63003": (EventKind.FAILED, Reason.UNREACHABLE_ON_CHANNEL),
    "63018": (EventKind.FAILED, Reason.QUEUE_FULL),
    "63106": (EventKind.FAILED, Reason.UNREACHABLE_ON_CHANNEL),
}

# A part of a card by its letter: what it is called here, and there.
PARTS = {"t": ("title", "title"), "b": ("description", "body"), "m": ("image_url", "media")}
# A button by its letter: our type, where its value is, Twilio's type and where it wants the value.
BUTTONS = {
    "u": ("open_url", "url", "URL", "url"),
    "r": ("reply", "postback", "QUICK_REPLY", "id"),
    "d": ("dial", "phone", "PHONE_NUMBER", "phone"),
}
LETTERS = {ours: letter for letter, (ours, *_) in BUTTONS.items()}


class TwilioRcs(TwilioSms):
    """Answers the contract's questions for RCS by Twilio."""

    name = "twilio_rcs"
    channel = "rcs"
    scheme = "rcs:"
    rulings = RULINGS
    failures = FAILURES
    capabilities = replace(TwilioSms.capabilities, unreachable_seconds=UNREACHABLE_SECONDS)
    options = (
        *TwilioSms.options,
        Option("content_sids", "shape=ContentSid of each Content template", "", content_sids),
    )

    def content(self, content: Mapping[str, Any], message_id: str) -> Sequence[tuple[str, str]]:
        """The template of the content's shape with its values numbered in order, else plain text."""
        cards = _cards(content)
        sid = self._chosen["content_sids"].get("-".join(shape(card) for card in cards))
        if sid is None:
            return [("Body", "\n\n".join("\n".join(_lines(card)) for card in cards))]
        return filled(sid, [value for card in cards for value in _values(card, message_id)])

    def inbound(self, fields: Mapping[str, str]) -> tuple[str | None, list[Meaning]]:
        """A tap on a reply brings our id and its word; what is typed brings neither."""
        message_id, is_tap, word = fields.get("ButtonPayload", "").partition(":")
        if not is_tap:
            return super().inbound(fields)
        return message_id, [meaning_of_tap(word, fields.get("ButtonText", ""))]


PROVIDER = TwilioRcs


def shape(card: Mapping[str, Any]) -> str:
    """The letters of a card's parts and buttons, in order."""
    parts = "".join(letter for letter, (ours, _) in PARTS.items() if card.get(ours))
    return parts + "".join(LETTERS[item["type"]] for item in card.get("suggestions", ()))


def template(shape: str) -> dict[str, Any]:
    """What creates the Content template of a shape (`POST /v1/Content`). KeyError: no such letter."""
    numbers = iter(range(1, 1_000))
    cards = [_card_of(letters, numbers) for letters in shape.split("-")]
    types: dict[str, Any] = {"twilio/carousel": {"body": "-", "cards": cards}}
    if len(cards) == 1:
        media = {"media": [cards[0]["media"]]} if "media" in cards[0] else {}
        types = {"twilio/card": cards[0] | media}
    return {"friendly_name": f"dovecote_{shape}", "language": "en", "types": types}


def _card_of(letters: str, numbers: Iterator[int]) -> dict[str, Any]:
    def place() -> str:
        return f"{{{{{next(numbers)}}}}}"

    card: dict[str, Any] = {}
    for letter in letters:
        if letter in PARTS:
            card[PARTS[letter][1]] = place()
        else:
            _, _, kind, where = BUTTONS[letter]
            card.setdefault("actions", []).append({"type": kind, "title": place(), where: place()})
    return card


def _cards(content: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The content as cards; what stands below all of them is below the last, a text is a card's body."""
    cards = [dict(card) for card in content.get("cards", ())] or [{"description": content["text"]}]
    last = cards[-1]
    last["suggestions"] = [*last.get("suggestions", ()), *content.get("suggestions", ())]
    return cards


def _values(card: Mapping[str, Any], message_id: str) -> Iterator[str]:
    for ours, _ in PARTS.values():
        if card.get(ours):
            yield card[ours]
    for item in card.get("suggestions", ()):
        value = item[BUTTONS[LETTERS[item["type"]]][1]]
        yield item["label"]
        yield f"{message_id}:{value}" if item["type"] == "reply" else value


def _lines(card: Mapping[str, Any]) -> Iterator[str]:
    """A card for who has no template for it; a reply's word can be typed as well."""
    for name in ("title", "description"):
        if card.get(name):
            yield card[name]
    for item in card.get("suggestions", ()):
        yield f"{item['label']}: {item[BUTTONS[LETTERS[item['type']]][1]]}"


if __name__ == "__main__":
    for wanted in sys.argv[1:]:
        sys.stdout.write(json.dumps(template(wanted), indent=2) + "\n")
