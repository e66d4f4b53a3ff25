"""One mail handed to an SMTP server, as the delivery protocol wants it: one total deadline, never
repeated, and an honest word about what may have happened.

Until the last byte of the message has left, nothing was taken (RFC 5321, 4.1.1.4): whatever breaks
before is known not sent. After it, an answer decides, and no answer is no answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiosmtplib

from senders.contract import Answer, Request
from senders.deadline import Deadline, IsOver, begin_message, connected_socket, held_to
from senders.transport import TOO_LATE, InvalidRequest, NoAnswer, NotSent

PORTS = {"smtp": 587, "smtps": 465}
# To this machine a password may travel as it is; to any other only in TLS.
THIS_MACHINE = ("127.0.0.1", "::1", "localhost")


async def call_smtp(
    base_url: str,
    request: Request,
    secrets: Mapping[str, str],
    seconds: float,
    is_over: IsOver = lambda: False,
) -> Answer:
    """Hand over `request.body`; `path` says to whom: `/?from=…&to=…&id=…&notify=FAILURE,DELAY`.

    The answer's status is the server's code, its body the command that it answered and its words:
    `RCPT TO: 5.1.1 no such user`. Raises NotSent, NoAnswer or InvalidRequest.
    """
    envelope = {name: values[0] for name, values in parse_qs(urlsplit(request.path).query).items()}
    if not {"from", "to", "id"} <= set(envelope) or any(end in "".join(envelope.values()) for end in "\r\n"):
        raise InvalidRequest("the envelope lacks from, to or id, or breaks a line")
    stage = ["connect"]
    deadline = Deadline(seconds, is_over)
    client: aiosmtplib.SMTP | None = None
    try:
        async with held_to(deadline):
            client = await _client(base_url)
            return await _converse(client, envelope, request.body, secrets, stage)
    except aiosmtplib.SMTPResponseException as error:
        words = f"{stage[0]}: {error.message}"
        return Answer(error.code, {}, words.encode(errors="replace"))
    except aiosmtplib.SMTPNotSupported as error:
        raise NotSent("tls_or_login_not_offered") from error
    except Exception as error:
        if deadline.has_refused and deadline.written < len(request.body):
            raise NotSent(TOO_LATE) from error
        if stage[0] == "DATA":
            raise NoAnswer("deadline" if isinstance(error, TimeoutError) else "connection_lost") from error
        raise NotSent(_why(error, stage[0])) from error
    finally:
        if client is not None:
            client.close()


async def _client(base_url: str) -> aiosmtplib.SMTP:
    address = urlsplit(base_url)
    is_tls = address.scheme == "smtps"
    host = address.hostname or ""
    return aiosmtplib.SMTP(
        hostname=host,
        sock=await connected_socket(host, address.port or PORTS[address.scheme]),
        use_tls=is_tls,
        start_tls=not is_tls and address.hostname not in THIS_MACHINE,
        timeout=None,  # the deadline is of the whole conversation
    )


async def _converse(
    client: aiosmtplib.SMTP,
    envelope: Mapping[str, str],
    body: bytes,
    secrets: Mapping[str, str],
    stage: list[str],
) -> Answer:
    """`stage` is kept at the command that is under way: what a failure means depends on it."""
    await client.connect()
    if secrets.get("username"):
        stage[0] = "AUTH"
        await client.login(secrets["username"], secrets["password"])
    stage[0] = "MAIL FROM"
    await client.mail(envelope["from"], options=_mail_options(client, envelope, body))
    stage[0] = "RCPT TO"
    notify = envelope.get("notify") if client.supports_extension("dsn") else None
    await client.rcpt(envelope["to"], options=[f"NOTIFY={notify}"] if notify else [])
    stage[0] = "DATA"
    begin_message()
    answer = await client.data(body)
    return Answer(answer.code, {}, f"DATA: {answer.message}".encode(errors="replace"))


def _mail_options(client: aiosmtplib.SMTP, envelope: Mapping[str, str], body: bytes) -> list[str]:
    """As far as the server offers it: the size before the bytes (RFC 1870), our id in reports (RFC 3461)."""
    options = [f"SIZE={len(body)}"] if client.supports_extension("size") else []
    if client.supports_extension("dsn"):
        options += [f"ENVID={envelope['id']}", "RET=HDRS"]
    return options


def _why(error: Exception, stage: str) -> str:
    cause: Any = error.__cause__ or error
    if isinstance(error, TimeoutError):
        return "connect_timeout" if stage == "connect" else "deadline_before_the_message"
    if "getaddrinfo" in type(cause).__name__.lower() or type(cause).__name__ == "gaierror":
        return "name_not_found"
    return "connection_failed" if stage == "connect" else "connection_lost_before_the_message"
