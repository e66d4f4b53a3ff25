"""Reading an answer: a provider's table of rulings, and the few facts HTTP itself gives."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Hashable, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import orjson

from senders.contract import Answer, EventKind, Outcome, ProviderEvent, Verdict
from senders.providers._reasons import Reason

log = logging.getLogger(__name__)

Ruling = tuple[Outcome, Reason]  # what an answer means
Meaning = tuple[EventKind, Reason]  # what a receipt says
# What a status means at every provider here; each adds its own words, and 429 where it documents
# that such a call was not processed.
HTTP_RULINGS: dict[Any, Ruling] = {
    400: (Outcome.REJECTED, Reason.INVALID_CONTENT),
    401: (Outcome.ROUTE_BLOCKED, Reason.CREDENTIALS_REFUSED),
    403: (Outcome.ROUTE_BLOCKED, Reason.CREDENTIALS_REFUSED),
    404: (Outcome.ROUTE_BLOCKED, Reason.WRONG_ENDPOINT),
    405: (Outcome.ROUTE_BLOCKED, Reason.WRONG_ENDPOINT),
    413: (Outcome.REJECTED, Reason.TOO_LARGE),
    500: (Outcome.UNKNOWN, Reason.SERVER_ERROR),
    502: (Outcome.UNKNOWN, Reason.SERVER_ERROR),
    503: (Outcome.UNKNOWN, Reason.SERVER_ERROR),
    504: (Outcome.UNKNOWN, Reason.SERVER_ERROR),
}
UNCLEAR: Ruling = (Outcome.UNKNOWN, Reason.UNCLEAR_ANSWER)
RAW_LIMIT = 8_000  # characters of a provider's answer that are kept


def each(ruling: Ruling, *keys: Hashable) -> dict[Any, Ruling]:
    """Rows of a table: the same ruling for each of the keys."""
    return dict.fromkeys(keys, ruling)


def find_ruling(table: Mapping[Any, Ruling], *keys: Hashable) -> Ruling:
    """The ruling of the first key the table knows; what no table knows is UNKNOWN, never a guess."""
    return next((table[key] for key in keys if key in table), UNCLEAR)


def read_json(text: bytes | str) -> Any:
    """The parsed text, or None where it is no JSON (cut off, an error page, nested beyond reason)."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def as_object(text: bytes | str) -> dict[str, Any]:
    """The JSON object in the text, or an empty one."""
    value = read_json(text) if text else None  # most answers that say yes have no body
    return value if isinstance(value, dict) else {}


def object_in(value: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """The object under that name, or an empty one."""
    found = value.get(name)
    return found if isinstance(found, dict) else {}


def objects(value: Any) -> list[dict[str, Any]]:
    """Those of a list's items that are objects; nothing where it is no list."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def first_object(value: Any) -> Mapping[str, Any]:
    """The first object of a list, or an empty one."""
    return next(iter(objects(value)), {})


def read_each(
    provider: str, items: Any, read: Callable[[Any], Sequence[ProviderEvent]]
) -> list[ProviderEvent]:
    """What `read` makes of each item of a batch. An odd one is logged and left out: a batch that is
    refused comes again with the same item in it, until its good ones are given up."""
    events: list[ProviderEvent] = []
    for number, item in enumerate(items if isinstance(items, list) else [], 1):
        try:
            read_now = read(item)
            for event in read_now:
                _check_texts(event)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            # Genuine, yet not what the provider documents: the type is safe to log, the text may be personal.
            log.warning("item %d of a receipt of %s is left out: %s", number, provider, type(error).__name__)
        else:
            events += read_now
    return events


def _check_texts(event: ProviderEvent) -> None:
    """Raise where the ledger could not write an event down: TypeError, or ValueError on half a character."""
    for name in ("event_key", "message_id", "provider_message_id", "address", "reason", "button", "raw"):
        value = getattr(event, name)
        if value is not None and not isinstance(value, str):
            raise TypeError(f"{name} is no text")
        (value or "").encode()


def dump_json(value: Any) -> bytes:
    """The one way a request's JSON is written: the same value is always the same bytes. Raises TypeError
    where the value, or half a character in it, is none."""
    return orjson.dumps(value)


def lower_names(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait by RFC 9110 `Retry-After`: a number, or a date counted from the answer's own."""
    named = lower_names(headers)
    if "retry-after" not in named:
        return None
    text = named["retry-after"].strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        until = parsedate_to_datetime(text) - parsedate_to_datetime(named.get("date", ""))
    except ValueError:
        return None
    return max(0.0, until.total_seconds())


def until_reset(headers: Mapping[str, str]) -> float | None:
    """Seconds to `X-RateLimit-Reset`, a Unix time, counted from the answer's own date."""
    named = lower_names(headers)
    if "x-ratelimit-reset" not in named:
        return None
    try:
        answered_at = parsedate_to_datetime(named.get("date", "")).timestamp()
        return max(0.0, int(named["x-ratelimit-reset"]) - answered_at)
    except (ValueError, OverflowError, OSError):
        return None


def text_or_none(value: Any) -> str | None:
    """A text that says something, None for anything else."""
    return value if isinstance(value, str) and value else None


def moment(text: Any) -> datetime:
    """A time in ISO 8601, of UTC where it names no zone, in UTC; the moment we read it where it is none."""
    try:
        at = datetime.fromisoformat(text)
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (TypeError, ValueError, OverflowError):
        return datetime.now(UTC)


def unix_moment(seconds: Any) -> datetime:
    """A Unix time; the moment we read it where it is none."""
    try:
        return datetime.fromtimestamp(float(seconds), UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return datetime.now(UTC)


def verdict(
    answer: Answer,
    ruling: Ruling,
    *,
    provider_message_id: str | None = None,
    retry_after_seconds: float | None = None,
) -> Verdict:
    """The verdict of a ruling, with the provider's raw answer kept."""
    outcome, reason = ruling
    return Verdict(
        outcome=outcome,
        reason=reason.value,
        provider_message_id=provider_message_id if outcome is Outcome.ACCEPTED else None,
        retry_after_seconds=retry_after_seconds if outcome is Outcome.RETRY else None,
        raw=f"{answer.status} {answer.body.decode(errors='replace')}"[:RAW_LIMIT],
    )
