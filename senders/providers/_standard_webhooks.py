"""The signature of Standard Webhooks (standardwebhooks.com), symmetric: HMAC-SHA256 over
`<id>.<timestamp>.<body>`, in base64 after `v1,`."""

from __future__ import annotations

import base64
import hmac
from hashlib import sha256


def signing_secret(text: str) -> bytes:
    """The key in a signing secret; ValueError says what the text must be."""
    try:
        key = base64.b64decode(text.removeprefix("whsec_"), validate=True)
    except ValueError:
        key = b""
    if not key:
        raise ValueError("must be a signing secret: whsec_ and the key in base64")
    return key


def sign(key: bytes, webhook_id: str, timestamp: str, body: bytes) -> str:
    """One signature, as it stands in the header."""
    signed = f"{webhook_id}.{timestamp}.".encode() + body
    return f"v1,{base64.b64encode(hmac.digest(key, signed, sha256)).decode()}"


def has_signed(key: bytes, webhook_id: str, timestamp: str, body: bytes, signatures: str) -> bool:
    """Whether one of the signatures is the key's: while a secret is changed, both sign, a space between.

    The age is not judged: a receipt may be a week late, and one that is repeated says nothing twice.
    """
    expected = sign(key, webhook_id, timestamp, body).encode()
    return any(hmac.compare_digest(given.encode(), expected) for given in signatures.split(" "))
