"""What a push, WhatsApp or webhook template says, as content that a provider can send.

`push.jinja`: blocks `title`, `body`, and where wanted `image` and `url`.
`whatsapp.jinja`: blocks `template` (its approved name), `language` (as WhatsApp writes it), and where the
template has them `header`, `body` and `button`, each holding `value(…)`; or, for an answer within 24 hours of
a person's own message, block `text` alone (or no block at all).
`webhook.jinja`: a JSON object; `{{ total | tojson }}` writes a value.
Limits: FCM's 4,096 bytes of a message; WhatsApp Cloud API, "Send messages".
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from senders.clean_text import clip, visible
from senders.links import LinkError, web_url

PUSH_LIMITS: Final = {"title": 100, "body": 1_000}  # phones show far less
TEXT_LIMIT: Final = 4_096
VALUE_LIMIT: Final = 1_024
WEBHOOK_LIMIT: Final = 65_536  # bytes

_MARK: Final = "\x1e"


class ChannelContentError(ValueError):
    """The template asks for something that its channel does not take."""


def value(text: Any) -> str:
    """One value of an approved template, in the order in which it has them."""
    said = clip(visible(str(text)), VALUE_LIMIT)
    if not said:
        raise ChannelContentError("a value of an approved template may not be empty")
    return f"{_MARK}{json.dumps(said)}{_MARK}"


WHATSAPP_FUNCTIONS: Final[Mapping[str, Callable[..., str]]] = {"value": value}


def push_content(blocks: Mapping[str, str]) -> dict[str, Any]:
    """{"title", "body"} and, where the template has them, "image_url" and "url"."""
    found: dict[str, Any] = {
        name: clip(" ".join(blocks.get(name, "").split()), limit) for name, limit in PUSH_LIMITS.items()
    }
    if not found["title"] or not found["body"]:
        raise ChannelContentError("a push needs a block title and a block body")
    for block, name in (("image", "image_url"), ("url", "url")):
        try:
            found[name] = web_url(visible(blocks.get(block, "")))
        except LinkError:
            found[name] = ""  # left out, not sent broken
    return {name: said for name, said in found.items() if said}


def whatsapp_content(blocks: Mapping[str, str], everything: str) -> dict[str, Any]:
    """{"template", "language", "header", "body", "button"} with lists of texts, or {"text"}."""
    if "template" not in blocks:
        text = clip(blocks.get("text", everything).strip(), TEXT_LIMIT)
        if not text:
            raise ChannelContentError("it has neither a text nor a block template")
        return {"text": text}
    name, language = visible(blocks["template"]), visible(blocks.get("language", ""))
    if not re.fullmatch(r"[a-z0-9_]{1,512}", name):
        raise ChannelContentError(f"block template says {name!r}: an approved name is a-z, 0-9 and _")
    if not re.fullmatch(r"[a-z]{2,3}(_[A-Z]{2,4})?", language):
        raise ChannelContentError(f"block language says {language!r}: write it as en or pt_BR")
    return {"template": name, "language": language} | {
        part: _values(blocks.get(part, ""), part) for part in ("header", "body", "button")
    }


def webhook_content(everything: str) -> dict[str, Any]:
    """{"data": the object that the template wrote}."""
    if len(everything.encode()) > WEBHOOK_LIMIT:
        raise ChannelContentError(f"it has more than {WEBHOOK_LIMIT} bytes")
    try:
        data = json.loads(everything)
    except ValueError as error:
        raise ChannelContentError(f"it is no JSON: {error}") from error
    if not isinstance(data, dict):
        raise ChannelContentError("it must be a JSON object: { … }")
    return {"data": data}


def _values(text: str, block: str) -> list[str]:
    around, found = text.split(_MARK)[::2], text.split(_MARK)[1::2]
    if stray := "".join(around).strip():
        raise ChannelContentError(f"block {block} takes value(…), not the text {stray[:40]!r}")
    return [json.loads(part) for part in found]
