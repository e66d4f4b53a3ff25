"""What people and shops typed, made harmless before it meets a template.

Nothing here escapes HTML: the templates' autoescape does that. This takes out what no escaping
helps against: line breaks that would forge a header, characters that reorder or hide text,
addresses smuggled into a name, and lengths that nobody meant.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any, Final

TEXT_LIMIT: Final = 1_000  # UTF-16 units of one value of a payload
NAME_LIMIT: Final = 40
ADDRESS_LIMIT: Final = 4_096  # kept whole; `links.web_url` judges it
LIST_LIMIT: Final = 50  # items of one list in a payload

# Joiners shape emoji and Persian words; every other format character only hides or reorders.
_JOINERS: Final = "\u200c\u200d"
_ADDRESS: Final = re.compile(r"(?:[a-z][a-z0-9+.-]*://|www\.)\S*", re.IGNORECASE)
_DOT_INSIDE: Final = re.compile(r"\.(?=\w{2})")
_NO_NAME: Final = re.compile(r"[<>{}\[\]()=|\\^~/:;@#$%&*+\"`_!?]")


def visible(text: str) -> str:
    """One line of NFC text without control, format, private and unpaired characters."""
    text = text.strip()
    if text.isascii() and text.isprintable():
        return text
    # Through UTF-16 and back: two halves of an emoji find each other, a lone half becomes U+FFFD.
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    kept = (_visible_character(character) for character in unicodedata.normalize("NFC", whole))
    return " ".join("".join(kept).split())


def _visible_character(character: str) -> str:
    if character.isspace():
        return " "
    is_kept = (character.isprintable() or character in _JOINERS) and character != "\ufffd"
    return character if is_kept else ""


def plain(text: str) -> str:
    """`visible` text of at most TEXT_LIMIT in which no web address is left."""
    # Cut first: a text of megabytes must not cost a pass over all of it.
    line = visible(text[: 4 * TEXT_LIMIT])
    if "://" in line or "www." in line.lower():
        line = " ".join(_ADDRESS.sub("", line).split())
    return clip(line, TEXT_LIMIT)


def person_name(text: str) -> str:
    """A name to greet somebody with, or empty where it cannot be one (a formula, markup, a page).

    `St.John` becomes `St. John`: telephones turn a dot inside a word into a link.
    """
    if len(text) > 4 * NAME_LIMIT:
        return ""
    line = plain(text)
    if _NO_NAME.search(line) or not any(character.isalpha() for character in line):
        return ""
    return clip(_DOT_INSIDE.sub(". ", line), NAME_LIMIT)


def clip(text: str, limit: int) -> str:
    """At most `limit` UTF-16 units (what telephones count), cut between words, ending in `…`."""
    if len(text) * 2 <= limit or utf16_units(text) <= limit:
        return text
    head = text.encode("utf-16-le")[: 2 * (limit - 1)].decode("utf-16-le", "ignore")
    words = head.rsplit(" ", 1)[0]
    # A word longer than a third of the room is itself cut, or nothing would be left.
    kept = words if len(words) * 3 >= len(head) * 2 else head
    while kept and (unicodedata.combining(kept[-1]) or kept[-1] in _JOINERS + "\ufe0f"):
        kept = kept[:-1]
    return kept.rstrip(" ,;:.-–") + "…"


def utf16_units(text: str) -> int:
    return len(text.encode("utf-16-le", "replace")) // 2


def payload_value(name: str, value: Any) -> Any:
    """A value of a payload as templates may print it; `name` is its column.

    A column named `url` or `…_url` holds an address and keeps it; any other text is `plain`.
    """
    if isinstance(value, str):
        if name == "url" or name.endswith("_url"):
            return visible(value[:ADDRESS_LIMIT])
        return plain(value)
    if isinstance(value, dict):
        return {key: payload_value(key, item) for key, item in value.items()}
    if isinstance(value, list):
        return [payload_value(name, item) for item in value[:LIST_LIMIT]]
    return value
