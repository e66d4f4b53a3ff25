"""A stand-in for an endpoint that takes webhooks, ignores a repeated id, and reports back."""

from __future__ import annotations

import base64
import json
import secrets as random_secrets
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from senders.providers._standard_webhooks import has_signed, sign, signing_secret
from senders.sandbox.calls import links_in
from senders.sandbox.core import Core
from senders.sandbox.receipts import Mailbox, Signed

TOLERANCE_SECONDS = 300


class WebhookSandbox:
    name = "webhook"
    channel = "webhook"

    def __init__(self, core: Core, secrets: Mapping[str, str]) -> None:
        self._core = core
        self._key = signing_secret(secrets["secret"])
        self._mailbox = Mailbox(core.receipts_url(self.name), self._sign)

    @staticmethod
    def new_secrets() -> dict[str, str]:
        return {"secret": f"whsec_{base64.b64encode(random_secrets.token_bytes(24)).decode()}"}

    @staticmethod
    def environment(secrets: Mapping[str, str], base_url: str, home: Path) -> dict[str, str]:
        return {
            "URL": f"{base_url}/hooks/dovecote",
            "SECRET": secrets["secret"],
            "DEDUPE_SECONDS": "86400",
            "MESSAGES_PER_SECOND": "2000",
        }

    def routes(self) -> list[Route]:
        return [self._core.sends(self, "/hooks/dovecote", self._take)]

    def too_many(self) -> Response:
        return Response(status_code=429, headers={"Retry-After": "1"})

    def broken(self) -> Response:
        return Response(status_code=500)

    def _take(self, request: Request, body: bytes) -> Response:
        names = [request.headers.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature")]
        webhook_id, timestamp, signature = names
        is_recent = timestamp.isdigit() and abs(time.time() - int(timestamp)) < TOLERANCE_SECONDS
        if not is_recent or not has_signed(self._key, webhook_id, timestamp, body, signature):
            return Response(status_code=401)
        data = json.loads(body)["data"]
        if self._core.journal.by_message_id(self.name, webhook_id) is None:
            text = json.dumps(data["content"], ensure_ascii=False)
            self._core.accept(
                self,
                body,
                recipient=data["address"],
                message_id=webhook_id,
                provider_message_id=webhook_id,
                text=text,
                links=links_in(text),
            )
            self._plan_receipts(webhook_id, data["address"])
        return Response(status_code=202)

    def _plan_receipts(self, message_id: str, address: str) -> None:
        for number, kind in enumerate(("sent", "delivered"), 1):
            delay = self._core.world.delay(number, message_id)
            at = datetime.fromtimestamp(time.time() + delay, UTC).isoformat()
            data = {"message_id": message_id, "address": address}
            receipt = {"type": f"message.{kind}", "timestamp": at, "data": data}
            self._core.receipts.schedule(delay, self._mailbox, (f"{message_id}.{kind}", receipt))

    def _sign(self, url: str, receipts: Sequence[Any]) -> Signed:
        ((webhook_id, receipt),) = receipts
        body, timestamp = json.dumps(receipt).encode(), str(int(time.time()))
        headers = {
            "Content-Type": "application/json",
            "webhook-id": webhook_id,
            "webhook-timestamp": timestamp,
            "webhook-signature": sign(self._key, webhook_id, timestamp, body),
        }
        return headers, body


SANDBOX = WebhookSandbox
