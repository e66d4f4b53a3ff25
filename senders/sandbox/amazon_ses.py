"""A stand-in for Amazon SES v2: signed calls that send a mail, and its events through an SNS topic."""

from __future__ import annotations

import hmac
import re
import secrets as random_secrets
import time
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from senders import contract
from senders.providers._aws_signature import Keys, signature_of
from senders.sandbox.calls import first_fault, json_answer, links_in, read_object
from senders.sandbox.core import Core
from senders.sandbox.journal import Accepted
from senders.sandbox.mailboxes import MAILBOX, fate
from senders.sandbox.sns_topic import SnsTopic, iso

FROM = "hello@shop.example"
REGION = "eu-central-1"
CONFIGURATION_SET = "dovecote"
LARGEST_BODY = 40 * 1024 * 1024
CLOCK_SKEW = timedelta(minutes=5)
AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/ses/aws4_request, "
    r"SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})"
)

# What is wrong: status, the type of the error, Amazon's words.
ERRORS: dict[str, tuple[int, str, str]] = {
    "key": (403, "UnrecognizedClientException", "The security token included in the request is invalid."),
    "signature": (403, "InvalidSignatureException", "The request signature we calculated does not match the "
                  "signature you provided."),
    "late": (403, "InvalidSignatureException", "Signature expired."),
    "json": (400, "BadRequestException", "Invalid JSON."),
    "large": (413, "RequestEntityTooLargeException", "Request is too large."),
    "to": (400, "BadRequestException", "Missing final '@domain'"),
    "from": (400, "MessageRejected", "Email address is not verified. The following identities failed the "
             "check in region EU-CENTRAL-1: {from_}"),
    "content": (400, "BadRequestException", "Missing required field: {missing}"),
    "set": (404, "NotFoundException", "Configuration set <{set}> does not exist."),
    "tag": (400, "BadRequestException", "Tag value has invalid characters."),
    "many": (429, "TooManyRequestsException", "Maximum sending rate exceeded."),
    "broken": (500, "InternalServiceErrorException", "Internal failure"),
}  # fmt: skip

# What happens: eventType, the place of its particulars, and what they add.
TOLD: dict[str, tuple[str, str, dict[str, Any]]] = {
    "taken": ("Send", "send", {}),
    "suppressed": ("Bounce", "bounce", {"bounceType": "Permanent",
                                        "bounceSubType": "OnAccountSuppressionList"}),
    "bounced": ("Bounce", "bounce", {"bounceType": "Permanent", "bounceSubType": "General"}),
    "blocked": ("Bounce", "bounce", {"bounceType": "Transient", "bounceSubType": "ContentRejected"}),
    "deferred": ("DeliveryDelay", "deliveryDelay", {"delayType": "TransientCommunicationFailure"}),
    "delivered": ("Delivery", "delivery", {"smtpResponse": "250 2.0.0 OK"}),
    "machine_opened": ("Open", "open", {"userAgent": "Mozilla/5.0", "ipAddress": "192.0.2.1"}),
    "opened": ("Open", "open", {"userAgent": "Mozilla/5.0", "ipAddress": "192.0.2.2"}),
    "complained": ("Complaint", "complaint", {"complaintFeedbackType": "abuse", "complaintSubType": None}),
}  # fmt: skip


class AmazonSesSandbox:
    name = "amazon_ses"
    channel = "email"

    def __init__(self, core: Core, secrets: Mapping[str, str]) -> None:
        self._core = core
        self._secrets = secrets
        self._topic = SnsTopic(core, secrets, self.name)

    @staticmethod
    def new_secrets() -> dict[str, str]:
        return {
            "access_key_id": f"AKIA{random_secrets.token_hex(8).upper()}",
            "secret_access_key": random_secrets.token_urlsafe(30),
            **SnsTopic.new_secrets(REGION),
        }

    @staticmethod
    def environment(secrets: Mapping[str, str], base_url: str, home: Path) -> dict[str, str]:
        return {
            "REGION": REGION,
            "ACCESS_KEY_ID": secrets["access_key_id"],
            "SECRET_ACCESS_KEY": secrets["secret_access_key"],
            "FROM": FROM,
            "CONFIGURATION_SET": CONFIGURATION_SET,
            "TOPIC_ARN": secrets["topic_arn"],
            "SNS_URL": base_url,
            "BASE_URL": base_url,
            "MESSAGES_PER_SECOND": "2000",
        }

    def routes(self) -> list[Route]:
        return [self._core.sends(self, "/v2/email/outbound-emails", self._send), *self._topic.routes()]

    def too_many(self) -> Response:
        return _error("many")

    def broken(self) -> Response:
        return _error("broken")

    # ---- the API

    def _send(self, request: Request, body: bytes) -> Response:
        if refused := self._refusal(request, body):
            return _error(refused)
        mail = read_object(body)
        if wrong := _fault_of_mail(mail, body):
            return _error(*wrong)
        simple = mail["Content"]["Simple"]
        tags = {tag["Name"]: tag["Value"] for tag in mail.get("EmailTags") or ()}
        text = simple["Body"].get("Text", {}).get("Data", "")
        accepted = self._core.accept(
            self,
            body,
            recipient=mail["Destination"]["ToAddresses"][0],
            message_id=tags.get("message_id"),
            provider_message_id=f"0107{random_secrets.token_hex(14)}-{uuid.uuid4()}-000000",
            subject=simple["Subject"]["Data"],
            text=text,
            html=simple["Body"].get("Html", {}).get("Data", ""),
            links=links_in(text),
        )
        self._topic.announce(str(request.base_url).rstrip("/"))
        self._plan_receipts(accepted, tags, str(request.base_url).rstrip("/"))
        return json_answer({"MessageId": accepted.provider_message_id})

    def _refusal(self, request: Request, body: bytes) -> str | None:
        """Which key, whether its signature is of these bytes, and how old it is."""
        given = AUTHORIZATION.fullmatch(request.headers.get("authorization", ""))
        if not given or given.group(1) != self._secrets["access_key_id"]:
            return "key"
        headers = {name: request.headers.get(name, "") for name in given.group(4).split(";")}
        moment = headers.get("x-amz-date", "")
        keys = Keys(given.group(1), self._secrets["secret_access_key"], "", given.group(3), "ses")
        query = f"?{request.url.query}" if request.url.query else ""
        call = contract.Request(request.method, request.url.path + query, body)
        expected, _ = signature_of(keys, call, headers, moment)
        if "host" not in headers or not hmac.compare_digest(expected, given.group(5)):
            return "signature"
        signed_at = datetime.strptime(moment, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        return "late" if abs(datetime.now(UTC) - signed_at) > CLOCK_SKEW else None

    # ---- what becomes of a message

    def _plan_receipts(self, accepted: Accepted, tags: Mapping[str, str], base_url: str) -> None:
        their_id, now = accepted.provider_message_id, time.time()
        mail = {
            "timestamp": iso(now),
            "source": FROM,
            "messageId": their_id,
            "destination": [accepted.recipient],
            "tags": {name: [value] for name, value in tags.items()},
        }
        for number, (steps, happening) in enumerate(fate(self._core.world, accepted)):
            event, place, particulars = TOLD[happening]
            delay = self._core.world.delay(steps, their_id)
            said = {"eventType": event, "mail": mail, place: {"timestamp": iso(now + delay), **particulars}}
            self._topic.publish(delay, said, base_url, f"{their_id}{number}")


SANDBOX = AmazonSesSandbox


def _fault_of_mail(mail: Mapping[str, Any], body: bytes) -> tuple[str, dict[str, str]] | None:
    """The first thing wrong with a mail, and the words that its error needs."""
    sender = mail.get("FromEmailAddress") or ""
    recipients = (mail.get("Destination") or {}).get("ToAddresses") or []
    simple = (mail.get("Content") or {}).get("Simple") or {}
    parts = {"Subject": simple.get("Subject"), **(simple.get("Body") or {})}
    missing = [name for name in ("Subject", "Text") if not (parts.get(name) or {}).get("Data")]
    named, found = MAILBOX.fullmatch(sender), mail.get("ConfigurationSetName", "")
    tags = [text for tag in mail.get("EmailTags") or () for text in (tag.get("Name"), tag.get("Value"))]
    checks = (
        (len(body) > LARGEST_BODY, "large"),
        (not mail, "json"),
        (not recipients or not all(MAILBOX.fullmatch(to) for to in recipients), "to"),
        (bool(missing), "content"),
        (not named or named.group(1) != FROM, "from"),
        (found != CONFIGURATION_SET, "set"),
        (not all(re.fullmatch(r"[\w.@-]{1,256}", text or "", re.ASCII) for text in tags), "tag"),
    )
    wrong = first_fault(checks)
    address = named.group(1) if named else sender
    return (wrong, {"from_": address, "missing": ", ".join(missing), "set": found}) if wrong else None


def _error(word: str, words: Mapping[str, str] | None = None) -> Response:
    status, kind, text = ERRORS[word]
    return json_answer({"message": text.format_map(words or {})}, status, {"x-amzn-ErrorType": kind})
