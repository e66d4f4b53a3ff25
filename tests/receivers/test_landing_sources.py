"""The files of Snowplow and Shopify as they are, and the numbers in them."""

import json
import shutil
from datetime import datetime

import pytest
from landed import EARLIER, SHARED, needs_shared_data

SHOPIFY = {
    "abandoned_checkouts": ("abandoned_checkout", 3),
    "customers": ("customer", 4),
    "order_lines": ("order_line", 3),
    "orders": ("order", 8),
    "product_variants": ("product_variant", 8),
    "products": ("product", 8),
}


def land(house, feed, file):
    folder = house.settings.landing / feed
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(SHARED / "data" / file, folder)


@needs_shared_data
def test_the_snowplow_events_land_whole_and_once(house):
    for _ in range(2):
        land(house, "snowplow", "snowplow_ecommerce/snowplow_ecommerce_events.csv")
        house.ingest()
    assert house.quarantine == []
    account = "select count(*), count(distinct row_id), min(occurred_at) from raw.snowplow_events"
    assert house.one(account) == (
        834,
        834,
        datetime(2022, 10, 25, 7, 49, 55, 526000),
    )
    record = json.loads(
        house.one(
            "select record from raw.snowplow_events where row_id = '4be2b2dd-4a59-4b91-b39d-2db84cdf31c5'"
        )
    )
    product = record["contexts_com_snowplowanalytics_snowplow_ecommerce_product_1_0_0"][0]
    assert (product["id"], product["price"], record["geo_timezone"]) == ("1236", "12.0", "Europe/Athens")
    assert None not in record.values()


@needs_shared_data
@pytest.mark.parametrize("table", SHOPIFY)
def test_the_shopify_rows_land_whole_and_once(house, table):
    name, count = SHOPIFY[table]
    for _ in range(2):
        land(house, f"shopify/{table}", f"shopify/shopify_{name}_data.csv")
        house.ingest()
    assert house.quarantine == []
    rows = house.query(f"select row_id, record from raw.shopify_{table}")
    assert len(rows) == count
    assert all(json.loads(record)["id"] == row_id for row_id, record in rows)  # also below a BOM


def test_a_shopify_row_that_changes_lands_again_and_the_same_row_does_not(house):
    order = {"id": 7, "updated_at": EARLIER, "financial_status": "pending"}
    house.put("shopify/orders/a.jsonl", order)
    house.put("shopify/orders/b.jsonl", order, {**order, "financial_status": "paid"})
    house.ingest()
    statuses = house.column("select record ->> '$.financial_status' from raw.shopify_orders order by all")
    assert statuses == ["paid", "pending"]


NUMBERS = {
    "the order's own": ({"phone": "+49 30 901820", "shipping_address_phone": "+43 1 4000"}, "+4930901820"),
    "that of the delivery, in its country": (
        {"phone": "n/a", "shipping_address_phone": "(202) 456-1111", "shipping_address_country_code": "US"},
        "+12024561111",
    ),
    "that of the bill": (
        {"billing_address_phone": "01 58000", "billing_address_country_code": "AT"},
        "+43158000",
    ),
    "a number without a country": ({"phone": "030 901820"}, None),
    "no number": ({"phone": "0000"}, None),
    "none at all": ({}, None),
}


@pytest.mark.parametrize("case", NUMBERS)
def test_the_first_number_that_is_one_is_an_orders_number(house, case):
    order, e164 = NUMBERS[case]
    house.put("shopify/orders/a.jsonl", {"id": 7, "updated_at": EARLIER, **order})
    house.ingest()
    record = json.loads(house.one("select record from raw.shopify_orders"))
    assert record.get("phone_e164") == e164
    assert ("phone_country" in record, "phone_time_zones" in record) == (e164 is not None, e164 is not None)
    assert {key: record[key] for key in order} == order


def test_a_number_that_many_have_is_read_once_and_doubles_nobody(house):
    people = [{"user_id": f"u{number}", "phone": "+4930901820", "country": "DE"} for number in range(3)]
    house.put("profiles/a.jsonl", *people)
    house.ingest()
    assert house.query("select user_id, phone_e164 from raw.profiles order by user_id") == [
        ("u0", "+4930901820"),
        ("u1", "+4930901820"),
        ("u2", "+4930901820"),
    ]


def test_a_bad_number_costs_nothing_but_itself(house):
    house.put("profiles/a.jsonl", {"user_id": "u1", "phone": "call me", "email": "a@b.io"})
    house.ingest()
    assert house.one("select phone, phone_e164, phone_country, email from raw.profiles") == (
        "call me",
        None,
        None,
        "a@b.io",
    )


def test_a_profile_without_a_time_holds_from_when_it_landed(house):
    house.put("profiles/a.csv", b"user_id,email\nu1,a@b.io\n")
    landed_at = house.ingest().landed_at
    assert house.one("select updated_at from raw.profiles") == landed_at.replace(tzinfo=None)


def test_an_empty_text_clears_and_a_null_says_nothing(house):
    house.put("profiles/a.jsonl", {"user_id": "u1", "email": "", "first_name": None})
    house.ingest()
    assert house.one("select email, first_name from raw.profiles") == ("", None)
