"""What comes in over HTTP, as JSON lines below the landing zone."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from receivers.http.spool import Spool, take_over

_LONE_SURROGATES = re.compile("[\ud800-\udfff]")


def timestamp(at: datetime | None = None) -> str:
    """ISO 8601 in UTC with milliseconds and `Z`, as Segment writes it; now by default."""
    at = at or datetime.now(UTC)
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def json_lines(rows: Iterable[Mapping[str, Any]]) -> bytes:
    """One compact line a row, always valid UTF-8.

    Raises ValueError for a number JSON cannot hold, RecursionError for a nesting it cannot.
    Browsers cut texts in the middle of an emoji and send half of it as `\\ud83d`: that half becomes
    U+FFFD, because half a character must not cost a whole event.
    """
    text = "".join(
        json.dumps(row, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n" for row in rows
    )
    try:
        return text.encode()
    except UnicodeEncodeError:
        return _LONE_SURROGATES.sub("\ufffd", text).encode()


class LandingZone:
    """A spool for each feed, opened when its first line arrives."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._spools: dict[str, Spool] = {}

    def open(self) -> list[Path]:
        self._folder.mkdir(parents=True, exist_ok=True)
        return take_over(self._folder)

    async def land(self, feed: str, lines: bytes) -> None:
        """Return when the lines are on disk below `<landing>/<feed>/`; SpoolError when they are not."""
        if lines:
            spool = self._spools.get(feed) or self._spools.setdefault(feed, Spool(self._folder / feed))
            await spool.append(lines)

    async def close(self) -> None:
        await asyncio.gather(*(spool.close() for spool in self._spools.values()))
