"""A stand-in for Braze: transactional campaigns with their ids that dedupe, and the postbacks."""

from __future__ import annotations

import json
import secrets as random_secrets
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from senders.sandbox.calls import brings, first_fault, json_answer, links_in
from senders.sandbox.core import Core
from senders.sandbox.journal import Accepted
from senders.sandbox.mailboxes import MAILBOX, fate
from senders.sandbox.receipts import Mailbox, Signed

CAMPAIGN = "9a1b5c1e-transactional"
IDS_ARE_KEPT = timedelta(hours=24)

# What is wrong: status and Braze's words.
ERRORS = {
    "key": (401, "Invalid API key"),
    "campaign": (400, "The campaign is not a transactional campaign or does not exist"),
    "json": (400, "The request body is not valid JSON"),
    "recipient": (400, "A recipient with an external_user_id or a user_alias is required"),
    "properties": (400, "Required trigger_properties are missing"),
    "many": (429, "Over rate limit"),
    "broken": (500, "Internal Server Error"),
}
# What happens to a mail → the statuses that postbacks tell.
TOLD = {"taken": ("sent", "processed"), "delivered": ("delivered",), "bounced": ("bounced",),
        "suppressed": ("aborted",)}  # fmt: skip


class BrazeSandbox:
    name = "braze"
    channel = "email"

    def __init__(self, core: Core, secrets: Mapping[str, str]) -> None:
        self._core = core
        self._authorization = f"Bearer {secrets['api_key']}"
        self._mailbox = Mailbox(
            f"{core.receipts_url(self.name)}?token={secrets['webhook_token']}", self._sign
        )

    @staticmethod
    def new_secrets() -> dict[str, str]:
        return {"api_key": random_secrets.token_hex(16), "webhook_token": random_secrets.token_urlsafe(24)}

    @staticmethod
    def environment(secrets: Mapping[str, str], base_url: str, home: Path) -> dict[str, str]:
        return {
            "API_KEY": secrets["api_key"],
            "CAMPAIGN_ID": CAMPAIGN,
            "WEBHOOK_TOKEN": secrets["webhook_token"],
            "BASE_URL": base_url,
            "MESSAGES_PER_SECOND": "2000",
        }

    def routes(self) -> list[Route]:
        return [self._core.sends(self, "/transactional/v1/campaigns/{campaign}/send", self._send)]

    def too_many(self) -> Response:
        headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(time.time()) + 1)}
        return _error("many", headers)

    def broken(self) -> Response:
        return _error("broken")

    # ---- the API

    def _send(self, request: Request, body: bytes) -> Response:
        if not brings(request, self._authorization):
            return _error("key")
        if request.path_params["campaign"] != CAMPAIGN:
            return _error("campaign")
        try:
            asked = json.loads(body)
        except ValueError:
            return _error("json")
        if wrong := _fault_of(asked):
            return _error(wrong)
        their_id = asked.get("external_send_id")
        if their_id and (earlier := self._earlier(their_id)):
            return _taken(earlier["provider_message_id"])
        said = asked["trigger_properties"]
        accepted = self._core.accept(
            self,
            body,
            recipient=asked["recipient"]["attributes"]["email"],
            message_id=their_id,
            provider_message_id=random_secrets.token_hex(16),
            subject=said["subject"],
            text=said.get("text", ""),
            html=said["html"],
            links=links_in(said.get("text", "")),
        )
        self._plan_receipts(accepted)
        return _taken(accepted.provider_message_id)

    def _earlier(self, message_id: str) -> Mapping[str, Any] | None:
        row = self._core.journal.by_message_id(self.name, message_id)
        if not row or datetime.now(UTC) - datetime.fromisoformat(row["accepted_at"]) > IDS_ARE_KEPT:
            return None
        return row

    # ---- what becomes of a message

    def _plan_receipts(self, accepted: Accepted) -> None:
        for steps, happening in fate(self._core.world, accepted):
            for number, status in enumerate(TOLD.get(happening, ())):
                delay = self._core.world.delay(steps + number / 2, accepted.provider_message_id)
                at = datetime.fromtimestamp(time.time() + delay, UTC).isoformat(timespec="milliseconds")
                metadata = {"external_send_id": accepted.message_id, "campaign_api_id": CAMPAIGN}
                reason = {"reason": "User not emailable"} if status == "aborted" else {}
                postback = {
                    "dispatch_id": accepted.provider_message_id,
                    "status": status,
                    "metadata": {**metadata, f"{status}_at": at, **reason},
                }
                self._core.receipts.schedule(delay, self._mailbox, postback)

    def _sign(self, url: str, receipts: Sequence[Any]) -> Signed:
        return {"Content-Type": "application/json"}, json.dumps(receipts[0]).encode()


SANDBOX = BrazeSandbox


def _fault_of(asked: Mapping[str, Any]) -> str | None:
    recipient, said = asked.get("recipient") or {}, asked.get("trigger_properties") or {}
    address = (recipient.get("attributes") or {}).get("email") or ""
    checks = (
        (not recipient.get("external_user_id") or not MAILBOX.fullmatch(address), "recipient"),
        (not said.get("subject") or not said.get("html"), "properties"),
    )
    return first_fault(checks)


def _taken(dispatch_id: str) -> Response:
    at = datetime.now(UTC).isoformat(timespec="milliseconds")
    answer = {"dispatch_id": dispatch_id, "status": "sent", "metadata": {"received_at": at}}
    return json_answer(answer, 201)


def _error(word: str, headers: Mapping[str, str] | None = None) -> Response:
    status, message = ERRORS[word]
    return json_answer({"message": message}, status, headers)
