"""A stand-in for Postmark: sending a mail, finding it by its metadata, and the webhooks."""

from __future__ import annotations

import base64
import json
import secrets as random_secrets
import time
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from senders.sandbox.calls import brings, first_fault, json_answer, links_in, read_json
from senders.sandbox.core import Core, asks
from senders.sandbox.journal import Accepted
from senders.sandbox.mailboxes import MAILBOX, fate
from senders.sandbox.receipts import Mailbox, Signed

FROM = "hello@shop.example"
LARGEST_BODY = 10 * 1024 * 1024
STREAMS = ("outbound", "broadcast")
SUPPRESSED = "nobody-anymore@"  # the local part of an address that Postmark no longer writes to

# What is wrong: status, Postmark's ErrorCode and words.
ERRORS: dict[str, tuple[int, int, str]] = {
    "token": (401, 10, "No Account or Server API tokens were supplied in the HTTP headers."),
    "json": (422, 402, "Received invalid JSON input."),
    "type": (415, 409, "The 'Content-Type' header is missing or was not set to 'application/json'."),
    "large": (413, 300, "The request is larger than 10 MB."),
    "to": (422, 300, "Error parsing 'To': Illegal email address '{to}'. It must contain the '@' symbol."),
    "from": (422, 300, "Invalid 'From' address: '{from_}'."),
    "signature": (422, 400, "The 'From' address you supplied ({from_}) is not a Sender Signature on your "
                  "account."),
    "subject": (422, 300, "The subject is missing."),
    "body": (422, 300, "Provide either email TextBody or HtmlBody or both."),
    "inactive": (422, 406, "You tried to send to recipient(s) that have been marked as inactive. Found "
                 "inactive addresses: {to}."),
    "stream": (422, 1235, "The 'MessageStream' provided does not exist on this server."),
    "many": (429, 429, "Rate limit exceeded."),
    "broken": (500, 0, "Internal server error."),
}  # fmt: skip

# What happens: RecordType, the field with its time, and what it adds.
TOLD: dict[str, tuple[str, str, dict[str, Any]]] = {
    "suppressed": ("SubscriptionChange", "ChangedAt", {"Origin": "Recipient", "SuppressSending": True,
                                                       "SuppressionReason": "HardBounce"}),
    "bounced": ("Bounce", "BouncedAt", {"Type": "HardBounce", "TypeCode": 1, "Name": "Hard bounce",
                                        "Inactive": True}),
    "blocked": ("Bounce", "BouncedAt", {"Type": "Blocked", "TypeCode": 100006, "Name": "ISP block",
                                        "Inactive": False}),
    "deferred": ("Bounce", "BouncedAt", {"Type": "Transient", "TypeCode": 2, "Name": "Message delayed",
                                         "Inactive": False}),
    "delivered": ("Delivery", "DeliveredAt", {"Details": "250 OK"}),
    "machine_opened": ("Open", "ReceivedAt", {"FirstOpen": True, "UserAgent": "Mozilla/5.0"}),
    "opened": ("Open", "ReceivedAt", {"FirstOpen": False, "UserAgent": "Mozilla/5.0"}),
    "complained": ("SpamComplaint", "BouncedAt", {"Type": "SpamComplaint", "TypeCode": 512,
                                                  "Name": "Spam complaint", "Inactive": True}),
}  # fmt: skip
ADDRESSED = {"Bounce": "Email", "SpamComplaint": "Email"}  # elsewhere it is the Recipient


class PostmarkSandbox:
    name = "postmark"
    channel = "email"

    def __init__(self, core: Core, secrets: Mapping[str, str]) -> None:
        self._core = core
        self._token = secrets["server_token"]
        pair = base64.b64encode(secrets["webhook_credentials"].encode()).decode()
        self._receipt_headers = {"Content-Type": "application/json", "Authorization": f"Basic {pair}"}
        self._mailbox = Mailbox(core.receipts_url(self.name), self._sign)

    @staticmethod
    def new_secrets() -> dict[str, str]:
        return {
            "server_token": str(uuid.uuid4()),
            "webhook_credentials": f"postmark:{random_secrets.token_urlsafe(24)}",
        }

    @staticmethod
    def environment(secrets: Mapping[str, str], base_url: str, home: Path) -> dict[str, str]:
        return {
            "SERVER_TOKEN": secrets["server_token"],
            "FROM": FROM,
            "WEBHOOK_CREDENTIALS": secrets["webhook_credentials"],
            "BASE_URL": base_url,
            "MESSAGES_PER_SECOND": "2000",
        }

    def routes(self) -> list[Route]:
        return [self._core.sends(self, "/email", self._send), asks("/messages/outbound", self._search)]

    def too_many(self) -> Response:
        return _error("many")

    def broken(self) -> Response:
        return _error("broken")

    # ---- the API

    def _send(self, request: Request, body: bytes) -> Response:
        mail = read_json(body)
        wrong = self._fault_of(request, body, mail)
        if wrong:
            return _error(wrong, mail if isinstance(mail, dict) else {})
        accepted = self._core.accept(
            self,
            body,
            recipient=mail["To"],
            message_id=(mail.get("Metadata") or {}).get("message_id"),
            provider_message_id=str(uuid.uuid4()),
            subject=mail["Subject"],
            text=mail.get("TextBody", ""),
            html=mail.get("HtmlBody", ""),
            links=links_in(mail.get("TextBody", "")),
        )
        self._plan_receipts(accepted, mail)
        answer = {"To": mail["To"], "SubmittedAt": _iso(time.time()), "ErrorCode": 0, "Message": "OK"}
        return json_answer({**answer, "MessageID": accepted.provider_message_id})

    def _search(self, request: Request, body: bytes) -> Response:
        if not self._is_authorized(request):
            return _error("token")
        row = self._core.journal.by_message_id(self.name, request.query_params.get("metadata_message_id", ""))
        found = [{"MessageID": row["provider_message_id"], "Status": "Sent"}] if row else []
        return json_answer({"TotalCount": len(found), "Messages": found})

    def _is_authorized(self, request: Request) -> bool:
        return brings(request, self._token, "x-postmark-server-token")

    def _fault_of(self, request: Request, body: bytes, mail: Any) -> str | None:
        """The first thing wrong with a call."""
        if not self._is_authorized(request):
            return "token"
        if request.headers.get("content-type") != "application/json":
            return "type"
        if len(body) > LARGEST_BODY:
            return "large"
        return _fault_of_mail(mail) if isinstance(mail, dict) else "json"

    # ---- what becomes of a message

    def _plan_receipts(self, accepted: Accepted, mail: Mapping[str, Any]) -> None:
        now = time.time()
        for number, (steps, happening) in enumerate(fate(self._core.world, accepted)):
            if happening not in TOLD:
                continue
            record, time_field, extra = TOLD[happening]
            delay = self._core.world.delay(steps, accepted.provider_message_id)
            receipt = {
                "RecordType": record,
                "MessageID": accepted.provider_message_id,
                "MessageStream": mail["MessageStream"],
                "ServerID": 23,
                "Tag": "",
                "Metadata": mail.get("Metadata", {}),
                ADDRESSED.get(record, "Recipient"): accepted.recipient,
                time_field: _iso(now + delay),
                **extra,
            }
            if record in ADDRESSED:
                receipt["ID"] = (
                    uuid.uuid5(uuid.NAMESPACE_OID, f"{accepted.provider_message_id}{number}").int >> 76
                )
            self._core.receipts.schedule(delay, self._mailbox, receipt)

    def _sign(self, url: str, receipts: Sequence[Any]) -> Signed:
        return self._receipt_headers, json.dumps(receipts[0]).encode()


SANDBOX = PostmarkSandbox


def _fault_of_mail(mail: Mapping[str, Any]) -> str | None:
    sender, recipient = MAILBOX.fullmatch(mail.get("From") or ""), mail.get("To") or ""
    checks = (
        (sender is None, "from"),
        (not MAILBOX.fullmatch(recipient), "to"),
        (sender is not None and sender.group(1) != FROM, "signature"),
        (mail.get("MessageStream", "outbound") not in STREAMS, "stream"),
        (not mail.get("Subject"), "subject"),
        (not mail.get("HtmlBody") and not mail.get("TextBody"), "body"),
        (recipient.startswith(SUPPRESSED), "inactive"),
    )
    return first_fault(checks)


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _error(word: str, mail: Mapping[str, Any] | None = None) -> Response:
    status, code, text = ERRORS[word]
    said = text.format(to=(mail or {}).get("To"), from_=(mail or {}).get("From"))
    return json_answer({"ErrorCode": code, "Message": said}, status)
