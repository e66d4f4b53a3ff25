"""Rich messages: what an `rcs.jinja` says, as cards and suggestions within RCS's limits.

A template is one of: a text (no block, or block `text`), one card (blocks `title`,
`description`, `image`, `buttons`), or a carousel (block `cards`, in it one `card(…)` an item).
Any of them may have a block `suggestions`: the chips below the message.
Limits: Google RCS Business Messaging, REST reference of `AgentContentMessage`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from senders.clean_text import clip, utf16_units, visible
from senders.links import LinkError, web_url

LIMITS: Final = {"text": 3_072, "title": 200, "description": 2_000}  # cut at words
LABEL_LIMIT: Final = 25  # never cut: half a button is worse than none
CARD_SUGGESTIONS: Final = 4
MESSAGE_SUGGESTIONS: Final = 11
CAROUSEL_LIMIT: Final = 10

# Marketing always offers the way out; the receipt of this postback is an opt-out.
OPT_OUT: Final = {"type": "reply", "label": "Stop these messages", "postback": "STOP"}

# Around the JSON that a function leaves in a block. Cleaned text holds no control characters,
# so no name of a product can pretend to be a button.
_MARK: Final = "\x1e"


class ContentError(ValueError):
    """The template asks for something RCS does not take."""


def button(label: str, url: str) -> str:
    """A button that opens a page: `{{ button("Back to my cart", track(cart_url)) }}`."""
    return _marked({"type": "open_url", "label": _label(label), "url": web_url(str(url))})


def reply(label: str, postback: str = "") -> str:
    """A button that answers for the person; we get `postback` (default: the label in snake_case)."""
    slug = re.sub(r"\W+", "_", label.lower()).strip("_")
    return _marked({"type": "reply", "label": _label(label), "postback": postback or slug})


def call(label: str, phone: str) -> str:
    """A button that rings a number in E.164, as in +4930123456."""
    if not re.fullmatch(r"\+[1-9]\d{6,14}", str(phone)):
        raise ContentError(f"{phone!r} is no number to call: write it as +4930123456")
    return _marked({"type": "dial", "label": _label(label), "phone": str(phone)})


def card(title: Any = "", description: Any = "", image: Any = "", buttons: Sequence[str] = ()) -> str:
    """One card of a carousel; `buttons` is a list of button(…), reply(…) or call(…)."""
    texts = {"title": title, "description": description, "image": image, "buttons": "".join(buttons)}
    return _marked(_card({name: str(text or "") for name, text in texts.items()}))


RCS_FUNCTIONS: Final[Mapping[str, Callable[..., str]]] = {
    "button": button,
    "reply": reply,
    "call": call,
    "card": card,
}


def rcs_content(blocks: Mapping[str, str], *, is_marketing: bool) -> dict[str, Any]:
    """{"text"} or {"cards": [{"title", "description", "image_url", "suggestions"}]}, both with
    "suggestions": [{"type": "open_url" | "reply" | "dial", "label", "url" | "postback" | "phone"}].

    Raises ContentError where a limit is passed that cannot be met by cutting at a word.
    """
    content = _body(blocks)
    content["suggestions"] = _suggestions(blocks.get("suggestions", ""), MESSAGE_SUGGESTIONS, "suggestions")
    if is_marketing and not any(chip.get("postback") == "STOP" for chip in content["suggestions"]):
        content["suggestions"] = [*content["suggestions"][: MESSAGE_SUGGESTIONS - 1], OPT_OUT]
    return content


def _body(blocks: Mapping[str, str]) -> dict[str, Any]:
    if cards := _parts(blocks.get("cards", ""), "cards"):
        return {"cards": cards[:CAROUSEL_LIMIT]}  # one alone is a plain card
    one = _card(blocks)
    if set(one) - {"suggestions"}:
        return {"cards": [one]}
    if one:
        raise ContentError("block buttons needs a card: add a block title, or use block suggestions")
    text = clip(_paragraphs(blocks.get("text", "")), LIMITS["text"])
    if not text:
        raise ContentError("it has neither a text nor a card: write the text, or a block title, or cards")
    return {"text": text}


def _card(blocks: Mapping[str, str]) -> dict[str, Any]:
    """A card with what is there; an image that is no web address is left out, not sent broken."""
    found: dict[str, Any] = {
        name: clip(_paragraphs(blocks.get(name, "")), LIMITS[name]) for name in ("title", "description")
    }
    try:
        found["image_url"] = web_url(visible(blocks.get("image", "")))
    except LinkError:
        found["image_url"] = ""
    found["suggestions"] = _suggestions(blocks.get("buttons", ""), CARD_SUGGESTIONS, "buttons")
    return {name: value for name, value in found.items() if value}


def _label(label: str) -> str:
    if (units := utf16_units(label)) > LABEL_LIMIT:
        raise ContentError(f"the label {label!r} has {units} characters, at most {LABEL_LIMIT} fit")
    return label


def _suggestions(text: str, limit: int, block: str) -> list[dict[str, Any]]:
    found = _parts(text, block)
    if len(found) > limit:
        raise ContentError(f"block {block} has {len(found)} entries, at most {limit} fit")
    return found


def _marked(part: Mapping[str, Any]) -> str:
    return f"{_MARK}{json.dumps(part)}{_MARK}"


def _parts(text: str, block: str) -> list[dict[str, Any]]:
    """What functions left in a block; anything else but space in it is a mistake."""
    around, found = text.split(_MARK)[::2], text.split(_MARK)[1::2]
    stray = "".join(around).strip()
    if stray:
        raise ContentError(f"block {block} takes {', '.join(RCS_FUNCTIONS)}, not the text {stray[:40]!r}")
    return [json.loads(part) for part in found]


def _paragraphs(text: str) -> str:
    return "\n".join(line.strip() for line in text.strip().splitlines())
