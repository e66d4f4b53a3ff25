"""The receivers as one ASGI app: `create_app(settings)`."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import AsyncIterator, Callable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from receivers.http import clicks, collect, preferences, receipts, shopify, unsubscribe
from receivers.http.access import AccessLog
from receivers.http.landing import LandingZone
from receivers.http.ledger_writer import LedgerWriter
from receivers.http.spool import SpoolError
from receivers.http.state import State, state_of
from senders.contract import Provider
from senders.ledger import Ledger
from senders.providers import load_provider
from senders.settings import Settings, SettingsError

log = logging.getLogger(__name__)

_SECRETS = {
    "write_key": "event senders must present it, and without one anybody could send events",
    "link_secret": "it signs the links in messages, and without one anybody could unsubscribe anybody",
}
_HOW = 'python -c "import secrets; print(secrets.token_urlsafe(32))"'


def _check(settings: Settings) -> None:
    wrong = [
        f"DOVECOTE_{name.upper()} is empty: {why}. Set it to a long random text: {_HOW}"
        for name, why in _SECRETS.items()
        if not getattr(settings, name)
    ]
    if wrong:
        raise SettingsError("\n".join(wrong))
    if not settings.shopify_secret:
        log.warning("Shopify webhooks are refused until DOVECOTE_SHOPIFY_SECRET is set")


def _providers(settings: Settings) -> Callable[[str], Provider | None]:
    """The routed providers by name. One that is set up wrongly refuses its receipts, not all others'."""
    loaded: dict[str, Provider] = {}
    for name in sorted(set(settings.routes.values())):
        try:
            loaded[name] = load_provider(settings, name)
        except SettingsError as error:
            log.error("receipts of %s are refused: %s", name, error)
    return loaded.get


async def _healthz(request: Request) -> Response:
    is_well = state_of(request).ledger.is_alive
    said = {
        "status": "ok" if is_well else "the ledger's writer has died",
        "refused": state_of(request).refused,
    }
    return JSONResponse(said, 200 if is_well else 503)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    # By the route, never by the path: there are few of them, and a path may hold a token.
    route = getattr(request.scope.get("route"), "path", "(no such route)")
    state_of(request).refused[f"{request.method} {route} {error.status_code}"] += 1
    return JSONResponse({"success": False, "message": error.detail}, error.status_code, error.headers)


async def _try_again(request: Request, error: Exception) -> Response:
    """The disk or the ledger did not take it: the sender keeps it and comes back."""
    log.error("not stored: %s: %s", type(error).__name__, error)
    return JSONResponse(
        {"success": False, "message": "cannot store it now, try again"}, 503, {"Retry-After": "5"}
    )


def create_app(settings: Settings) -> Starlette:
    """The app; SettingsError names every secret that is missing and how to make one."""
    _check(settings)
    state = State(
        settings=settings,
        landing=LandingZone(settings.landing),
        ledger=LedgerWriter(lambda: Ledger(settings.ledger)),
        provider=_providers(settings),
    )

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        for path in state.landing.open():
            log.info("took over %s, which a killed process left", path.name)
        await state.ledger.open()
        try:
            yield
        finally:
            await asyncio.gather(*state.unfinished, return_exceptions=True)
            await state.landing.close()
            await state.ledger.close()

    parts = (receipts, collect, shopify, unsubscribe, preferences, clicks)  # looked through in this order
    app = Starlette(
        routes=[route for part in parts for route in part.routes()] + [Route("/healthz", _healthz)],
        middleware=[Middleware(AccessLog)],
        exception_handlers={
            HTTPException: _refused,
            SpoolError: _try_again,
            sqlite3.OperationalError: _try_again,
        },
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False  # it would lead to whatever the Host header says
    app.state.receivers = state
    return app
