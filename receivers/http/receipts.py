"""What providers report back: proven genuine, put into our words, and committed before the 200.

The provider's file knows its signature and its words; nothing here does.
"""

from __future__ import annotations

import logging

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from receivers.http.bodies import KILOBYTE, read_body
from receivers.http.message_events import land_replies
from receivers.http.state import State, state_of
from senders.contract import EventKind, Provider, ProviderEvent, RawWebhook

log = logging.getLogger(__name__)

LIMIT = 1024 * KILOBYTE


def _webhook(request: Request, state: State, body: bytes) -> RawWebhook:
    """The webhook with the address the provider called: behind a proxy ours is another one."""
    path = request.scope["raw_path"].decode("ascii", "replace")
    query = request.scope["query_string"].decode("ascii", "replace")
    url = state.settings.public_url + path + (f"?{query}" if query else "")
    return RawWebhook(url=url, headers=dict(request.headers), body=body)


def _events(provider: Provider, webhook: RawWebhook) -> list[ProviderEvent]:
    try:
        return list(provider.events(webhook))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        # Genuine, yet not what the provider documents: the type is safe to log, the text may be personal.
        log.warning("a receipt of %s cannot be read: %s", provider.name, type(error).__name__)
        raise HTTPException(400, "the receipt cannot be read") from error


async def receive(request: Request) -> Response:
    state = state_of(request)
    provider = state.provider(request.path_params["provider"])
    if provider is None:
        raise HTTPException(404, "no such provider is routed here")
    webhook = _webhook(request, state, await read_body(request, LIMIT))
    challenge = getattr(provider, "challenge", None)  # some check first that the address is ours
    if challenge and (answer := challenge(webhook)) is not None:
        return PlainTextResponse(answer)
    prepare = getattr(provider, "prepare", None)  # a certificate to fetch, an address to confirm
    if prepare and not await prepare(webhook):
        raise HTTPException(503, "what proves it cannot be fetched now, try again", {"Retry-After": "5"})
    if not provider.verify(webhook):
        raise HTTPException(401, "the signature does not match")
    events = _events(provider, webhook)
    replies = [event for event in events if event.kind is EventKind.REPLIED]
    if replies:
        await land_replies(state, provider.channel, replies)
    if events:
        await state.ledger.apply_receipts(events)
    return JSONResponse({"success": True})


async def greet(request: Request) -> Response:
    """Some check with a GET that the address is ours."""
    state = state_of(request)
    provider = state.provider(request.path_params["provider"])
    challenge = getattr(provider, "challenge", None)
    answer = challenge(_webhook(request, state, b"")) if challenge else None
    if answer is None:
        raise HTTPException(404, "nothing to see here")
    return PlainTextResponse(answer)


def routes() -> list[Route]:
    path = "/v1/receipts/{provider}"
    return [Route(path, receive, methods=["POST"]), Route(path, greet, methods=["GET"])]
