"""Events for the benches: a shop of 100,000 people and 5,000 products, made by polars in one go."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import polars as pl

PEOPLE, PRODUCTS, PROFILES = 100_000, 5_000, 20_000
# Of 100 events so many are looks, additions to a cart and orders.
LOOKS, ADDITIONS = 80, 15


def land_events(
    landing: Path, name: str, count: int, first: datetime, last: datetime, seed: int,
    *, first_person: int = 0, people: int = PEOPLE,
) -> None:  # fmt: skip
    """`count` events spread evenly over [first, last], one parquet file, as an EL tool would bring it."""
    span = (last - first) / max(count, 1)
    number = pl.int_range(count, eager=False)
    kind = (number * 7919 + seed) % 100
    person = first_person + (number * 104_729 + seed * 31) % people
    product = (number * 1_299_709 + seed) % PRODUCTS
    price = (10 + product % 90).cast(pl.Float64)
    events = pl.select(
        event_id=pl.format(f"{name}-{{}}", number),
        event_name=pl.when(kind < LOOKS).then(pl.lit("product_viewed"))
        .when(kind < LOOKS + ADDITIONS).then(pl.lit("product_added"))
        .otherwise(pl.lit("order_completed")),
        user_id=pl.format("u{}", person),
        occurred_at=pl.lit(first) + number * span,
        product_id=pl.format("P{}", product),
        name=pl.format("Product {}", product),
        price=price,
        cart_id=pl.when(kind >= LOOKS).then(pl.format("c{}", person)),
        order_id=pl.when(kind >= LOOKS + ADDITIONS).then(pl.format(f"{name}-o{{}}", number)),
        total=pl.when(kind >= LOOKS + ADDITIONS).then(price),
        currency=pl.lit("EUR"),
    )  # fmt: skip
    write(events, landing / "events" / f"{name}.parquet")


def land_people(landing: Path, at: datetime) -> None:
    """Profiles and e-mail consents of the first 20,000, and the catalogue."""
    person, product = pl.int_range(PROFILES), pl.int_range(PRODUCTS)
    profiles = pl.select(
        user_id=pl.format("u{}", person), email=pl.format("u{}@example.com", person),
        first_name=pl.format("Name{}", person), time_zone=pl.lit("Europe/London"), updated_at=pl.lit(at),
    )  # fmt: skip
    consents = pl.select(
        user_id=pl.format("u{}", person), channel=pl.lit("email"), purpose=pl.lit("marketing"),
        status=pl.lit("given"), occurred_at=pl.lit(at), consent_source=pl.lit("bench"),
    )  # fmt: skip
    products = pl.select(
        product_id=pl.format("P{}", product), name=pl.format("Product {}", product),
        price=(10 + product % 90).cast(pl.Float64), currency=pl.lit("EUR"), updated_at=pl.lit(at),
    )  # fmt: skip
    for feed, frame in (("profiles", profiles), ("consents", consents), ("products", products)):
        write(frame, landing / feed / "bench.parquet")


def write(frame: pl.DataFrame, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}")
    frame.write_parquet(part)
    part.replace(path)


def days_before(moment: datetime, days: float) -> datetime:
    return moment - timedelta(days=days)
