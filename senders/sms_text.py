"""How long a text message is on the air: its alphabet and the segments a carrier counts.

Rules of 3GPP TS 23.038 (alphabets) and TS 23.040 (concatenation, six octets of header a segment).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

GSM7: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM7_EXTENSION: Final = frozenset("\f^{}\\[~]|€")  # each costs an escape and itself

# encoding: (units in a message of its own, units in each of several segments)
SEGMENT_UNITS: Final = {"GSM-7": (160, 153), "UCS-2": (70, 67)}
SEGMENT_LIMIT: Final = 10  # carriers refuse or split what is longer

# One curly quote would turn 160 characters into 70. These have a plain twin that reads the same.
PLAIN_TWINS: Final = str.maketrans(
    {
        "‘": "'", "’": "'", "‚": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "′": "'", "″": '"',
        "–": "-", "—": "-", "‑": "-", "−": "-", "…": "...", "•": "-", "·": "-", "→": "->", "×": "x",
        "\u00a0": " ", "\u2009": " ", "\u202f": " ", "\t": " ",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class SmsText:
    text: str
    encoding: str  # GSM-7 | UCS-2
    segments: int


def measure(text: str) -> SmsText:
    """The text as it will be sent, with the alphabet it needs and the segments it takes.

    Typographic characters are replaced by plain ones where that saves the short alphabet, and
    left alone in a text that needs the long one anyway. The empty text takes one segment.
    """
    plain = text.translate(PLAIN_TWINS)
    if all(character in GSM7 or character in GSM7_EXTENSION for character in plain):
        units = (2 if character in GSM7_EXTENSION else 1 for character in plain)
        return SmsText(plain, "GSM-7", _segments(units, "GSM-7"))
    units = (2 if ord(character) > 0xFFFF else 1 for character in text)
    return SmsText(text, "UCS-2", _segments(units, "UCS-2"))


def _segments(units: Iterable[int], encoding: str) -> int:
    """Segments needed when no character of two units may be torn apart by a boundary."""
    sizes = list(units)
    alone, each = SEGMENT_UNITS[encoding]
    if sum(sizes) <= alone:
        return 1
    segments, used = 1, 0
    for size in sizes:
        if used + size > each:
            segments, used = segments + 1, 0
        used += size
    return segments
