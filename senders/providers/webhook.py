"""Anything that takes a webhook, signed as Standard Webhooks says.

Source of the rules: the Standard Webhooks specification (headers `webhook-id`, `webhook-timestamp`,
`webhook-signature`; 2xx is taken, 410 ends the endpoint). Our message id is the webhook's id: a receiver
that ignores a repeated one says for how long (`dedupe_seconds`), and an unknown outcome is then settled by
the same bytes again. It may report back to `/v1/receipts/webhook`, signed with the same secret:
`{"type": "message.delivered", "timestamp": "…", "data": {"message_id": "…", "address": "…"}}`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from senders.contract import (
    Answer,
    Capabilities,
    EventKind,
    Message,
    Outcome,
    ProviderEvent,
    RawWebhook,
    Request,
    Verdict,
)
from senders.providers._base import ProviderBase, speed
from senders.providers._declared import Option
from senders.providers._judging import (
    HTTP_RULINGS,
    Meaning,
    Ruling,
    dump_json,
    find_ruling,
    lower_names,
    moment,
    read_each,
    read_json,
    retry_after,
    verdict,
)
from senders.providers._reasons import Reason
from senders.providers._standard_webhooks import has_signed, sign, signing_secret
from senders.settings import Settings

RULINGS: dict[Any, Ruling] = HTTP_RULINGS | {
    200: (Outcome.ACCEPTED, Reason.ACCEPTED),
    201: (Outcome.ACCEPTED, Reason.ACCEPTED),
    202: (Outcome.ACCEPTED, Reason.ACCEPTED),
    204: (Outcome.ACCEPTED, Reason.ACCEPTED),
    409: (Outcome.ACCEPTED, Reason.ALREADY_ACCEPTED),  # it has that id
    410: (Outcome.ROUTE_BLOCKED, Reason.WRONG_ENDPOINT),  # it wants no more
    415: (Outcome.REJECTED, Reason.INVALID_CONTENT),
    422: (Outcome.REJECTED, Reason.INVALID_CONTENT),
    429: (Outcome.RETRY, Reason.RATE_LIMITED),
}

EVENTS: dict[str, Meaning] = {
    "message.accepted": (EventKind.ACCEPTED, Reason.QUEUED),
    "message.sent": (EventKind.SENT, Reason.SENT),
    "message.delivered": (EventKind.DELIVERED, Reason.DELIVERED),
    "message.read": (EventKind.READ, Reason.READ),
    "message.failed": (EventKind.FAILED, Reason.FAILED_UNEXPLAINED),
    "message.delayed": (EventKind.DEFERRED, Reason.DELAYED),
    "message.opened": (EventKind.OPENED, Reason.OPENED),
    "message.clicked": (EventKind.CLICKED, Reason.CLICKED),
    "message.replied": (EventKind.REPLIED, Reason.REPLIED),
    "message.bounced": (EventKind.BOUNCED, Reason.BOUNCED),
    "message.complained": (EventKind.COMPLAINED, Reason.SPAM_REPORT),
    "message.unsubscribed": (EventKind.UNSUBSCRIBED, Reason.OPT_OUT_BUTTON),
}


def endpoint(text: str) -> str:
    """An address with its path; ValueError says what it must be."""
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.fragment or parts.username:
        raise ValueError("must be the whole address of the endpoint, as https://example.com/hooks/dovecote")
    return text


def seconds(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise ValueError("must be a whole number of seconds, 0 for never")
    return int(text)


class Webhook(ProviderBase):
    """Answers the contract's questions for any endpoint."""

    name = "webhook"
    channel = "webhook"
    capabilities = Capabilities(echoes_message_id=True)
    options = (
        Option("url", "address of the endpoint", parse=endpoint),
        Option("secret", "signing secret (whsec_…), both ways", parse=signing_secret, is_secret=True),
        Option("dedupe_seconds", "how long it ignores a repeated webhook-id; 0: it does not", "0", seconds),
        speed("50"),
    )

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        chosen = self._chosen
        parts = urlsplit(chosen["url"])
        self.base_url = f"{parts.scheme}://{parts.netloc}"
        self.capabilities = replace(self.capabilities, dedupe_seconds=chosen["dedupe_seconds"])
        self._path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._key: bytes = chosen["secret"]

    def request(self, message: Message) -> Request:
        body = {
            "type": "message.send",
            "timestamp": _iso(message.due_at),
            "data": {
                "message_id": message.message_id,
                "address": message.address,
                "journey": message.journey,
                "step": message.step,
                "class": message.message_class,
                "entity_key": message.entity_key,
                "event_id": message.event_id,
                "variant": message.variant,
                "expires_at": _iso(message.expires_at),
                "content": message.content["data"],
            },
        }
        headers = {"Content-Type": "application/json", "webhook-id": message.message_id}
        return Request("POST", self._path, dump_json(body), headers)

    async def authorize(self, client: Any) -> Mapping[str, str]:
        return {}  # each call is signed for itself

    def sign(self, request: Request) -> Mapping[str, str]:
        timestamp = str(int(time.time()))
        signature = sign(self._key, request.headers["webhook-id"], timestamp, request.body)
        return {"webhook-timestamp": timestamp, "webhook-signature": signature}

    def judge(self, answer: Answer) -> Verdict:
        ruling = find_ruling(RULINGS, answer.status)
        return verdict(answer, ruling, retry_after_seconds=retry_after(answer.headers))

    def verify(self, webhook: RawWebhook) -> bool:
        headers = lower_names(webhook.headers)
        webhook_id, timestamp, signature = (
            headers.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature")
        )
        return has_signed(self._key, webhook_id, timestamp, webhook.body, signature)

    def events(self, webhook: RawWebhook) -> Sequence[ProviderEvent]:
        webhook_id = lower_names(webhook.headers).get("webhook-id", "")  # of the event, also when repeated
        return read_each(self.name, [read_json(webhook.body)], lambda item: self._events_of(item, webhook_id))

    def _events_of(self, item: Mapping[str, Any], webhook_id: str) -> list[ProviderEvent]:
        meaning, data = EVENTS.get(str(item.get("type"))), item.get("data") or {}
        if meaning is None:
            return []
        kind, reason = meaning
        their_id = webhook_id or f"{data.get('message_id')}:{item.get('timestamp')}"
        return [
            ProviderEvent(
                event_key=f"{their_id}:{kind}",
                provider=self.name,
                kind=kind,
                occurred_at=moment(item.get("timestamp")),
                message_id=data.get("message_id"),
                provider_message_id=data.get("provider_message_id"),
                address=data.get("address"),
                reason=reason.value,
                raw=json.dumps(item),
            )
        ]


PROVIDER = Webhook


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
