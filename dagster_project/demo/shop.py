"""A shop whose visitors look, fill carts, leave them, buy and sign up.

What an EL tool would bring (catalogue, profiles, consents, the day so far) lands as files; what
happens now goes through the receivers, as a website's tracker would send it.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import time
from collections import deque
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import polars

from dagster_project.demo import services
from dagster_project.demo.town import Person, Product, goods, person
from senders.settings import Settings

INHABITANTS = 400
CURRENCY = "EUR"


class Shop:
    """`landed` maps the id of each event to the wall-clock second at which it was on disk."""

    def __init__(self, settings: Settings, client: httpx.AsyncClient, seed: int = 7) -> None:
        self.settings = settings
        self.client = client
        self.dice = random.Random(seed)  # noqa: S311  (a play, not a secret)
        self.landed: dict[str, float] = {}
        self.goods = goods()
        now = datetime.now(UTC)
        self.people = [person(number, self.dice, now) for number in range(INHABITANTS)]
        self.carts: dict[str, tuple[str, Product]] = {}  # user → the cart they left
        self.closes_at = float("inf")  # monotonic; no story goes on longer
        self.orders: deque[tuple[Person, str]] = deque()  # not shipped yet
        self._run = f"{int(time.time()):x}"
        self._numbers = itertools.count(1)

    def open(self) -> None:
        """Land the catalogue, everybody's profile and consents, and the day so far."""
        opened_at = datetime.now(UTC) - timedelta(days=30)
        self._land(
            "products", (self._product_row(product, product.price, opened_at) for product in self.goods)
        )
        self._land("profiles", (profile_row(each, opened_at) for each in self.people))
        self._land("consents", (row for each in self.people for row in consent_rows(each, opened_at)))
        self._land("events", self._day_so_far())

    async def serve(self, events_per_second: float, until: float) -> None:
        """Visits at the given pace until the monotonic second `until`; a sale in the middle."""
        self.closes_at = until
        sale_at = time.monotonic() + (until - time.monotonic()) * 0.3
        visits: set[asyncio.Task[None]] = set()
        while time.monotonic() < until:
            if sale_at and time.monotonic() > sale_at:
                self.hold_sale()
                self.tell_of_a_delay()
                sale_at = 0.0
            visit = asyncio.create_task(self._visit())
            visits.add(visit)
            visit.add_done_callback(visits.discard)
            await asyncio.sleep(self.dice.expovariate(events_per_second / 2))  # a visit is about two events
        await asyncio.gather(*visits, return_exceptions=True)

    def hold_sale(self) -> None:
        """A quarter off some products: who looked at one and did not buy it will hear of it."""
        now = datetime.now(UTC)
        self._land(
            "products", (self._product_row(each, round(each.price * 0.75, 2), now) for each in self.goods[:5])
        )

    def tell_of_a_delay(self) -> None:
        """The operator's own word to a few, by the feed that only the operator writes to."""
        operator, *others = self.dice.sample(self.people, 11)
        told = services.notice(datetime.now(UTC), [each.user_id for each in others])
        self._land("events", [self._past_event("status_notice_published", operator, datetime.now(UTC), told)])

    async def buy(self, buyer: Person, cart_id: str, product: Product) -> None:
        order_id = f"{self._run}-{next(self._numbers):05}"
        line = {"product_id": product.product_id, "name": product.name, "price": product.price, "quantity": 1}
        await self.track(
            "Order Completed", buyer, order_id=order_id, cart_id=cart_id,
            total=product.price, revenue=product.price, currency=CURRENCY, products=[line],
        )  # fmt: skip
        self.carts.pop(buyer.user_id, None)
        self.orders.append((buyer, order_id))

    async def track(self, event: str, who: Person, **properties: Any) -> None:
        await self._call("track", {"event": event, "userId": who.user_id, "properties": properties})

    async def _visit(self) -> None:
        if self.dice.random() < 0.08:
            await self._sign_up()
            return
        if self.dice.random() < 0.12:
            await self._serve_somebody()
            return
        visitor, product = self.dice.choice(self.people), self.dice.choice(self.goods)
        about = product_properties(product, self.settings.shop_url)
        await self.track("Product Viewed", visitor, **about)
        if self.dice.random() > 0.5:
            return
        await asyncio.sleep(self.dice.uniform(0.5, 3))
        cart_id = f"c{self._run}-{next(self._numbers)}"
        await self.track("Product Added", visitor, cart_id=cart_id, quantity=1, **about)
        self.carts[visitor.user_id] = (cart_id, product)
        if self.dice.random() > 0.5:
            return
        await asyncio.sleep(self.dice.uniform(0.5, 3))
        await self.track("Checkout Started", visitor, cart_id=cart_id, value=product.price, currency=CURRENCY)
        await self.buy(visitor, cart_id, product)

    async def _serve_somebody(self) -> None:
        """A parcel to the next in line, or something else that the shop's systems tell of somebody."""
        url, number = self.settings.shop_url, f"{self._run}-{next(self._numbers)}"
        if self.orders and self.dice.random() < 0.5:
            who, order_id = self.orders.popleft()
            story = services.parcel(order_id, url, self.dice)
        else:
            who = self.dice.choice(self.people)
            story = self.dice.choice(services.STORIES)(self.dice, number, datetime.now(UTC), url)
        for each in story:
            if time.monotonic() + each.after_seconds > self.closes_at:
                return
            await asyncio.sleep(each.after_seconds)
            await self.track(each.event, who, **each.properties)

    async def _sign_up(self) -> None:
        newcomer = person(len(self.people), self.dice, datetime.now(UTC))
        self.people.append(newcomer)
        now = datetime.now(UTC)
        traits = {
            "email": newcomer.email, "phone": newcomer.phone, "firstName": newcomer.first_name,
            "lastName": newcomer.last_name, "timezone": newcomer.time_zone,
        }  # fmt: skip
        self._land("consents", consent_rows(newcomer, now))
        await self._call("identify", {"userId": newcomer.user_id, "traits": traits})
        await self.track("Signed Up", newcomer)

    async def _call(self, kind: str, body: dict[str, Any]) -> None:
        event_id = f"demo-{self._run}-{next(self._numbers)}"
        body |= {"messageId": event_id, "timestamp": datetime.now(UTC).isoformat()}
        url = f"{self.settings.public_url}/v1/{kind}"
        answer = await self.client.post(url, json=body, auth=(self.settings.write_key, ""))
        answer.raise_for_status()
        self.landed[event_id] = time.time()

    def _day_so_far(self) -> Iterable[dict[str, Any]]:
        """Carts left one to three hours ago, some bought since; looks at what will be on sale."""
        now = datetime.now(UTC)
        for number, visitor in enumerate(self.dice.sample(self.people, INHABITANTS // 4)):
            product = self.dice.choice(self.goods)
            cart_id, left_at = f"c-{self._run}-{number}", now - timedelta(minutes=self.dice.uniform(90, 240))
            about = product_properties(product, self.settings.shop_url) | {"cart_id": cart_id, "quantity": 1}
            yield self._past_event("product_added", visitor, left_at, about)
            if self.dice.random() < 0.35:
                line = {"product_id": product.product_id, "price": product.price, "quantity": 1}
                order = {
                    "order_id": f"o-{cart_id}",
                    "cart_id": cart_id,
                    "total": product.price,
                    "currency": CURRENCY,
                }
                bought_at = left_at + timedelta(minutes=20)
                yield self._past_event("order_completed", visitor, bought_at, order | {"products": [line]})
            else:
                self.carts[visitor.user_id] = (cart_id, product)
        for visitor in self.dice.sample(self.people, INHABITANTS // 8):
            about = product_properties(self.dice.choice(self.goods[:5]), self.settings.shop_url)
            yield self._past_event(
                "product_viewed", visitor, now - timedelta(hours=self.dice.uniform(1, 50)), about
            )
        for booked in services.bookings_of_tomorrow(
            self.dice, now, self.settings.shop_url, INHABITANTS // 20
        ):
            visitor = self.dice.choice(self.people)
            yield self._past_event("booking_created", visitor, now - timedelta(days=3), booked)

    def _past_event(
        self, name: str, who: Person, at: datetime, properties: Mapping[str, Any]
    ) -> dict[str, Any]:
        event_id = f"demo-{self._run}-{next(self._numbers)}"
        self.landed[event_id] = time.time()
        return {
            "event_id": event_id, "event_name": name, "user_id": who.user_id,
            "occurred_at": at.isoformat(), "properties": dict(properties),
        }  # fmt: skip

    def _product_row(self, product: Product, price: float, at: datetime) -> dict[str, Any]:
        about = product_properties(product, self.settings.shop_url)
        return {
            "product_id": product.product_id, "name": product.name, "price": price, "currency": CURRENCY,
            "product_url": about["url"], "image_url": about["image_url"],
            "stock": 20, "updated_at": at.isoformat(),
        }  # fmt: skip

    def _land(self, feed: str, rows: Iterable[Mapping[str, Any]]) -> None:
        write_rows(self.settings.landing / feed / f"shop-{self._run}-{next(self._numbers)}.parquet", rows)


def write_rows(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Parquet that appears all at once: written under a dot-name, then renamed. An object is JSON text."""
    table = [{name: _cell(value) for name, value in row.items()} for row in rows]
    path.parent.mkdir(parents=True, exist_ok=True)
    if not table:  # a newcomer who agreed to nothing: Parquet knows no file without columns
        return
    part = path.with_name(f".{path.name}")
    polars.DataFrame(table, infer_schema_length=None).write_parquet(part)
    part.replace(path)


def _cell(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, dict) else value


def product_properties(product: Product, shop_url: str) -> dict[str, Any]:
    return {
        "product_id": product.product_id, "name": product.name, "price": product.price, "currency": CURRENCY,
        "url": f"{shop_url}/products/{product.product_id}",
        "image_url": f"{shop_url}/images/{product.product_id}.jpg",
    }  # fmt: skip


def profile_row(who: Person, at: datetime) -> dict[str, Any]:
    return {
        "user_id": who.user_id, "email": who.email, "phone": who.phone, "first_name": who.first_name,
        "last_name": who.last_name, "time_zone": who.time_zone, "language": "en",
        "preferred_channel": who.preferred_channel, "updated_at": at.isoformat(),
    }  # fmt: skip


def consent_rows(who: Person, at: datetime) -> list[dict[str, Any]]:
    return [
        {
            "user_id": who.user_id, "channel": channel, "purpose": "marketing", "status": "given",
            "occurred_at": at.isoformat(), "consent_source": "sign-up form", "wording_version": "2026-01",
        }
        for channel in who.channels
    ]  # fmt: skip
