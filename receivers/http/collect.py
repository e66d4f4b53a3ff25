"""Segment's HTTP tracking API, as far as the house uses it.

Source of the rules: Segment, "HTTP Tracking API source": the write key is the user name of basic
auth or `writeKey` in the body, a call is at most 32 KB, a batch at most 500 KB, both after
unzipping. The receiver judges only form and key; what an event says is judged when the file is taken
in, where a bad one is quarantined with its reason.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import uuid
from collections.abc import Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from receivers.http.bodies import KILOBYTE, json_object, read_decoded
from receivers.http.landing import json_lines, timestamp
from receivers.http.state import state_of

CALL_LIMIT = 32 * KILOBYTE
BATCH_LIMIT = 500 * KILOBYTE
FEED = "segment"
TYPES = ("track", "identify", "alias", "page", "screen", "group")
# The API's long paths, and the short ones that analytics.js in a browser calls.
CALLS = {kind: kind for kind in TYPES} | {kind[0]: kind for kind in TYPES}
BATCHES = ("batch", "b")


def _basic_user(request: Request) -> str | None:
    """The user name of basic auth; None without the header, 401 for one that cannot be read."""
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(encoded.strip(), validate=True).decode().partition(":")[0]
    except (binascii.Error, UnicodeDecodeError) as error:
        raise HTTPException(401, "the Authorization header is not basic auth") from error


def _check_key(request: Request, presented: object) -> None:
    expected = state_of(request).settings.write_key
    given = presented if isinstance(presented, str) else ""
    if not hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode()):
        raise HTTPException(401, "wrong or missing write key")


async def _content(request: Request, limit: int) -> dict[str, Any]:
    """The body, once the key was found right; the key itself goes no further."""
    user = _basic_user(request)
    if user is not None:  # a stranger's body is not even read
        _check_key(request, user)
    body = json_object(await read_decoded(request, limit))
    in_body = body.pop("writeKey", None)
    if user is None:
        _check_key(request, in_body)
    return body


def _line(call: Mapping[str, Any], kind: str, received_at: str) -> dict[str, Any]:
    return {
        **call,
        "type": kind,
        "messageId": call.get("messageId") or str(uuid.uuid4()),
        "receivedAt": received_at,
    }


def _unpack(batch: Mapping[str, Any], received_at: str) -> list[dict[str, Any]]:
    """The calls of a batch, each with what the batch says for all: sentAt and context."""
    calls = batch.get("batch")
    if not isinstance(calls, list):
        raise HTTPException(400, "`batch` must be a list of calls")
    shared = batch.get("context") if isinstance(batch.get("context"), dict) else {}
    lines = []
    for position, call in enumerate(calls):
        if not isinstance(call, dict) or not isinstance(call.get("type"), str):
            raise HTTPException(400, f"batch[{position}] must be an object with a `type`")
        line = _line(call, call["type"], received_at)
        line.pop("writeKey", None)
        if "sentAt" in batch:
            line.setdefault("sentAt", batch["sentAt"])
        if shared and isinstance(line.setdefault("context", {}), dict):
            line["context"] = {**shared, **line["context"]}
        lines.append(line)
    return lines


def _check_sizes(calls: list[dict[str, Any]]) -> None:
    for position, call in enumerate(calls):
        if len(json.dumps(call, ensure_ascii=False).encode("utf-8", "replace")) > CALL_LIMIT:
            raise HTTPException(
                413, f"batch[{position}] is too large: a call has at most {CALL_LIMIT // KILOBYTE} KB"
            )


def _encoded(lines: list[dict[str, Any]]) -> bytes:
    try:
        return json_lines(lines)
    except (ValueError, RecursionError) as error:
        raise HTTPException(400, "the body holds a number or a nesting that JSON does not allow") from error


async def collect_call(request: Request) -> Response:
    """One call; the last part of the path says its type."""
    call = await _content(request, CALL_LIMIT)
    kind = CALLS[request.scope["path"].rpartition("/")[2]]
    await state_of(request).landing.land(FEED, _encoded([_line(call, kind, timestamp())]))
    return JSONResponse({"success": True})


async def collect_batch(request: Request) -> Response:
    """Up to 500 KB of calls, all or none of them; each is held to the limit of a call."""
    batch = await _content(request, BATCH_LIMIT)
    lines = _encoded(_unpack(batch, timestamp()))
    _check_sizes(batch["batch"])
    await state_of(request).landing.land(FEED, lines)
    return JSONResponse({"success": True})


_browsers = Middleware(
    CORSMiddleware,
    allow_origins=["*"],  # the key is public in a page anyway, and no cookie is involved
    allow_methods=["POST"],
    allow_headers=["*"],  # libraries send some of their own
    max_age=86_400,
)


def routes() -> list[Route]:
    ways = dict.fromkeys(CALLS, collect_call) | dict.fromkeys(BATCHES, collect_batch)
    return [
        Route(f"/v1/{name}", endpoint, methods=["POST", "OPTIONS"], middleware=[_browsers])
        for name, endpoint in ways.items()
    ]
