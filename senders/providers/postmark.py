"""E-mail by Postmark.

Source of the rules: postmarkapp.com/developer ("Email API", "API error codes", "Messages API", the
webhooks of delivery, bounce, spam complaint, open, click and subscription change; "Bounce types").
Its webhooks carry no signature: their address holds a user and a password, which come as Basic
authentication.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
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
from senders.providers._basic_credentials import basic_credentials, has_brought
from senders.providers._declared import Option, url
from senders.providers._judging import (
    HTTP_RULINGS,
    Meaning,
    Ruling,
    as_object,
    dump_json,
    find_ruling,
    first_object,
    moment,
    read_each,
    read_json,
    retry_after,
    text_or_none,
    verdict,
)
from senders.providers._mail import FROM_NAME, REPLY_TO, ascii_address, mailbox, readable_address
from senders.providers._reasons import Reason
from senders.settings import Settings

# ErrorCode of the answer (text) comes first, then its HTTP status. Of an invalid mail (300) the field
# that its message names.
RULINGS: dict[Any, Ruling] = HTTP_RULINGS | {
    200: (Outcome.ACCEPTED, Reason.ACCEPTED),
    "10": (Outcome.ROUTE_BLOCKED, Reason.CREDENTIALS_REFUSED),
    "100": (Outcome.RETRY, Reason.RATE_LIMITED),  # maintenance: nothing is taken
    (422, "'To'"): (Outcome.SUPPRESSED, Reason.INVALID_ADDRESS),
    (422, "'From'"): (Outcome.ROUTE_BLOCKED, Reason.WRONG_SENDER),
    "300": (Outcome.REJECTED, Reason.INVALID_CONTENT),
    "400": (Outcome.ROUTE_BLOCKED, Reason.WRONG_SENDER),
    "401": (Outcome.ROUTE_BLOCKED, Reason.WRONG_SENDER),
    "402": (Outcome.REJECTED, Reason.INVALID_CONTENT),
    "403": (Outcome.REJECTED, Reason.INVALID_CONTENT),
    "405": (Outcome.ROUTE_BLOCKED, Reason.ACCOUNT_LIMIT),  # no credits left
    "406": (Outcome.SUPPRESSED, Reason.SUPPRESSED_BY_PROVIDER),
    "409": (Outcome.REJECTED, Reason.INVALID_CONTENT),
    "411": (Outcome.REJECTED, Reason.INVALID_CONTENT),
    "412": (Outcome.ROUTE_BLOCKED, Reason.ACCOUNT_SUSPENDED),  # pending: may only write to its own domain
    "413": (Outcome.ROUTE_BLOCKED, Reason.ACCOUNT_SUSPENDED),
    "1235": (Outcome.ROUTE_BLOCKED, Reason.WRONG_SENDER),  # there is no such message stream
    "1236": (Outcome.ROUTE_BLOCKED, Reason.WRONG_SENDER),  # the message stream is archived
    415: (Outcome.REJECTED, Reason.INVALID_CONTENT),
    422: (Outcome.REJECTED, Reason.INVALID_CONTENT),
    429: (Outcome.RETRY, Reason.RATE_LIMITED),
}

# RecordType, or RecordType and its Type or SuppressionReason.
EVENTS: dict[Any, tuple[Meaning, ...]] = {
    "Delivery": ((EventKind.DELIVERED, Reason.DELIVERED),),
    "Open": ((EventKind.OPENED, Reason.OPENED),),
    "Click": ((EventKind.CLICKED, Reason.CLICKED),),
    "SpamComplaint": ((EventKind.COMPLAINED, Reason.SPAM_REPORT),),
    "Bounce": ((EventKind.FAILED, Reason.FAILED_UNEXPLAINED),),
    ("Bounce", "HardBounce"): ((EventKind.BOUNCED, Reason.BOUNCED),),
    ("Bounce", "BadEmailAddress"): ((EventKind.BOUNCED, Reason.INVALID_ADDRESS),),
    ("Bounce", "SpamComplaint"): ((EventKind.COMPLAINED, Reason.SPAM_REPORT),),
    # a full mailbox, a filter, a policy: nothing about the address
    ("Bounce", "SoftBounce"): ((EventKind.FAILED, Reason.BLOCKED_BY_MAILBOX),),
    ("Bounce", "Blocked"): ((EventKind.FAILED, Reason.BLOCKED_BY_MAILBOX),),
    ("Bounce", "SpamNotification"): ((EventKind.FAILED, Reason.BLOCKED_BY_MAILBOX),),
    ("Bounce", "VirusNotification"): ((EventKind.FAILED, Reason.BLOCKED_BY_MAILBOX),),
    ("Bounce", "DMARCPolicy"): ((EventKind.FAILED, Reason.WRONG_SENDER),),
    ("Bounce", "DnsError"): ((EventKind.FAILED, Reason.UNROUTABLE),),
    ("Bounce", "Transient"): ((EventKind.DEFERRED, Reason.DELAYED),),
    ("Bounce", "ChallengeVerification"): ((EventKind.DEFERRED, Reason.DELAYED),),
    ("Bounce", "Unsubscribe"): ((EventKind.UNSUBSCRIBED, Reason.OPT_OUT_BUTTON),),
    ("Bounce", "ManuallyDeactivated"): ((EventKind.UNSUBSCRIBED, Reason.OPT_OUT_BUTTON),),
    ("Bounce", "Subscribe"): ((EventKind.REPLIED, Reason.RESUBSCRIBED),),
    # an answering machine answered: the mail arrived, nobody said anything
    ("Bounce", "AutoResponder"): ((EventKind.DELIVERED, Reason.DELIVERED),),
    ("Bounce", "AddressChange"): ((EventKind.DELIVERED, Reason.DELIVERED),),
    "SubscriptionChange": ((EventKind.REPLIED, Reason.RESUBSCRIBED),),
    ("SubscriptionChange", "ManualSuppression"): ((EventKind.UNSUBSCRIBED, Reason.OPT_OUT_BUTTON),),
    ("SubscriptionChange", "HardBounce"): ((EventKind.BOUNCED, Reason.BOUNCED),),
    ("SubscriptionChange", "SpamComplaint"): ((EventKind.COMPLAINED, Reason.SPAM_REPORT),),
}
TIMES = ("DeliveredAt", "BouncedAt", "ReceivedAt", "ChangedAt")  # the one that a receipt has
DETAILS = {"Bounce": "Type", "SubscriptionChange": "SuppressionReason"}


class Postmark(ProviderBase):
    """Answers the contract's questions for Postmark."""

    name = "postmark"
    channel = "email"
    capabilities = Capabilities(echoes_message_id=True, can_look_up=True, signs_receipts=False)
    options = (
        Option("server_token", "token of the server that sends", is_secret=True),
        Option("from", "address that mail comes from; it or its domain must be confirmed"),
        FROM_NAME,
        REPLY_TO,
        Option(
            "webhook_credentials",
            "user:password that the webhook's address holds",
            parse=basic_credentials,
            is_secret=True,
        ),
        Option("transactional_stream", "message stream of what is transactional", "outbound"),
        Option("marketing_stream", "message stream of marketing", "broadcast"),
        Option("base_url", "address of the API", "https://api.postmarkapp.com", url),
        speed("50"),
    )

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        chosen = self._chosen
        self._server_token: str = chosen["server_token"]
        self._sender = mailbox(chosen["from_name"] or settings.shop_name, chosen["from"])
        self._reply_to: str = chosen["reply_to"]
        self._webhook_credentials: str = chosen["webhook_credentials"]
        self._streams = {name: chosen[f"{name}_stream"] for name in ("transactional", "marketing")}

    def request(self, message: Message) -> Request:
        content = message.content
        body: dict[str, Any] = {
            "From": self._sender,
            "To": ascii_address(message.address),
            "Subject": content["subject"],
            "HtmlBody": content["html"],
            "TextBody": content["text"],
            "MessageStream": self._streams[message.message_class],
            # comes back in every receipt; our id is all that may be in it (no PII)
            "Metadata": {"message_id": message.message_id},
            # our own links count clicks
            "TrackOpens": True,
            "TrackLinks": "None",
        }
        optional = {
            "ReplyTo": self._reply_to,
            "Headers": [
                {"Name": name, "Value": value} for name, value in (content.get("headers") or {}).items()
            ],
        }
        body |= {name: part for name, part in optional.items() if part}
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        return Request("POST", "/email", dump_json(body), headers)

    async def authorize(self, client: Any) -> Mapping[str, str]:
        return {"X-Postmark-Server-Token": self._server_token}

    def judge(self, answer: Answer) -> Verdict:
        said = as_object(answer.body)
        code = said.get("ErrorCode")
        named = re.findall(r"'(?:To|From)'", str(said.get("Message"))) if code == 300 else []
        keys = [*((answer.status, field) for field in named[:1]), str(code)]
        return verdict(
            answer,
            find_ruling(RULINGS, *keys, answer.status),
            provider_message_id=text_or_none(said.get("MessageID")),
            retry_after_seconds=retry_after(answer.headers),
        )

    def look_up(self, message_id: str, address: str, provider_message_id: str | None) -> Request | None:
        query = urlencode({"count": 1, "offset": 0, "metadata_message_id": message_id})
        return Request("GET", f"/messages/outbound?{query}", b"", {"Accept": "application/json"})

    def judge_look_up(self, message_id: str, answer: Answer) -> Verdict | None:
        """Only a found message says something: the search is a moment behind, so none is no proof."""
        their_id = text_or_none(first_object(as_object(answer.body).get("Messages")).get("MessageID"))
        if answer.status != 200 or their_id is None:
            return None
        return verdict(answer, (Outcome.ACCEPTED, Reason.ACCEPTED), provider_message_id=their_id)

    def verify(self, webhook: RawWebhook) -> bool:
        return has_brought(self._webhook_credentials, webhook)

    def events(self, webhook: RawWebhook) -> Sequence[ProviderEvent]:
        return read_each(self.name, [read_json(webhook.body)], self._events_of)

    def _events_of(self, item: Mapping[str, Any]) -> list[ProviderEvent]:
        name = str(item.get("RecordType"))
        detail = item.get(DETAILS.get(name, ""))
        meanings = EVENTS.get((name, detail), EVENTS.get(name, ()))
        happened_at = next((item[time] for time in TIMES if item.get(time)), None)
        their_id = item.get("ID") or f"{item.get('MessageID')}:{name}:{happened_at}"
        return [
            ProviderEvent(
                event_key=f"{their_id}:{kind}",
                provider=self.name,
                kind=kind,
                occurred_at=moment(happened_at),
                message_id=(item.get("Metadata") or {}).get("message_id"),
                provider_message_id=item.get("MessageID"),
                address=readable_address(str(item.get("Email") or item.get("Recipient") or "")),
                reason=reason.value,
                raw=json.dumps(item),  # escaped: half a character in a browser's name harms nothing
            )
            for kind, reason in meanings
        ]


PROVIDER = Postmark
