"""A stand-in for Customer.io: the transactional API of the App API, and the reporting webhook."""

from __future__ import annotations

import hmac
import json
import secrets as random_secrets
import time
import uuid
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from senders.sandbox.calls import brings, first_fault, json_answer, links_in
from senders.sandbox.core import Core
from senders.sandbox.journal import Accepted
from senders.sandbox.mailboxes import MAILBOX, fate
from senders.sandbox.receipts import Mailbox, Signed

FROM = "hello@shop.example"

# What is wrong: status and Customer.io's words.
ERRORS = {
    "key": (401, "Unauthorized request"),
    "json": (400, "malformed JSON"),
    "recipient": (400, "invalid recipient address"),
    "from": (400, "from: the domain is not verified"),
    "content": (422, "subject and body are required"),
    "identifiers": (400, "identifiers: one of id, email or cio_id is required"),
    "many": (429, "too many requests"),
    "broken": (500, "internal server error"),
}
# What happens to a mail → the metrics that events tell.
TOLD = {
    "taken": ("sent",), "suppressed": ("dropped",), "bounced": ("bounced",), "blocked": ("failed",),
    "deferred": ("deferred",), "delivered": ("delivered",), "machine_opened": ("opened",),
    "opened": ("opened", "human_opened"), "complained": ("spammed",),
}  # fmt: skip


class CustomerIoSandbox:
    name = "customer_io"
    channel = "email"

    def __init__(self, core: Core, secrets: Mapping[str, str]) -> None:
        self._core = core
        self._authorization = f"Bearer {secrets['app_api_key']}"
        self._signing_key = secrets["webhook_signing_key"].encode()
        self._mailbox = Mailbox(core.receipts_url(self.name), self._sign)

    @staticmethod
    def new_secrets() -> dict[str, str]:
        return {
            "app_api_key": random_secrets.token_hex(16),
            "webhook_signing_key": random_secrets.token_hex(32),
        }

    @staticmethod
    def environment(secrets: Mapping[str, str], base_url: str, home: Path) -> dict[str, str]:
        return {
            "APP_API_KEY": secrets["app_api_key"],
            "FROM": FROM,
            "WEBHOOK_SIGNING_KEY": secrets["webhook_signing_key"],
            "BASE_URL": base_url,
            "MESSAGES_PER_SECOND": "2000",
        }

    def routes(self) -> list[Route]:
        return [self._core.sends(self, "/v1/send/email", self._send)]

    def too_many(self) -> Response:
        return _error("many")

    def broken(self) -> Response:
        return _error("broken")

    # ---- the API

    def _send(self, request: Request, body: bytes) -> Response:
        if not brings(request, self._authorization):
            return _error("key")
        try:
            mail = json.loads(body)
            headers = {each["name"]: each["value"] for each in json.loads(mail.get("headers", "[]"))}
        except (ValueError, TypeError, KeyError, AttributeError):
            return _error("json")
        if wrong := _fault_of(mail):
            return _error(wrong)
        accepted = self._core.accept(
            self,
            body,
            recipient=mail["to"],
            message_id=headers.get("X-Dovecote-Message-Id"),
            provider_message_id=random_secrets.token_urlsafe(16),
            subject=mail["subject"],
            text=mail.get("body_plain", ""),
            html=mail["body"],
            links=links_in(mail.get("body_plain", "")),
        )
        self._plan_receipts(accepted, mail, headers)
        answer = {"delivery_id": accepted.provider_message_id, "queued_at": int(time.time())}
        return json_answer(answer)

    # ---- what becomes of a message

    def _plan_receipts(self, accepted: Accepted, mail: Mapping[str, Any], headers: Mapping[str, str]) -> None:
        for steps, happening in fate(self._core.world, accepted):
            for metric in TOLD.get(happening, ()):
                delay = self._core.world.delay(steps, accepted.provider_message_id)
                data: dict[str, Any] = {
                    "delivery_id": accepted.provider_message_id,
                    "identifiers": mail["identifiers"],
                    "recipient": accepted.recipient,
                    "subject": accepted.subject,
                }
                if metric == "sent":
                    data["headers"] = {name: [value] for name, value in headers.items()}
                event = {
                    "event_id": str(uuid.uuid4()),
                    "metric": metric,
                    "object_type": "email",
                    "timestamp": int(time.time() + delay),
                    "data": data,
                }
                self._core.receipts.schedule(delay, self._mailbox, event)

    def _sign(self, url: str, receipts: Sequence[Any]) -> Signed:
        body, timestamp = json.dumps(receipts[0]).encode(), str(int(time.time()))
        signature = hmac.new(self._signing_key, f"v0:{timestamp}:".encode() + body, sha256).hexdigest()
        headers = {"X-CIO-Timestamp": timestamp, "X-CIO-Signature": signature}
        return {"Content-Type": "application/json", **headers}, body


SANDBOX = CustomerIoSandbox


def _fault_of(mail: Mapping[str, Any]) -> str | None:
    sender = MAILBOX.fullmatch(mail.get("from") or "")
    checks = (
        (not mail.get("identifiers"), "identifiers"),
        (not MAILBOX.fullmatch(mail.get("to") or ""), "recipient"),
        (sender is None or sender.group(1) != FROM, "from"),
        (not mail.get("subject") or not mail.get("body"), "content"),
    )
    return first_fault(checks)


def _error(word: str) -> Response:
    status, text = ERRORS[word]
    return json_answer({"meta": {"error": text}}, status)
