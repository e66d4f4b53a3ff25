"""E-mail by any SMTP server.

Source of the rules: RFC 5321 (commands and codes), RFC 3463 (enhanced codes), RFC 3461 and 3464
(reports of delivery), RFC 5965 (reports of complaints), RFC 5322 and 2046 (the mail).
A server cannot be asked about a mail, nor does it know a repeated one. What it says later comes as mail:
have its mailbox pass reports on, each mail as it is, to `/v1/receipts/smtp` with the password of
`webhook_credentials` (`curl --user … --data-binary @-` in an alias does).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode, urlsplit

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
from senders.providers._declared import Option, boolean
from senders.providers._judging import Meaning, Ruling, find_ruling, moment, read_each, verdict
from senders.providers._mail import FROM_NAME, REPLY_TO, ascii_address, readable_address
from senders.providers._mail_reports import Report, reports_in
from senders.providers._reasons import Reason
from senders.settings import Settings

REFUSED: Ruling = (Outcome.ROUTE_BLOCKED, Reason.CREDENTIALS_REFUSED)
SENDER: Ruling = (Outcome.ROUTE_BLOCKED, Reason.WRONG_SENDER)
LATER: Ruling = (Outcome.RETRY, Reason.TRY_LATER)
# A fold would turn an address without a blank, as in List-Unsubscribe, into an encoded word.
UNFOLDED = SMTP.clone(max_line_length=998)
NOBODY: Ruling = (Outcome.SUPPRESSED, Reason.INVALID_ADDRESS)
# Code and enhanced code, else code and the command that was answered, else the code. A 550 without an
# enhanced code may as well mean "relaying denied", for everybody: it suppresses nobody.
RULINGS: dict[Any, Ruling] = {
    (250, "DATA"): (Outcome.ACCEPTED, Reason.ACCEPTED),
    (550, "5.1.1"): NOBODY,
    (550, "5.1.2"): NOBODY,
    (550, "5.1.3"): NOBODY,
    (553, "5.1.3"): NOBODY,
    (501, "5.1.3"): NOBODY,
    (551, "5.1.6"): NOBODY,
    (550, "5.2.1"): NOBODY,
    (556, "5.1.10"): NOBODY,  # RFC 7505: the domain takes no mail
    (550, "5.1.8"): SENDER,
    (550, "5.7.26"): SENDER,  # neither SPF nor DKIM is ours
    (530, "5.7.0"): REFUSED,
    (535, "AUTH"): REFUSED,
    (534, "AUTH"): REFUSED,
    (530, "AUTH"): REFUSED,
    (538, "AUTH"): REFUSED,
    (530, "MAIL FROM"): REFUSED,
    (550, "MAIL FROM"): SENDER,
    (553, "MAIL FROM"): SENDER,
    (554, "MAIL FROM"): SENDER,
    (501, "MAIL FROM"): SENDER,
    (552, "MAIL FROM"): (Outcome.REJECTED, Reason.TOO_LARGE),
    (530, "RCPT TO"): REFUSED,
    (501, "RCPT TO"): NOBODY,
    (550, "RCPT TO"): (Outcome.REJECTED, Reason.UNROUTABLE),
    (551, "RCPT TO"): (Outcome.REJECTED, Reason.UNROUTABLE),
    (553, "RCPT TO"): (Outcome.REJECTED, Reason.UNROUTABLE),
    (554, "RCPT TO"): (Outcome.REJECTED, Reason.UNROUTABLE),
    (552, "RCPT TO"): (Outcome.REJECTED, Reason.BLOCKED_BY_MAILBOX),  # it is full
    (550, "DATA"): (Outcome.REJECTED, Reason.INVALID_CONTENT),
    (554, "DATA"): (Outcome.REJECTED, Reason.INVALID_CONTENT),
    (552, "DATA"): (Outcome.REJECTED, Reason.TOO_LARGE),
    (554, "connect"): (Outcome.ROUTE_BLOCKED, Reason.ACCOUNT_SUSPENDED),  # it does not talk to us
    # RFC 5321, 4.2.1: a code that begins with 4 took nothing
    421: LATER,
    450: LATER,
    451: LATER,
    452: LATER,
    454: LATER,
    455: LATER,
}

# Action of a report, or action and class or status; a mail that was relayed or expanded went on.
EVENTS: dict[Any, tuple[Meaning, ...]] = {
    "delivered": ((EventKind.DELIVERED, Reason.DELIVERED),),
    "relayed": ((EventKind.SENT, Reason.SENT),),
    "expanded": ((EventKind.SENT, Reason.SENT),),
    "delayed": ((EventKind.DEFERRED, Reason.DELAYED),),
    "failed": ((EventKind.FAILED, Reason.FAILED_UNEXPLAINED),),
    ("failed", "5.1"): ((EventKind.BOUNCED, Reason.BOUNCED),),
    ("failed", "5.2.1"): ((EventKind.BOUNCED, Reason.BOUNCED),),
    ("failed", "5.1.8"): ((EventKind.FAILED, Reason.WRONG_SENDER),),
    ("failed", "5.2"): ((EventKind.FAILED, Reason.BLOCKED_BY_MAILBOX),),
    ("failed", "5.7"): ((EventKind.FAILED, Reason.BLOCKED_BY_MAILBOX),),
    ("failed", "5.4"): ((EventKind.FAILED, Reason.UNROUTABLE),),
    ("failed", "4"): ((EventKind.FAILED, Reason.EXPIRED_UNDELIVERED),),
    "complaint": ((EventKind.COMPLAINED, Reason.SPAM_REPORT),),
}


def server(text: str) -> str:
    """`smtp://host:587` or `smtps://host:465`; ValueError says so."""
    parts = urlsplit(text)
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname or parts.path or parts.username:
        raise ValueError("must look like smtp://mail.example.com:587 or smtps://mail.example.com:465")
    return text


class Smtp(ProviderBase):
    """Answers the contract's questions for an SMTP server."""

    name = "smtp"
    channel = "email"
    capabilities = Capabilities(echoes_message_id=True, signs_receipts=False)
    options = (
        Option("base_url", "the server; under smtp:// TLS is begun unless it is this machine", parse=server),
        Option("username", "who logs in; empty where the server knows us by our address", ""),
        Option("password", "the password of that user", "", is_secret=True),
        Option("from", "address that mail comes from"),
        FROM_NAME,
        REPLY_TO,
        Option("bounce_address", "address that reports go to; empty for the sender's", ""),
        Option("wants_delivery_reports", "true to be told of every delivery, too", "false", boolean),
        Option(
            "webhook_credentials",
            "user:password that reports are passed on with",
            parse=basic_credentials,
            is_secret=True,
        ),
        speed("10"),
    )

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        chosen = self._chosen
        self._login = {name: chosen[name] for name in ("username", "password") if chosen["username"]}
        local, _, self._domain = chosen["from"].rpartition("@")
        self._sender = Address(chosen["from_name"] or settings.shop_name, local, ascii_address(self._domain))
        self._reply_to: str = chosen["reply_to"]
        self._bounces_go_to: str = chosen["bounce_address"] or chosen["from"]
        self._notify = "SUCCESS,FAILURE,DELAY" if chosen["wants_delivery_reports"] else "FAILURE,DELAY"
        self._webhook_credentials: str = chosen["webhook_credentials"]

    def request(self, message: Message) -> Request:
        content, to = message.content, ascii_address(message.address)
        mail = EmailMessage(policy=SMTP)
        mail["From"] = self._sender
        if not to.isascii():
            raise ValueError("a mailbox that is not ASCII needs SMTPUTF8, which few servers offer")
        mail["To"] = Address(addr_spec=to)  # raises where it is no address
        mail["Subject"] = content["subject"]
        # Of the message, not of the call: every attempt sends the same bytes.
        mail["Date"] = message.due_at
        mail["Message-ID"] = f"<{message.message_id}@{ascii_address(self._domain)}>"
        if self._reply_to:
            mail["Reply-To"] = self._reply_to
        for name, value in (content.get("headers") or {}).items():
            mail[name] = value
        mail.set_content(content["text"], cte="quoted-printable")
        mail.add_alternative(content["html"], subtype="html", cte="quoted-printable")
        mail.set_boundary(f"={sha256(message.message_id.encode()).hexdigest()[:40]}=")
        envelope = {"from": self._bounces_go_to, "to": to, "id": message.message_id, "notify": self._notify}
        return Request("MAIL", f"/?{urlencode(envelope)}", mail.as_bytes(policy=UNFOLDED))

    async def authorize(self, client: Any) -> Mapping[str, str]:
        return self._login

    def judge(self, answer: Answer) -> Verdict:
        command, _, words = answer.body.decode(errors="replace").partition(": ")
        enhanced = re.match(r"[245]\.\d{1,3}\.\d{1,3}", words)
        code = enhanced.group() if enhanced else ""
        ruling = find_ruling(RULINGS, (answer.status, code), (answer.status, command), answer.status)
        return verdict(answer, ruling)

    def verify(self, webhook: RawWebhook) -> bool:
        return has_brought(self._webhook_credentials, webhook)

    def events(self, webhook: RawWebhook) -> Sequence[ProviderEvent]:
        raw = webhook.body.decode(errors="replace")
        return read_each(self.name, reports_in(webhook.body), lambda report: self._events_of(report, raw))

    def _events_of(self, report: Report, raw: str) -> list[ProviderEvent]:
        meanings = find_meanings(report.action, report.status)
        message_id = report.envelope_id or report.message_id.partition("@")[0] or None
        their_id = report.report_id or f"{message_id}:{report.status}"
        return [
            ProviderEvent(
                event_key=f"{their_id}:{report.recipient}:{kind}",
                provider=self.name,
                kind=kind,
                occurred_at=moment(report.date),
                message_id=message_id,
                address=readable_address(report.recipient),
                reason=reason.value,
                raw=raw,
            )
            for kind, reason in meanings
        ]


PROVIDER = Smtp


def find_meanings(action: str, status: str) -> tuple[Meaning, ...]:
    """By the whole status, its first two numbers, its first, or none of it."""
    parts = status.split(".")
    keys = [(action, ".".join(parts[:length])) for length in range(len(parts), 0, -1)]
    return next((EVENTS[key] for key in (*keys, action) if key in EVENTS), ())
