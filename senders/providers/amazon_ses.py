"""E-mail by Amazon SES, API v2.

Source of the rules: the service model sesv2-2019-09-27 (SendEmail, its errors), the SES Developer Guide
("Event publishing" by Amazon SNS, "Examples of event data", "Using the suppression list") and AWS
Signature Version 4. The configuration set publishes its events to an SNS topic, and the topic has
our receipts' address as HTTPS endpoint; its confirmation is answered by itself.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
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
from senders.providers._aws_signature import Keys, signed_headers
from senders.providers._base import ProviderBase, speed
from senders.providers._declared import Option, like, optional, url
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
    retry_after,
    text_or_none,
    verdict,
)
from senders.providers._mail import FROM_NAME, REPLY_TO, ascii_address, mailbox, readable_address
from senders.providers._reasons import Reason
from senders.providers._sns import NOTIFICATION, Topic
from senders.settings import Settings

# The error's type, or its status and words of its message, come before the status alone.
RULINGS: dict[Any, Ruling] = HTTP_RULINGS | {
    200: (Outcome.ACCEPTED, Reason.ACCEPTED),
    (400, "Missing final '@domain'"): (Outcome.SUPPRESSED, Reason.INVALID_ADDRESS),
    (400, "Illegal address"): (Outcome.SUPPRESSED, Reason.INVALID_ADDRESS),
    (400, "Domain contains"): (Outcome.SUPPRESSED, Reason.INVALID_ADDRESS),
    (400, "Domain starts with dot"): (Outcome.SUPPRESSED, Reason.INVALID_ADDRESS),
    (400, "Local address contains"): (Outcome.SUPPRESSED, Reason.INVALID_ADDRESS),
    # an account that is in Amazon's own sandbox writes to verified addresses only
    (400, "is not verified"): (Outcome.REJECTED, Reason.RECIPIENT_NOT_PERMITTED),
    (429, "Daily message quota exceeded"): (Outcome.ROUTE_BLOCKED, Reason.ACCOUNT_LIMIT),
    "MessageRejected": (Outcome.REJECTED, Reason.INVALID_CONTENT),
    "BadRequestException": (Outcome.REJECTED, Reason.INVALID_CONTENT),
    "MailFromDomainNotVerifiedException": (Outcome.ROUTE_BLOCKED, Reason.WRONG_SENDER),
    "NotFoundException": (Outcome.ROUTE_BLOCKED, Reason.WRONG_SENDER),  # there is no such configuration set
    "AccountSuspendedException": (Outcome.ROUTE_BLOCKED, Reason.ACCOUNT_SUSPENDED),
    "SendingPausedException": (Outcome.ROUTE_BLOCKED, Reason.ACCOUNT_SUSPENDED),
    "LimitExceededException": (Outcome.ROUTE_BLOCKED, Reason.ACCOUNT_LIMIT),
    "UnrecognizedClientException": (Outcome.ROUTE_BLOCKED, Reason.CREDENTIALS_REFUSED),
    "InvalidSignatureException": (Outcome.ROUTE_BLOCKED, Reason.CREDENTIALS_REFUSED),
    "ExpiredTokenException": (Outcome.ROUTE_BLOCKED, Reason.CREDENTIALS_REFUSED),
    "IncompleteSignatureException": (Outcome.ROUTE_BLOCKED, Reason.CREDENTIALS_REFUSED),
    "TooManyRequestsException": (Outcome.RETRY, Reason.RATE_LIMITED),
    "ThrottlingException": (Outcome.RETRY, Reason.RATE_LIMITED),
    429: (Outcome.RETRY, Reason.RATE_LIMITED),
}

TOPIC_ARN = r"arn:aws[\w-]*:sns:[\w-]+:\d{12}:[\w.-]+"

# eventType, or eventType and its bounceType or complaintSubType.
EVENTS: dict[Any, tuple[Meaning, ...]] = {
    "Send": ((EventKind.ACCEPTED, Reason.QUEUED),),
    "Delivery": ((EventKind.DELIVERED, Reason.DELIVERED),),
    "DeliveryDelay": ((EventKind.DEFERRED, Reason.DELAYED),),
    "Open": ((EventKind.OPENED, Reason.OPENED),),
    "Click": ((EventKind.CLICKED, Reason.CLICKED),),
    "Bounce": ((EventKind.FAILED, Reason.FAILED_UNEXPLAINED),),
    ("Bounce", "Permanent"): ((EventKind.BOUNCED, Reason.BOUNCED),),
    # a full mailbox, a filter: nothing about the address
    ("Bounce", "Transient"): ((EventKind.FAILED, Reason.BLOCKED_BY_MAILBOX),),
    "Complaint": ((EventKind.COMPLAINED, Reason.SPAM_REPORT),),
    # the complaint itself was reported when it was made; this mail was never delivered
    ("Complaint", "OnAccountSuppressionList"): (
        (EventKind.FAILED, Reason.SPAM_REPORT),
        (EventKind.UNSUBSCRIBED, Reason.SPAM_REPORT),
    ),
    "Reject": ((EventKind.FAILED, Reason.INVALID_CONTENT),),  # a virus was found in it
    "Rendering Failure": ((EventKind.FAILED, Reason.INVALID_CONTENT),),
    "Subscription": ((EventKind.UNSUBSCRIBED, Reason.OPT_OUT_BUTTON),),
}
# Where an event keeps its particulars, the detail that decides, and its people.
PLACES = {"Bounce": ("bounce", "bounceType"), "Complaint": ("complaint", "complaintSubType")}


class AmazonSes(ProviderBase):
    """Answers the contract's questions for Amazon SES."""

    name = "amazon_ses"
    channel = "email"
    # No look-up: a mail is found by Amazon's id alone, and who has that knows that it was taken.
    capabilities = Capabilities(echoes_message_id=True)
    options = (
        Option("region", "region of the account", parse=like(r"[a-z]{2}(-[a-z]+)+-\d", "eu-central-1")),
        Option("access_key_id", "key with the right ses:SendEmail"),
        Option("secret_access_key", "the secret of that key", is_secret=True),
        Option("session_token", "where the key is a temporary one", "", is_secret=True),
        Option("from", "address that mail comes from; it or its domain must be verified"),
        FROM_NAME,
        REPLY_TO,
        Option("configuration_set", "configuration set that publishes events to the topic"),
        Option(
            "topic_arn",
            "SNS topic that receipts come from",
            parse=like(TOPIC_ARN, "arn:aws:sns:eu-central-1:123456789012:mail"),
        ),
        Option("sns_url", "address of SNS; empty for the region's", "", optional(url)),
        Option("base_url", "address of the API; empty for the region's", "", optional(url)),
        speed("14", "; the account says"),
    )

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        chosen = self._chosen
        region = chosen["region"]
        end = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
        self.base_url = self.base_url or f"https://email.{region}.{end}"
        named = {name: chosen[name] for name in ("access_key_id", "secret_access_key", "session_token")}
        self._keys = Keys(**named, region=region, service="ses")
        self._from: str = chosen["from"]
        self._sender = mailbox(chosen["from_name"] or settings.shop_name, chosen["from"])
        self._reply_to: str = chosen["reply_to"]
        self._configuration_set: str = chosen["configuration_set"]
        self._topic = Topic(chosen["topic_arn"], chosen["sns_url"] or f"https://sns.{region}.{end}")

    def request(self, message: Message) -> Request:
        content = message.content
        mail: dict[str, Any] = {
            "Subject": _text(content["subject"]),
            "Body": {"Text": _text(content["text"]), "Html": _text(content["html"])},
        }
        if extra := content.get("headers"):
            mail["Headers"] = [{"Name": name, "Value": value} for name, value in extra.items()]
        body: dict[str, Any] = {
            "FromEmailAddress": self._sender,
            "Destination": {"ToAddresses": [ascii_address(message.address)]},
            "Content": {"Simple": mail},
            # tags come back in every event; our id is all that may be in them (no PII)
            "EmailTags": [{"Name": "message_id", "Value": message.message_id}],
            "ConfigurationSetName": self._configuration_set,
        }
        if self._reply_to:
            body["ReplyToAddresses"] = [self._reply_to]
        headers = {"Content-Type": "application/json"}
        return Request("POST", "/v2/email/outbound-emails", dump_json(body), headers)

    async def authorize(self, client: Any) -> Mapping[str, str]:
        return {}  # each call is signed for itself

    def sign(self, request: Request) -> Mapping[str, str]:
        """The signature of this very call; it is good for minutes, so no two attempts share one."""
        return signed_headers(self._keys, self.base_url, request, datetime.now(UTC))

    def judge(self, answer: Answer) -> Verdict:
        said = as_object(answer.body)
        told = lower_names(answer.headers).get("x-amzn-errortype") or said.get("__type") or said.get("code")
        kind = str(told).partition(":")[0].rpartition("#")[2]  # `MessageRejected:http://…`, `ns#Name`
        words = str(said.get("message") or said.get("Message") or "")
        keys = [
            key for key in RULINGS if isinstance(key, tuple) and key[0] == answer.status and key[1] in words
        ]
        ruling = find_ruling(RULINGS, *keys, kind, answer.status)
        if ruling[1] is Reason.RECIPIENT_NOT_PERMITTED and self._names_our_sender(words):
            ruling = (Outcome.ROUTE_BLOCKED, Reason.WRONG_SENDER)
        return verdict(
            answer,
            ruling,
            provider_message_id=text_or_none(said.get("MessageId")),
            retry_after_seconds=retry_after(answer.headers),
        )

    def _names_our_sender(self, words: str) -> bool:
        """`…: hello@shop.example, …`: among the identities that are not verified is the one that sends."""
        identities = words.rpartition(":")[2].lower().replace(",", " ").split()
        ours = self._from.lower()
        return bool({ours, ours.rpartition("@")[2], f"<{ours}>"} & set(identities))

    async def prepare(self, webhook: RawWebhook) -> bool:
        """Before a receipt is verified: the certificate that it names, and the topic's confirmation."""
        return await self._topic.prepare(webhook.body)

    def verify(self, webhook: RawWebhook) -> bool:
        return self._topic.has_signed(webhook.body)

    def events(self, webhook: RawWebhook) -> Sequence[ProviderEvent]:
        envelope = as_object(webhook.body)
        if envelope.get("Type") != NOTIFICATION:
            return []
        text = str(envelope.get("Message"))
        return read_each(self.name, [as_object(text)], lambda said: self._events_of(said, envelope))

    def _events_of(self, said: Mapping[str, Any], envelope: Mapping[str, Any]) -> list[ProviderEvent]:
        name = str(said.get("eventType"))
        place, detail = PLACES.get(name, (name[:1].lower() + name[1:], ""))
        particulars = said.get(place) or {}
        meanings = EVENTS.get((name, particulars.get(detail)), EVENTS.get(name, ()))
        mail = said.get("mail") or {}
        return [
            ProviderEvent(
                event_key=f"{envelope['MessageId']}:{kind}",
                provider=self.name,
                kind=kind,
                occurred_at=moment(particulars.get("timestamp") or envelope.get("Timestamp")),
                message_id=((mail.get("tags") or {}).get("message_id") or [None])[0],
                provider_message_id=mail.get("messageId"),
                address=readable_address(str((mail.get("destination") or [""])[0])),
                reason=reason.value,
                raw=json.dumps(said),  # escaped: half a character in a browser's name harms nothing
            )
            for kind, reason in meanings
        ]


PROVIDER = AmazonSes


def _text(text: str) -> dict[str, str]:
    return {"Data": text, "Charset": "UTF-8"}
