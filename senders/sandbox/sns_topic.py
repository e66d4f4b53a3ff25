"""A topic of Amazon SNS: asks its endpoint to confirm, and signs whatever it publishes."""

from __future__ import annotations

import base64
import json
import secrets as random_secrets
import time
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from senders.providers._sns import SIGNED
from senders.sandbox.calls import json_answer
from senders.sandbox.core import Core, asks
from senders.sandbox.receipts import Mailbox, Signed


class SnsTopic:
    """With one endpoint, the receivers' address of `provider`."""

    def __init__(self, core: Core, secrets: Mapping[str, str], provider: str) -> None:
        self._core = core
        self._secrets = secrets
        key = serialization.load_pem_private_key(secrets["sns_private_key"].encode(), password=None)
        if not isinstance(key, rsa.RSAPrivateKey):
            raise TypeError("sns_private_key in the sandbox's secrets is no RSA key")
        self._key = key
        self._mailbox = Mailbox(core.receipts_url(provider), self._sign)
        self._is_announced = self._is_confirmed = False

    @staticmethod
    def new_secrets(region: str) -> dict[str, str]:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return {
            "topic_arn": f"arn:aws:sns:{region}:{random_secrets.randbelow(10**12):012}:dovecote-mail",
            "sns_private_key": pem.decode(),
            "sns_certificate": _certificate(key),
            "sns_certificate_name": f"SimpleNotificationService-{random_secrets.token_hex(16)}.pem",
        }

    def routes(self) -> list[Route]:
        return [
            asks(f"/{self._secrets['sns_certificate_name']}", self._show_certificate),
            asks("/", self._confirm),
        ]

    def announce(self, base_url: str) -> None:
        """Ask once to confirm the topic; SNS would send nothing before, we do not insist."""
        if self._is_announced:
            return
        self._is_announced = True
        token = random_secrets.token_hex(32)
        arn = self._secrets["topic_arn"]
        said = {
            "Type": "SubscriptionConfirmation",
            "Token": token,
            "Message": f"You have chosen to subscribe to the topic {arn}.",
            "SubscribeURL": f"{base_url}/?Action=ConfirmSubscription&TopicArn={arn}&Token={token}",
        }
        self._core.receipts.schedule(0.0, self._mailbox, {**said, **self._envelope(base_url, token)})

    def publish(self, delay: float, message: Mapping[str, Any], base_url: str, key: str) -> None:
        """A notification, `delay` seconds from now; the same `key` has the same MessageId."""
        said = {"Type": "Notification", "Message": json.dumps(message)}
        self._core.receipts.schedule(delay, self._mailbox, {**said, **self._envelope(base_url, key)})

    def _envelope(self, base_url: str, key: str) -> dict[str, str]:
        return {
            "MessageId": str(uuid.uuid5(uuid.NAMESPACE_OID, key)),
            "TopicArn": self._secrets["topic_arn"],
            "Timestamp": iso(time.time()),
            "SignatureVersion": "2",
            "SigningCertURL": f"{base_url}/{self._secrets['sns_certificate_name']}",
        }

    def _sign(self, url: str, receipts: Sequence[Any]) -> Signed:
        said = receipts[0]
        text = "".join(f"{name}\n{said[name]}\n" for name in SIGNED[said["Type"]] if name in said)
        signature = self._key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
        body = json.dumps({**said, "Signature": base64.b64encode(signature).decode()}).encode()
        headers = {"Content-Type": "text/plain; charset=UTF-8", "x-amz-sns-message-type": said["Type"]}
        return headers, body

    def _show_certificate(self, request: Request, body: bytes) -> Response:
        return Response(self._secrets["sns_certificate"], media_type="application/x-pem-file")

    def _confirm(self, request: Request, body: bytes) -> Response:
        is_ours = request.query_params.get("TopicArn") == self._secrets["topic_arn"]
        self._is_confirmed |= is_ours and request.query_params.get("Action") == "ConfirmSubscription"
        return json_answer({"is_confirmed": self._is_confirmed})


def iso(moment: float) -> str:
    """A Unix time as Amazon writes it."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _certificate(key: rsa.RSAPrivateKey) -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=3650))
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM).decode()
