"""A call as every stand-in takes it, and the JSON that it answers with."""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import Response

Word = TypeVar("Word", str, int)


def read_json(body: bytes) -> Any:
    """The parsed body, None where it is no JSON."""
    try:
        return json.loads(body)
    except ValueError:
        return None


def read_object(body: bytes) -> dict[str, Any]:
    """The JSON object in the body, or an empty one."""
    value = read_json(body)
    return value if isinstance(value, dict) else {}


def brings(request: Request, secret: str, header: str = "authorization") -> bool:
    """Whether the call has that secret in that header."""
    return hmac.compare_digest(request.headers.get(header, "").encode(), secret.encode())


def first_fault(checks: Iterable[tuple[Any, Word]]) -> Word | None:
    """The word or code of the first check that found something wrong."""
    return next((word for is_wrong, word in checks if is_wrong), None)


def links_in(text: str) -> list[str]:
    return re.findall(r"https?://[^\s<>\"]+", text)


def json_answer(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(json.dumps(value), status, headers, "application/json")
