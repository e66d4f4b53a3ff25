"""The words by which a person ends messages on a phone."""

from __future__ import annotations

# The carriers' standard English words, and what phones send for "Unsubscribe" in ES, MX and BR.
# A word that stands alone is a wish; inside a sentence it is talk.
OPT_OUT_WORDS = frozenset(
    {"stop", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout", "baja", "parar", "stopp"}
)


def is_opt_out(text: str) -> bool:
    """True where the whole text is an opt-out word, whatever its case, spaces and punctuation."""
    return "".join(letter for letter in text.casefold() if letter.isalnum()) in OPT_OUT_WORDS
