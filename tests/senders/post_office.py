"""A provider of our own for breaking the delivery protocol on purpose: `Postal`, a complete Provider,
and the `PostOffice` it talks to, a real server that says yes, says no, or says nothing at all."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha256
from typing import Any

from senders.contract import (
    Answer,
    Capabilities,
    CredentialsRefused,
    Message,
    Outcome,
    ProviderEvent,
    RawWebhook,
    Request,
    Verdict,
)

Behaviour = Callable[["PostOffice", asyncio.StreamWriter, str, bytes], Any]

RULINGS = {
    201: (Outcome.ACCEPTED, "accepted"),
    200: (Outcome.ACCEPTED, "already_accepted"),
    400: (Outcome.REJECTED, "invalid_content"),
    410: (Outcome.SUPPRESSED, "invalid_address"),
    401: (Outcome.ROUTE_BLOCKED, "credentials_refused"),
    403: (Outcome.ROUTE_BLOCKED, "account_suspended"),
    429: (Outcome.RETRY, "rate_limited"),
}

REVOKE_RULINGS = {
    200: (Outcome.ACCEPTED, "taken_back"),
    404: (Outcome.REJECTED, "too_late"),
    401: (Outcome.ROUTE_BLOCKED, "credentials_refused"),
    429: (Outcome.RETRY, "rate_limited"),
}


class Postal:
    """The provider. `capabilities` are whatever a test wants to know the protocol's answer to."""

    def __init__(
        self, base_url: str, *, name: str = "postal", channel: str = "sms", **capabilities: Any
    ) -> None:
        self.name, self.channel, self.base_url = name, channel, base_url
        self.capabilities = Capabilities(**{"messages_per_second": 10_000.0, **capabilities})
        self.refuses_credentials = False

    def request(self, message: Message) -> Request:
        body = {"id": message.message_id, "to": message.address, "text": message.content["text"]}
        return Request("POST", "/letters", json.dumps(body).encode(), {"content-type": "application/json"})

    async def authorize(self, client: Any) -> Mapping[str, str]:
        if self.refuses_credentials:
            raise CredentialsRefused("the key is no key")
        return {"authorization": "Bearer stamp"}

    def judge(self, answer: Answer) -> Verdict:
        outcome, reason = RULINGS.get(answer.status, (Outcome.UNKNOWN, "unclear_answer"))
        provider_id = None
        if outcome is Outcome.ACCEPTED:
            provider_id = json.loads(answer.body)["letter"]  # a body that was cut off is an error here
        after = answer.headers.get("retry-after")
        return Verdict(outcome, reason, provider_id, float(after) if after else None, f"{answer.status}")

    def look_up(self, message_id: str, address: str, provider_message_id: str | None) -> Request | None:
        return Request("GET", f"/letters/{message_id}", b"")

    def judge_look_up(self, message_id: str, answer: Answer) -> Verdict | None:
        if answer.status == 200:
            return Verdict(Outcome.ACCEPTED, "accepted", json.loads(answer.body)["letter"])
        return Verdict(Outcome.RETRY, "no_record") if answer.status == 404 else None

    def revoke(self, message_id: str, address: str, provider_message_id: str | None) -> Request:
        return Request("DELETE", f"/letters/{message_id}", b"")

    def judge_revoke(self, answer: Answer) -> Verdict:
        outcome, reason = REVOKE_RULINGS.get(answer.status, (Outcome.UNKNOWN, "unclear_answer"))
        after = answer.headers.get("retry-after")
        return Verdict(outcome, reason, retry_after_seconds=float(after) if after else None)

    def verify(self, webhook: RawWebhook) -> bool:
        return False

    def events(self, webhook: RawWebhook) -> Sequence[ProviderEvent]:
        return []


class PostOffice:
    """The server. `behave` chooses, for a message id and how often it was called for it before, one of
    BEHAVIOURS; `taken` is what the provider really has, in order, repetitions included."""

    def __init__(self) -> None:
        self.url = ""
        self.behave: Callable[[str, int], str] = lambda message_id, nth: "accept"
        self.behave_look_up: Callable[[str, int], str] = lambda message_id, nth: "tell"
        self.behave_revoke: Callable[[str, int], str] = lambda message_id, nth: "hand_back"
        self.is_deduping = False
        self.taken: list[tuple[str, str]] = []  # our id, sha256 of the body
        self.taken_back: list[str] = []  # our ids, as often as it was asked
        self.calls: list[tuple[str, str]] = []  # method, path
        self.authorizations: set[str] = set()
        self.connections = 0
        self.on_call: Callable[[str], None] = lambda message_id: None
        self._seen: Counter[tuple[str, str]] = Counter()

    @property
    def times_taken(self) -> Counter[str]:
        return Counter(message_id for message_id, _ in self.taken)

    def take(self, message_id: str, body: bytes) -> dict[str, str]:
        if not (self.is_deduping and self.times_taken[message_id]):
            self.taken.append((message_id, sha256(body).hexdigest()))
        return {"letter": f"letter-{message_id}"}

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                await self._one(await reader.readuntil(b"\r\n\r\n"), reader, writer)
        writer.close()

    async def _one(self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first, *lines = head.decode().split("\r\n")
        method, path, _ = first.split(" ", 2)
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        self.calls.append((method, path))
        self.authorizations.add(headers.get("authorization", ""))
        message_id = json.loads(body)["id"] if method == "POST" else path.rpartition("/")[2]
        nth = self._seen[method, message_id]
        self._seen[method, message_id] += 1
        self.on_call(message_id)
        behave = {"GET": self.behave_look_up, "DELETE": self.behave_revoke}.get(method, self.behave)
        await BEHAVIOURS[behave(message_id, nth)](self, writer, message_id, body)


async def answer(writer: asyncio.StreamWriter, status: int, body: Mapping[str, Any], *headers: str) -> None:
    content = json.dumps(body).encode()
    head = [f"HTTP/1.1 {status} Status", f"content-length: {len(content)}", *headers]
    writer.write("\r\n".join(head).encode() + b"\r\n\r\n" + content)
    await writer.drain()


async def accept(office: PostOffice, writer: asyncio.StreamWriter, message_id: str, body: bytes) -> None:
    await answer(writer, 201, office.take(message_id, body))


async def dawdle(office: PostOffice, writer: asyncio.StreamWriter, message_id: str, body: bytes) -> None:
    await asyncio.sleep(0.2)
    await accept(office, writer, message_id, body)


async def tell(office: PostOffice, writer: asyncio.StreamWriter, message_id: str, body: bytes) -> None:
    known = office.times_taken[message_id] > 0
    await answer(writer, 200 if known else 404, {"letter": f"letter-{message_id}"} if known else {})


async def hand_back(office: PostOffice, writer: asyncio.StreamWriter, message_id: str, body: bytes) -> None:
    office.taken_back.append(message_id)
    await answer(writer, 200, {})


async def hand_back_and_reset(
    office: PostOffice, writer: asyncio.StreamWriter, message_id: str, body: bytes
) -> None:
    office.taken_back.append(message_id)
    writer.transport.abort()


async def reset_before(
    office: PostOffice, writer: asyncio.StreamWriter, message_id: str, body: bytes
) -> None:
    writer.transport.abort()


async def reset_after(office: PostOffice, writer: asyncio.StreamWriter, message_id: str, body: bytes) -> None:
    office.take(message_id, body)
    writer.transport.abort()


async def truncate(office: PostOffice, writer: asyncio.StreamWriter, message_id: str, body: bytes) -> None:
    office.take(message_id, body)
    writer.write(b'HTTP/1.1 201 Created\r\ncontent-length: 500\r\n\r\n{"letter": "let')
    await writer.drain()
    writer.close()


async def drip_head(office: PostOffice, writer: asyncio.StreamWriter, message_id: str, body: bytes) -> None:
    office.take(message_id, body)
    writer.write(b"HTTP/1.1 201 Created\r\n")
    while True:  # each byte comes sooner than any read timeout
        writer.write(b"x: y\r\n")
        await writer.drain()
        await asyncio.sleep(0.02)


async def drip_body(office: PostOffice, writer: asyncio.StreamWriter, message_id: str, body: bytes) -> None:
    office.take(message_id, body)
    writer.write(b"HTTP/1.1 201 Created\r\ncontent-length: 100000\r\n\r\n")
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.02)


async def hang(office: PostOffice, writer: asyncio.StreamWriter, message_id: str, body: bytes) -> None:
    office.take(message_id, body)
    await asyncio.sleep(60)


async def babble(office: PostOffice, writer: asyncio.StreamWriter, message_id: str, body: bytes) -> None:
    office.take(message_id, body)
    writer.write(b"220 mail.example ESMTP\r\n\r\n")
    await writer.drain()
    writer.close()


async def redirect(office: PostOffice, writer: asyncio.StreamWriter, message_id: str, body: bytes) -> None:
    await answer(writer, 307, {}, "location: /letters")


def status(code: int, *headers: str) -> Behaviour:
    async def behave(office: PostOffice, writer: asyncio.StreamWriter, message_id: str, body: bytes) -> None:
        await answer(writer, code, {"error": code}, *headers)

    return behave


BEHAVIOURS: dict[str, Behaviour] = {
    behaviour.__name__: behaviour
    for behaviour in (
        accept, dawdle, tell, reset_before, reset_after, truncate, drip_head, drip_body, hang, babble,
        redirect, hand_back, hand_back_and_reset,
    )
} | {
    "delivered": status(404),
    "refuse": status(400),
    "gone": status(410),
    "unauthorized": status(401),
    "suspended": status(403),
    "busy": status(429, "retry-after: 1"),
    "busy_for_long": status(429, "retry-after: 600"),
    "break": status(500),
}  # fmt: skip


@contextmanager
def open_post_office(tls: ssl.SSLContext | None = None) -> Iterator[PostOffice]:
    """A post office on a loopback port, in a thread with a loop of its own."""
    office = PostOffice()
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(asyncio.start_server(office.handle, "127.0.0.1", 0, ssl=tls))
    office.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield office
    finally:
        asyncio.run_coroutine_threadsafe(_close(server), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _close(server: asyncio.Server) -> None:
    server.close()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
