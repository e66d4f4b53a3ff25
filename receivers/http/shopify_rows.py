"""A Shopify webhook as the flat rows that an EL tool lands, so that both meet in one staging model.

Source of the shapes: Shopify Admin REST API (order, checkout, customer, product) on one side, the
columns of `shopify_<table>_data.csv` in fivetran/dbt_shopify on the other: addresses flattened with
their name as prefix, references as `<name>_id`, times in UTC without a zone. A field nobody
listed keeps its name; a nested one is kept as JSON text.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

Row = dict[str, Any]


@dataclass(frozen=True)
class Child:
    """A list inside the record that is a table of its own."""

    field: str
    table: str
    parent_column: str


@dataclass(frozen=True)
class Shape:
    table: str
    child: Child | None = None


_ORDER = Shape("orders", Child("line_items", "order_lines", "order_id"))
_CHECKOUT = Shape("abandoned_checkouts")
_CUSTOMER = Shape("customers")
_PRODUCT = Shape("products", Child("variants", "product_variants", "product_id"))

TOPICS: dict[str, Shape] = {
    "orders/create": _ORDER,
    "orders/updated": _ORDER,
    "orders/paid": _ORDER,
    "orders/cancelled": _ORDER,
    "checkouts/create": _CHECKOUT,
    "checkouts/update": _CHECKOUT,
    "customers/create": _CUSTOMER,
    "customers/update": _CUSTOMER,
    "products/create": _PRODUCT,
    "products/update": _PRODUCT,
}

_ADDRESSES = ("billing_address", "shipping_address", "default_address")
_ADDRESS_COLUMNS = {"address1": "address_1", "address2": "address_2"}
_REFERENCES = ("customer",)
_COLUMNS = {"landing_site": "landing_site_base_url"}


def _utc(text: str) -> str:
    """`2026-01-31T19:00:00-05:00` → `2026-02-01 00:00:00.000`; what is no time stays as it is."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return text
    if at.tzinfo is None:
        return text
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


def _value(name: str, value: Any) -> Any:
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    if name.endswith("_at") and isinstance(value, str):
        return _utc(value)
    return value


def _flat(record: Mapping[str, Any]) -> Row:
    row: Row = {}
    for name, value in record.items():
        if name in _ADDRESSES and isinstance(value, dict):
            row |= {
                f"{name}_{_ADDRESS_COLUMNS.get(key, key)}": _value(key, part) for key, part in value.items()
            }
        elif name in _REFERENCES and isinstance(value, dict):
            row[f"{name}_id"] = value.get("id")
        else:
            row[_COLUMNS.get(name, name)] = _value(name, value)
    return row


def rows_of(topic: str, record: Mapping[str, Any]) -> dict[str, list[Row]]:
    """Rows by table. Raises KeyError for an unknown topic, ValueError for a record without an id."""
    shape = TOPICS[topic]
    if record.get("id") is None:
        raise ValueError("the record has no id")
    parent = dict(record)
    tables: dict[str, list[Row]] = {}
    if shape.child:
        tables[shape.child.table] = _children(shape.child, record, parent.pop(shape.child.field, []))
    return {shape.table: [_flat(parent)], **tables}


def _children(child: Child, record: Mapping[str, Any], items: Any) -> list[Row]:
    """A child has the parent's id and time of change, and its place in the list, from 1."""
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise ValueError(f"{child.field} must be a list of objects")
    shared = {child.parent_column: record["id"], "updated_at": _value("updated_at", record.get("updated_at"))}
    return [{**shared, "index": place, **_flat(item)} for place, item in enumerate(items, start=1)]
