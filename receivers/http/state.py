"""What every route shares while the receivers run."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.requests import Request

from receivers.http.landing import LandingZone
from receivers.http.ledger_writer import LedgerWriter
from senders.contract import Provider
from senders.settings import Settings


@dataclass(frozen=True)
class State:
    settings: Settings
    landing: LandingZone
    ledger: LedgerWriter
    provider: Callable[[str], Provider | None]  # by name; None: no such provider
    refused: Counter[str] = field(default_factory=Counter)  # "POST /v1/receipts/{provider} 401" → how often
    unfinished: set[asyncio.Task[None]] = field(default_factory=set)  # work that outlived its request


def state_of(request: Request) -> State:
    state: State = request.app.state.receivers
    return state
