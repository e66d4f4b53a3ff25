"""A stand-in for Resend: sending a mail, with its idempotency keys, and the signed webhooks."""

from __future__ import annotations

import base64
import hmac
import json
import re
import secrets as random_secrets
import time
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import blake2b, sha256
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from senders.sandbox.calls import brings, first_fault, json_answer, links_in, read_json
from senders.sandbox.core import Core
from senders.sandbox.journal import Accepted
from senders.sandbox.receipts import Mailbox, Signed

Happening = tuple[float, str, dict[str, Any]]  # steps after acceptance, event, what it adds to the data

FROM = "hello@shop.example"
MAILBOX = re.compile(r"(?:[^<>]* <)?([^@\s<>]+@([^@\s<>]+\.[^@\s<>]+))>?")
TAG = re.compile(r"[A-Za-z0-9_-]{1,256}")
LARGEST_BODY = 40 * 1024 * 1024
KEYS_ARE_KEPT = timedelta(hours=24)

# What is wrong: status, the name of the error, and Resend's words.
ERRORS: dict[str, tuple[int, str, str]] = {
    "no key": (401, "missing_api_key", "Missing API key in the authorization header."),
    "key": (403, "invalid_api_key", "API key is invalid"),
    "id": (400, "invalid_idempotency_key", "The key must be between 1-256 chars."),
    "json": (400, "validation_error", "We found an error with one or more fields in the request."),
    "large": (413, "validation_error", "The request is too large."),
    "missing": (422, "missing_required_field", "Missing `to`, `from` or `subject` field."),
    "content": (422, "missing_required_field", "Missing `html` or `text` field."),
    "from": (422, "invalid_from_address", "Invalid `from` field. The email address needs to follow the "
             "`email@example.com` or `Name <email@example.com>` format."),
    "to": (422, "validation_error", "Invalid `to` field. The email address needs to follow the "
           "`email@example.com` or `Name <email@example.com>` format."),
    "domain": (403, "validation_error", "The domain is not verified. Please, add and verify your domain."),
    "tag": (422, "validation_error", "Tags should only contain ASCII letters, numbers, underscores, dashes."),
    "used": (409, "invalid_idempotent_request", "Same idempotency key used with a different payload."),
    "many": (429, "rate_limit_exceeded", "Too many requests. Please limit the requests per second."),
    "broken": (500, "application_error", "An unexpected error occurred."),
}  # fmt: skip

SUPPRESSED = {
    "message": "The address is on the suppression list.",
    "reason": "previous_bounce",
    "type": "OnAccountSuppressionList",
    "diagnosticCode": [],
}
BOUNCE = {
    "message": "The recipient's mail server rejected the mail.",
    "subType": "General",
    "type": "Permanent",
    "diagnosticCode": ["smtp; 550 5.1.1 user unknown"],
}
# Mailboxes for trying out: what the local part of an address does.
MAILBOXES = {"bounced", "complained", "suppressed", "delayed"}


class ResendSandbox:
    name = "resend"
    channel = "email"

    def __init__(self, core: Core, secrets: Mapping[str, str]) -> None:
        self._core = core
        self._authorization = f"Bearer {secrets['api_key']}"
        self._signing_key = base64.b64decode(secrets["webhook_secret"].removeprefix("whsec_"))
        self._mailbox = Mailbox(core.receipts_url(self.name), self._sign)

    @staticmethod
    def new_secrets() -> dict[str, str]:
        return {
            "api_key": f"re_{random_secrets.token_urlsafe(24)}",
            "webhook_secret": f"whsec_{base64.b64encode(random_secrets.token_bytes(24)).decode()}",
        }

    @staticmethod
    def environment(secrets: Mapping[str, str], base_url: str, home: Path) -> dict[str, str]:
        return {
            "API_KEY": secrets["api_key"],
            "FROM": FROM,
            "WEBHOOK_SECRET": secrets["webhook_secret"],
            "BASE_URL": base_url,
            "MESSAGES_PER_SECOND": "2000",
        }

    def routes(self) -> list[Route]:
        return [self._core.sends(self, "/emails", self._send)]

    def too_many(self) -> Response:
        limits = {
            "ratelimit-limit": str(int(self._core.world.calls_per_second)),
            "ratelimit-remaining": "0",
            "ratelimit-reset": "1",
            "retry-after": "1",
        }
        return _error("many", limits)

    def broken(self) -> Response:
        return _error("broken")

    # ---- the API

    def _send(self, request: Request, body: bytes) -> Response:
        mail = read_json(body)
        key = request.headers.get("idempotency-key")
        wrong = self._fault_of(request, body, mail, key)
        if wrong:
            return _error(wrong)
        if key and (earlier := self._earlier(key)):
            is_same = earlier["body_sha256"] == sha256(body).hexdigest()
            return json_answer({"id": earlier["provider_message_id"]}) if is_same else _error("used")
        tags = {tag["name"]: tag["value"] for tag in mail.get("tags") or ()}
        accepted = self._core.accept(
            self,
            body,
            recipient=_recipients(mail)[0],
            message_id=tags.get("message_id", key),
            provider_message_id=str(uuid.uuid4()),
            subject=mail["subject"],
            text=mail.get("text", ""),
            html=mail.get("html", ""),
            links=links_in(mail.get("text", "")),
        )
        self._plan_receipts(accepted, mail, tags)
        return json_answer({"id": accepted.provider_message_id})

    def _earlier(self, key: str) -> Mapping[str, Any] | None:
        """The mail that was taken under the same key, while keys are kept."""
        row = self._core.journal.by_message_id(self.name, key)
        if not row or datetime.now(UTC) - datetime.fromisoformat(row["accepted_at"]) > KEYS_ARE_KEPT:
            return None
        return row

    def _fault_of(self, request: Request, body: bytes, mail: Any, key: str | None) -> str | None:
        """The first thing wrong with a call."""
        if not request.headers.get("authorization"):
            return "no key"
        if not brings(request, self._authorization):
            return "key"
        if key is not None and not 1 <= len(key) <= 256:
            return "id"
        if len(body) > LARGEST_BODY:
            return "large"
        return _fault_of_mail(mail) if isinstance(mail, dict) else "json"

    # ---- what becomes of a message

    def _fate(self, accepted: Accepted) -> list[Happening]:
        """Everything that happens to one mail."""
        world, address = self._core.world, accepted.recipient.lower()
        local = re.split(r"[@+]", address)[0]
        kind = local if local in MAILBOXES else None
        if kind is None and world.chance("bounce", address) < world.bounce_share:
            kind = "bounced"
        taken: Happening = (1, "email.sent", {})
        if kind == "suppressed":
            return [(1, "email.suppressed", {"suppressed": SUPPRESSED})]
        if kind == "bounced":
            return [taken, (2, "email.bounced", {"bounce": BOUNCE})]
        happens: list[Happening] = [taken, (3, "email.delivered", {})]
        if kind == "delayed" or world.chance("defer", address) < world.deferred_share:
            happens.insert(1, (2, "email.delivery_delayed", {}))
        return happens + self._attention(accepted, kind)

    def _attention(self, accepted: Accepted, kind: str | None) -> list[Happening]:
        """An open by a machine looks like any other: Resend does not tell them apart."""
        world, key = self._core.world, accepted.message_id or accepted.provider_message_id
        happens: list[Happening] = []
        if world.chance("machine", key) < world.machine_open_share:
            happens.append((4, "email.opened", {}))
        if world.chance("open", key) < world.open_share:
            happens.append((8, "email.opened", {}))
        if kind == "complained" or world.chance("stop", accepted.recipient) < world.stop_share:
            happens.append((10, "email.complained", {}))
        return happens

    def _plan_receipts(self, accepted: Accepted, mail: Mapping[str, Any], tags: Mapping[str, str]) -> None:
        their_id, now = accepted.provider_message_id, time.time()
        for number, (steps, event, extra) in enumerate(self._fate(accepted)):
            delay = self._core.world.delay(steps, their_id)
            receipt = {
                "type": event,
                "created_at": _iso(now + delay),
                "data": {
                    "created_at": _iso(now),
                    "email_id": their_id,
                    "from": mail["from"],
                    "to": [accepted.recipient],
                    "subject": accepted.subject,
                    **({"tags": tags} if tags else {}),
                    **extra,
                },
            }
            webhook_id = blake2b(f"{their_id}{number}".encode(), digest_size=16).hexdigest()
            self._core.receipts.schedule(delay, self._mailbox, (f"msg_{webhook_id}", receipt))

    def _sign(self, url: str, receipts: Sequence[Any]) -> Signed:
        ((webhook_id, receipt),) = receipts
        body, timestamp = json.dumps(receipt).encode(), str(int(time.time()))
        signature = hmac.digest(self._signing_key, f"{webhook_id}.{timestamp}.".encode() + body, sha256)
        headers = {
            "Content-Type": "application/json",
            "svix-id": webhook_id,
            "svix-timestamp": timestamp,
            "svix-signature": f"v1,{base64.b64encode(signature).decode()}",
        }
        return headers, body


SANDBOX = ResendSandbox


def _recipients(mail: Mapping[str, Any]) -> list[str]:
    given = mail.get("to") or []
    return [given] if isinstance(given, str) else given


def _fault_of_mail(mail: Mapping[str, Any]) -> str | None:
    sender = MAILBOX.fullmatch(mail.get("from") or "")
    tags = [text for tag in mail.get("tags") or () for text in (tag.get("name"), tag.get("value"))]
    checks = (
        (not all(mail.get(name) for name in ("from", "to", "subject")), "missing"),
        (sender is None, "from"),
        (not all(MAILBOX.fullmatch(to) for to in _recipients(mail)), "to"),
        (sender is not None and sender.group(2) != FROM.partition("@")[2], "domain"),
        (not mail.get("html") and not mail.get("text"), "content"),
        (not all(TAG.fullmatch(text or "") for text in tags), "tag"),
    )
    return first_fault(checks)


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _error(word: str, headers: Mapping[str, str] | None = None) -> Response:
    status, name, text = ERRORS[word]
    return json_answer({"statusCode": status, "name": name, "message": text}, status, headers)
