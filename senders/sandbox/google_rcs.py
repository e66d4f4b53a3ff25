"""A stand-in for Google RCS Business Messaging: token endpoint, agentMessages, capabilities, webhook."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import secrets as random_secrets
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from senders.sandbox.calls import json_answer, read_object
from senders.sandbox.core import Core, asks
from senders.sandbox.credentials import write_private
from senders.sandbox.google_rcs_rules import fault_of_message, suggestions_in
from senders.sandbox.receipts import Mailbox, Signed
from senders.sandbox.token_endpoint import TokenEndpoint

SCOPE = "https://www.googleapis.com/auth/rcsbusinessmessaging"
E164 = re.compile(r"\+[1-9]\d{6,14}")
FEATURES = ["RICHCARD_STANDALONE", "RICHCARD_CAROUSEL", "ACTION_OPEN_URL", "ACTION_DIAL"]

# Of what is still to be said of a message, either of these says that its phone has not got it.
WAITING = ("DELIVERED", "TTL_EXPIRATION_REVOKED")

ERRORS = {
    "INVALID_ARGUMENT": (400, "Request contains an invalid argument."),
    "UNAUTHENTICATED": (401, "Request had invalid authentication credentials. Expected OAuth 2 access token, "
                        "login cookie or other valid authentication credential."),
    "PERMISSION_DENIED": (403, "The caller does not have permission"),
    "NOT_FOUND": (404, "Requested entity was not found."),
    "RESOURCE_EXHAUSTED": (429, "Resource has been exhausted (e.g. check quota)."),
    "INTERNAL": (500, "Internal error encountered."),
}  # fmt: skip


class GoogleRcsSandbox:
    name = "google_rcs"
    channel = "rcs"

    def __init__(self, core: Core, secrets: Mapping[str, str]) -> None:
        self._core = core
        self._secrets = secrets
        self._token_endpoint = TokenEndpoint(secrets["private_key"], secrets["client_email"], SCOPE)
        self._taken_back: set[str] = set()
        self._mailbox = Mailbox(core.receipts_url(self.name), self._sign)

    @staticmethod
    def new_secrets() -> dict[str, str]:
        pem = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return {
            "agent_id": "demo_shop_agent@rbm.goog",
            "client_email": "rbm-agent-service-account@demo-shop.iam.gserviceaccount.com",
            "client_token": random_secrets.token_urlsafe(24),
            "private_key": pem.decode(),
            "private_key_id": random_secrets.token_hex(20),
        }

    @staticmethod
    def environment(secrets: Mapping[str, str], base_url: str, home: Path) -> dict[str, str]:
        path = home / "google_service_account.json"
        account = {
            "type": "service_account",
            "project_id": "demo-shop",
            "token_uri": f"{base_url}/token",
            **{name: secrets[name] for name in ("client_email", "private_key", "private_key_id")},
        }
        write_private(path, json.dumps(account, indent=1))
        return {
            "AGENT_ID": secrets["agent_id"],
            "CLIENT_TOKEN": secrets["client_token"],
            "SERVICE_ACCOUNT_FILE": str(path),
            "BASE_URL": base_url,
            "MESSAGES_PER_SECOND": "2000",
        }

    def routes(self) -> list[Route]:
        messages = "/v1/phones/{phone}/agentMessages"
        return [
            self._core.sends(self, messages, self._create),
            self._core.sends(self, f"{messages}/{{message_id}}", self._revoke, "DELETE"),
            asks("/v1/phones/{phone}/capabilities", self._capabilities),
            asks("/token", self._token_endpoint.answer, "POST"),
        ]

    def too_many(self) -> Response:
        delay = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "1s"}
        return _error("RESOURCE_EXHAUSTED", details=[delay])

    def broken(self) -> Response:
        return _error("INTERNAL")

    # ---- the API

    def _create(self, request: Request, body: bytes) -> Response:
        if refused := self._refusal(request):
            return refused
        phone, message_id = request.path_params["phone"], request.query_params.get("messageId", "")
        message = read_object(body)
        if wrong := _fault_of_ids(phone, message_id) or fault_of_message(message):
            return _error("INVALID_ARGUMENT", wrong)
        if self._is_unreachable(phone):
            return _error("NOT_FOUND")
        earlier = self._core.journal.by_message_id(self.name, message_id)
        if earlier is None:
            content = message["contentMessage"]
            self._core.accept(
                self,
                body,
                recipient=phone,
                message_id=message_id,
                provider_message_id=message_id,
                text=_text_of(content),
                links=[url for item in suggestions_in(content) if (url := _url_of(item))],
            )
            self._plan_receipts(phone, message_id, message)
        # A repeated id is answered like the first call and goes nowhere.
        sent_at = earlier["accepted_at"] if earlier else _now()
        name = f"phones/{phone}/agentMessages/{message_id}"
        return json_answer({"name": name, "sendTime": sent_at, **message})

    def _revoke(self, request: Request, body: bytes) -> Response:
        """200: it waits for its phone no more, also when said again. 404: it was delivered, has expired or
        never was here."""
        if refused := self._refusal(request):
            return refused
        phone, message_id = request.path_params["phone"], request.path_params["message_id"]
        if message_id in self._taken_back:
            return json_answer({})
        if not self._withdraw(message_id, WAITING):
            return _error("NOT_FOUND")
        self._withdraw(message_id, ("READ", None))
        self._taken_back.add(message_id)
        if self._core.world.chance("late", message_id) < self._core.world.late_share:
            delivered = self._event(message_id, "DELIVERED", senderPhoneNumber=phone, messageId=message_id)
            self._core.receipts.schedule(self._core.world.delay(2, message_id), self._mailbox, delivered)
        return json_answer({})

    def _withdraw(self, message_id: str, kinds: Iterable[str | None]) -> bool:
        """Say nothing more of these kinds about a message; whether there was anything to say."""
        ids = {_event_id(message_id, kind) for kind in kinds}
        return self._core.receipts.withdraw(self._mailbox, lambda event: event["eventId"] in ids)

    def _capabilities(self, request: Request, body: bytes) -> Response:
        if refused := self._refusal(request):
            return refused
        if self._is_unreachable(request.path_params["phone"]):
            return _error("NOT_FOUND")
        return json_answer({"features": FEATURES})

    def _refusal(self, request: Request) -> Response | None:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if not self._token_endpoint.knows(token):
            return _error("UNAUTHENTICATED")
        agent = request.query_params.get("agentId", self._secrets["agent_id"])
        return None if agent == self._secrets["agent_id"] else _error("PERMISSION_DENIED")

    # ---- what becomes of a message

    def _is_unreachable(self, phone: str) -> bool:
        return self._core.world.chance("rcs", phone) < self._core.world.unreachable_share

    def _plan_receipts(self, phone: str, message_id: str, message: Mapping[str, Any]) -> None:
        world, queue = self._core.world, self._core.receipts
        if world.chance("offline", phone) < world.offline_share:
            event = self._event(message_id, "TTL_EXPIRATION_REVOKED", phoneNumber=phone, messageId=message_id)
            queue.schedule(_seconds_left(message), self._mailbox, event)
            return
        said = {"senderPhoneNumber": phone, "messageId": message_id}
        queue.schedule(
            world.delay(2, message_id), self._mailbox, self._event(message_id, "DELIVERED", **said)
        )
        if world.chance("read", message_id) >= world.read_share:
            return
        queue.schedule(world.delay(6, message_id), self._mailbox, self._event(message_id, "READ", **said))
        for steps, reply in self._replies(phone, message_id, message["contentMessage"]):
            queue.schedule(world.delay(steps, message_id), self._mailbox, reply)

    def _replies(self, phone: str, message_id: str, content: Mapping[str, Any]) -> list[tuple[float, Any]]:
        """Taps on suggested replies: a wish to stop by the weary, another answer by a few."""
        world = self._core.world
        taps = [item["reply"] for item in suggestions_in(content) if "reply" in item]
        stops = [tap for tap in taps if tap["postbackData"].upper().endswith("STOP")]
        others = [tap for tap in taps if tap not in stops]
        is_weary = world.chance("stop", phone) < world.stop_share
        if is_weary and not stops:
            return [(10, self._event(message_id, None, senderPhoneNumber=phone, text="STOP"))]
        chosen = (
            stops if is_weary else others if world.chance("reply", message_id) < world.reply_share else []
        )
        return [
            (
                10,
                self._event(
                    message_id, None, senderPhoneNumber=phone, suggestionResponse={**tap, "type": "REPLY"}
                ),
            )
            for tap in chosen[:1]
        ]

    def _event(self, message_id: str, event_type: str | None, **said: Any) -> dict[str, Any]:
        """A UserEvent, ServerEvent or (event_type None) UserMessage, with an id of its own."""
        named = (
            {"eventType": event_type} if event_type else {"messageId": f"Mx{random_secrets.token_hex(12)}"}
        )
        return {
            "eventId": _event_id(message_id, event_type),
            "agentId": self._secrets["agent_id"],
            **named,
            **said,
        }

    def _sign(self, url: str, receipts: Sequence[Any]) -> Signed:
        at = _now()
        data = json.dumps({**receipts[0], "sendTime": at}).encode()
        digest = hmac.new(self._secrets["client_token"].encode(), data, hashlib.sha512).digest()
        kind = "event" if "eventType" in receipts[0] else "message"
        number = str(int(time.time() * 1e6))
        message = {
            "attributes": {"business_id": self._secrets["agent_id"], "product": "RBM", "type": kind},
            "data": base64.b64encode(data).decode(),
            "messageId": number,
            "publishTime": at,
        }
        body = json.dumps({"message": message, "subscription": "projects/demo-shop/subscriptions/rbm"})
        headers = {"Content-Type": "application/json", "X-Goog-Signature": base64.b64encode(digest).decode()}
        return headers, body.encode()


SANDBOX = GoogleRcsSandbox


def _event_id(message_id: str, event_type: str | None) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{message_id}{event_type}"))


def _fault_of_ids(phone: str, message_id: str) -> str | None:
    if not E164.fullmatch(phone):
        return f"Invalid phone number: {phone}"
    try:
        uuid.UUID(message_id)
    except ValueError:
        return "messageId must be a UUID"
    return None


def _seconds_left(message: Mapping[str, Any]) -> float:
    if message.get("ttl"):
        return float(message["ttl"].removesuffix("s"))
    if message.get("expireTime"):
        return max(0.0, (datetime.fromisoformat(message["expireTime"]) - datetime.now(UTC)).total_seconds())
    return 15 * 86_400.0


def _text_of(content: Mapping[str, Any]) -> str:
    """What a person reads: the text, or the cards' titles and descriptions."""
    rich = content.get("richCard", {})
    cards = rich.get("carouselCard", {}).get("cardContents") or [
        rich.get("standaloneCard", {}).get("cardContent", {})
    ]
    lines = [content.get("text", "")] + [
        card.get(part, "") for card in cards for part in ("title", "description")
    ]
    return "\n".join(line for line in lines if line)


def _url_of(suggestion: Mapping[str, Any]) -> str | None:
    url: str | None = suggestion.get("action", {}).get("openUrlAction", {}).get("url")
    return url


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _error(word: str, why: str | None = None, details: Sequence[Any] = ()) -> Response:
    status, text = ERRORS[word]
    error: dict[str, Any] = {"code": status, "message": why or text, "status": word}
    return json_answer({"error": error | ({"details": list(details)} if details else {})}, status)
