"""Signed links: what a message points to that leads back to us.

A token is url-safe base64 of 16 bytes of HMAC-SHA256 (RFC 2104 allows to truncate to half)
followed by what it says. Its first byte is its purpose, under the signature, so that a click
token never opens an unsubscribe. Nobody can make our redirect lead where we did not send it.
Tokens do not expire: an unsubscribe link must work for as long as the message is kept.
"""

from __future__ import annotations

import binascii
import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

from senders.settings import Settings, SettingsError

URL_LIMIT: Final = 2_048  # what mail clients and proxies carry without cutting
TOKEN_LIMIT: Final = 8_192
MAC_BYTES: Final = 16

CLICK: Final = b"c"
UNSUBSCRIBE: Final = b"u"
PREFERENCES: Final = b"p"


class LinkError(ValueError):
    """A target that may not be linked to, or a token that is not one of ours."""


@dataclass(frozen=True, slots=True)
class ClickLink:
    message_id: str
    url: str


@dataclass(frozen=True, slots=True)
class UnsubscribeLink:
    message_id: str
    user_id: str
    channel: str
    address: str


def web_url(text: str) -> str:
    """`text` if it is a complete http(s) address; raise LinkError with what is wrong."""
    if len(text) > URL_LIMIT:
        raise LinkError(f"the address is longer than {URL_LIMIT} characters: {text[:60]!r}…")
    if not text.isprintable() or " " in text or "\\" in text:
        raise LinkError(f"the address holds a space, a backslash or a control character: {text[:60]!r}")
    try:
        parts = urlsplit(text)
        parts.port  # noqa: B018  (reading it is what checks it)
    except ValueError as error:
        raise LinkError(f"{text[:60]!r} is no address: {error}") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise LinkError(f"{text[:60]!r} must be a complete http:// or https:// address")
    if "@" in parts.netloc:  # https://our-shop.example@elsewhere.example reads as ours and is not
        raise LinkError(f"{text[:60]!r} must not name a user before its host")
    return text


def click_url(settings: Settings, message_id: str, url: str) -> str:
    """The redirect that counts a click of `message_id` (a UUID) and leads on to `url`."""
    body = _uuid_bytes(message_id) + web_url(url).encode()
    return f"{settings.public_url}/c/{_sign(settings, CLICK + body)}"


def unsubscribe_url(settings: Settings, message_id: str, user_id: str, channel: str, address: str) -> str:
    """One click (RFC 8058) and this address gets no more marketing on this channel."""
    body = _uuid_bytes(message_id) + _pack([user_id, channel, address])
    return f"{settings.public_url}/u/{_sign(settings, UNSUBSCRIBE + body)}"


def preferences_url(settings: Settings, user_id: str) -> str:
    """The page on which one person chooses what they want to get and where."""
    return f"{settings.public_url}/p/{_sign(settings, PREFERENCES + _pack([user_id]))}"


def read_click(settings: Settings, token: str) -> ClickLink:
    """What a `/c/` token says; raise LinkError where it is not ours."""
    body = _verify(settings, token, CLICK)
    return ClickLink(str(UUID(bytes=body[:16])), web_url(body[16:].decode()))


def read_unsubscribe(settings: Settings, token: str) -> UnsubscribeLink:
    """What a `/u/` token says; raise LinkError where it is not ours."""
    body = _verify(settings, token, UNSUBSCRIBE)
    return UnsubscribeLink(str(UUID(bytes=body[:16])), *json.loads(body[16:]))


def read_preferences(settings: Settings, token: str) -> str:
    """The user_id in a `/p/` token; raise LinkError where it is not ours."""
    (user_id,) = json.loads(_verify(settings, token, PREFERENCES))
    return str(user_id)


def _pack(values: Sequence[str]) -> bytes:
    return json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _uuid_bytes(message_id: str) -> bytes:
    try:
        return UUID(message_id).bytes
    except ValueError:
        raise LinkError(f"message_id {message_id!r} is no UUID") from None


def _key(settings: Settings) -> bytes:
    if not settings.link_secret:
        raise SettingsError(
            "DOVECOTE_LINK_SECRET is empty, so links in messages cannot be signed. Set it to a long random"
            ' text and keep it: python -c "import secrets; print(secrets.token_urlsafe(32))"'
        )
    return settings.link_secret.encode()


def _mac(settings: Settings, signed: bytes) -> bytes:
    return hmac.digest(_key(settings), signed, "sha256")[:MAC_BYTES]


def _encode(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")


def _sign(settings: Settings, signed: bytes) -> str:
    return _encode(_mac(settings, signed) + signed)


def _verify(settings: Settings, token: str, purpose: bytes) -> bytes:
    if len(token) > TOKEN_LIMIT:
        raise LinkError("the link is too long to be one of ours")
    try:
        raw = urlsafe_b64decode(token.encode("ascii") + b"=" * (-len(token) % 4))
    except (binascii.Error, UnicodeEncodeError):
        raise LinkError("the link is damaged: part of it may be missing") from None
    if _encode(raw) != token:  # the decoder skips foreign characters: one link, one spelling
        raise LinkError("the link is damaged: it holds characters that links do not")
    mac, signed = raw[:MAC_BYTES], raw[MAC_BYTES:]
    if not hmac.compare_digest(mac, _mac(settings, signed)):
        raise LinkError("the link is not signed by us, or part of it is missing")
    if signed[:1] != purpose:
        raise LinkError("the link was made for another purpose")
    return signed[1:]
