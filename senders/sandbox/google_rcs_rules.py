"""What Google RCS Business Messaging refuses with 400 (REST reference: AgentMessage and its parts)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

TRAFFIC_TYPES = frozenset({"AUTHENTICATION", "TRANSACTION", "PROMOTION", "SERVICEREQUEST", "ACKNOWLEDGEMENT"})
CONTENTS = ("text", "richCard", "uploadedRbmFile", "contentInfo")
ACTIONS = (
    "openUrlAction",
    "dialAction",
    "viewLocationAction",
    "shareLocationAction",
    "createCalendarEventAction",
)
LONGEST_LIFE = timedelta(days=15)

# part of a card or message: longest text
LIMITS = {"text": 3_072, "title": 200, "description": 2_000}
LABEL_LIMIT = 25
POSTBACK_LIMIT = 2_048
CARD_SUGGESTIONS = 4
MESSAGE_SUGGESTIONS = 11


def cards_in(content: Mapping[str, Any]) -> list[dict[str, Any]]:
    rich = content.get("richCard") or {}
    carousel = rich.get("carouselCard", {}).get("cardContents", [])
    alone = rich.get("standaloneCard", {}).get("cardContent")
    return [*carousel, *([alone] if alone else [])]


def suggestions_in(content: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every suggestion of a message: the chips below it and the buttons on its cards."""
    of_cards = [item for card in cards_in(content) for item in card.get("suggestions", ())]
    return [*of_cards, *content.get("suggestions", ())]


def fault_of_message(message: Mapping[str, Any]) -> str | None:
    """The first thing wrong with an AgentMessage, in words, or None."""
    return next(_faults(message), None)


def _faults(message: Mapping[str, Any]) -> Iterator[str]:
    content = message.get("contentMessage")
    if not isinstance(content, dict):
        yield "contentMessage is required"
        return
    if message.get("messageTrafficType", "TRANSACTION") not in TRAFFIC_TYPES:
        yield f"Invalid value at 'message_traffic_type': {message['messageTrafficType']}"
    if "ttl" in message and "expireTime" in message:
        yield "ttl and expireTime are one of: only one may be set"
    yield from _faults_of_life(message.get("expireTime"))
    if sum(name in content for name in CONTENTS) != 1:
        yield f"contentMessage needs exactly one of {', '.join(CONTENTS)}"
    yield from _faults_of_texts(content, ("text",))
    yield from _faults_of_suggestions(content, MESSAGE_SUGGESTIONS)
    yield from _faults_of_cards(content)


def _faults_of_life(expire_time: Any) -> Iterator[str]:
    if expire_time is None:
        return
    try:
        left = datetime.fromisoformat(expire_time) - datetime.now(UTC)
    except (TypeError, ValueError):
        yield f"Invalid value at 'expire_time': {expire_time}"
        return
    if not timedelta(0) < left <= LONGEST_LIFE:
        yield "expireTime must be in the future and at most 15 days ahead"


def _faults_of_cards(content: Mapping[str, Any]) -> Iterator[str]:
    if "richCard" not in content:
        return
    cards = cards_in(content)
    if "carouselCard" in content["richCard"] and not 2 <= len(cards) <= 10:
        yield "a carousel has 2 to 10 cards"
    for card in cards:
        if not any(card.get(part) for part in ("title", "description", "media")):
            yield "a card needs a title, a description or media"
        yield from _faults_of_texts(card, ("title", "description"))
        yield from _faults_of_suggestions(card, CARD_SUGGESTIONS)
        if "media" in card and not card["media"].get("contentInfo", {}).get("fileUrl"):
            yield "media needs contentInfo.fileUrl"


def _faults_of_texts(part: Mapping[str, Any], names: tuple[str, ...]) -> Iterator[str]:
    for name in names:
        if name in part and not 0 < len(part[name]) <= LIMITS[name]:
            yield f"{name} must have 1 to {LIMITS[name]} characters"


def _faults_of_suggestions(part: Mapping[str, Any], limit: int) -> Iterator[str]:
    suggestions = part.get("suggestions", [])
    if len(suggestions) > limit:
        yield f"at most {limit} suggestions are allowed here"
    for suggestion in suggestions:
        said = suggestion.get("reply") or suggestion.get("action")
        if not said or not 0 < len(said.get("text", "")) <= LABEL_LIMIT:
            yield f"a suggestion needs a text of 1 to {LABEL_LIMIT} characters"
        elif len(said.get("postbackData", "")) > POSTBACK_LIMIT:
            yield f"postbackData has at most {POSTBACK_LIMIT} characters"
        elif "action" in suggestion and sum(name in said for name in ACTIONS) != 1:
            yield f"an action needs exactly one of {', '.join(ACTIONS)}"
