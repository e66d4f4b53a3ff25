"""What the sandbox accepted, written down before it answers: the provider's side of the books."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Accepted:
    """One message that a provider took; `message_id` is ours as the call carried it, or None."""

    provider: str
    channel: str
    recipient: str
    message_id: str | None
    provider_message_id: str
    accepted_at: str  # ISO-8601, UTC
    body_sha256: str  # of the call's raw body
    text: str = ""
    html: str = ""
    subject: str = ""
    links: list[str] = field(default_factory=list)  # addresses behind the buttons of a rich message


class Journal:
    """An append-only file of JSON lines. Only offsets and ids stay in memory."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        self._ends: list[int] = [0]  # line n (from 1) is [ends[n-1], ends[n])
        self._by_message_id: dict[tuple[str, str | None], int] = {}
        self._by_provider_id: dict[tuple[str, str], int] = {}
        self._by_recipient: dict[tuple[str, str], list[int]] = defaultdict(list)
        self._load()

    def __len__(self) -> int:
        return len(self._ends) - 1

    def append(self, accepted: Accepted) -> int:
        """Write the line and return its number; it is the operating system's before anybody answers."""
        line = json.dumps({"seq": len(self) + 1, **asdict(accepted)}, ensure_ascii=False).encode() + b"\n"
        os.write(self._file, line)
        self._remember(asdict(accepted), len(line))
        return len(self)

    def rows(self, after: int = 0, limit: int = 1_000) -> list[dict[str, Any]]:
        """Up to `limit` rows with seq > `after`, oldest first."""
        first, last = max(after, 0), min(max(after, 0) + limit, len(self))
        if first >= last:
            return []
        text = os.pread(self._file, self._ends[last] - self._ends[first], self._ends[first])
        return [json.loads(line) for line in text.splitlines()]

    def by_message_id(self, provider: str, message_id: str) -> dict[str, Any] | None:
        return self._row(self._by_message_id.get((provider, message_id)))

    def by_provider_id(self, provider: str, provider_message_id: str) -> dict[str, Any] | None:
        return self._row(self._by_provider_id.get((provider, provider_message_id)))

    def by_recipient(self, provider: str, recipient: str, limit: int = 50) -> list[dict[str, Any]]:
        """The newest messages to one recipient, newest first."""
        newest = self._by_recipient.get((provider, recipient), [])[: -limit - 1 : -1]
        return [row for row in map(self._row, newest) if row]

    def close(self) -> None:
        os.close(self._file)

    def _row(self, seq: int | None) -> dict[str, Any] | None:
        return self.rows(after=seq - 1, limit=1)[0] if seq else None

    def _remember(self, row: dict[str, Any], length: int) -> None:
        self._ends.append(self._ends[-1] + length)
        provider, seq = row["provider"], len(self)
        self._by_message_id.setdefault((provider, row["message_id"]), seq)
        self._by_provider_id.setdefault((provider, row["provider_message_id"]), seq)
        self._by_recipient[provider, row["recipient"]].append(seq)

    def _load(self) -> None:
        """Take up a journal of an earlier run; a line that a crash cut off was never answered."""
        for line in self._lines():
            if not line.endswith(b"\n"):
                os.ftruncate(self._file, self._ends[-1])
                break
            self._remember(json.loads(line), len(line))

    def _lines(self) -> Iterable[bytes]:
        with os.fdopen(os.dup(self._file), "rb") as lines:
            lines.seek(0)
            yield from lines
