"""E-mail by Resend.

Source of the rules: Resend's OpenAPI (emails/send, the webhook events), its pages "Errors",
"Idempotency Keys", "Rate limit" and "Email bounces", and the Svix signature of its webhooks.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
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
from senders.providers._declared import Option, url
from senders.providers._judging import (
    HTTP_RULINGS,
    Meaning,
    Ruling,
    as_object,
    dump_json,
    find_ruling,
    lower_names,
    moment,
    read_each,
    read_json,
    retry_after,
    text_or_none,
    verdict,
)
from senders.providers._mail import FROM_NAME, REPLY_TO, ascii_address, mailbox, readable_address
from senders.providers._reasons import Reason
from senders.providers._standard_webhooks import has_signed, signing_secret
from senders.settings import Settings

# HTTP status, or status with the error's name or the first sentence of its message.
RULINGS: dict[Any, Ruling] = HTTP_RULINGS | {
    200: (Outcome.ACCEPTED, Reason.ACCEPTED),
    (400, "Invalid `to` field"): (Outcome.SUPPRESSED, Reason.INVALID_ADDRESS),
    (403, "validation_error"): (Outcome.ROUTE_BLOCKED, Reason.WRONG_SENDER),  # the domain is not verified
    # the same id is being taken at this moment: the call that was first decides
    409: (Outcome.UNKNOWN, Reason.UNCLEAR_ANSWER),
    422: (Outcome.REJECTED, Reason.INVALID_CONTENT),
    (422, "Invalid `to` field"): (Outcome.SUPPRESSED, Reason.INVALID_ADDRESS),
    (422, "Invalid `from` field"): (Outcome.ROUTE_BLOCKED, Reason.WRONG_SENDER),
    (422, "invalid_from_address"): (Outcome.ROUTE_BLOCKED, Reason.WRONG_SENDER),
    429: (Outcome.RETRY, Reason.RATE_LIMITED),
    (429, "daily_quota_exceeded"): (Outcome.ROUTE_BLOCKED, Reason.ACCOUNT_LIMIT),
    (429, "monthly_quota_exceeded"): (Outcome.ROUTE_BLOCKED, Reason.ACCOUNT_LIMIT),
    451: (Outcome.REJECTED, Reason.INVALID_CONTENT),
}

# event, or event and its detail; events about contacts and domains say nothing about a message.
EVENTS: dict[Any, tuple[Meaning, ...]] = {
    "email.sent": ((EventKind.ACCEPTED, Reason.QUEUED),),
    "email.delivered": ((EventKind.DELIVERED, Reason.DELIVERED),),
    "email.delivery_delayed": ((EventKind.DEFERRED, Reason.DELAYED),),
    "email.opened": ((EventKind.OPENED, Reason.OPENED),),
    "email.clicked": ((EventKind.CLICKED, Reason.CLICKED),),
    "email.complained": ((EventKind.COMPLAINED, Reason.SPAM_REPORT),),
    "email.bounced": ((EventKind.FAILED, Reason.FAILED_UNEXPLAINED),),
    ("email.bounced", "Permanent"): ((EventKind.BOUNCED, Reason.BOUNCED),),
    # a full mailbox, content that it does not like: nothing about the address
    ("email.bounced", "Transient"): ((EventKind.FAILED, Reason.BLOCKED_BY_MAILBOX),),
    "email.failed": ((EventKind.FAILED, Reason.FAILED_UNEXPLAINED),),
    ("email.failed", "reached_daily_quota"): ((EventKind.FAILED, Reason.ACCOUNT_LIMIT),),
    "email.suppressed": ((EventKind.BOUNCED, Reason.BOUNCED),),
    # the complaint itself was reported when it was made; this mail was never delivered
    ("email.suppressed", "previous_complaint"): (
        (EventKind.FAILED, Reason.SPAM_REPORT),
        (EventKind.UNSUBSCRIBED, Reason.SPAM_REPORT),
    ),
}
# Where an event keeps the detail that decides what it means.
DETAILS = {
    "email.bounced": ("bounce", "type"),
    "email.failed": ("failed", "reason"),
    "email.suppressed": ("suppressed", "reason"),
}

DAY = 24 * 60 * 60


class Resend(ProviderBase):
    """Answers the contract's questions for Resend."""

    name = "resend"
    channel = "email"
    # No look-up: a mail is found by Resend's id alone, and who has that knows that it was taken.
    capabilities = Capabilities(dedupe_seconds=DAY, echoes_message_id=True)
    options = (
        Option("api_key", "key with the right to send mail", is_secret=True),
        Option("from", "address that mail comes from; its domain must be verified"),
        FROM_NAME,
        REPLY_TO,
        Option(
            "webhook_secret", "signing secret of the webhook (whsec_…)", parse=signing_secret, is_secret=True
        ),
        Option("base_url", "address of the API", "https://api.resend.com", url),
        speed("2", "; an account may do 2 until Resend allows more"),
    )

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        chosen = self._chosen
        self._api_key: str = chosen["api_key"]
        self._sender = mailbox(chosen["from_name"] or settings.shop_name, chosen["from"])
        self._reply_to: str = chosen["reply_to"]
        self._signing_key: bytes = chosen["webhook_secret"]

    def request(self, message: Message) -> Request:
        content = message.content
        body: dict[str, Any] = {
            "from": self._sender,
            "to": [ascii_address(message.address)],
            "subject": content["subject"],
            "html": content["html"],
            "text": content["text"],
            # tags come back in every event; our id is all that may be in them (no PII)
            "tags": [{"name": "message_id", "value": message.message_id}],
        }
        optional = {"reply_to": self._reply_to, "headers": dict(content.get("headers") or {})}
        body |= {name: part for name, part in optional.items() if part}
        headers = {
            "Content-Type": "application/json",
            "Accept": "application/json",
            "Idempotency-Key": message.message_id,
        }
        return Request("POST", "/emails", dump_json(body), headers)

    async def authorize(self, client: Any) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {self._api_key}"}

    def judge(self, answer: Answer) -> Verdict:
        said = as_object(answer.body)
        words = (str(said.get("name")), str(said.get("message")).partition(".")[0])
        return verdict(
            answer,
            find_ruling(RULINGS, *((answer.status, word) for word in words), answer.status),
            provider_message_id=text_or_none(said.get("id")),
            retry_after_seconds=retry_after(answer.headers),
        )

    def verify(self, webhook: RawWebhook) -> bool:
        headers = lower_names(webhook.headers)
        return has_signed(
            self._signing_key,
            headers.get("svix-id", ""),
            headers.get("svix-timestamp", ""),
            webhook.body,
            headers.get("svix-signature", ""),
        )

    def events(self, webhook: RawWebhook) -> Sequence[ProviderEvent]:
        said = read_json(webhook.body)
        webhook_id = lower_names(webhook.headers).get("svix-id", "")  # of the event, also when repeated
        return read_each(self.name, [said], lambda item: self._events_of(item, webhook_id))

    def _events_of(self, item: Mapping[str, Any], webhook_id: str) -> list[ProviderEvent]:
        name, data = str(item.get("type")), item.get("data")
        if name not in EVENTS or not isinstance(data, dict):
            return []
        where, what = DETAILS.get(name, ("", ""))
        meanings = EVENTS.get((name, (data.get(where) or {}).get(what)), EVENTS[name])
        their_id = webhook_id or f"{data.get('email_id')}:{name}:{item.get('created_at')}"
        return [
            ProviderEvent(
                event_key=f"{their_id}:{kind}",
                provider=self.name,
                kind=kind,
                occurred_at=moment(item.get("created_at")),
                message_id=(data.get("tags") or {}).get("message_id"),
                provider_message_id=data.get("email_id"),
                address=readable_address(str((data.get("to") or [""])[0])),
                reason=reason.value,
                raw=json.dumps(item),  # escaped: half a character in a browser's name harms nothing
            )
            for kind, reason in meanings
        ]


PROVIDER = Resend
