"""A landed file without some of its rows: written beside it, on the disk, and then put in its place.

A row of lines is left empty, so that the numbers of the others stay what the quarantine calls them; in a list
of JSON and in Parquet they move up.
"""

from __future__ import annotations

import gzip
import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast

from receivers.gate import literal
from receivers.reading import PARQUET, encode, format_of, opened

Numbers = frozenset[int]
LINES = "lines"


@contextmanager
def without(path: Path, removed: Iterable[int], numbers: Iterable[int]) -> Iterator[Path]:
    """A file beside `path` without the rows `removed`, of all `numbers`. The caller puts it in its place, or
    it is gone."""
    part = path.with_name(f".{path.name}.part")
    gone = frozenset(removed)
    try:
        _WRITERS[_kind(path)](path, part, gone, frozenset(numbers))
        with part.open("rb") as stream:
            os.fsync(stream.fileno())
        shutil.copystat(path, part)
        yield part
    finally:
        part.unlink(missing_ok=True)


def put_in_place(part: Path, path: Path) -> None:
    part.replace(path)
    handle = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def moves_up(path: Path) -> bool:
    """Whether the rows behind one that is taken out get other numbers."""
    return _kind(path) != LINES


def _kind(path: Path) -> str:
    """`.parquet`, `.json` for a list, or `lines` for all whose rows are lines."""
    suffix = format_of(path).removesuffix(".gz")
    if suffix == ".json" and not _is_list(path):
        return LINES
    return suffix if suffix in _WRITERS else LINES


def _is_list(path: Path) -> bool:
    """A `.json` file may hold JSON lines after all."""
    with opened(path) as stream:
        try:
            return isinstance(json.load(stream), list)
        except ValueError:
            return False


def _write_lines(path: Path, part: Path, gone: Numbers, numbers: Numbers) -> None:
    """A row goes from its line to where the next one begins."""
    starts = frozenset(numbers)
    with opened(path) as stream, _created(part, path) as target:
        is_gone = False
        for line, content in enumerate(stream, start=1):
            if line in starts:
                is_gone = line in gone
            target.write(b"\n" if is_gone else content)


def _write_list(path: Path, part: Path, gone: Numbers, numbers: Numbers) -> None:
    with opened(path) as stream:
        rows = json.load(stream)
    kept = [row for number, row in enumerate(rows, start=1) if number not in gone]
    with _created(part, path) as target:
        target.write(f"[{','.join(encode(row) for row in kept)}]".encode())


def _write_parquet(path: Path, part: Path, gone: Numbers, numbers: Numbers) -> None:
    import duckdb

    with duckdb.connect() as database:
        database.execute("create table gone as select unnest(?::bigint[]) as number", [sorted(gone)])
        database.execute(
            f"copy (select * exclude (number) from (select *, row_number() over () as number "  # noqa: S608
            f"from read_parquet({literal(str(path))})) where number not in (from gone)) "
            f"to {literal(str(part))} (format parquet)"
        )


_WRITERS: dict[str, Callable[[Path, Path, Numbers, Numbers], None]] = {
    LINES: _write_lines,
    ".json": _write_list,
    PARQUET: _write_parquet,
}


@contextmanager
def _created(part: Path, path: Path) -> Iterator[IO[bytes]]:
    """Zipped as `path` is, and the same bytes whenever it is written."""
    with part.open("wb") as raw:
        if not path.name.lower().endswith(".gz"):
            yield raw
            return
        with gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0) as zipped:
            yield cast(Any, zipped)
