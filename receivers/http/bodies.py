"""Reading a request without trusting it: limits, gzip and strict JSON."""

from __future__ import annotations

import json
import zlib
from typing import Any, NoReturn

from starlette.exceptions import HTTPException
from starlette.requests import Request

KILOBYTE = 1024


def _too_large(limit: int) -> HTTPException:
    return HTTPException(413, f"too large: at most {limit // KILOBYTE} KB")


async def read_body(request: Request, limit: int) -> bytes:
    """The raw body, at most `limit` bytes, else 413. The declared length is only a first look."""
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > limit:
        raise _too_large(limit)
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise _too_large(limit)
        chunks.append(chunk)
    return b"".join(chunks)


async def read_decoded(request: Request, limit: int) -> bytes:
    """The body after Content-Encoding; `limit` holds for what comes out, so no bomb goes off."""
    body = await read_body(request, limit)
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding in ("", "identity"):
        return body
    if encoding != "gzip":
        raise HTTPException(415, "Content-Encoding must be gzip or absent")
    return _gunzip(body, limit)


def _gunzip(body: bytes, limit: int) -> bytes:
    unzip = zlib.decompressobj(wbits=31)  # 31: a gzip header, nothing else
    try:
        content = unzip.decompress(body, limit + 1)
    except zlib.error as error:
        raise HTTPException(400, "the body is not gzip") from error
    if len(content) > limit:
        raise _too_large(limit)
    if not unzip.eof or unzip.unused_data:
        raise HTTPException(400, "the gzip body is cut off or has something behind it")
    return content


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def json_object(body: bytes) -> dict[str, Any]:
    """The JSON object in `body`; 400 for anything else, invalid UTF-8 and deep nesting included."""
    try:
        content = json.loads(body.decode("utf-8-sig"), parse_constant=_no_constant)
    except UnicodeDecodeError as error:
        raise HTTPException(400, "the body is not UTF-8") from error
    except (ValueError, RecursionError) as error:
        raise HTTPException(400, "the body is not JSON") from error
    if not isinstance(content, dict):
        raise HTTPException(400, "the body must be a JSON object")
    return content
