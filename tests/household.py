"""People and what landed about them, for tests of what is held about one person. No dbt runs: what the models
tie together is tested with a town."""

import gzip
import json
from datetime import UTC, datetime

import duckdb
from letters import letter, planned

from dagster_project import warehouse
from receivers import landing
from senders.ledger import Ledger

NOW = datetime(2026, 1, 15, 12, tzinfo=UTC)
EARLIER = "2026-01-10T10:00:00Z"

EVENTS = [
    ("e1", "product_viewed", {"user_id": "ann", "anonymous_id": "dev-ann"}, {}),
    ("e2", "product_viewed", {"anonymous_id": "dev-ann"}, {"note": "visit"}),
    ("e3", "product_viewed", {"user_id": "ben", "anonymous_id": "shared"}, {}),
    ("e4", "product_viewed", {"user_id": "ann", "anonymous_id": "shared"}, {}),
    ("e5", "product_viewed", {"anonymous_id": "shared"}, {}),
    ("e6", "checkout_started", {"anonymous_id": "guest"}, {"email": "Ann@x.example"}),
    ("e7", "order_completed", {"user_id": "annabel"}, {"email": "annabel@x.example"}),
    ("e8", "product_viewed", {"user_id": "ann2"}, {"email": "ann@x.example"}),
]
PROFILES = [
    {
        "user_id": "ann",
        "email": "ann@x.example",
        "phone": "+44 7400 123456",
        "first_name": "Ann",
        "country": "GB",
    },
    {"user_id": "ben", "email": "ben@x.example", "first_name": "Ben"},
    {"user_id": "annabel", "email": "annabel@x.example", "first_name": "Annabel"},
]
CONSENTS = "user_id,channel,purpose,status,occurred_at,consent_source\n" + "".join(
    f"{name},email,marketing,given,2026-01-01T00:00:00Z,form\n" for name in ("ann", "ben", "annabel")
)
ORDERS = [
    {"id": 71, "customer_id": 9, "email": "ben@x.example", "updated_at": "2026-01-02T00:00:00Z"},
    {"id": 72, "email": "ANN@x.example", "updated_at": "2026-01-02T00:00:00Z", "note": "a guest"},
]
LINES = [
    {"id": 1, "order_id": order, "title": "Shirt", "updated_at": "2026-01-02T00:00:00Z"} for order in (71, 72)
]
BAD = '{"event_id": "e9", "user_id": "ann", oops\n{"event_id": "e10", "user_id": "annabel", oops\n'


def move_in(settings):
    """Land it all in every format, take it in, and plan a message for each of three."""
    timed = [
        {"event_id": event_id, "event_name": name, **who, "occurred_at": EARLIER, "properties": properties}
        for event_id, name, who, properties in EVENTS
    ]
    write(settings, "events/a.jsonl", _lines(timed[:5]) + BAD)
    write(settings, "events/b.jsonl.gz", gzip.compress(_lines(timed[5:]).encode(), mtime=0))
    write(
        settings,
        "profiles/people.json",
        json.dumps([{**p, "updated_at": "2026-01-01T00:00:00Z"} for p in PROFILES]),
    )
    write(settings, "consents/c.csv", CONSENTS)
    write(settings, "shopify/order_lines/l.jsonl", _lines(LINES))
    with duckdb.connect() as database:
        folder = settings.landing / "shopify/orders"
        folder.mkdir(parents=True)
        database.execute(
            "create table orders as select unnest(?::json[]) as o", [[json.dumps(o) for o in ORDERS]]
        )
        database.execute(
            "copy (select o->>'$.id' as id, o->>'$.customer_id' as customer_id, o->>'$.email' as email,"
            f" o->>'$.updated_at' as updated_at, o->>'$.note' as note from orders) to '{folder}/o.parquet'"
        )
    landing.ingest(settings, NOW)
    with Ledger(settings.ledger) as ledger:
        for name in ("ann", "ben", "annabel"):
            planned(ledger, letter(name, user_id=name, address=f"{name}@x.example"), now=NOW)
        ledger.suppress("+447400123456", "marketing", "replied STOP", NOW)
    with warehouse.opened(settings):
        pass


def write(settings, name, content):
    path = settings.landing / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())


def _lines(rows):
    return "".join(json.dumps(row) + "\n" for row in rows)
