"""Real servers on loopback ports: the sandbox, and a receiver that keeps what it is sent."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from senders.authorization import headers_for
from senders.contract import Answer, Provider, RawWebhook, Request
from senders.providers import load_provider, provider_names
from senders.sandbox.app import build
from senders.sandbox.credentials import (
    SECRETS_FILE,
    read_environment,
    sandbox_classes,
    write_credentials,
    write_private,
)
from senders.sandbox.world import World
from senders.settings import load
from senders.transport import is_smtp
from senders.transport_smtp import call_smtp

# A world without accidents: every phone has RCS, every message arrives, everybody opens.
CALM = World(
    receipt_seconds=0.02, unreachable_share=0, offline_share=0, undelivered_share=0, bounce_share=0,
    deferred_share=0, read_share=1, open_share=1, machine_open_share=0, reply_share=0, stop_share=0,
    complaint_share=0,
)  # fmt: skip


def calm(**changes: Any) -> World:
    return replace(CALM, **changes)


@contextmanager
def serving(app: Any) -> Iterator[str]:
    """The app behind a real socket; yields its base address."""
    server = uvicorn.Server(
        uvicorn.Config(app, host="127.0.0.1", port=0, log_level="critical", access_log=False)
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        wait_until(lambda: server.started)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


def wait_until(is_true: Callable[[], Any], seconds: float = 20.0) -> None:
    ends_at = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < ends_at, "it did not happen in time"
        time.sleep(0.005)


class Receiver:
    """An HTTP endpoint that keeps every webhook as it came; answers 500 to the first `refuses`."""

    def __init__(self, refuses: int = 0) -> None:
        self.url = ""
        self.refuses = refuses
        self.webhooks: list[RawWebhook] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        body, more = b"", True
        while more:
            part = await receive()
            body, more = body + part.get("body", b""), part.get("more_body", False)
        status = 500 if self.refuses > 0 else 200
        self.refuses -= 1
        if status == 200:
            query = f"?{scope['query_string'].decode()}" if scope["query_string"] else ""
            headers = {name.decode(): value.decode() for name, value in scope["headers"]}
            self.webhooks.append(RawWebhook(f"{self.url}{scope['path']}{query}", headers, body))
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    def of(self, provider: str) -> list[RawWebhook]:
        return [webhook for webhook in self.webhooks if f"/v1/receipts/{provider}" in webhook.url]


@dataclass
class Running:
    """A running sandbox, the receiver it reports to, and the settings that reach it."""

    url: str
    home: Path
    receiver: Receiver
    environment: dict[str, str] = field(default_factory=dict)

    def provider(self, name: str, **options: str) -> Provider:
        changed = {f"DOVECOTE_{name.upper()}_{option.upper()}": value for option, value in options.items()}
        return load_provider(load(self.environment | changed), name)

    def journal(self, after: int = 0) -> list[dict[str, Any]]:
        return httpx.get(f"{self.url}/journal", params={"after": after}).json()["messages"]

    def stats(self) -> dict[str, Any]:
        return httpx.get(f"{self.url}/stats").json()

    def faults(self, *faults: dict[str, Any]) -> None:
        assert httpx.post(f"{self.url}/faults", json=list(faults)).status_code == 200


@cache
def _secrets() -> str:
    """Made once for all tests: an RSA key takes longer than most of them."""
    return json.dumps({name: made.new_secrets() for name, made in sandbox_classes().items()})


@contextmanager
def running_sandbox(home: Path, world: World = CALM, refuses: int = 0) -> Iterator[Running]:
    receiver = Receiver(refuses)
    home.mkdir(parents=True, exist_ok=True)
    write_private(home / SECRETS_FILE, _secrets())
    with serving(receiver) as receiver.url, serving(build(home, receiver.url, world)) as url:
        environment = dict(read_environment(write_credentials(home, url)))
        yield Running(url, home, receiver, environment | {"DOVECOTE_PUBLIC_URL": receiver.url})


async def call(client: httpx.AsyncClient, provider: Provider, request: Request) -> Answer:
    """One real call. A body that breaks off leaves the status: `is_complete` is False then."""
    if is_smtp(provider.base_url):
        return await call_smtp(provider.base_url, request, await provider.authorize(client), 10)
    headers = {**request.headers, **headers_for(provider, request, await provider.authorize(client))}
    url = provider.base_url + request.path
    body, is_complete = b"", True
    async with client.stream(request.method, url, content=request.body, headers=headers) as response:
        try:
            async for part in response.aiter_raw():
                body += part
        except httpx.RemoteProtocolError:
            is_complete = False
    return Answer(response.status_code, dict(response.headers), body, is_complete)


def prepared(provider: Provider, webhooks: Sequence[RawWebhook]) -> Provider:
    """The provider, after it fetched what it needs to verify these."""

    async def prepare() -> None:
        for webhook in webhooks:
            await provider.prepare(webhook)  # type: ignore[attr-defined]

    if hasattr(provider, "prepare"):
        asyncio.run(prepare())
    return provider


async def send(provider: Provider, *requests: Request) -> list[Answer]:
    async with httpx.AsyncClient(timeout=10) as client:
        return [await call(client, provider, request) for request in requests]


PROVIDERS = provider_names()
