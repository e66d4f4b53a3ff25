"""The password that proves a receipt where nothing signs it: Basic authentication (RFC 7617)."""

from __future__ import annotations

import base64
import hmac
import re

from senders.contract import RawWebhook
from senders.providers._judging import lower_names


def basic_credentials(text: str) -> str:
    """`user:password` as Basic authentication sends it; ValueError says so."""
    if not re.fullmatch(r"[^:\s]+:\S+", text):
        raise ValueError("must be user:password")
    return f"Basic {base64.b64encode(text.encode()).decode()}"


def has_brought(credentials: str, webhook: RawWebhook) -> bool:
    given = lower_names(webhook.headers).get("authorization", "")
    return hmac.compare_digest(given.encode(), credentials.encode())
