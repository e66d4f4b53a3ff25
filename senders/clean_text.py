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
# `evil.example`: telephones make a link of it even without a scheme. Not `1.50`, not `J.R.`
_DOT_INSIDE: Final = re.compile(r"(?<=\w)\.(?=[^\W\d]{2})")
# Text that climbs over the lines around it; no language stacks more than three marks.
_MARKS: Final = r"[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u20d0-\u20ff]"
_STACKED_MARKS: Final = re.compile(rf"({_MARKS}{{3}}){_MARKS}+")
_NO_NAME: Final = re.compile(r"[<>{}\[\]()=|\\^~/:;@#$%&*+\"`_!?]")


def visible(text: str) -> str:
    """One line of NFC text without control, format, private and unpaired characters."""
    text = text.strip()
    if text.isascii() and text.isprintable():
        return text
    # Through UTF-16 and back: two halves of an emoji find each other, a lone half becomes U+FFFD.
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    normal = _STACKED_MARKS.sub(r"\1", unicodedata.normalize("NFC", whole))
    return " ".join("".join(map(_visible_character, normal)).split())


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
    """A name to greet somebody with, or empty where it cannot be one (a formula, markup, a page)."""
    if len(text) > 4 * NAME_LIMIT:
        return ""
    line = plain(text)
    if _NO_NAME.search(line) or not any(character.isalpha() for character in line):
        return ""
    return clip(unlinked(line), NAME_LIMIT)


def unlinked(text: str) -> str:
    """`St.John` becomes `St. John`, and nothing in a name can be tapped."""
    return _DOT_INSIDE.sub(". ", text)


def clip(text: str, limit: int) -> str:
    """At most `limit` UTF-16 units (what telephones count), cut between words, ending in `…`."""
    if len(text) * 2 <= limit or utf16_units(text) <= limit:
        return text
    head = text.encode("utf-16-le")[: 2 * (limit - 1)].decode("utf-16-le", "ignore")
    words = head if text[len(head)] == " " else head.rsplit(" ", 1)[0]
    # A word longer than half the room is itself cut, or too little would be left.
    kept = words if len(words) * 2 >= len(head) else head
    while kept and (unicodedata.combining(kept[-1]) or kept[-1] in _JOINERS + "\ufe0f"):
        kept = kept[:-1]
    return kept.rstrip(" ,;:.-–") + "…"


def utf16_units(text: str) -> int:
    return len(text.encode("utf-16-le", "replace")) // 2


def payload_value(name: str, value: Any) -> Any:
    """A value of a payload as templates may print it; `name` is its column.

    A column named `url` or `…_url` holds an address and keeps it; any other text is `plain`, and in
    `name` or `…_name` also `unlinked`. A text of which nothing is left is None, so that a template notices.
    """
    if isinstance(value, str):
        if name == "url" or name.endswith("_url"):
            return visible(value[:ADDRESS_LIMIT]) or None
        is_name = name == "name" or name.endswith("_name")
        return (unlinked(plain(value)) if is_name else plain(value)) or None
    if isinstance(value, dict):
        return {key: payload_value(key, item) for key, item in value.items()}
    if isinstance(value, list):
        return [payload_value(name, item) for item in value[:LIST_LIMIT]]
    return value
