"""Shopify's webhooks land as the rows an EL tool would land, and only when Shopify sent them."""

from __future__ import annotations

import base64
import csv
import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from receivers_process import SHOPIFY_SECRET, Receivers

from senders.settings import REPOSITORY

SHARED = REPOSITORY.parent / "shared" / "data" / "shopify"

ADDRESS = {
    "first_name": "Steve",
    "last_name": "Shipper",
    "name": "Steve Shipper",
    "company": None,
    "address1": "123 Shipping Street",
    "address2": "Apt 2",
    "city": "Shippington",
    "zip": "40003",
    "province": "Kentucky",
    "province_code": "KY",
    "country": "United States",
    "country_code": "US",
    "phone": "+15555550101",
    "latitude": 38.1,
    "longitude": -85.7,
}
LINE = {
    "product_id": 632,
    "variant_id": 808,
    "title": "IPod",
    "name": "IPod - Pink",
    "price": "199.00",
    "quantity": 2,
}
ORDER: dict[str, Any] = {
    "id": 820982911946154508,
    "email": "jon@example.com",
    "created_at": "2026-01-31T19:30:00-05:00",
    "updated_at": "2026-01-31T19:30:05-05:00",
    "closed_at": None,
    "cart_token": "c-1",
    "currency": "USD",
    "subtotal_price": "398.00",
    "total_price": "403.00",
    "test": False,
    "landing_site": "/?utm=x",
    "buyer_accepts_marketing": True,
    "customer": {"id": 115310627314723954, "email": "jon@example.com", "first_name": "John"},
    "billing_address": ADDRESS,
    "shipping_address": None,
    "line_items": [{"id": 1, **LINE}, {"id": 2, **LINE, "quantity": 1}],
    "note_attributes": [{"name": "gift", "value": "yes"}],
    "some_new_field": "kept",
}
CUSTOMER = {
    "id": 706405506930370084,
    "email": "bob@example.com",
    "updated_at": "2026-01-31T19:30:05+01:00",
    "created_at": "2026-01-01T00:00:00Z",
    "first_name": "Bob",
    "phone": "+15555550102",
    "default_address": {"id": 12321, "country_code": "US", "city": "Ottawa"},
}
CHECKOUT = {
    "id": 981820079255243537,
    "token": "123123123",
    "cart_token": "eeafa272cebfd4b22385bc4b645e762c",
    "email": "example@email.com",
    "created_at": "2026-01-31T08:00:00-05:00",
    "updated_at": "2026-01-31T08:00:00-05:00",
    "completed_at": None,
    "abandoned_checkout_url": "https://shop.example/checkouts/123/recover?key=abc",
    "customer": {"id": 603851970716743426},
    "shipping_address": ADDRESS,
    "line_items": [{"key": "f1", **LINE}],
}
PRODUCT = {
    "id": 788032119674292922,
    "title": "Example T-Shirt",
    "updated_at": "2026-01-31T08:00:00-05:00",
    "published_at": "2026-01-30T08:00:00-05:00",
    "variants": [{"id": 1, "price": "19.99", "inventory_quantity": 75}, {"id": 2, "price": "24.99"}],
    "image": {"src": "https://cdn.example/shirt.png"},
}


def _post(client: httpx.Client, topic: str, body: bytes, secret: str = SHOPIFY_SECRET) -> httpx.Response:
    signature = base64.b64encode(hmac.digest(secret.encode(), body, hashlib.sha256)).decode()
    headers = {"X-Shopify-Hmac-Sha256": signature, "Content-Type": "application/json"}
    return client.post(f"/v1/webhooks/shopify/{topic}", content=body, headers=headers)


def _rows(receivers: Receivers, table: str) -> list[dict[str, Any]]:
    return receivers.landed(f"shopify/{table}")


def test_an_order_lands_flat_with_its_lines(own_receivers: Receivers) -> None:
    own_receivers.start()
    with own_receivers.client() as client:
        assert _post(client, "orders/create", json.dumps(ORDER).encode()).status_code == 200
    (order,) = _rows(own_receivers, "orders")
    assert order["id"] == ORDER["id"]
    assert order["customer_id"] == 115310627314723954
    assert order["created_at"] == "2026-02-01 00:30:00.000"
    assert (order["billing_address_address_1"], order["billing_address_zip"]) == (
        "123 Shipping Street",
        "40003",
    )
    assert order["landing_site_base_url"] == "/?utm=x"
    assert json.loads(order["note_attributes"]) == ORDER["note_attributes"]
    assert order["some_new_field"] == "kept"
    lines = _rows(own_receivers, "order_lines")
    assert [(line["id"], line["order_id"], line["index"], line["quantity"]) for line in lines] == [
        (1, ORDER["id"], 1, 2),
        (2, ORDER["id"], 2, 1),
    ]
    assert {line["updated_at"] for line in lines} == {"2026-02-01 00:30:05.000"}


@pytest.mark.parametrize(
    ("topic", "record", "table", "expected"),
    [
        (
            "customers/update",
            CUSTOMER,
            "customers",
            {
                "default_address_id": 12321,
                "default_address_country_code": "US",
                "updated_at": "2026-01-31 18:30:05.000",
            },
        ),
        (
            "checkouts/update",
            CHECKOUT,
            "abandoned_checkouts",
            {"customer_id": 603851970716743426, "shipping_address_city": "Shippington", "completed_at": None},
        ),
        ("products/update", PRODUCT, "products", {"published_at": "2026-01-30 13:00:00.000"}),
        ("products/update", PRODUCT, "product_variants", {"product_id": PRODUCT["id"], "price": "24.99"}),
    ],
)
def test_each_topic_lands_in_its_table(
    receivers: Receivers,
    client: httpx.Client,
    topic: str,
    record: dict[str, Any],
    table: str,
    expected: dict[str, Any],
) -> None:
    assert _post(client, topic, json.dumps(record).encode()).status_code == 200
    row = _rows(receivers, table)[-1]
    assert {name: row[name] for name in expected} == expected


@pytest.mark.skipif(not SHARED.exists(), reason="the shared data is not there")
@pytest.mark.parametrize(
    ("topic", "record", "table", "file"),
    [
        ("orders/paid", ORDER, "orders", "order"),
        ("orders/paid", ORDER, "order_lines", "order_line"),
        ("customers/create", CUSTOMER, "customers", "customer"),
        ("checkouts/create", CHECKOUT, "abandoned_checkouts", "abandoned_checkout"),
        ("products/update", PRODUCT, "products", "product"),
    ],
)
def test_columns_have_the_names_that_landed_tables_have(
    receivers: Receivers, client: httpx.Client, topic: str, record: dict[str, Any], table: str, file: str
) -> None:
    with (SHARED / f"shopify_{file}_data.csv").open(encoding="utf-8-sig") as rows:
        landed_elsewhere = set(next(csv.reader(rows)))
    assert _post(client, topic, json.dumps(record).encode()).status_code == 200
    row = _rows(receivers, table)[-1]
    # Not in that export: what we add, what is nested, and the address of a customer.
    ours = {"some_new_field", "line_items", "image", "note_attributes", "shipping_address"}
    ours |= {name for name in row if name.startswith("default_address_")}
    ours |= {"updated_at"} if table == "order_lines" else set()
    # It spells a checkout's second line of the address as `address_0`, all other tables as `address_2`.
    ours |= {"shipping_address_address_2"} if table == "abandoned_checkouts" else set()
    assert set(row) - ours <= landed_elsewhere


def test_a_repeated_delivery_lands_again_with_the_same_id_and_time(
    receivers: Receivers, client: httpx.Client
) -> None:
    order = json.dumps({**ORDER, "id": 4711}).encode()
    assert [_post(client, "orders/paid", order).status_code for _ in range(2)] == [200, 200]
    first, second = [row for row in _rows(receivers, "orders") if row["id"] == 4711]
    assert first == second


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Shopify-Hmac-Sha256": ""},
        {"X-Shopify-Hmac-Sha256": "x"},
        {"X-Shopify-Hmac-Sha256": base64.b64encode(hmac.digest(b"other", b'{"id": 66}', "sha256")).decode()},
        {"X-Shopify-Hmac-Sha256": base64.b64encode(hmac.digest(b"", b'{"id": 66}', "sha256")).decode()},
        {"X-Shopify-Hmac-Sha256": base64.b64encode(hmac.digest(b"hush", b'{"id": 67}', "sha256")).decode()},
    ],
    ids=["none", "empty", "nonsense", "another secret", "no secret", "another body"],
)
def test_a_wrong_signature_is_refused_and_nothing_is_stored(
    receivers: Receivers, client: httpx.Client, headers: dict[str, str]
) -> None:
    before = len(_rows(receivers, "orders"))
    answer = client.post("/v1/webhooks/shopify/orders/create", content=b'{"id": 66}', headers=headers)
    assert answer.status_code == 401
    assert len(_rows(receivers, "orders")) == before


def test_without_a_secret_even_a_matching_signature_is_refused(own_receivers: Receivers) -> None:
    own_receivers.environment["DOVECOTE_SHOPIFY_SECRET"] = ""
    own_receivers.start()
    with own_receivers.client() as client:
        assert _post(client, "orders/create", json.dumps(ORDER).encode(), secret="").status_code == 401
    assert "DOVECOTE_SHOPIFY_SECRET" in own_receivers.log.read_text()
    assert not (own_receivers.home / "landing" / "shopify").exists()


@pytest.mark.parametrize(
    ("topic", "body", "status"),
    [
        ("orders/create", b"{", 400),
        ("orders/create", b"[]", 400),
        ("orders/create", b"{}", 400),
        ("orders/create", b'{"id": null, "line_items": []}', 400),
        ("orders/create", b'{"id": 1, "line_items": {"a": 1}}', 400),
        ("orders/create", b'{"id": 1, "line_items": [1]}', 400),
        ("orders/create", b'{"id": 1, "note": "\xff"}', 400),
        ("orders/unheard_of", b'{"id": 1}', 404),
        ("../../segment", b'{"id": 1}', 404),
        ("orders/create", b'{"id": 1, "note": "' + b"x" * 6_000_000 + b'"}', 413),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_genuine_webhook_that_is_no_record_is_refused(
    receivers: Receivers, client: httpx.Client, topic: str, body: bytes, status: int
) -> None:
    before = len(_rows(receivers, "orders"))
    assert _post(client, topic, body).status_code == status
    assert len(_rows(receivers, "orders")) == before


def test_rows_are_files_that_a_feed_can_take(receivers: Receivers, client: httpx.Client) -> None:
    assert _post(client, "customers/update", json.dumps(CUSTOMER).encode()).status_code == 200
    receivers.wait_until_published("shopify/customers")
    folder: Path = receivers.home / "landing" / "shopify" / "customers"
    assert all(path.suffix == ".jsonl" for path in folder.iterdir())
