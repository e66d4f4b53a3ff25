"""Who left a cart short of the checkout at a moment, counted event by event from Snowplow's file.

Shares no code with the models: it walks through time with a dictionary where they use windows.
"""

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

_SPACE = "com_snowplowanalytics_snowplow_"
_ACTION = f"unstruct_event_{_SPACE}ecommerce_snowplow_ecommerce_action_1_0_0"
_SESSION = f"contexts_{_SPACE}client_session_1_0_1"
IDLE = timedelta(minutes=30)
FORGOTTEN = timedelta(days=3)  # none of these carts has an id


@dataclass
class Event:
    event_id: str
    at: datetime
    device: str
    user: str | None
    products: list[dict[str, Any]]
    is_added: bool
    is_removed: bool
    is_bought: bool
    is_busy: bool
    is_checkout: bool


@dataclass
class Cart:
    counts: dict[str, int] = field(default_factory=dict)
    last_at: datetime | None = None
    added: tuple[str, datetime] | None = None  # the last product put in during this visit
    left: list[tuple[str, datetime, datetime]] = field(default_factory=list)
    is_checkout_begun: bool = False

    def leave(self, at: datetime) -> None:
        if self.added and self.last_at and at - self.last_at >= IDLE:
            self.left.append((*self.added, self.last_at + IDLE))
            self.added = None


def events_of(path: Path) -> list[Event]:
    """Every event of the file, in the order of behaviour."""
    with path.open(encoding="utf-8-sig", newline="") as lines:
        events = [_event(row) for row in csv.DictReader(lines)]
    return sorted(events, key=lambda event: (event.at, event.event_id))


def carts_left(events: list[Event], as_of: datetime) -> set[tuple[str, str, datetime, int]]:
    """(person, event id, triggered at, items in it) of every cart that is left at `as_of`."""
    seen = [event for event in events if event.at <= as_of]
    logins: dict[str, list[tuple[datetime, str]]] = {}
    for event in seen:
        if event.user:
            logins.setdefault(event.device, []).append((event.at, event.user))
    carts: dict[str, Cart] = {}
    for event in seen:
        _walk(carts, _person(event, logins), event)
    return {
        (person, event_id, triggered_at, sum(cart.counts.values()))
        for person, cart in carts.items()
        if any(cart.counts.values()) and not cart.is_checkout_begun
        for event_id, added_at, triggered_at in _all_left(cart, as_of)
        if added_at >= as_of - timedelta(days=3)
    }


def _all_left(cart: Cart, as_of: datetime) -> Iterator[tuple[str, datetime, datetime]]:
    cart.leave(as_of)
    yield from cart.left


def _walk(carts: dict[str, Cart], person: str, event: Event) -> None:
    if event.is_bought:
        carts[person] = Cart()
        return
    if not event.is_busy:
        return
    cart = carts.setdefault(person, Cart())
    if cart.last_at and event.at - cart.last_at > FORGOTTEN:
        cart = carts[person] = Cart()
    cart.leave(event.at)
    cart.last_at = event.at
    cart.is_checkout_begun |= event.is_checkout
    for place, product in enumerate(event.products if event.is_added or event.is_removed else []):
        count = int(product.get("quantity") or 1)
        before = cart.counts.get(product["id"], 0)
        cart.counts[product["id"]] = max(0, before + (count if event.is_added else -count))
        if event.is_added:
            cart.added = (event.event_id + (f"#{place + 1}" if place else ""), event.at)


def _person(event: Event, logins: dict[str, list[tuple[datetime, str]]]) -> str:
    if event.user:
        return event.user
    on_device = logins.get(event.device, [])
    before = [user for at, user in on_device if at <= event.at]
    return before[-1] if before else on_device[0][1] if on_device else f"anon:{event.device}"


def _event(row: dict[str, str]) -> Event:
    action = json.loads(row[_ACTION] or "{}").get("type")
    step, order = _first(row, "checkout_step").get("step"), _first(row, "transaction").get("transaction_id")
    session = (json.loads(row[_SESSION] or "[]") or [{}])[0]
    return Event(
        event_id=row["event_id"],
        at=datetime.fromisoformat(row["derived_tstamp"]).replace(tzinfo=None),
        device=row["domain_userid"] or session.get("userId") or row["network_userid"],
        user=row["user_id"] or _first(row, "user").get("id"),
        products=json.loads(row[f"contexts_{_SPACE}ecommerce_product_1_0_0"] or "[]"),
        is_added=action == "add_to_cart",
        is_removed=action == "remove_from_cart",
        is_bought=action == "transaction" or (action is None and bool(order)),
        is_busy=action in ("add_to_cart", "remove_from_cart", "checkout_step")
        or (action is None and bool(step or _first(row, "cart"))),
        is_checkout=str(step) == "1" and action in (None, "checkout_step") and not order,
    )


def _first(row: dict[str, str], entity: str) -> dict[str, Any]:
    return (json.loads(row[f"contexts_{_SPACE}ecommerce_{entity}_1_0_0"] or "[]") or [{}])[0]
