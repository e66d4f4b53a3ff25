"""E-mail by SendGrid, API v3.

Source of the rules: SendGrid's OpenAPI (mail send, email activity), "Event Webhook reference",
"Event Webhook security features", and RFC 8058 for one-click unsubscribe (its headers come with
the rendered content).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

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
from senders.providers._declared import Option, boolean, optional, url
from senders.providers._judging import (
    HTTP_RULINGS,
    Meaning,
    Ruling,
    as_object,
    dump_json,
    find_ruling,
    first_object,
    lower_names,
    read_each,
    read_json,
    retry_after,
    unix_moment,
    until_reset,
    verdict,
)
from senders.providers._mail import FROM_NAME, REPLY_TO, ascii_address, readable_address
from senders.providers._reasons import Reason
from senders.providers._verification_key import VerificationKey, public_key
from senders.settings import Settings

# HTTP status, or status with the field or the words of the first error.
RULINGS: dict[Any, Ruling] = HTTP_RULINGS | {
    202: (Outcome.ACCEPTED, Reason.ACCEPTED),
    (400, "personalizations.0.to.0.email"): (Outcome.SUPPRESSED, Reason.INVALID_ADDRESS),
    (400, "from.email"): (Outcome.ROUTE_BLOCKED, Reason.WRONG_SENDER),
    (403, "from"): (Outcome.ROUTE_BLOCKED, Reason.WRONG_SENDER),
    (401, "Maximum credits exceeded"): (Outcome.ROUTE_BLOCKED, Reason.ACCOUNT_LIMIT),
    415: (Outcome.REJECTED, Reason.INVALID_CONTENT),
    429: (Outcome.RETRY, Reason.RATE_LIMITED),
}

# event, or event and its type or reason; account events say nothing about a message.
EVENTS: dict[Any, tuple[Meaning, ...]] = {
    "processed": ((EventKind.ACCEPTED, Reason.QUEUED),),
    "deferred": ((EventKind.DEFERRED, Reason.DELAYED),),
    "delivered": ((EventKind.DELIVERED, Reason.DELIVERED),),
    "open": ((EventKind.OPENED, Reason.OPENED),),
    "click": ((EventKind.CLICKED, Reason.CLICKED),),
    "bounce": ((EventKind.BOUNCED, Reason.BOUNCED),),
    # a refusal of this message or of its sender's reputation, not of the address
    ("bounce", "blocked"): ((EventKind.FAILED, Reason.BLOCKED_BY_MAILBOX),),
    "dropped": ((EventKind.FAILED, Reason.FAILED_UNEXPLAINED),),
    ("dropped", "bounced address"): ((EventKind.BOUNCED, Reason.BOUNCED),),
    ("dropped", "invalid"): ((EventKind.BOUNCED, Reason.INVALID_ADDRESS),),
    # the complaint itself was reported when it was made; this mail was never delivered
    ("dropped", "spam reporting address"): (
        (EventKind.FAILED, Reason.SPAM_REPORT),
        (EventKind.UNSUBSCRIBED, Reason.SPAM_REPORT),
    ),
    ("dropped", "unsubscribed address"): (
        (EventKind.FAILED, Reason.UNSUBSCRIBED),
        (EventKind.UNSUBSCRIBED, Reason.OPT_OUT_BUTTON),
    ),
    ("dropped", "recipient list over package quota"): ((EventKind.FAILED, Reason.ACCOUNT_LIMIT),),
    "spamreport": ((EventKind.COMPLAINED, Reason.SPAM_REPORT),),
    "unsubscribe": ((EventKind.UNSUBSCRIBED, Reason.OPT_OUT_BUTTON),),
    "group_unsubscribe": ((EventKind.UNSUBSCRIBED, Reason.OPT_OUT_BUTTON),),
    "group_resubscribe": ((EventKind.REPLIED, Reason.RESUBSCRIBED),),
}


class SendGrid(ProviderBase):
    """Answers the contract's questions for SendGrid."""

    name = "sendgrid"
    channel = "email"
    capabilities = Capabilities(echoes_message_id=True, names_ours_alone=True, can_look_up=True)
    options = (
        Option("api_key", "key with the right to send mail", is_secret=True),
        Option("from", "address that mail comes from; its domain must be authenticated"),
        FROM_NAME,
        REPLY_TO,
        Option(
            "webhook_public_key", "verification key of the signed event webhook (base64)", parse=public_key
        ),
        Option("unsubscribe_group_id", "unsubscribe group of marketing mail", "", optional(int)),
        Option("ip_pool_name", "pool of sending addresses", ""),
        Option(
            "has_activity_api",
            "true where the account has bought the activity history, which answers look-ups",
            "false",
            boolean,
        ),
        Option("base_url", "address of the API; an EU account has its own", "https://api.sendgrid.com", url),
        speed("100"),
    )

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        chosen = self._chosen
        self.capabilities = replace(self.capabilities, can_look_up=chosen["has_activity_api"])
        self._api_key: str = chosen["api_key"]
        self._sender = {"email": chosen["from"], "name": chosen["from_name"] or settings.shop_name}
        self._reply_to: str = chosen["reply_to"]
        self._group_id: int | None = chosen["unsubscribe_group_id"]
        self._ip_pool_name: str = chosen["ip_pool_name"]
        self._public_key = VerificationKey(chosen["webhook_public_key"])

    def request(self, message: Message) -> Request:
        content = message.content
        body: dict[str, Any] = {
            # custom_args come back in every event; our id is all that may be in them (no PII)
            "personalizations": [
                {
                    "to": [{"email": ascii_address(message.address)}],
                    "custom_args": {"message_id": message.message_id},
                }
            ],
            "from": self._sender,
            "subject": content["subject"],
            # RFC 2046: the plainest part first, and SendGrid insists
            "content": [
                {"type": "text/plain", "value": content["text"]},
                {"type": "text/html", "value": content["html"]},
            ],
            # our own links count clicks, and our own page unsubscribes
            "tracking_settings": {
                "click_tracking": {"enable": False, "enable_text": False},
                "open_tracking": {"enable": True},
                "subscription_tracking": {"enable": False},
            },
        }
        body |= {name: part for name, part in self._optional_parts(message).items() if part}
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        return Request("POST", "/v3/mail/send", dump_json(body), headers)

    def _optional_parts(self, message: Message) -> dict[str, Any]:
        is_marketing = message.message_class == "marketing"
        return {
            "reply_to": {"email": self._reply_to} if self._reply_to else None,
            "headers": dict(message.content.get("headers") or {}),
            "asm": {"group_id": self._group_id} if self._group_id and is_marketing else None,
            "ip_pool_name": self._ip_pool_name,
        }

    async def authorize(self, client: Any) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {self._api_key}"}

    def judge(self, answer: Answer) -> Verdict:
        first = first_object(as_object(answer.body).get("errors"))
        keys = [(answer.status, str(first.get(name))) for name in ("field", "message")]
        return verdict(
            answer,
            find_ruling(RULINGS, *keys, answer.status),
            provider_message_id=lower_names(answer.headers).get("x-message-id"),
            retry_after_seconds=until_reset(answer.headers) or retry_after(answer.headers),
        )

    def look_up(self, message_id: str, address: str, provider_message_id: str | None) -> Request | None:
        if not self.capabilities.can_look_up:
            return None
        query = f"(unique_args['message_id']=\"{message_id}\")"
        return Request("GET", f"/v3/messages?{urlencode({'limit': 1, 'query': query})}", b"")

    def judge_look_up(self, message_id: str, answer: Answer) -> Verdict | None:
        """Only a found message says something: the history is minutes behind, so none is no proof."""
        found = first_object(as_object(answer.body).get("messages"))
        if answer.status != 200 or not found:
            return None
        accepted = (Outcome.ACCEPTED, Reason.ACCEPTED)
        return verdict(answer, accepted, provider_message_id=_short(found.get("msg_id", "")))

    def verify(self, webhook: RawWebhook) -> bool:
        timestamp = webhook.headers.get("x-twilio-email-event-webhook-timestamp", "")
        signature = webhook.headers.get("x-twilio-email-event-webhook-signature", "")
        return self._public_key.has_signed(timestamp.encode() + webhook.body, signature)

    def events(self, webhook: RawWebhook) -> Sequence[ProviderEvent]:
        return read_each(self.name, read_json(webhook.body), self._events_of)

    def _events_of(self, item: Mapping[str, Any]) -> list[ProviderEvent]:
        name = str(item.get("event"))
        detail = str(item.get("type") or item.get("reason") or "").lower()
        meanings = EVENTS.get((name, detail)) or EVENTS.get(name, ())
        their_id = item.get("sg_event_id") or f"{item.get('sg_message_id')}:{name}:{item.get('timestamp')}"
        return [
            ProviderEvent(
                event_key=f"{their_id}:{kind}",
                provider=self.name,
                kind=kind,
                occurred_at=unix_moment(item.get("timestamp")),
                message_id=item.get("message_id"),
                provider_message_id=_short(str(item.get("sg_message_id") or "")),
                address=readable_address(str(item.get("email") or "")),
                reason=reason.value,
                is_machine=bool(item.get("sg_machine_open")),
                raw=json.dumps(item),  # escaped: half a character in a browser's name harms nothing
            )
            for kind, reason in meanings
        ]


PROVIDER = SendGrid


def _short(sg_message_id: str) -> str | None:
    """`<X-Message-Id>.filter0001….0` → the X-Message-Id that the answer gave."""
    return sg_message_id.partition(".")[0] or None
