"""Twilio's Content templates, which stand under a ContentSid and take numbered values."""

from __future__ import annotations

import re
from collections.abc import Sequence

from senders.providers._judging import dump_json


def content_sids(text: str) -> dict[str, str]:
    """`cart_reminder.en=HX…,hello.en=HX…`; ValueError says so."""
    pairs = [part.strip().partition("=") for part in text.split(",") if part.strip()]
    if not all(name and re.fullmatch(r"HX[0-9a-fA-F]{32}", sid) for name, _, sid in pairs):
        raise ValueError("must look like cart_reminder.en=HX and 32 hexadecimal digits, separated by commas")
    return {name: sid for name, _, sid in pairs}


def filled(sid: str, values: Sequence[str]) -> list[tuple[str, str]]:
    """The fields of a form that stand for the template with its values, numbered in order."""
    numbered = {str(number): value for number, value in enumerate(values, 1)}
    variables = [("ContentVariables", dump_json(numbered).decode())] if values else []
    return [("ContentSid", sid), *variables]
