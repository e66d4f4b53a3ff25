"""E-mail by Customer.io, for who keeps it: the transactional API of its App API.

Source of the rules: docs.customer.io ("Send a transactional email", "Transactional API examples", "Rate
limits") and "Reporting webhooks" (events, "Securely verifying requests"). Customer.io knows no id of ours:
it travels as a header of the mail, which the webhook's `sent` event tells where "Body Content" is switched
on for it. Every later event names Customer.io's own id, which is known by then.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

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
from senders.providers._declared import Option, optional, url
from senders.providers._judging import (
    HTTP_RULINGS,
    Meaning,
    Ruling,
    as_object,
    dump_json,
    find_ruling,
    lower_names,
    object_in,
    read_each,
    read_json,
    retry_after,
    text_or_none,
    unix_moment,
    verdict,
)
from senders.providers._mail import FROM_NAME, ascii_address, mailbox, readable_address
from senders.providers._reasons import Reason
from senders.settings import Settings

OUR_HEADER = "X-Dovecote-Message-Id"

# HTTP status, or status and a word of the error.
RULINGS: dict[Any, Ruling] = HTTP_RULINGS | {
    200: (Outcome.ACCEPTED, Reason.ACCEPTED),
    (400, "from"): (Outcome.ROUTE_BLOCKED, Reason.WRONG_SENDER),  # its domain is not verified
    (400, "recipient"): (Outcome.SUPPRESSED, Reason.INVALID_ADDRESS),
    (400, "transactional message"): (Outcome.ROUTE_BLOCKED, Reason.MISSING_TEMPLATE),
    422: (Outcome.REJECTED, Reason.INVALID_CONTENT),
    429: (Outcome.RETRY, Reason.RATE_LIMITED),
}
WORDS = ("recipient", "transactional message", "from")

# metric of an event about an e-mail; the others say nothing about a message
EVENTS: dict[str, Meaning] = {
    "sent": (EventKind.SENT, Reason.SENT),
    "delivered": (EventKind.DELIVERED, Reason.DELIVERED),
    "deferred": (EventKind.DEFERRED, Reason.DELAYED),
    "opened": (EventKind.OPENED, Reason.OPENED),
    "human_opened": (EventKind.OPENED, Reason.OPENED),
    "clicked": (EventKind.CLICKED, Reason.CLICKED),
    "human_clicked": (EventKind.CLICKED, Reason.CLICKED),
    "bounced": (EventKind.BOUNCED, Reason.BOUNCED),
    "spammed": (EventKind.COMPLAINED, Reason.SPAM_REPORT),
    "unsubscribed": (EventKind.UNSUBSCRIBED, Reason.OPT_OUT_BUTTON),
    "dropped": (EventKind.FAILED, Reason.SUPPRESSED_BY_PROVIDER),
    "failed": (EventKind.FAILED, Reason.FAILED_UNEXPLAINED),
    "undeliverable": (EventKind.FAILED, Reason.FAILED_UNEXPLAINED),
}


class CustomerIo(ProviderBase):
    """Answers the contract's questions for Customer.io."""

    name = "customer_io"
    channel = "email"
    # No look-up: messages are found by Customer.io's own id alone.
    capabilities = Capabilities(echoes_message_id=True)
    options = (
        Option("app_api_key", "App API key", is_secret=True),
        Option("transactional_message_id", "message that its metrics belong to", "", optional(str)),
        Option("from", "address that mail comes from; its domain must be verified"),
        FROM_NAME,
        Option("webhook_signing_key", "signing key of the reporting webhook", is_secret=True),
        Option("base_url", "address of the App API; https://api-eu.customer.io for the EU",
               "https://api.customer.io", url),
        # 100 a second for the transactional endpoint
        speed("100"),
    )  # fmt: skip

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        chosen = self._chosen
        self._key: str = chosen["app_api_key"]
        self._template: str | None = chosen["transactional_message_id"]
        self._sender = mailbox(chosen["from_name"] or settings.shop_name, chosen["from"])
        self._signing_key: str = chosen["webhook_signing_key"]

    def request(self, message: Message) -> Request:
        content = message.content
        headers = {OUR_HEADER: message.message_id, **(content.get("headers") or {})}
        body: dict[str, Any] = {
            "to": ascii_address(message.address),
            "from": self._sender,
            "subject": content["subject"],
            "preheader": content.get("preheader", ""),
            "body": content["html"],
            "body_plain": content["text"],
            "identifiers": {"id": message.user_id},
            "headers": json.dumps([{"name": name, "value": value} for name, value in headers.items()]),
            # The gates of consent were passed here; a person's own "no" at Customer.io counts for marketing.
            "send_to_unsubscribed": message.message_class == "transactional",
        }
        if self._template:
            body["transactional_message_id"] = self._template
        return Request("POST", "/v1/send/email", dump_json(body), {"Content-Type": "application/json"})

    async def authorize(self, client: Any) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {self._key}"}

    def judge(self, answer: Answer) -> Verdict:
        said = as_object(answer.body)
        told = str(object_in(said, "meta").get("error")).lower()
        words = [word for word in WORDS if word in told]
        return verdict(
            answer,
            find_ruling(RULINGS, *((answer.status, word) for word in words), answer.status),
            provider_message_id=text_or_none(said.get("delivery_id")),
            retry_after_seconds=retry_after(answer.headers),
        )

    def verify(self, webhook: RawWebhook) -> bool:
        headers = lower_names(webhook.headers)
        signed = f"v0:{headers.get('x-cio-timestamp', '')}:".encode() + webhook.body
        wanted = hmac.new(self._signing_key.encode(), signed, sha256).hexdigest()
        return hmac.compare_digest(headers.get("x-cio-signature", "").encode(), wanted.encode())

    def events(self, webhook: RawWebhook) -> Sequence[ProviderEvent]:
        return read_each(self.name, [read_json(webhook.body)], self._events_of)

    def _events_of(self, item: Mapping[str, Any]) -> list[ProviderEvent]:
        metric, data = str(item.get("metric")), item.get("data")
        if item.get("object_type") != "email" or metric not in EVENTS or not isinstance(data, dict):
            return []
        kind, reason = EVENTS[metric]
        return [
            ProviderEvent(
                event_key=item["event_id"],
                provider=self.name,
                kind=kind,
                occurred_at=unix_moment(item.get("timestamp")),
                message_id=_our_id(data.get("headers")),
                provider_message_id=data.get("delivery_id"),
                address=readable_address(str(data.get("recipient") or "")),
                reason=reason.value,
                # "opened" counts scanners and privacy proxies too; "human_opened" is told beside it.
                is_machine=metric in ("opened", "clicked"),
                raw=json.dumps(item),
            )
        ]


PROVIDER = CustomerIo


def _our_id(headers: Any) -> str | None:
    """Of {"X-Dovecote-Message-Id": ["…"]}, whatever the case of its name."""
    named = {str(name).lower(): value for name, value in headers.items()} if isinstance(headers, dict) else {}
    value = named.get(OUR_HEADER.lower())
    return text_or_none(value[0] if isinstance(value, list) and value else value)
