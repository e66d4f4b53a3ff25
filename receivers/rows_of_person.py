"""One person's rows in the files of the landing zone and the archive, found by the condition that finds
them in the warehouse: a file's rows are mapped to the columns of its raw table first.

A row that no feed can read is theirs when it holds one of their ids or addresses as a word.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Protocol

from receivers.arrivals import Arrivals
from receivers.feed import FOLDER, UnknownFeed, feed_of, load_feed
from receivers.gate import literal
from receivers.mapping import map_arrived
from receivers.reading import PARQUET, Unreadable, opened
from receivers.warehouse import in_utc, statement
from receivers.zone import Found, waiting

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

BLOCK = 1 << 20
LEAST_LETTERS = 5


class Whose(Protocol):
    @property
    def is_theirs(self) -> str: ...


@dataclass(frozen=True)
class FoundRow:
    """`file` is its path below the folder, `number` its line (of JSON lists and Parquet its place) from 1."""

    file: str
    number: int
    text: str


def rows(
    connection: DuckDBPyConnection, folder: Path, whose: Mapping[str, Whose], feeds: Path = FOLDER
) -> Iterator[FoundRow]:
    """Every row of a file below `folder` that is of the person in the connection's `ids` and `addresses`."""
    for file in waiting(folder):
        with suppress(Unreadable):
            for number, text in of_file(connection, file, whose, feeds):
                yield FoundRow(file.name, number, text)


def of_file(
    connection: DuckDBPyConnection, file: Found, whose: Mapping[str, Whose], feeds: Path = FOLDER
) -> list[tuple[int, str]]:
    """(number, text) of the person's rows in one file, in their order; `arrived` then has all of its rows.
    Unreadable where it names the person and cannot be read as rows."""
    words = words_of(connection)
    if not _may_hold(file.path, words):
        return []
    _arrive(connection, file)
    line = "coalesce(json_extract_string(line, '$'), doc)"
    theirs = f"unreadable is not null and regexp_matches({line}, {literal(as_word(words))})"
    read = f"select row_number from arrived where {theirs}"  # noqa: S608
    for table in _map(connection, file, feeds):
        if table in whose:
            read += f" union select row_number from mapped where {whose[table].is_theirs}"  # noqa: S608
    text = "coalesce(doc, json_extract_string(line, '$'))"
    query = f"select row_number, {text} from arrived where row_number in ({read}) order by row_number"  # noqa: S608
    return connection.execute(query).fetchall()


def _arrive(connection: DuckDBPyConnection, file: Found) -> None:
    connection.execute("set timezone = 'UTC'")
    connection.execute(statement("macros"))
    now = in_utc(datetime.now(UTC))
    for variable in ("landed_at", "judged_at", "latest"):
        connection.execute(f"set variable {variable} = cast(? as timestamp)", [now])
    arrivals = Arrivals(connection)
    arrivals.load(0, file.path, may_be_cut=True)
    arrivals.flush()


def _map(connection: DuckDBPyConnection, file: Found, feeds: Path) -> list[str]:
    """Make `mapped`; the raw table whose columns it has. None for a folder that no feed is for."""
    try:
        feed = load_feed(feed_of(file.below, feeds), feeds)
    except UnknownFeed:
        return []
    map_arrived(connection, feed, feed.name)
    return [feed.table.rpartition(".")[2]]


def words_of(connection: DuckDBPyConnection) -> list[str]:
    """Ids and addresses as they may stand in a file, without what we put in front of them."""
    found = connection.execute("select given_id from ids union select * from addresses").fetchall()
    return sorted({text.removeprefix("anon:").removeprefix("order:") for (text,) in found})


def _may_hold(path: Path, words: Sequence[str]) -> bool:
    """Whether a file may hold a row of theirs; a look at its bytes saves reading most files as rows."""
    spellings = {spelling.lower() for word in words for spelling in (word, json.dumps(word)[1:-1])}
    spellings |= {word[1:] for word in words if word.startswith("+")}  # a number is given in many ways
    wanted = re.compile(b"|".join(re.escape(word.encode()) for word in sorted(spellings)))
    longest = max((len(word.encode()) for word in spellings), default=0)
    tail = b""
    try:
        with _content(path) as stream:
            while block := stream.read(BLOCK):
                block = block.lower()
                if wanted.search(tail + block):
                    return True
                tail = (tail + block)[-longest:]
    except (EOFError, OSError, zlib.error):  # nobody can tell: whoever reads it as rows says so
        return True
    return path.name.lower().endswith(PARQUET)


def _content(path: Path) -> IO[bytes]:
    try:
        return opened(path)
    except Unreadable:  # no format of ours
        return path.open("rb")


def as_word(words: Sequence[str]) -> str:
    """A pattern for one of the words, whatever its case, with no letter or digit beside it. A short one must
    be a whole text or cell: an id such as 42 is also what somebody bought."""
    short = [re.escape(word) for word in words if len(word) < LEAST_LETTERS]
    long = [re.escape(word) for word in words if len(word) >= LEAST_LETTERS]
    groups = ((short, r"[\"',]"), (long, r"[^\pL\pN]"))
    parts = [f"(?:^|{edge})(?:{'|'.join(some)})(?:$|{edge})" for some, edge in groups if some]
    return "(?i)" + ("|".join(parts) or "$^")
