"""Each shopping journey reaches who gives cause for it, and not who takes it back, in one whole minute."""

import sqlite3

import pytest
from small_town import consent, email_of, event, profile, town

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

NOON = "2026-01-15T12:00:00Z"
MUG = {"product_id": "P1", "name": "Mug", "price": 20.0}
MUGS = {"products": [MUG]}
OWN = "the person's own"  # cart or order

# journey → what its person did, and what takes it back
DEEDS = {
    "cart_abandoned": (
        [("product_added", "2026-01-15T10:10:00Z", {**MUG, "cart_id": OWN})],
        ("order_completed", "2026-01-15T11:00:00Z", {"cart_id": OWN, "order_id": OWN}),
    ),
    "checkout_abandoned": (
        [
            ("product_added", "2026-01-15T10:10:00Z", {**MUG, "cart_id": OWN}),
            ("checkout_started", "2026-01-15T10:20:00Z", {"cart_id": OWN}),
        ],
        ("order_completed", "2026-01-15T11:00:00Z", {"cart_id": OWN, "order_id": OWN}),
    ),
    "browse_abandoned": (
        [("product_viewed", f"2026-01-15T08:{minute}:00Z", MUG) for minute in ("00", "10")],
        ("order_completed", "2026-01-15T08:11:00Z", {"order_id": OWN}),
    ),
    "product_viewed_often": (
        [("product_viewed", f"2026-01-{day}T09:59:00Z", MUG) for day in (13, 14, 15)],
        ("order_completed", "2026-01-15T11:00:00Z", {"order_id": OWN, **MUGS}),
    ),
    "back_in_stock": (
        [("stock_alert_requested", "2026-01-10T10:00:00Z", {"product_id": "P2"})],
        ("order_completed", "2026-01-15T11:45:00Z", {"order_id": OWN, "product_id": "P2"}),
    ),
    "price_dropped": (
        [("product_added_to_wishlist", "2025-12-01T10:00:00Z", {"product_id": "P3"})],
        ("product_removed_from_wishlist", "2026-01-02T10:00:00Z", {"product_id": "P3"}),
    ),
    "order_thanked": (
        [
            ("order_completed", "2026-01-12T09:00:00Z", {"order_id": OWN, "total": 20, **MUGS}),
            ("order_delivered", "2026-01-14T09:00:00Z", {"order_id": OWN}),
        ],
        ("order_refunded", "2026-01-14T10:00:00Z", {"order_id": OWN}),
    ),
    "review_requested": (
        [
            ("order_completed", "2026-01-05T09:00:00Z", {"order_id": OWN, "total": 20, **MUGS}),
            ("order_delivered", "2026-01-07T09:00:00Z", {"order_id": OWN}),
        ],
        ("product_reviewed", "2026-01-14T10:00:00Z", {"product_id": "P1"}),
    ),
    "win_back": (
        [
            ("order_completed", "2025-10-16T11:00:00Z", {"order_id": OWN, "total": 20}),
            ("order_delivered", "2025-10-19T11:00:00Z", {"order_id": OWN}),  # which shows nobody
        ],
        ("product_viewed", "2026-01-14T10:00:00Z", MUG),
    ),
}
WHO = {journey: f"who_{journey}" for journey in DEEDS}
UNDONE = {journey: f"not_{journey}" for journey in DEEDS}


def did(user_id: str, name: str, at: str, about: dict) -> dict:
    own = {key: user_id if value is OWN else value for key, value in about.items()}
    return event(user_id, name, at, **own)


def product(product_id: str, at: str, **said) -> dict:
    return {"product_id": product_id, "name": f"Thing {product_id}", "updated_at": at, **said}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """(journey, person) of every marketing message of one tick at noon."""
    with town(tmp_path_factory.mktemp("shop"), 8440) as place:
        names = [*WHO.values(), *UNDONE.values()]
        addresses = {name: email_of(name, tuple(DEEDS)) for name in names}
        place.land("profiles", "people", [profile(name, email=addresses[name]) for name in names])
        place.land("consents", "people", [consent(name) for name in names])
        place.land("products", "catalogue", [
            product("P1", "2026-01-01T00:00:00Z", price=20.0, stock=3),
            product("P2", "2026-01-01T00:00:00Z", price=10.0, stock=0),
            product("P2", "2026-01-15T11:30:00Z", stock=5),
            product("P3", "2025-11-01T00:00:00Z", price=100.0),
            product("P3", "2026-01-15T11:30:00Z", price=90.0),
        ])  # fmt: skip
        rows = [did(WHO[journey], *deed) for journey, (deeds, _) in DEEDS.items() for deed in deeds]
        rows += [
            did(UNDONE[journey], *deed)
            for journey, (deeds, taken_back) in DEEDS.items()
            for deed in [*deeds, taken_back]
        ]
        place.land("events", "deeds", rows)
        place.tick(NOON)
        with sqlite3.connect(place.settings.ledger) as ledger:
            query = "select journey, user_id from messages where message_class = 'marketing'"
            yield set(ledger.execute(query).fetchall())


@pytest.mark.parametrize("journey", DEEDS)
def test_who_gives_cause_is_written_to(written, journey):
    assert (journey, WHO[journey]) in written


@pytest.mark.parametrize("journey", DEEDS)
def test_who_takes_it_back_is_not(written, journey):
    assert (journey, UNDONE[journey]) not in written


def test_a_cart_with_a_checkout_is_written_about_by_one_journey(written):
    about = {journey for journey, user_id in written if user_id == WHO["checkout_abandoned"]}
    assert about == {"checkout_abandoned"}
