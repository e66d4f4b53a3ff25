"""Shopify's webhooks: genuine ones land as rows of the shopify feeds.

Source of the rule: Shopify, "Verify webhook deliveries": base64(HMAC-SHA256(secret, raw body)) in
`X-Shopify-Hmac-Sha256`. A delivery that Shopify repeats lands again; ingest counts it once.
"""

from __future__ import annotations

import base64
import hashlib
import hmac

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from receivers.http.bodies import KILOBYTE, json_object, read_body
from receivers.http.landing import json_lines
from receivers.http.shopify_rows import TOPICS, rows_of
from receivers.http.state import state_of

LIMIT = 5 * 1024 * KILOBYTE  # a product with 2,000 variants has some 4 MB


def _is_genuine(secret: str, body: bytes, signature: str) -> bool:
    expected = base64.b64encode(hmac.digest(secret.encode(), body, hashlib.sha256))
    return bool(secret) and hmac.compare_digest(expected, signature.encode("utf-8", "replace"))


async def webhook(request: Request) -> Response:
    state = state_of(request)
    body = await read_body(request, LIMIT)
    signature = request.headers.get("x-shopify-hmac-sha256", "")
    if not _is_genuine(state.settings.shopify_secret, body, signature):
        raise HTTPException(401, "the signature does not match")
    topic = request.path_params["topic"]
    if topic not in TOPICS:
        raise HTTPException(404, f"no such topic; taken are {', '.join(TOPICS)}")
    try:
        lines = {table: json_lines(rows) for table, rows in rows_of(topic, json_object(body)).items()}
    except (ValueError, RecursionError) as error:
        raise HTTPException(400, f"this is not a record of {topic}: {error}") from error
    for table, content in lines.items():
        await state.landing.land(f"shopify/{table}", content)
    return JSONResponse({"success": True})


def routes() -> list[Route]:
    return [Route("/v1/webhooks/shopify/{topic:path}", webhook, methods=["POST"])]
