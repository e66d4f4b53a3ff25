"""`/u/{token}`: no more marketing to one address, by one click (RFC 8058) or by the page's button.

It holds from the moment of the answer: the ledger refuses the address before any next send. A GET
changes nothing, because mail scanners open every link.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from receivers.http.bodies import KILOBYTE
from receivers.http.consents import FEED, MARKETING, WITHDRAWN, consent_row
from receivers.http.landing import json_lines
from receivers.http.pages import dead_link, masked, notice, page
from receivers.http.state import State, state_of
from receivers.http.wording import CHANNELS
from senders.contract import EventKind, ProviderEvent
from senders.links import LinkError, UnsubscribeLink, preferences_url, read_unsubscribe

LIMIT = 16 * KILOBYTE


@dataclass(frozen=True)
class _Way:
    source: str
    wording: str  # version of the words that were seen; change it with pages/unsubscribe.html


_BY_MAILER = _Way("one_click_unsubscribe", "rfc8058")  # the mail program's own button
_BY_PAGE = _Way("unsubscribe_page", "unsubscribe-1")


def _page(state: State, link: UnsubscribeLink, name: str) -> Response:
    return page(
        state.settings,
        name,
        channel=CHANNELS[link.channel].name,
        address=masked(link.address),
        preferences_url=preferences_url(state.settings, link.user_id),
    )


async def _withdraw(state: State, link: UnsubscribeLink, way: _Way) -> None:
    """Suppressed first, so that it holds at once; then the consent's withdrawal with its proof."""
    now = datetime.now(UTC)
    event = ProviderEvent(
        event_key=str(uuid.uuid4()),  # each time anew: it must hold again after somebody came back
        provider="link",
        kind=EventKind.UNSUBSCRIBED,
        occurred_at=now,
        message_id=link.message_id,
        address=link.address,
        reason=way.source,
    )
    await state.ledger.apply_receipts([event])
    await state.ledger.run(  # what a running tick has decided may go to another address of theirs
        lambda ledger: ledger.refuse(link.user_id, link.channel, MARKETING, way.source, now)
    )
    row = consent_row(
        link.user_id,
        link.channel,
        MARKETING,
        WITHDRAWN,
        now,
        way.source,
        way.wording,
        message_id=link.message_id,
    )
    await state.landing.land(FEED, json_lines([row]))


async def unsubscribe(request: Request) -> Response:
    state = state_of(request)
    try:
        link = read_unsubscribe(state.settings, request.path_params["token"])
    except LinkError:
        return dead_link(state.settings)
    if request.method != "POST":
        return _page(state, link, "unsubscribe")
    async with request.form(max_files=0, max_fields=10, max_part_size=KILOBYTE) as form:
        if form.get("List-Unsubscribe") != "One-Click":
            return notice(state.settings, 400, "Nothing was changed", "Please use the button on the page.")
        way = _BY_PAGE if form.get("from") == "page" else _BY_MAILER
    await _withdraw(state, link, way)
    return _page(state, link, "unsubscribed")


def routes() -> list[Route]:
    return [Route("/u/{token}", unsubscribe, methods=["GET", "POST"], max_body_size=LIMIT)]
