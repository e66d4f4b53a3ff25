"""The sandbox as one ASGI app: every provider's routes, the journal, the counters and the faults."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from senders.sandbox.core import Core, Stand, asks
from senders.sandbox.credentials import load_secrets, sandbox_classes
from senders.sandbox.faults import KINDS, Fault
from senders.sandbox.world import World

PAGE = 1_000  # rows of the journal in one answer


def build(home: Path, receivers: str, world: World | None = None) -> Starlette:
    """The app of one home folder. `receivers` is the base address that gets the receipts.

    GET /journal?after=N&limit=M: {"messages": [...], "last": seq}; GET /stats: counters;
    POST /faults [{"kind", "provider", "share", "count", "seconds"}] replaces the faults in force,
    GET shows them with the kinds there are, DELETE ends them.
    """
    home.mkdir(parents=True, exist_ok=True)
    core = Core(home, receivers, world or World())
    secrets = load_secrets(home)
    stands: list[Stand] = [made(core, secrets[name]) for name, made in sandbox_classes().items()]

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        posting = asyncio.create_task(core.receipts.run())
        async with contextlib.AsyncExitStack() as listening:
            for stand in stands:
                if serving := getattr(stand, "serving", None):
                    await listening.enter_async_context(serving(home))
            yield
        posting.cancel()
        await asyncio.gather(posting, return_exceptions=True)
        core.journal.close()

    routes = [route for stand in stands for route in stand.routes()]
    return Starlette(routes=[*routes, *_own_routes(core)], lifespan=lifespan)


def _own_routes(core: Core) -> list[Route]:
    def journal(request: Request, body: bytes) -> Response:
        after = int(request.query_params.get("after", 0))
        limit = int(request.query_params.get("limit", PAGE))
        return JSONResponse({"messages": core.journal.rows(after, limit), "last": len(core.journal)})

    def stats(request: Request, body: bytes) -> Response:
        receipts = core.receipts
        names = ("pending", "scheduled", "posted", "repeated", "dropped")
        counters = {name: getattr(receipts, name) for name in names}
        return JSONResponse(
            {"accepted": len(core.journal), "receipts": counters, "faults": core.faults.drawn}
        )

    def show_faults(request: Request, body: bytes) -> Response:
        in_force = [
            {name: getattr(fault, name) for name in Fault.__slots__} for fault in core.faults.in_force
        ]
        return JSONResponse(
            {"in_force": in_force, "kinds": {name: kind.about for name, kind in KINDS.items()}}
        )

    def set_faults(request: Request, body: bytes) -> Response:
        try:
            core.faults.replace([Fault.read(given) for given in json.loads(body)])
        except (ValueError, TypeError) as error:
            return JSONResponse({"error": str(error)}, status_code=400)
        return show_faults(request, body)

    def end_faults(request: Request, body: bytes) -> Response:
        core.faults.replace([])
        return show_faults(request, body)

    return [
        asks("/journal", journal),
        asks("/stats", stats),
        asks("/faults", show_faults),
        asks("/faults", set_faults, "POST"),
        asks("/faults", end_faults, "DELETE"),
    ]
