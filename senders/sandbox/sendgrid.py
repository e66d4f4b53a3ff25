"""A stand-in for SendGrid: mail send, the activity history, and the signed event webhook."""

from __future__ import annotations

import base64
import json
import re
import secrets as random_secrets
import time
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from senders.sandbox.calls import brings, first_fault, json_answer, links_in, read_json
from senders.sandbox.core import Core, asks
from senders.sandbox.journal import Accepted
from senders.sandbox.receipts import Mailbox, Signed

Happening = tuple[float, dict[str, Any]]  # steps after acceptance, event

FROM = "hello@shop.example"
ADDRESS = re.compile(r"[^@\s<>]+@[^@\s<>]+\.[^@\s<>]+")
LARGEST_BODY = 30 * 1024 * 1024
RESERVED_HEADERS = {
    "x-sg-id", "x-sg-eid", "received", "dkim-signature", "content-type", "content-transfer-encoding",
    "to", "from", "subject", "reply-to", "cc", "bcc",
}  # fmt: skip
QUERY = re.compile(r"""\(?unique_args\['message_id'\]\s*=\s*"([^"]+)"\)?""")

# What is wrong: status, the field that SendGrid names, and its words.
ERRORS: dict[str, tuple[int, str | None, str]] = {
    "grant": (401, None, "The provided authorization grant is invalid, expired, or revoked"),
    "type": (415, None, "Content-Type should be application/json."),
    "large": (413, None, "content too large"),
    "json": (400, None, "Bad Request"),
    "personalizations": (400, "personalizations", "The personalizations field is required and must have at "
                         "least one personalization."),
    "to": (400, "personalizations.0.to.0.email", "Does not contain a valid address."),
    "from": (400, "from.email", "The from object must be provided for every email send. It is an object that "
             "requires the email parameter, but may also contain a name parameter."),
    "identity": (403, "from", "The from address does not match a verified Sender Identity. Mail cannot be "
                 "sent until this error is resolved."),
    "subject": (400, "subject", "The subject is required. You can get around this requirement if you use a "
                "template with a subject defined or if every personalization has a subject defined."),
    "content": (400, "content", "Unless a valid template_id is provided, the content parameter is required. "
                "There must be at least one defined content block."),
    "value": (400, "content.0.value", "The content value must be a string at least one character in length."),
    "order": (400, "content", "If present, text/plain must be first, followed by text/html, followed by any "
              "other content."),
    "header": (400, "headers", "The header names a field that is reserved."),
    "query": (400, None, "invalid syntax"),
    "many": (429, None, "too many requests"),
    "broken": (500, None, "internal server error"),
}  # fmt: skip

# Mailboxes for trying out: what the local part of an address does.
MAILBOXES = {
    "bounce": "bounce",
    "blocked": "blocked",
    "drop": "dropped",
    "defer": "deferred",
    "spam": "spamreport",
}


class SendGridSandbox:
    name = "sendgrid"
    channel = "email"

    def __init__(self, core: Core, secrets: Mapping[str, str]) -> None:
        self._core = core
        self._authorization = f"Bearer {secrets['api_key']}"
        key = serialization.load_pem_private_key(secrets["webhook_private_key"].encode(), password=None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise TypeError("webhook_private_key in the sandbox's secrets is no elliptic curve key")
        self._key = key
        gather_seconds = core.world.receipt_seconds / 2
        self._mailbox = Mailbox(core.receipts_url(self.name), self._sign, 100, gather_seconds)

    @staticmethod
    def new_secrets() -> dict[str, str]:
        pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        api_key = f"SG.{random_secrets.token_urlsafe(16)}.{random_secrets.token_urlsafe(32)}"
        return {"api_key": api_key, "webhook_private_key": pem.decode()}

    @staticmethod
    def environment(secrets: Mapping[str, str], base_url: str, home: Path) -> dict[str, str]:
        key = serialization.load_pem_private_key(secrets["webhook_private_key"].encode(), password=None)
        der = key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return {
            "API_KEY": secrets["api_key"],
            "FROM": FROM,
            "WEBHOOK_PUBLIC_KEY": base64.b64encode(der).decode(),
            "HAS_ACTIVITY_API": "true",
            "BASE_URL": base_url,
            "MESSAGES_PER_SECOND": "2000",
        }

    def routes(self) -> list[Route]:
        return [self._core.sends(self, "/v3/mail/send", self._send), asks("/v3/messages", self._activity)]

    def too_many(self) -> Response:
        limits = {
            "X-RateLimit-Limit": str(int(self._core.world.calls_per_second)),
            "X-RateLimit-Remaining": "0",
            "X-RateLimit-Reset": str(int(time.time()) + 1),
        }
        return _error("many", limits)

    def broken(self) -> Response:
        return _error("broken")

    # ---- the API

    def _send(self, request: Request, body: bytes) -> Response:
        mail = read_json(body)
        wrong = self._fault_of(request, body, mail)
        if wrong:
            return _error(wrong)
        provider_message_id = random_secrets.token_urlsafe(16)
        for personalization in mail["personalizations"]:
            self._accept(body, mail, personalization, provider_message_id)
        return Response(status_code=202, headers={"X-Message-Id": provider_message_id})

    def _accept(self, body: bytes, mail: Any, personalization: Any, provider_message_id: str) -> None:
        parts = {part["type"]: part["value"] for part in mail["content"]}
        extra = {**(mail.get("custom_args") or {}), **personalization.get("custom_args", {})}
        for to in personalization["to"]:
            accepted = self._core.accept(
                self,
                body,
                recipient=to["email"],
                message_id=extra.get("message_id"),
                provider_message_id=provider_message_id,
                subject=personalization.get("subject") or mail["subject"],
                text=parts.get("text/plain", ""),
                html=parts.get("text/html", ""),
                links=links_in(parts.get("text/plain", "")),
            )
            self._plan_receipts(accepted, extra)

    def _activity(self, request: Request, body: bytes) -> Response:
        if not self._is_authorized(request):
            return _error("grant")
        asked = QUERY.fullmatch(request.query_params.get("query", ""))
        if not asked:
            return _error("query")
        row = self._core.journal.by_message_id(self.name, asked.group(1))
        found = [row] if row else []
        return json_answer({"messages": [_summary(item) for item in found]})

    def _is_authorized(self, request: Request) -> bool:
        return brings(request, self._authorization)

    def _fault_of(self, request: Request, body: bytes, mail: Any) -> str | None:
        """The first thing wrong with a call, in the order in which SendGrid looks."""
        if not self._is_authorized(request):
            return "grant"
        if not request.headers.get("content-type", "").startswith("application/json"):
            return "type"
        if len(body) > LARGEST_BODY:
            return "large"
        return _fault_of_mail(mail) if isinstance(mail, dict) else "json"

    # ---- what becomes of a message

    def _fate(self, accepted: Accepted) -> list[Happening]:
        """Everything that happens to one mail."""
        world, address = self._core.world, accepted.recipient.lower()
        kind = MAILBOXES.get(re.split(r"[@+]", address)[0])
        if kind is None and world.chance("bounce", address) < world.bounce_share:
            kind = "bounce"
        if kind == "dropped":
            return [(1, {"event": "dropped", "reason": "Bounced Address"})]
        processed: Happening = (1.0, {"event": "processed", "send_at": 0})
        if kind in ("bounce", "blocked"):
            words = "550 5.1.1 The email account that you tried to reach does not exist."
            failed = {"event": "bounce", "reason": words, "status": "5.1.1", "type": kind}
            return [processed, (2, failed)]
        happens: list[Happening] = [processed, (3.0, {"event": "delivered", "response": "250 OK"})]
        if kind == "deferred" or world.chance("defer", address) < world.deferred_share:
            happens.insert(1, (2, {"event": "deferred", "response": "450 try again later", "attempt": "1"}))
        return happens + self._attention(accepted, kind)

    def _attention(self, accepted: Accepted, kind: str | None) -> list[Happening]:
        world, key = self._core.world, accepted.message_id or accepted.provider_message_id
        happens: list[Happening] = []
        if world.chance("machine", key) < world.machine_open_share:
            happens.append((4, {"event": "open", "useragent": "Mozilla/5.0", "sg_machine_open": True}))
        if world.chance("open", key) < world.open_share:
            happens.append((8, {"event": "open", "useragent": "Mozilla/5.0", "sg_machine_open": False}))
        if kind == "spamreport" or world.chance("complain", accepted.recipient) < world.complaint_share:
            happens.append((10, {"event": "spamreport"}))
        return happens

    def _plan_receipts(self, accepted: Accepted, extra: Mapping[str, Any]) -> None:
        their_id, now = accepted.provider_message_id, int(time.time())
        for number, (steps, event) in enumerate(self._fate(accepted)):
            delay = self._core.world.delay(steps, their_id)
            event_id = blake2b(f"{accepted.recipient}{number}{their_id}".encode(), digest_size=16).digest()
            receipt = {
                "email": accepted.recipient,
                "timestamp": int(now + delay),
                "smtp-id": f"<{their_id}@geopod-ismtpd-1>",
                "sg_event_id": base64.urlsafe_b64encode(event_id).rstrip(b"=").decode(),
                "sg_message_id": f"{their_id}.recvd-5f54b5d587-8r7kn-1-65A1B2C3-1.0",
                **extra,
                **event,
            }
            self._core.receipts.schedule(delay, self._mailbox, receipt)

    def _sign(self, url: str, receipts: Sequence[Any]) -> Signed:
        body = (json.dumps(receipts, ensure_ascii=False) + "\r\n").encode()
        timestamp = str(int(time.time()))
        signature = self._key.sign(timestamp.encode() + body, ec.ECDSA(hashes.SHA256()))
        headers = {
            "Content-Type": "application/json",
            "X-Twilio-Email-Event-Webhook-Timestamp": timestamp,
            "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(signature).decode(),
        }
        return headers, body


SANDBOX = SendGridSandbox


def _fault_of_mail(mail: Mapping[str, Any]) -> str | None:
    people = mail.get("personalizations") or []
    recipients = [to for person in people for to in person.get("to", ())]
    sender = (mail.get("from") or {}).get("email", "")
    content = mail.get("content") or []
    kinds = [part.get("type") for part in content]
    checks = (
        (not people or any(not person.get("to") for person in people), "personalizations"),
        (not all(ADDRESS.fullmatch(to.get("email", "")) for to in recipients), "to"),
        (not ADDRESS.fullmatch(sender), "from"),
        (sender != FROM, "identity"),
        (not mail.get("subject") and not all(person.get("subject") for person in people), "subject"),
        (not content and not mail.get("template_id"), "content"),
        (not all(part.get("value") for part in content), "value"),
        ("text/plain" in kinds[1:], "order"),
        (any(name.lower() in RESERVED_HEADERS for name in mail.get("headers") or {}), "header"),
    )
    return first_fault(checks)


def _summary(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "from_email": FROM, "msg_id": f"{row['provider_message_id']}.recvd-5f54b5d587-8r7kn-1-65A1B2C3-1.0",
        "subject": row["subject"], "to_email": row["recipient"], "status": "processed", "opens_count": 0,
        "clicks_count": 0, "last_event_time": f"{row['accepted_at'][:19]}Z",
    }  # fmt: skip


def _error(word: str, headers: Mapping[str, str] | None = None) -> Response:
    status, field, text = ERRORS[word]
    return json_answer({"errors": [{"message": text, "field": field}]}, status, headers)
