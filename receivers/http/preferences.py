"""`/p/{token}`: what a person wants to get, by channel and purpose.

The token in the address is the key to the page and its guard against forged posts: another site
does not know it. A choice is landed as consent with its proof; a withdrawal also stops what waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from receivers.http.bodies import KILOBYTE
from receivers.http.choices import Address, Choices, addresses, stated
from receivers.http.consents import FEED, GIVEN, MARKETING, WITHDRAWN, consent_row
from receivers.http.landing import json_lines
from receivers.http.pages import PRIVATE_HEADERS, dead_link, masked, page
from receivers.http.state import State, state_of
from receivers.http.wording import CHANNELS, PURPOSES, WORDING
from senders.ledger import Ledger
from senders.links import LinkError, read_preferences

LIMIT = 16 * KILOBYTE
SOURCE = "preference_page"


@dataclass(frozen=True)
class _Person:
    user_id: str
    stated: Choices
    addresses: Mapping[str, Address]

    def status(self, channel: str, purpose: str) -> str | None:
        """What holds now: a suppression in the ledger is newer than any consent that says otherwise."""
        address = self.addresses.get(channel)
        if address and purpose == MARKETING and address.is_suppressed_for_marketing:
            return WITHDRAWN
        return self.stated.get((channel, purpose))


async def _person(state: State, user_id: str) -> _Person:
    known, reached = await asyncio.gather(
        asyncio.to_thread(stated, state.settings, user_id),
        state.ledger.read(lambda ledger: addresses(ledger, user_id)),
    )
    return _Person(user_id, known, reached)


def _shown(state: State, person: _Person) -> list[dict[str, Any]]:
    return [_channel(person, channel) for channel in state.settings.routes]


def _channel(person: _Person, channel: str) -> dict[str, Any]:
    address = person.addresses.get(channel)
    is_unreachable = address is not None and address.is_suppressed_for_all
    return {
        "title": CHANNELS[channel].title,
        "address": masked(address.address) if address else "",
        "note": "Nothing is sent to this address at the moment, whatever is chosen here."
        if is_unreachable
        else "",
        "choices": [
            {"name": f"{channel}.{purpose}", "wording": wording, "status": person.status(channel, purpose)}
            for purpose, wording in PURPOSES.items()
        ],
    }


def _submitted(state: State, form: Mapping[str, Any]) -> dict[tuple[str, str], str]:
    """The choices in the form; 400 for a channel, purpose or answer that the page does not have."""
    names = {
        f"{channel}.{purpose}": (channel, purpose)
        for channel in state.settings.routes
        for purpose in PURPOSES
    }
    if not set(form) <= set(names) or not set(form.values()) <= {GIVEN, WITHDRAWN}:
        raise HTTPException(400, "the form holds something that the page does not have")
    return {names[name]: status for name, status in form.items()}


def _take_effect(ledger: Ledger, person: _Person, chosen: Choices, now: datetime) -> None:
    """What holds before the next tick: stop what waits and what a running tick decided before, suppress
    and lift suppressions.

    Channels may share an address (SMS and RCS): it is suppressed when all of its channels are off and
    free again when one is on; a channel that is off beside one that is on is held back by its consent.
    """
    for (channel, purpose), status in chosen.items():
        if status == GIVEN:
            ledger.lift_refusal(person.user_id, channel, purpose, SOURCE, now)
        else:
            # First of all, so that what a running tick plans from now on finds it.
            ledger.refuse(person.user_id, channel, purpose, SOURCE, now)
            waiting = {"user_id": person.user_id, "channel": channel, "message_class": purpose}
            for (message_id,) in ledger.run("unsent_of_person", waiting).fetchall():
                ledger.cancel(message_id, SOURCE, now)
    for key in {person.addresses[channel].key for channel, _ in chosen if channel in person.addresses}:
        after = {
            chosen.get((channel, MARKETING), person.status(channel, MARKETING))
            for channel, address in person.addresses.items()
            if address.key == key
        }
        if GIVEN in after:
            ledger.unsuppress(key, MARKETING, SOURCE, now)
        elif after == {WITHDRAWN}:
            ledger.suppress(key, MARKETING, SOURCE, now)


async def _save(state: State, person: _Person, submitted: Choices) -> None:
    # Compared with what was stated, not with what was shown: an address that a suppression alone kept
    # off needs the "no" as consent, or it would be on again with the suppression gone.
    chosen = {what: status for what, status in submitted.items() if person.stated.get(what) != status}
    touched = {what: status for what, status in submitted.items() if person.status(*what) != status} | chosen
    if not touched:
        return
    now = datetime.now(UTC)
    await state.ledger.run(lambda ledger: _take_effect(ledger, person, touched, now))
    rows = [
        consent_row(person.user_id, channel, purpose, status, now, SOURCE, WORDING)
        for (channel, purpose), status in chosen.items()
    ]
    await state.landing.land(FEED, json_lines(rows))


async def preferences(request: Request) -> Response:
    state = state_of(request)
    try:
        person = await _person(state, read_preferences(state.settings, request.path_params["token"]))
    except LinkError:
        return dead_link(state.settings)
    if request.method != "POST":
        is_saved = request.url.query == "saved"
        return page(state.settings, "preferences", channels=_shown(state, person), is_saved=is_saved)
    async with request.form(max_files=0, max_fields=50, max_part_size=KILOBYTE) as form:
        submitted = _submitted(state, dict(form))
    await _save(state, person, submitted)
    return RedirectResponse("?saved", 303, headers=PRIVATE_HEADERS)  # relative: a reload posts nothing


def routes() -> list[Route]:
    return [Route("/p/{token}", preferences, methods=["GET", "POST"], max_body_size=LIMIT)]
