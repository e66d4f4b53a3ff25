"""The columns a trigger hands to its templates, as its YAML declares them under a contract.

Beside name and data_type a column may say, under `config.meta`: `nullable: true`, and for a JSON
list `fields:`, a list of columns of the same form (with `nullable` beside `data_type`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from dagster_project.policy.reader import Place
from dagster_project.policy.values import Key, list_of, mapping_of, name_of
from senders.template_environment import CONTEXT

ENTRY_COLUMNS: Final = ("user_id", "entity_key", "event_id", "triggered_at")
CONTRACT_IN_SQL: Final = re.compile(r"contract\s*=\s*\{\s*[\"']enforced[\"']\s*:\s*true", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    data_type: str
    is_nullable: bool = False
    fields: tuple[Column, ...] = ()  # of each record, where the column is a JSON list of records


def _flag(place: Place, value: Any) -> bool:
    if not isinstance(value, bool):
        place.refuse(f"{value!r} must be true or false")
    return value is True


def _text(place: Place, value: Any) -> str:
    return str(value)


FIELD_KEYS: Final[Mapping[str, Key]] = {
    "name": Key(name_of("field"), is_required=True),
    "data_type": Key(_text, is_required=True),
    "nullable": Key(_flag, False),
    "description": Key(_text),
}
META_KEYS: Final[Mapping[str, Key]] = {
    "nullable": Key(_flag, False),
    "fields": Key(list_of(mapping_of(FIELD_KEYS), at_least=1)),
}
parse_meta: Final = mapping_of(META_KEYS)


def read_columns(place: Place, model: Mapping[str, Any], query: Path) -> tuple[Column, ...]:
    """The columns of a model at `place`; refuses a contract that is not enforced or not complete."""
    contract = _inside(model, "config", "contract", "enforced")
    in_query = query.is_file() and CONTRACT_IN_SQL.search(query.read_text(encoding="utf-8"))
    if contract is not True and not in_query:
        place.refuse("needs an enforced contract (config: {contract: {enforced: true}}): its columns are what"
                     " templates rely on")  # fmt: skip
    declared = model.get("columns")
    entries = [entry for entry in declared if isinstance(entry, dict)] if isinstance(declared, list) else []
    columns = tuple(_column(place.at("columns", index), entry) for index, entry in enumerate(entries))
    names = {column.name for column in columns}
    for missing in [name for name in ENTRY_COLUMNS if name not in names]:
        place.at("columns").refuse(f"every trigger has a column {missing}: who, about what, why, when")
    for index, column in enumerate(columns):
        if column.name in CONTEXT:
            place.at("columns", index).refuse(f"templates know {column.name} as something else: rename it")
    return columns


def _column(place: Place, entry: Mapping[str, Any]) -> Column:
    meta = _inside(entry, "config", "meta") or {}
    ours = {key: meta[key] for key in META_KEYS if key in meta}  # meta is everybody's: leave the rest
    said = parse_meta(place.at("config", "meta"), ours) or {}
    fields = tuple(
        Column(field["name"], field["data_type"] or "", field["nullable"])
        for field in said.get("fields") or ()
        if field and field["name"]
    )
    return Column(str(entry.get("name")), str(entry.get("data_type", "")), bool(said.get("nullable")), fields)


def _inside(value: Any, *keys: str) -> Any:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value
