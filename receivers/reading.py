"""Files as rows: JSON lines, JSON and CSV, also gzipped. Parquet is read by the database itself.

One bad row never costs the others: it comes out as a row that says why it cannot be read, with
its line, bytes that are no UTF-8 escaped. Only a file that as a whole is no such file raises.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple, cast

LINE_LIMIT = 8 * 1024 * 1024  # bytes; more is not a row but an accident, and would not fit in memory
FILE_LIMIT = 8 * 1024**3  # bytes once unzipped; against gzip bombs
KEPT = 10_000  # characters of a refused line that are kept

EMPTY = "the file is empty"
NOT_JSON = "not JSON"
NOT_AN_OBJECT = "not an object"
NOT_UTF8 = "not UTF-8"
TOO_LONG = f"longer than {LINE_LIMIT:,} bytes"
CUT_OFF = "the file ends in the middle of this row"


class Unreadable(Exception):
    """The file as a whole cannot be read; the text is the reason on record."""


class Row(NamedTuple):
    """Line number in the file (from 1); JSON of the row where it can be read; else why not.

    `line` is the original where it is not `doc` itself.
    """

    number: int
    doc: str | None
    line: str | None = None
    unreadable: str | None = None


def _refuse_constant(word: str) -> None:
    raise ValueError(f"{word} is not JSON")


_decode = json.JSONDecoder(parse_constant=_refuse_constant).decode
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=str).encode
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
# A text that may hold JSON, half a character, white space that JSON has between its tokens. Looking for
# these words costs a tenth of what a regular expression does, and most lines hold none.
_MAY_NEED_REWRITING = ('"{', '"[', "\\ud", "\\uD", "\t", "\r")


def encode(value: Any) -> str:
    """Compact JSON on one line, times as texts. Half a character (`\\ud83d` alone) becomes U+FFFD:
    it must not cost a whole event."""
    text = _encode(value)
    return text if text.isascii() else _LONE_SURROGATE.sub("\ufffd", text)


def _nested(value: Any) -> Any:
    """A text that holds a JSON object or array, as that object or array: loaders write them as texts."""
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return _decode(value)
        except (ValueError, RecursionError):
            return value
    return value


def json_document(text: str) -> tuple[str | None, str | None]:
    """(the row as strict JSON on one line, None), or (None, why it is none)."""
    try:
        value = _decode(text)
    except (ValueError, RecursionError):
        return None, NOT_JSON
    if not isinstance(value, dict):
        return None, NOT_AN_OBJECT
    if any(word in text for word in _MAY_NEED_REWRITING):
        return encode({key: _nested(part) for key, part in value.items()}), None
    return text, None


def without_nan(text: str) -> str | None:
    """Strict JSON of a document in which NaN and Infinity stand for nothing; None where it is no JSON."""
    try:
        return encode(json.loads(text, parse_constant=lambda _: None))
    except (ValueError, RecursionError):
        return None


def printable(raw: bytes) -> str:
    """A line as text that any database holds, what is no UTF-8 as `\\xff`."""
    return raw[: 4 * KEPT].decode("utf-8", "backslashreplace").replace("\x00", "\\x00")[:KEPT]


def _lines(stream: IO[bytes]) -> Iterator[tuple[int, bytes, bool]]:
    """(number, line with its end, whether it is too long); of a line too long only the beginning."""
    number = size = 0
    while raw := stream.readline(LINE_LIMIT + 1):
        number, size = number + 1, size + len(raw)
        is_too_long = len(raw) > LINE_LIMIT
        rest = raw if is_too_long else b"\n"
        while rest and not rest.endswith(b"\n"):
            rest = stream.readline(LINE_LIMIT)
            size += len(rest)
        if size > FILE_LIMIT:
            raise Unreadable(f"the file is larger than {FILE_LIMIT:,} bytes")
        yield number, raw, is_too_long


def _json_lines(stream: IO[bytes]) -> Iterator[Row]:
    is_empty = True
    for number, raw, is_too_long in _lines(stream):
        if number == 1:
            raw = raw.removeprefix(b"\xef\xbb\xbf")
        content = raw.strip()
        if not content:
            continue
        is_empty = False
        text = ""
        try:
            text = content.decode()
            doc, why = (None, TOO_LONG) if is_too_long else json_document(text)
        except UnicodeDecodeError:
            doc, why = None, NOT_UTF8
        if doc is not None:
            yield Row(number, doc, None if doc is text else text[:KEPT])
        else:
            is_cut = why in (NOT_JSON, NOT_UTF8) and not raw.endswith(b"\n")
            yield Row(number, None, printable(content), f"{why}: {CUT_OFF}" if is_cut else why)
    if is_empty:
        raise Unreadable(EMPTY)


def _json(stream: IO[bytes]) -> Iterator[Row]:
    """A `.json` file: a list of objects, one object over several lines, or JSON lines after all."""
    content = stream.read(FILE_LIMIT // 16 + 1)
    if len(content) > FILE_LIMIT // 16:
        raise Unreadable(f"a .json file is larger than {FILE_LIMIT // 16:,} bytes: write JSON lines (.jsonl)")
    try:
        value = _decode(content.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        yield from _json_lines(io.BytesIO(content))
        return
    for number, item in enumerate(value if isinstance(value, list) else [value], start=1):
        doc, why = json_document(encode(item))
        yield Row(number, doc, None if doc else encode(item)[:KEPT], why)


class _Lines:
    """Decoded lines for the CSV reader, remembering those of the row being read."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._lines = _lines(stream)
        self._again: list[tuple[int, bytes, bool]] = []
        self.of_row: list[tuple[int, bytes, bool]] = []

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        item = self._again.pop(0) if self._again else next(self._lines)
        self.of_row.append(item)
        text = item[1].decode("utf-8", "surrogateescape")
        return text.removeprefix("\ufeff") if item[0] == 1 else text

    def start_again_after_the_first(self) -> None:
        """A quote that never closes swallows the rows below it: give them back."""
        self._again = self.of_row[1:] + self._again
        del self.of_row[1:]


def _csv(stream: IO[bytes]) -> Iterator[Row]:
    lines = _Lines(stream)
    try:
        header = next(csv.reader(lines, strict=True), None)
    except csv.Error as error:
        raise Unreadable(f"the header cannot be read: {error}") from error
    if not header:
        raise Unreadable(EMPTY)
    if any(_LONE_SURROGATE.search(column) for column in header):
        raise Unreadable(f"the header cannot be read: {NOT_UTF8}")
    doubled = sorted({column for column in header if header.count(column) > 1})
    if doubled:
        raise Unreadable(f"the header names {', '.join(doubled)} twice")
    while True:
        lines.of_row = []
        try:
            cells = next(csv.reader(lines, strict=True))
        except StopIteration:
            return
        except csv.Error as error:
            lines.start_again_after_the_first()
            yield _bad_cells(lines, str(error))
            continue
        if cells:
            yield _csv_row(lines, header, cells)


def _csv_row(lines: _Lines, header: list[str], cells: list[str]) -> Row:
    number, last, is_too_long = lines.of_row[0][0], lines.of_row[-1][1], any(item[2] for item in lines.of_row)
    if is_too_long:
        return _bad_cells(lines, TOO_LONG)
    raw = b"".join(item[1] for item in lines.of_row)
    try:
        line = raw.decode()
    except UnicodeDecodeError:
        return _bad_cells(lines, NOT_UTF8)
    if len(cells) != len(header):
        is_cut = len(cells) < len(header) and not last.endswith(b"\n")
        why = f"the row has {len(cells)} cells, the header {len(header)}"
        return _bad_cells(lines, f"{why}: {CUT_OFF}" if is_cut else why)
    row = {column: _nested(cell) if cell else None for column, cell in zip(header, cells, strict=True)}
    return Row(number, encode(row), line.rstrip("\r\n")[:KEPT])


def _bad_cells(lines: _Lines, why: str) -> Row:
    raw = b"".join(item[1] for item in lines.of_row)
    return Row(lines.of_row[0][0], None, printable(raw.rstrip(b"\r\n")), why)


_READERS: dict[str, Callable[[IO[bytes]], Iterator[Row]]] = {
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
    ".json": _json,
    ".csv": _csv,
}
PARQUET = ".parquet"
FORMATS = (PARQUET, *_READERS, *(f"{suffix}.gz" for suffix in _READERS))


def format_of(path: Path) -> str:
    """`.jsonl.gz`, `.parquet`, …; Unreadable for anything else."""
    for suffix in sorted(FORMATS, key=len, reverse=True):
        if path.name.lower().endswith(suffix):
            return suffix
    raise Unreadable(f"no format named {path.suffix or path.name}: read are {', '.join(FORMATS)}")


def read_rows(path: Path) -> Iterator[Row]:
    """Every row of a file that is not Parquet; Unreadable, also midway, when it is no such file."""
    suffix = format_of(path)
    try:
        with opened(path) as stream:
            yield from _READERS[suffix.removesuffix(".gz")](stream)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise Unreadable(f"the gzip stream is broken or cut off: {error}") from error
    except OSError as error:
        raise Unreadable(f"the file cannot be read: {error.strerror or error}") from error


def opened(path: Path) -> IO[bytes]:
    """The content of a file, unzipped where its name says that it is zipped."""
    is_zipped = format_of(path).endswith(".gz")
    return cast(IO[bytes], gzip.open(path)) if is_zipped else path.open("rb")
