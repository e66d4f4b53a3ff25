"""Everything that is held about one person, as files that they can read: JSON Lines, and a manifest.

manifest.json            what was looked for, each file with its rows and its SHA-256
warehouse/<table>.jsonl  what landed, and what the models made of it
files/<folder>.jsonl     the rows in landing/ and archive/, with the file and the line they stand in
ledger/<what>.jsonl      messages with the bytes that were sent, attempts, receipts, moves, suppressions
"""

from __future__ import annotations

import base64
import hashlib
import json
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dagster_project import warehouse
from dagster_project.privacy import person as persons
from dagster_project.privacy.person import Person
from receivers import rows_of_person
from senders.ledger import Ledger
from senders.settings import Settings

Row = Mapping[str, Any]
OUR_WORDS = "manifest.json"


def export(settings: Settings, who: str, target: Path) -> dict[str, Any]:
    """Write it to `target`: a folder, or a file where it ends in `.zip`. Returns the manifest.

    Waits for a tick to end. Raises UnknownPersonError, FileExistsError, and lock.LockedError.
    """
    if target.exists() and (target.is_file() or any(target.iterdir())):
        raise FileExistsError(f"{target} is there already: an export is never mixed with another")
    with warehouse.opened_when_free(settings) as connection, Ledger(settings.ledger) as ledger:
        person = persons.find(connection, ledger, who)
        parts = {**_warehouse(connection), **_files(settings, connection), **_ledger(ledger, person)}
        return _write(target, person, parts)


def _write(target: Path, person: Person, parts: Mapping[str, Iterable[Row]]) -> dict[str, Any]:
    is_zip = target.suffix == ".zip"
    (target.parent if is_zip else target).mkdir(parents=True, exist_ok=True)
    told: dict[str, Any] = {}
    with _Zip(target) if is_zip else _Folder(target) as keep:
        for name, rows in parts.items():
            text = "".join(json.dumps(row, default=_as_json, ensure_ascii=False) + "\n" for row in rows)
            if text:
                told[name] = {"rows": text.count("\n"), "sha256": keep(name, text)}
        manifest = {
            "asked_for": person.who,
            "exported_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "ids": person.ids,
            "addresses": list(person.addresses),
            "other_accounts_with_these_addresses": {name: list(each) for name, each in person.others.items()},
            "files": told,
        }
        keep(OUR_WORDS, json.dumps(manifest, indent=2, ensure_ascii=False))
    return manifest


class _Folder:
    def __init__(self, target: Path) -> None:
        self.target = target

    def __enter__(self) -> Callable[[str, str], str]:
        return self._keep

    def __exit__(self, *_: object) -> None:
        pass

    def _keep(self, name: str, text: str) -> str:
        path = self.target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        path.chmod(0o600)  # somebody's whole life with the shop
        return hashlib.sha256(text.encode()).hexdigest()


class _Zip:
    def __init__(self, target: Path) -> None:
        self.target = target
        self.part = target.with_name(f".{target.name}.part")

    def __enter__(self) -> Callable[[str, str], str]:
        self.part.touch(mode=0o600)
        self.archive = zipfile.ZipFile(self.part, "w", zipfile.ZIP_DEFLATED)
        return self._keep

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.archive.close()
        if kind:
            self.part.unlink()
        else:
            self.part.replace(self.target)

    def _keep(self, name: str, text: str) -> str:
        self.archive.writestr(name, text)
        return hashlib.sha256(text.encode()).hexdigest()


def _warehouse(connection: Any) -> dict[str, Iterable[Row]]:
    """Raw rows by whose they are, and every table of dbt's by the columns that name somebody."""
    found: dict[str, Iterable[Row]] = {}
    for table, rows in persons.whose_rows(connection).items():
        found[f"warehouse/raw.{table}.jsonl"] = _rows(connection, f"raw.{table}", rows.is_theirs)
    for relation, names in connection.execute(persons.statement("tables")).fetchall():
        if condition := persons.naming(relation, names):
            found[f"warehouse/{relation}.jsonl"] = _rows(connection, relation, condition)
    return found


def _rows(connection: Any, relation: str, condition: str) -> Iterator[Row]:
    found = connection.execute(f"select * from {relation} where {condition}")  # noqa: S608 names out of the catalogue
    names = [column[0] for column in found.description]
    for row in found.fetchall():
        yield dict(zip(names, row, strict=True))


def _files(settings: Settings, connection: Any) -> dict[str, Iterable[Row]]:
    return {
        f"files/{folder.name}.jsonl": (
            {"file": row.file, "line": row.number, "row": row.text}
            for row in rows_of_person.rows(connection, folder, persons.whose_rows(connection))
        )
        for folder in (settings.landing, settings.archive)
    }


def _ledger(ledger: Ledger, person: Person) -> dict[str, list[Row]]:
    users = [{"user_id": user} for user in person.ids]
    messages = [
        dict(row)
        for user in person.ids
        for row in ledger.run("messages_of_person", {"user_id": user}).fetchall()
    ]
    return {
        "ledger/messages.jsonl": [{**row, "body": _readable(row["body"])} for row in messages],
        "ledger/attempts.jsonl": _of_each(ledger, "attempts_of_message", messages, "message_no"),
        "ledger/revocations.jsonl": _of_each(ledger, "revocation_of_message", messages, "message_no"),
        "ledger/receipts.jsonl": _of_each(ledger, "receipts_of_person", users, "user_id")
        + _of_each(ledger, "receipts_of_address", _addresses(person.own_addresses), "address_key"),
        "ledger/moves.jsonl": _of_each(ledger, "moves_of_message", messages, "message_no"),
        "ledger/discount_codes.jsonl": _of_each(ledger, "code_of_message", messages, "message_id"),
        "ledger/suppressions.jsonl": _of_each(
            ledger, "suppressions_of_address", _addresses(person.addresses), "address_key"
        ),
        "ledger/refusals.jsonl": _of_each(ledger, "refusals_of_person", users, "user_id"),
    }


def _addresses(addresses: Iterable[str]) -> list[Row]:
    return [{"address_key": address} for address in addresses]


def _of_each(ledger: Ledger, query: str, owners: Iterable[Row], key: str) -> list[Row]:
    """The rows of a query for each owner; of a message's, its id comes first."""
    return [
        {**({"message_id": owner["message_id"]} if "message_id" in owner else {}), **dict(row)}
        for owner in owners
        for row in ledger.run(query, {key: owner[key]}).fetchall()
    ]


def _readable(body: bytes | None) -> str | dict[str, str] | None:
    if body is None:
        return None
    try:
        return bytes(body).decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(body).decode()}


def _as_json(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
