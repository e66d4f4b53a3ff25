"""Notifications of Amazon SNS: what is signed, by whose certificate, and the confirmation of a topic.

Source of the rules: Amazon SNS Developer Guide, "Verifying the signatures of Amazon SNS messages" and
"Subscribing an HTTPS endpoint".
"""

from __future__ import annotations

import asyncio
import base64
import re
import time
from collections.abc import Mapping
from typing import Any

from senders.providers._judging import as_object

NOTIFICATION = "Notification"
# What is signed of each type, where it is there, in this order: the name, the value, each on a line.
SIGNED = {
    NOTIFICATION: ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": (
        "Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type",
    ),
}  # fmt: skip
SIGNED["UnsubscribeConfirmation"] = SIGNED["SubscriptionConfirmation"]
CERTIFICATE_NAME = r"/SimpleNotificationService-[0-9a-zA-Z]{1,64}\.pem"
LARGEST_CERTIFICATE = 20_000
FETCH_SECONDS = 5.0
LOOK_AGAIN_SECONDS = 5.0  # a stranger may name certificates as he likes: we do not ask for each at once


class Topic:
    """One topic; `sns_url` is the only address that certificates and confirmations are fetched from."""

    def __init__(self, arn: str, sns_url: str) -> None:
        self._arn = arn
        self._sns_url = sns_url
        self._keys: dict[str, Any] = {}
        self._look_again_at = 0.0
        self._fetching = asyncio.Lock()  # whoever comes meanwhile waits for the certificate, too

    async def prepare(self, body: bytes) -> bool:
        """Fetch the certificate that a notification names, and confirm the topic where it asks for that.
        False: it cannot be had now, so nobody can tell. SNS comes again after a 503, not after a 401."""
        said = as_object(body)
        if said.get("TopicArn") != self._arn:
            return True
        url = str(said.get("SigningCertURL"))
        if not self._is_theirs(url):
            return True
        async with self._fetching:
            await self._fetch_certificate(url)
        await self._confirm(said, body)
        return url in self._keys

    def _is_theirs(self, url: str) -> bool:
        name = url.removeprefix(self._sns_url)
        return url.startswith(self._sns_url) and bool(re.fullmatch(CERTIFICATE_NAME, name))

    async def _confirm(self, said: Mapping[str, Any], body: bytes) -> None:
        confirms = str(said.get("SubscribeURL", ""))
        is_asked = said.get("Type") == "SubscriptionConfirmation" and confirms.startswith(
            f"{self._sns_url}/?"
        )
        if is_asked and self.has_signed(body):
            await _get(confirms)

    def has_signed(self, body: bytes) -> bool:
        """Whether SNS signed this notification of this topic; False while its certificate is not here."""
        said = as_object(body)
        key = self._keys.get(str(said.get("SigningCertURL")))
        names = SIGNED.get(str(said.get("Type")))
        if key is None or names is None or said.get("TopicArn") != self._arn:
            return False
        # Imported late: a tick which only sends need not pay.
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import padding

        digests = {"1": hashes.SHA1(), "2": hashes.SHA256()}  # noqa: S303  SNS's version 1 is SHA-1
        digest = digests.get(str(said.get("SignatureVersion")))
        try:
            signature = base64.b64decode(str(said.get("Signature")), validate=True)
            if digest is None:
                return False
            key.verify(signature, _signed_text(said, names), padding.PKCS1v15(), digest)
        except (InvalidSignature, ValueError):
            return False
        return True

    async def _fetch_certificate(self, url: str) -> None:
        if url in self._keys or time.monotonic() < self._look_again_at:
            return
        from cryptography import x509
        from cryptography.hazmat.primitives.asymmetric import rsa

        self._look_again_at = time.monotonic() + LOOK_AGAIN_SECONDS
        pem = await _get(url)
        try:
            key = x509.load_pem_x509_certificate(pem).public_key()
        except ValueError:
            return
        if isinstance(key, rsa.RSAPublicKey):
            self._keys[url] = key
            self._look_again_at = 0.0


async def _get(url: str) -> bytes:
    """The body of a 200, else nothing: SNS asks again."""
    import httpx

    try:
        async with httpx.AsyncClient(timeout=FETCH_SECONDS, trust_env=False) as client:
            answer = await client.get(url)
    except httpx.HTTPError:
        return b""
    return answer.content[:LARGEST_CERTIFICATE] if answer.status_code == 200 else b""


def _signed_text(said: Mapping[str, Any], names: tuple[str, ...]) -> bytes:
    return "".join(f"{name}\n{said[name]}\n" for name in names if said.get(name) is not None).encode(
        errors="replace"
    )
