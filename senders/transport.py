"""One HTTP call as the delivery protocol wants it: one total deadline, never repeated, never redirected,
and an honest word about what may have happened when there is no answer.

The client is httpx over aiohttp's connections. `python -m bench.http_client`, two cores, 64 connections
to a server that does nothing: 3,400 calls a second, where httpx's own pool makes 300. Its price: it
reports a connection that broke after the request had left as `httpx.ConnectTimeout`, so what was not
sent is read from aiohttp's exception, the cause.
"""

from __future__ import annotations

import logging
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from senders.contract import Answer, Request
from senders.deadline import Deadline, IsOver, begin_message, guarded_socket, held_to

USER_AGENT = "dovecote/0.1.0"
TOO_LATE = "deadline_before_the_message"  # why a call was never made
LAST_PORT = 65_535
MAX_BODY = 1_000_000  # bytes of an answer that are read; providers' answers have a few thousand
IDLE_SECONDS = 4.0  # an idle connection is dropped before the other side does, usually after 5 s or more

# The connection never stood or never came free: no byte of the request left. The first that fits counts.
_NOT_SENT: dict[type[Exception], str] = {
    aiohttp.ConnectionTimeoutError: "connect_timeout",
    aiohttp.ClientConnectorDNSError: "name_not_found",
    aiohttp.ClientConnectorError: "connection_failed",  # refused, unreachable, TLS
}


class NotSent(Exception):
    """The call failed before its first byte left. The text is the reason, one of our words."""


class NoAnswer(Exception):
    """The call failed after bytes may have left, so it may have been carried out."""


class InvalidRequest(Exception):
    """No call can be made of this request: its URL or headers are malformed."""


class _Request(aiohttp.ClientRequest):
    async def send(self, conn: Any) -> aiohttp.ClientResponse:
        begin_message()
        return await super().send(conn)


@asynccontextmanager
async def open_client(connect_seconds: float) -> AsyncIterator[httpx.AsyncClient]:
    """A client without limits of its own: each provider's lane bounds its calls, so that a provider
    that is slow takes no connection from another."""
    logging.getLogger("httpx").setLevel(logging.WARNING)  # at INFO it logs URLs, which hold phone numbers
    tls = httpx.create_ssl_context()
    connector = aiohttp.TCPConnector(
        limit=0, keepalive_timeout=IDLE_SECONDS, ssl=tls, socket_factory=guarded_socket
    )
    session = aiohttp.ClientSession(
        connector=connector, cookie_jar=aiohttp.DummyCookieJar(), request_class=_Request
    )
    # aiohttp repeats PUT, DELETE and GET by itself when a kept connection breaks (POST never).
    # It has no public switch for that; tests/senders/test_transport.py notices if this one goes.
    session._retry_connection = False
    async with httpx.AsyncClient(
        transport=AiohttpTransport(verify=tls, client=session),
        timeout=httpx.Timeout(None, connect=connect_seconds),
        headers={"user-agent": USER_AGENT, "accept-encoding": "identity"},
        follow_redirects=False,
        trust_env=False,  # settings.py alone reads the environment
    ) as client:
        yield client


async def call(
    client: httpx.AsyncClient,
    base_url: str,
    request: Request,
    secrets: Mapping[str, str],
    seconds: float,
    is_over: IsOver = lambda: False,
) -> Answer:
    """Make one call that is over, with its body, in `seconds`. No byte leaves once `is_over` says yes.

    An answer whose status came is an answer: when the body breaks off, is too long or too slow, what
    there is of it comes back with `is_complete` False. Raises NotSent, NoAnswer or InvalidRequest.
    """
    if is_smtp(base_url):
        # Imported late: what no route uses costs no tick its time.
        from senders.transport_smtp import call_smtp

        return await call_smtp(base_url, request, secrets, seconds, is_over)
    outgoing = _build(client, base_url, request, secrets)
    response: httpx.Response | None = None
    body = bytearray()
    is_complete = False
    deadline = Deadline(seconds, is_over)
    try:
        async with held_to(deadline):
            response = await client.send(outgoing, stream=True)
            try:
                is_complete = await _read(response, body)
            finally:
                await response.aclose()
    except Exception as error:  # whatever it is, the request was in the network's hands
        if response is None:
            raise _failure(error, deadline) from error
    return Answer(response.status_code, dict(response.headers.items()), bytes(body), is_complete)


def is_smtp(base_url: str) -> bool:
    return base_url.startswith(("smtp://", "smtps://"))


def check_base_url(client: httpx.AsyncClient, base_url: str) -> None:
    """Raise InvalidRequest where no message at all could be sent to this address."""
    address = "https" + base_url[base_url.find(":") :] if is_smtp(base_url) else base_url
    url = _build(client, address, Request("GET", "/", b""), {}).url
    is_host = re.fullmatch(r"[\w.-]+|\[?[0-9a-fA-F:.]+\]?", url.host) and ".." not in url.host
    if url.scheme not in ("http", "https") or not is_host or (url.port or 0) > LAST_PORT:
        raise InvalidRequest(f"{base_url} is no address of a server")


def check_secrets(client: httpx.AsyncClient, base_url: str, secrets: Mapping[str, str]) -> None:
    """Raise InvalidRequest where no message at all could carry these headers."""
    if not is_smtp(base_url):
        _build(client, base_url, Request("GET", "/", b""), secrets)


def check_headers(headers: Mapping[str, str]) -> None:
    """Raise InvalidRequest where a header could end early and begin another."""
    for name, value in headers.items():
        if any(end in name or end in value for end in "\r\n\0"):
            raise InvalidRequest(f"header {name!r} holds a line break")


def _build(
    client: httpx.AsyncClient, base_url: str, request: Request, secrets: Mapping[str, str]
) -> httpx.Request:
    headers = {**request.headers, **secrets}
    check_headers(headers)
    url = base_url.rstrip("/") + request.path
    try:
        return client.build_request(request.method, url, content=request.body, headers=headers)
    except (httpx.InvalidURL, ValueError, TypeError) as error:
        raise InvalidRequest(f"{type(error).__name__}: {error}") from error


async def _read(response: httpx.Response, body: bytearray) -> bool:
    """Read the body piece by piece, so that a broken one leaves what came before; False: too long."""
    async for piece in response.aiter_bytes():
        body += piece
        if len(body) > MAX_BODY:
            return False
    return True


def _failure(error: Exception, deadline: Deadline) -> NotSent | NoAnswer | InvalidRequest:
    cause = error.__cause__
    if deadline.has_refused and not deadline.written:
        return NotSent(TOO_LATE)
    if isinstance(error, httpx.UnsupportedProtocol):
        return InvalidRequest(str(error))
    for kind, reason in _NOT_SENT.items():
        if isinstance(cause, kind):
            return NotSent(reason)
    return NoAnswer("deadline" if isinstance(error, TimeoutError) else "connection_lost")
