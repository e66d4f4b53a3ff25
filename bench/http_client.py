"""`python -m bench.http_client`: calls a second of the HTTP clients to choose from, against a server in
another process that reads a request and says 201. `senders/transport.py` uses the one over aiohttp."""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from multiprocessing.queues import Queue

import httpx
from httpx_aiohttp import AiohttpTransport

CALLS = 3_000
CONNECTIONS = (8, 64)
BODY = b"x" * 600
ANSWER = b"HTTP/1.1 201 Created\r\ncontent-length: 15\r\n\r\n" + b'{"sid":"SMabc"}'


class Answering(asyncio.Protocol):
    """Answers when a request's last byte is in; requests here never share a read."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport, self._received = transport, b""

    def data_received(self, data: bytes) -> None:
        self._received += data
        if self._received.endswith(BODY):
            self._received = b""
            self._transport.write(ANSWER)  # type: ignore[attr-defined]


def serve(ports: Queue[int]) -> None:
    async def forever() -> None:
        server = await asyncio.get_running_loop().create_server(Answering, "127.0.0.1", 0)
        ports.put(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(forever())


async def calls_per_second(transport: httpx.AsyncBaseTransport, url: str, connections: int) -> float:
    async with httpx.AsyncClient(transport=transport, timeout=15) as client:
        left = iter(range(CALLS))

        async def worker() -> None:
            for _ in left:
                answer = await client.post(url, content=BODY)
                assert answer.status_code == 201

        began = time.monotonic()
        await asyncio.gather(*(worker() for _ in range(connections)))
        return CALLS / (time.monotonic() - began)


def main() -> None:
    context = multiprocessing.get_context("spawn")
    ports: Queue[int] = context.Queue()
    server = context.Process(target=serve, args=(ports,), daemon=True)
    server.start()
    url = f"http://127.0.0.1:{ports.get(timeout=30)}/"
    kinds = {"httpx's own pool": httpx.AsyncHTTPTransport, "httpx over aiohttp": AiohttpTransport}
    for name, make in kinds.items():
        for connections in CONNECTIONS:
            limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
            rate = asyncio.run(calls_per_second(make(limits=limits), url, connections))
            print(f"{name:20} {connections:3} connections {rate:8,.0f} calls/s", flush=True)
    server.terminate()


if __name__ == "__main__":
    main()
