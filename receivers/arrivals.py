"""Getting rows into `arrived`, fast: text formats in blocks, Parquet and tables inside the database."""

from __future__ import annotations

import glob
from pathlib import Path
from typing import TYPE_CHECKING

from receivers.gate import literal, name
from receivers.reading import (
    CUT_OFF,
    NOT_JSON,
    PARQUET,
    Row,
    Unreadable,
    encode,
    format_of,
    read_rows,
    without_nan,
)
from receivers.warehouse import insert_rows, statement

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_BLOCK_CHARACTERS = 16 * 1024 * 1024


class CutOff(Exception):
    """The file ends in the middle of a row: it may still be being written."""


class Arrivals:
    """Fills the temporary table `arrived`. When `load` raises, nothing of that file is in it."""

    def __init__(self, connection: DuckDBPyConnection) -> None:
        self._connection = connection
        self._block: list[str] = []
        self._characters = 0
        connection.execute(statement("arrived"))

    def load(self, file_no: int, path: Path, *, may_be_cut: bool) -> None:
        """Read a file. Raises Unreadable when it is no such file, CutOff when it ends in the middle of
        a row and may not."""
        try:
            if format_of(path) == PARQUET:
                _load_parquet(self._connection, file_no, path)
            else:
                self._load_text(file_no, path, may_be_cut)
        except (Unreadable, CutOff):
            self._forget(file_no)
            raise

    def flush(self) -> None:
        """Hand over what is still in the block; call it after the last `load`."""
        if self._block:
            self._connection.execute(statement("arrived_block"), ["\n".join(self._block)])
        self._block, self._characters = [], 0

    def _load_text(self, file_no: int, path: Path, may_be_cut: bool) -> None:
        for row in read_rows(path):
            if row.unreadable and row.unreadable.endswith(CUT_OFF) and not may_be_cut:
                raise CutOff(row.unreadable)
            text = _as_text(file_no, row)
            self._block.append(text)
            self._characters += len(text)
            if self._characters > _BLOCK_CHARACTERS:
                self.flush()

    def _forget(self, file_no: int) -> None:
        self._block = [text for text in self._block if not text.startswith(f"{file_no}\x1f")]
        self._connection.execute("delete from arrived where file_no = ?", [file_no])


def _as_text(file_no: int, row: Row) -> str:
    line = "" if row.line is None else encode(row.line)
    return f"{file_no}\x1f{row.number}\x1f{row.unreadable or ''}\x1f{line}\x1f{row.doc or ''}"


def _load_parquet(connection: DuckDBPyConnection, file_no: int, path: Path) -> None:
    import duckdb

    try:
        load_relation(connection, file_no, f"read_parquet({literal(glob.escape(str(path)))})")
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error as error:
        if "space" in str(error).lower():  # the disk is full: that is not the file's fault
            raise
        why = str(error).splitlines()[0].replace(str(path), path.name)
        raise Unreadable(f"not a Parquet file, or a broken one: {why}") from error


def load_relation(connection: DuckDBPyConnection, file_no: int, relation: str) -> None:
    """Insert the rows of `relation` (SQL that may stand after `from`) into `arrived`, numbered from 1."""
    columns = connection.execute(f"describe select * from {relation}").fetchall()  # noqa: S608 built from literals
    cells = ", ".join(f"{name(column)} := {_cell(name(column), kind)}" for column, kind, *_ in columns)
    connection.execute(statement("arrived_relation", file_no=file_no, cells=cells, relation=relation))
    _make_strict(connection, file_no)


def _cell(column: str, kind: str) -> str:
    """A text that holds a JSON object or array becomes that object or array, as in the other formats;
    what is no finite number becomes null."""
    if kind == "VARCHAR":
        looks_nested = f"left({column}, 1) in ('{{', '[') and json_valid({column})"
        return f"case when {looks_nested} then cast({column} as json) else to_json({column}) end"
    if kind in ("FLOAT", "DOUBLE"):
        return f"case when isfinite({column}) then {column} end"
    return column


def _make_strict(connection: DuckDBPyConnection, file_no: int) -> None:
    loose = connection.execute(statement("loose_documents"), [file_no]).fetchall()
    rows = []
    for row_number, doc in loose:
        strict = without_nan(doc)
        rows.append(
            (file_no, row_number, *((None, None, strict) if strict else (NOT_JSON, encode(doc), None)))
        )
    if rows:
        connection.execute("create or replace temp table mended as select * from arrived limit 0")
        insert_rows(connection, "mended", ["integer", "bigint", "varchar", "varchar", "varchar"], rows)
        connection.execute(statement("mend"))
