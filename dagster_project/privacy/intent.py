"""An erasure under way, on the disk before anything is erased: should it be killed, the next one, or the next
tick, goes on with the same ids. It is the only place that still names the person, and is gone at the end."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from dagster_project.privacy.person import ALWAYS, ORDER, VISITOR, Person
from senders.erased import PREFIX, Pseudonym


@dataclass
class Intent:
    """`only`: of somebody who was erased before, the names under which files about them landed since.
    `files`: path below DOVECOTE_HOME → what is taken out of it (`numbers`, `moves_up`, `is_empty`) and the
    `ids` it had and has in the manifest."""

    path: Path
    erasure_id: str
    erased_at: str
    spans: list[tuple[str, str, str]]
    addresses: list[str]
    shared: list[str]
    pseudonym: dict[str, str]
    files: dict[str, dict[str, Any]] = field(default_factory=dict)
    only: list[str] | None = None

    @property
    def moment(self) -> datetime:
        return datetime.fromisoformat(self.erased_at)

    @property
    def ids(self) -> list[str]:
        return sorted({given_id for given_id, _, _ in self.spans if not given_id.startswith(ORDER)})

    @property
    def lasting_ids(self) -> list[str]:
        """Without devices that passed on to somebody else, and guests at an address that others have."""
        guests = {f"{VISITOR}{address}" for address in self.shared}
        always = {given for given, *span in self.spans if _is_always(span) and not given.startswith(ORDER)}
        return sorted(always - guests)

    @property
    def own_addresses(self) -> list[str]:
        """Those that no other account has."""
        return [address for address in self.addresses if address not in self.shared]

    @property
    def as_name(self) -> Pseudonym:
        return Pseudonym(**self.pseudonym)

    def write(self) -> None:
        values = {name: value for name, value in asdict(self).items() if name != "path"}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        part = self.path.with_name(f".{self.path.name}.part")
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w") as stream:
            json.dump(values, stream)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(self.path)

    def takes_out(self, name: str, numbers: Iterable[int], **facts: Any) -> None:
        """Remember, before a file is put in place, what the manifest has to say of it then."""
        self.files[name] = {"numbers": sorted(numbers), **facts}
        self.write()


def begin(home: Path, person: Person, now: datetime, only: list[str] | None = None) -> Intent:
    """Written down, with a name for the person that nothing else knows."""
    erasure_id = uuid4().hex
    intent = Intent(
        path=folder(home) / f"{erasure_id}.json",
        erasure_id=erasure_id,
        erased_at=now.isoformat(),
        spans=list(person.spans),
        addresses=list(person.addresses),
        shared=sorted(set(person.addresses) - set(person.own_addresses)),
        pseudonym={"name": f"{PREFIX}{secrets.token_hex(16)}", "salt": secrets.token_hex(16)},
        only=only,
    )
    intent.write()
    return intent


def folder(home: Path) -> Path:
    return home / "erasures"


def unfinished(home: Path) -> list[Intent]:
    return [_read(path) for path in sorted(folder(home).glob("[0-9a-f]*.json"))]


def _read(path: Path) -> Intent:
    values: Mapping[str, Any] = json.loads(path.read_text())
    spans = [(given_id, since, until) for given_id, since, until in values["spans"]]
    return Intent(**{**values, "path": path, "spans": spans})


def _is_always(span: list[str]) -> bool:
    return [text[:10] for text in span] == list(ALWAYS)
