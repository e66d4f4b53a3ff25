"""What stands between a tool and the provider: it counts the messages and strikes once, at one of them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx

SKIPPED = {"host", "content-length", "connection", "transfer-encoding", "content-encoding"}


@dataclass(frozen=True, slots=True)
class Strike:
    """At the `nth` message: kill the tool, or lose the answer, before or after the provider has it."""

    nth: int
    is_after: bool
    kills: bool


@dataclass
class Proxy:
    url: str = ""
    strike: Strike | None = None
    kill: Callable[[], None] = lambda: None
    seen: int = 0
    has_struck: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def arm(self, strike: Strike) -> None:
        self.strike, self.seen, self.has_struck = strike, 0, False

    def take(self) -> Strike | None:
        """The strike, when this message is the one; each armed strike happens once."""
        with self._lock:
            self.seen += 1
            if self.has_struck or self.strike is None or self.seen != self.strike.nth:
                return None
            self.has_struck = True
            return self.strike


class Server(ThreadingHTTPServer):
    """Passes each call on to the provider behind `client`, but for the one at which `proxy` strikes."""

    request_queue_size = 128

    def __init__(self, proxy: Proxy, client: httpx.Client) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.proxy, self.client = proxy, client

    def handle_error(self, *_: object) -> None:
        return None  # whoever was killed does not wait for an answer


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        self._pass_on()

    def do_POST(self) -> None:
        proxy = self.server.proxy
        strike = proxy.take()
        if strike is None:
            return self._pass_on()
        body = self._body()
        if strike.is_after:
            self._ask(body)
        if strike.kills:
            proxy.kill()
        self.close_connection = True
        return None

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("content-length", 0)))

    def _ask(self, body: bytes) -> httpx.Response:
        headers = {name: value for name, value in self.headers.items() if name.lower() not in SKIPPED}
        return self.server.client.request(self.command, self.path, content=body, headers=headers)

    def _pass_on(self) -> None:
        answer = self._ask(self._body())
        self.send_response(answer.status_code)
        for name, value in answer.headers.items():
            if name.lower() not in SKIPPED:
                self.send_header(name, value)
        self.send_header("content-length", str(len(answer.content)))
        self.end_headers()
        self.wfile.write(answer.content)

    def log_message(self, *_: object) -> None:
        return None


@contextmanager
def between(provider_url: str) -> Iterator[Proxy]:
    """A proxy to the provider, up."""
    with (
        httpx.Client(base_url=provider_url, timeout=30, trust_env=False) as client,
        Server(proxy := Proxy(), client) as server,
    ):
        proxy.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield proxy
        finally:
            server.shutdown()
            thread.join()
