"""A stand-in for WhatsApp's Cloud API: messages by approved templates, statuses, replies and STOP."""

from __future__ import annotations

import hmac
import json
import re
import secrets as random_secrets
import time
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from senders.sandbox.calls import brings, first_fault, json_answer, links_in, read_json
from senders.sandbox.core import Core
from senders.sandbox.receipts import Mailbox, Signed

NUMBER = re.compile(r"[1-9]\d{6,14}")
NO_SUCH_TEMPLATE = "no_such_template"

# What is wrong: status, Meta's code, words.
ERRORS: dict[str, tuple[int, int, str]] = {
    "token": (401, 190, "Invalid OAuth access token - Cannot parse access token"),
    "number": (400, 33, "Object does not exist, cannot be loaded due to missing permissions"),
    "json": (400, 100, "(#100) Invalid parameter"),
    "to": (400, 131009, "(#131009) Parameter value is not valid"),
    "type": (400, 131051, "(#131051) Unsupported message type"),
    "template": (404, 132001, "(#132001) Template name does not exist in the translation"),
    "text": (400, 131009, "(#131009) Parameter value is not valid: text.body"),
    "many": (400, 130429, "(#130429) Rate limit hit"),
    "broken": (500, 131000, "(#131000) Something went wrong"),
}


class MetaWhatsappSandbox:
    name = "meta_whatsapp"
    channel = "whatsapp"

    def __init__(self, core: Core, secrets: Mapping[str, str]) -> None:
        self._core = core
        self._secrets = secrets
        self._mailbox = Mailbox(core.receipts_url(self.name), self._sign)

    @staticmethod
    def new_secrets() -> dict[str, str]:
        return {
            "phone_number_id": str(10**14 + random_secrets.randbelow(10**14)),
            "access_token": f"EAA{random_secrets.token_urlsafe(48)}",
            "app_secret": random_secrets.token_hex(16),
            "verify_token": random_secrets.token_urlsafe(18),
        }

    @staticmethod
    def environment(secrets: Mapping[str, str], base_url: str, home: Path) -> dict[str, str]:
        named = {name.upper(): secrets[name] for name in secrets}
        return {**named, "BASE_URL": base_url, "MESSAGES_PER_SECOND": "2000"}

    def routes(self) -> list[Route]:
        return [self._core.sends(self, "/v23.0/{number}/messages", self._send)]

    def too_many(self) -> Response:
        return _error("many")

    def broken(self) -> Response:
        return _error("broken")

    def _send(self, request: Request, body: bytes) -> Response:
        said = read_json(body)
        wrong = self._fault_of(request, said if isinstance(said, dict) else {})
        if wrong:
            return _error(wrong)
        wamid = f"wamid.{random_secrets.token_urlsafe(24)}"
        text = json.dumps(said[said["type"]], ensure_ascii=False)
        self._core.accept(
            self,
            body,
            recipient=f"+{said['to']}",
            message_id=said.get("biz_opaque_callback_data"),
            provider_message_id=wamid,
            text=said["text"]["body"] if said["type"] == "text" else text,
            links=links_in(text),
        )
        self._plan_receipts(wamid, said)
        contacts = [{"input": said["to"], "wa_id": said["to"]}]
        messages = [{"id": wamid, "message_status": "accepted"}]
        return json_answer({"messaging_product": "whatsapp", "contacts": contacts, "messages": messages})

    def _fault_of(self, request: Request, said: Mapping[str, Any]) -> str | None:
        """The first thing wrong with a call."""
        template = said.get("template") or {}
        checks = (
            (not brings(request, f"Bearer {self._secrets['access_token']}"), "token"),
            (request.path_params["number"] != self._secrets["phone_number_id"], "number"),
            (said.get("messaging_product") != "whatsapp", "json"),
            (said.get("type") not in ("text", "template"), "type"),
            (not NUMBER.fullmatch(str(said.get("to"))), "to"),
            (said.get("type") == "text" and not (said.get("text") or {}).get("body"), "text"),
            (said.get("type") == "template" and template.get("name") in (None, NO_SUCH_TEMPLATE), "template"),
        )
        return first_fault(checks)

    def _plan_receipts(self, wamid: str, said: Mapping[str, Any]) -> None:
        world, to = self._core.world, said["to"]
        statuses: list[tuple[float, str, int | None]] = [(1, "sent", None)]
        if said["type"] == "text":  # nobody here wrote to us within the last 24 hours
            statuses = [(1, "failed", 131047)]
        elif world.chance("undelivered", to) < world.undelivered_share:
            statuses = [(1, "failed", 131026)]
        else:
            statuses.append((2, "delivered", None))
            if world.chance("read", said.get("biz_opaque_callback_data") or wamid) < world.read_share:
                statuses.append((6, "read", None))
        for steps, status, code in statuses:
            told: dict[str, Any] = {"id": wamid, "status": status, "recipient_id": to}
            told["biz_opaque_callback_data"] = said.get("biz_opaque_callback_data")
            if code:
                told["errors"] = [{"code": code, "title": "failed"}]
            self._schedule(steps, wamid, "statuses", told)
        if world.chance("stop", to) < world.stop_share:
            inbound = {"from": to, "id": f"wamid.in{wamid[6:]}", "type": "text", "text": {"body": "STOP"}}
            self._schedule(10, wamid, "messages", inbound)

    def _schedule(self, steps: float, wamid: str, place: str, told: dict[str, Any]) -> None:
        delay = self._core.world.delay(steps, wamid)
        told["timestamp"] = str(int(time.time() + delay))
        self._core.receipts.schedule(delay, self._mailbox, (place, told))

    def _sign(self, url: str, receipts: Sequence[Any]) -> Signed:
        ((place, told),) = receipts
        metadata = {"display_phone_number": "15550006", "phone_number_id": self._secrets["phone_number_id"]}
        value = {"messaging_product": "whatsapp", "metadata": metadata, place: [told]}
        entry = {"id": "102290129340398", "changes": [{"field": "messages", "value": value}]}
        body = json.dumps({"object": "whatsapp_business_account", "entry": [entry]}).encode()
        digest = hmac.digest(self._secrets["app_secret"].encode(), body, sha256).hex()
        return {"Content-Type": "application/json", "X-Hub-Signature-256": f"sha256={digest}"}, body


SANDBOX = MetaWhatsappSandbox


def _error(word: str) -> Response:
    status, code, text = ERRORS[word]
    error = {
        "message": text,
        "type": "OAuthException",
        "code": code,
        "fbtrace_id": random_secrets.token_hex(6),
    }
    return json_answer({"error": error}, status)
