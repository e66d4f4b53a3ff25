"""`/c/{token}`: count the click, lead on to where the message said, and nowhere else."""

from __future__ import annotations

import asyncio
import logging
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from receivers.http.landing import json_lines
from receivers.http.message_events import FEED, event_row
from receivers.http.pages import PRIVATE_HEADERS, dead_link
from receivers.http.state import State, state_of
from senders.contract import EventKind, ProviderEvent
from senders.ledger import Ledger
from senders.links import ClickLink, LinkError, read_click
from senders.store import to_moment

log = logging.getLogger(__name__)

WAIT_SECONDS = 1.0  # a person waits no longer for us to write; the click is still written
TOO_FAST = timedelta(seconds=2)  # nobody reads and taps that soon after the provider took the message

# Words in the user agents of programs that open links: mail and chat scanners, previews, monitors,
# HTTP libraries. People's browsers all begin with "Mozilla/" and hold none of these.
_PROGRAMS = (
    "bot", "crawl", "spider", "scan", "preview", "proxy", "headless", "monitor", "slurp", "fetch",
    "barracuda", "mimecast", "proofpoint", "symantec", "trendmicro", "forcepoint", "sophos", "fireeye",
    "facebookexternalhit", "whatsapp", "skypeuripreview", "microsoft office", "bingpreview", "google-safety",
    "curl", "wget", "python", "java/", "go-http-client", "okhttp", "libwww", "node-", "axios", "ruby", "php",
)  # fmt: skip


def is_machine(method: str, user_agent: str, since_sent: timedelta | None) -> bool:
    """A request that a person's tap does not make. A scanner that looks like a browser still counts."""
    agent = user_agent.lower()
    is_browser = agent.startswith("mozilla/") and not any(word in agent for word in _PROGRAMS)
    is_too_fast = since_sent is not None and timedelta(0) <= since_sent < TOO_FAST
    return method == "HEAD" or not is_browser or is_too_fast


async def _count(state: State, link: ClickLink, method: str, user_agent: str) -> None:
    """The click as engagement in the ledger and, when a person made it, as an event that lands."""
    now = datetime.now(UTC)
    event_id = str(uuid.uuid4())

    def record(ledger: Ledger) -> tuple[Any, bool]:
        message = ledger.run("message_by_id", {"message_id": link.message_id}).fetchone()
        sent_at = message["sent_at"] if message else None
        machine = is_machine(method, user_agent, now - to_moment(sent_at) if sent_at else None)
        click = ProviderEvent(
            event_key=event_id,
            provider="link",
            kind=EventKind.CLICKED,
            occurred_at=now,
            message_id=link.message_id,
            reason="clicked",
            is_machine=machine,
            raw=user_agent[:500],
        )
        ledger.apply_receipts([click])
        return message, machine

    message, machine = await state.ledger.run(record)
    if message and not machine:
        properties = {"message_id": link.message_id, "url": link.url, "channel": message["channel"]}
        row = event_row("message_clicked", event_id, {"user_id": message["user_id"]}, now, properties)
        await state.landing.land(FEED, json_lines([row]))


def _log_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()):
        log.error("a click was not counted: %s: %s", type(error).__name__, error)


async def follow(request: Request) -> Response:
    state = state_of(request)
    try:
        link = read_click(state.settings, request.path_params["token"])
    except LinkError:
        return dead_link(state.settings)
    task = asyncio.create_task(_count(state, link, request.method, request.headers.get("user-agent", "")))
    state.unfinished.add(task)
    task.add_done_callback(state.unfinished.discard)
    task.add_done_callback(_log_failure)
    await asyncio.wait([task], timeout=WAIT_SECONDS)
    return RedirectResponse(link.url, 302, headers=PRIVATE_HEADERS)


def routes() -> list[Route]:
    return [Route("/c/{token}", follow, methods=["GET"])]
