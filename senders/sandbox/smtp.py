"""A stand-in for an SMTP server, on a port of its own, and for whoever passes its reports on."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import secrets as random_secrets
import socket
import warnings
from collections.abc import AsyncIterator, Mapping, Sequence
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from uuid import uuid4

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from starlette.responses import Response
from starlette.routing import Route

from senders.sandbox.calls import links_in
from senders.sandbox.core import Core
from senders.sandbox.faults import KINDS, Fault
from senders.sandbox.journal import Accepted
from senders.sandbox.mailboxes import ADDRESS, fate
from senders.sandbox.receipts import Mailbox, Signed

HOST = "127.0.0.1"
FROM = "hello@shop.example"
PORT_FILE = "smtp_port"
LARGEST_MAIL = 33_554_432

# What happens: action and status of a report of delivery; `complained` is another kind of report.
TOLD = {
    "suppressed": ("failed", "5.1.1"),
    "bounced": ("failed", "5.1.1"),
    "blocked": ("failed", "5.7.1"),
    "deferred": ("delayed", "4.2.2"),
    "delivered": ("delivered", "2.1.5"),
    "complained": ("complaint", ""),
}
TOO_MANY = "451 4.7.1 Too many messages, try again later"
BROKEN = "451 4.3.0 Internal error"
NOTIFIES = {"failed": "FAILURE", "delayed": "DELAY", "delivered": "SUCCESS"}


class SmtpSandbox:
    name = "smtp"
    channel = "email"

    def __init__(self, core: Core, secrets: Mapping[str, str]) -> None:
        self._core = core
        self._user, self._password = secrets["username"], secrets["password"]
        pair = base64.b64encode(secrets["webhook_credentials"].encode()).decode()
        self._receipt_headers = {"Content-Type": "message/rfc822", "Authorization": f"Basic {pair}"}
        self._mailbox = Mailbox(core.receipts_url(self.name), self._sign)

    @staticmethod
    def new_secrets() -> dict[str, str]:
        return {
            "username": "shop",
            "password": random_secrets.token_urlsafe(18),
            "webhook_credentials": f"reports:{random_secrets.token_urlsafe(18)}",
        }

    @staticmethod
    def environment(secrets: Mapping[str, str], base_url: str, home: Path) -> dict[str, str]:
        return {
            "BASE_URL": f"smtp://{HOST}:{_port(home)}",
            "USERNAME": secrets["username"],
            "PASSWORD": secrets["password"],
            "FROM": FROM,
            "WANTS_DELIVERY_REPORTS": "true",
            "WEBHOOK_CREDENTIALS": secrets["webhook_credentials"],
            "MESSAGES_PER_SECOND": "200",
        }

    def routes(self) -> list[Route]:
        return []  # nothing of it is HTTP

    def too_many(self) -> Response:
        return Response(TOO_MANY)

    def broken(self) -> Response:
        return Response(BROKEN)

    @contextlib.asynccontextmanager
    async def serving(self, home: Path) -> AsyncIterator[None]:
        """Listen on the port that `environment` told of."""
        server = await asyncio.get_running_loop().create_server(self._connection, HOST, _port(home))
        async with server:
            yield

    def _connection(self) -> SMTP:
        warnings.filterwarnings("ignore", "Requiring AUTH", module="aiosmtpd")
        return _Server(
            self,
            hostname="mail.sandbox.example",
            data_size_limit=LARGEST_MAIL,
            auth_required=True,
            auth_require_tls=False,  # on this machine only
            authenticator=self._authenticate,
        )

    def _authenticate(
        self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any
    ) -> AuthResult:
        is_known = isinstance(data, LoginPassword) and (data.login, data.password) == (
            self._user.encode(),
            self._password.encode(),
        )
        return AuthResult(success=is_known, handled=False)

    # ---- the conversation: aiosmtpd calls these

    async def handle_EHLO(
        self, server: Any, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        return [*responses[:-1], "250-DSN", responses[-1]]

    async def handle_MAIL(
        self, server: Any, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address != FROM:
            return f"550 5.7.1 <{address}>: Sender address rejected: not owned by user {self._user}"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 Ok"

    async def handle_RCPT(
        self, server: Any, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if not ADDRESS.fullmatch(address):
            return f"501 5.1.3 <{address}>: Bad recipient address syntax"
        if address.startswith("nobody-anymore@"):
            return f"550 5.1.1 <{address}>: Recipient address rejected: User unknown"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        fault = self._core.faults.draw(self.name) if self._core.faults.in_force else None
        if fault and KINDS[fault.kind].is_before:
            return await self._instead(server, fault)
        if not self._core.has_room(self):
            return TOO_MANY
        self._take(envelope)
        if fault:
            return await self._instead(server, fault)
        return f"250 2.0.0 Ok: queued as {random_secrets.token_hex(5).upper()}"

    async def _instead(self, server: SMTP, fault: Fault) -> str:
        """The answer that a fault makes of it; after the mail was taken no honest code says otherwise."""
        if fault.kind == "rate_limit":
            return TOO_MANY
        if fault.kind == "error_before":
            return BROKEN
        if fault.kind in ("stall", "drip"):
            await asyncio.sleep(fault.seconds)
            return "250 2.0.0 Ok: queued at last"
        transport: Any = server.transport
        transport.abort()
        return "451 4.3.0 nobody hears this"

    def _take(self, envelope: Envelope) -> None:
        wishes: dict[str, str] = getattr(envelope, "wishes", {})
        body = envelope.original_content or b""
        mail: Any = message_from_bytes(body, policy=policy.default)
        parts = {
            part.get_content_type(): part.get_content() for part in mail.walk() if not part.is_multipart()
        }
        text = parts.get("text/plain", "")
        accepted = self._core.accept(
            self,
            body,
            recipient=envelope.rcpt_tos[0],
            message_id=wishes.get("ENVID") or str(mail["Message-ID"]).strip("<>").partition("@")[0],
            provider_message_id=str(uuid4()),
            subject=str(mail["Subject"]),
            text=text,
            html=parts.get("text/html", ""),
            links=links_in(text),
        )
        self._plan_reports(accepted, str(mail["Message-ID"]), wishes.get("NOTIFY", "FAILURE").split(","))

    def _plan_reports(self, accepted: Accepted, message_id: str, notify: Sequence[str]) -> None:
        for steps, happening in fate(self._core.world, accepted):
            action, status = TOLD.get(happening, ("", ""))
            if action != "complaint" and NOTIFIES.get(action) not in notify:
                continue
            report = _report(accepted, message_id, action, status)
            delay = self._core.world.delay(steps, accepted.provider_message_id)
            self._core.receipts.schedule(delay, self._mailbox, report)

    def _sign(self, url: str, receipts: Sequence[Any]) -> Signed:
        return self._receipt_headers, receipts[0]


SANDBOX = SmtpSandbox


class _Server(SMTP):
    """aiosmtpd knows nothing of reports (RFC 3461), and refuses what it does not know."""

    async def smtp_MAIL(self, arg: str | None) -> None:
        await super().smtp_MAIL(self._keep(arg, ("ENVID", "RET")))

    async def smtp_RCPT(self, arg: str | None) -> None:
        await super().smtp_RCPT(self._keep(arg, ("NOTIFY", "ORCPT")))

    def _keep(self, arg: str | None, names: Sequence[str]) -> str | None:
        """The argument without these parameters, which the handler finds in the envelope."""
        words = (arg or "").split(" ")
        found = [word for word in words if word.partition("=")[0] in names]
        if self.envelope is not None:
            kept: Any = self.envelope
            kept.wishes = {**getattr(kept, "wishes", {}), **dict(word.partition("=")[::2] for word in found)}
        return " ".join(word for word in words if word not in found) if arg else arg


def _port(home: Path) -> int:
    """The port of one home: chosen once, free at that moment."""
    path = home / PORT_FILE
    with contextlib.suppress(FileExistsError), socket.socket() as probe:
        probe.bind((HOST, 0))
        text = json.dumps(probe.getsockname()[1])
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
    return int(path.read_text())


def _report(accepted: Accepted, message_id: str, action: str, status: str) -> bytes:
    """The mail that a server (RFC 3464) or a mailbox's owner (RFC 5965) writes about a mail."""
    is_complaint = action == "complaint"
    kind = "feedback-report" if is_complaint else "delivery-status"
    mail = EmailMessage(policy=policy.SMTP)
    mail["From"], mail["To"], mail["Subject"] = "MAILER-DAEMON@sandbox.example", FROM, "Report"
    mail["Message-ID"] = f"<{accepted.provider_message_id}.{action}@sandbox.example>"
    mail.set_content("This is a report about a mail of yours.")
    mail.make_mixed()
    mail.set_type("multipart/report")
    mail.set_param("report-type", kind)
    fields = (
        f"Feedback-Type: abuse\r\nUser-Agent: sandbox/1\r\nVersion: 1\r\n"
        f"Original-Rcpt-To: <{accepted.recipient}>\r\n"
        if is_complaint
        else f"Reporting-MTA: dns; mail.sandbox.example\r\n"
        f"Original-Envelope-Id: {accepted.message_id}\r\n\r\n"
        f"Final-Recipient: rfc822; {accepted.recipient}\r\nAction: {action}\r\nStatus: {status}\r\n"
    )
    returned = f"From: {FROM}\r\nTo: {accepted.recipient}\r\nMessage-ID: {message_id}\r\n\r\n"
    for content_type, text in ((f"message/{kind}", fields), ("text/rfc822-headers", returned)):
        part = message_from_bytes(f"Content-Type: {content_type}\r\n\r\n{text}".encode(), policy=policy.SMTP)
        mail.attach(part)
    return mail.as_bytes()
