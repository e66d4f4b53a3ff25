"""A person's rows taken out of the files in landing/ and archive/, a file at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from dagster_project.privacy import person as persons
from dagster_project.privacy.intent import Intent
from receivers import rewriting, rows_of_person
from receivers.archive_check import landed_as
from receivers.reading import Unreadable
from receivers.zone import Found, waiting
from senders.settings import Settings


def clean(settings: Settings, connection: Any, intent: Intent, only: set[str] | None = None) -> list[str]:
    """Every file, or those that landed under the names in `only`; says why which one could not be.

    What is put in place is written down before; a file that is clean already is left as it is.
    """
    left = []
    whose = persons.whose_rows(connection)
    for root, file in _files(settings, only):
        name = f"{root.name}/{file.name}"
        try:
            numbers = [number for number, _ in rows_of_person.of_file(connection, file, whose)]
        except Unreadable as error:  # it names them, and nothing can take a row out of it
            left.append(f"{name}: {error}")
            continue
        if numbers and not _take_out(connection, intent, name, file, numbers, root == settings.archive):
            left.append(f"{name}: it may still be being written; its rows are taken out when it has landed")
    return left


def _files(settings: Settings, only: set[str] | None) -> Iterator[tuple[Path, Found]]:
    for root in (settings.landing, settings.archive):
        for file in waiting(root):
            names = {str(below) for below in landed_as(file.below)}
            if only is None or (root == settings.archive and names & only):
                yield root, file


def _take_out(
    connection: Any, intent: Intent, name: str, file: Found, numbers: list[int], is_archived: bool
) -> bool:
    """False: somebody may still be writing to it, so that its rows are taken out when they have landed."""
    if not is_archived and file.is_young:
        return False
    every = [row[0] for row in connection.execute("select row_number from arrived").fetchall()]
    is_empty = set(every) == set(numbers)
    before = [_id(file, below) for below in landed_as(file.below)]
    facts = {"moves_up": rewriting.moves_up(file.path), "is_empty": is_empty}
    with rewriting.without(file.path, numbers, every) as part:
        after = [_id(Found(part, file.below, part.stat()), below) for below in landed_as(file.below)]
        if file.has_changed():
            return False
        intent.takes_out(name, numbers, ids=list(zip(before, after, strict=True)), **facts)
        if is_empty:
            file.path.unlink()
        else:
            rewriting.put_in_place(part, file.path)
    return True


def _id(file: Found, below: PurePosixPath) -> str:
    return Found(file.path, below, file.status).file_id()


def correct_the_books(connection: Any, files: Mapping[str, Mapping[str, Any]]) -> None:
    """Manifest and quarantine say of the files what they hold now; done again, nothing changes."""
    for name, file in files.items():
        if name.startswith("archive/"):
            for before, after in file["ids"]:
                _correct(connection, file, before, after)


def _correct(connection: Any, file: Mapping[str, Any], before: str, after: str) -> None:
    numbers = list(file["numbers"])
    refused = connection.execute(persons.statement("refused"), {"file_id": before, "numbers": numbers})
    values = {"before": before, "after": after}
    if file["is_empty"]:
        connection.execute("delete from raw.manifest where file_id = ?", [before])
        return
    counted = {"numbers": numbers, "refused": len({row[0] for row in refused.fetchall()})}
    connection.execute(persons.statement("manifest"), {**values, **counted})
    moved = numbers if file["moves_up"] else []
    connection.execute(persons.statement("quarantine_moved"), {**values, "numbers": moved})
