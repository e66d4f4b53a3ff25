"""A stand-in for Firebase Cloud Messaging: its token endpoint, and sending to a telephone."""

from __future__ import annotations

import json
import secrets as random_secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from senders.sandbox.calls import first_fault, json_answer
from senders.sandbox.core import Core, asks
from senders.sandbox.credentials import write_private
from senders.sandbox.token_endpoint import TokenEndpoint

SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
PROJECT = "demo-shop-app"
LARGEST_MESSAGE = 4_096
GONE = "gone-"  # a token of an app that was taken off its telephone begins so
FCM_ERROR = "type.googleapis.com/google.firebase.fcm.v1.FcmError"

# What is wrong: status, google.rpc.Code, FCM's error code, words.
ERRORS: dict[str, tuple[int, str, str | None, str]] = {
    "token": (401, "UNAUTHENTICATED", None, "Request had invalid authentication credentials."),
    "project": (403, "PERMISSION_DENIED", None, "Permission denied on resource project."),
    "json": (400, "INVALID_ARGUMENT", "INVALID_ARGUMENT", "Invalid JSON payload received."),
    "large": (400, "INVALID_ARGUMENT", "INVALID_ARGUMENT", "Message is too big."),
    "address": (400, "INVALID_ARGUMENT", "INVALID_ARGUMENT", "The registration token is not a valid FCM "
                "registration token"),
    "shown": (400, "INVALID_ARGUMENT", "INVALID_ARGUMENT", "Message content is missing"),
    "gone": (404, "NOT_FOUND", "UNREGISTERED", "Requested entity was not found."),
    "many": (429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED", "Sending limit exceeded."),
    "broken": (500, "INTERNAL", "INTERNAL", "Internal error encountered."),
}  # fmt: skip


class FirebaseSandbox:
    name = "firebase"
    channel = "push"

    def __init__(self, core: Core, secrets: Mapping[str, str]) -> None:
        self._core = core
        self._token_endpoint = TokenEndpoint(secrets["private_key"], secrets["client_email"], SCOPE)
        self._shown: set[str] = set()  # tags that a telephone shows already

    @staticmethod
    def new_secrets() -> dict[str, str]:
        pem = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return {
            "client_email": f"firebase-adminsdk@{PROJECT}.iam.gserviceaccount.com",
            "private_key": pem.decode(),
            "private_key_id": random_secrets.token_hex(20),
        }

    @staticmethod
    def environment(secrets: Mapping[str, str], base_url: str, home: Path) -> dict[str, str]:
        path = home / "firebase_service_account.json"
        account = {
            "type": "service_account",
            "project_id": PROJECT,
            "token_uri": f"{base_url}/firebase/token",
            **{name: secrets[name] for name in ("client_email", "private_key", "private_key_id")},
        }
        write_private(path, json.dumps(account, indent=1))
        return {"SERVICE_ACCOUNT_FILE": str(path), "BASE_URL": base_url, "MESSAGES_PER_SECOND": "2000"}

    def routes(self) -> list[Route]:
        return [
            self._core.sends(self, "/v1/projects/{project}/messages:send", self._send),
            asks("/firebase/token", self._token_endpoint.answer, "POST"),
        ]

    def too_many(self) -> Response:
        return _error("many", {"Retry-After": "1"})

    def broken(self) -> Response:
        return _error("broken")

    def _send(self, request: Request, body: bytes) -> Response:
        wrong, message = self._read(request, body)
        if wrong:
            return _error(wrong)
        shown, message_id = message["notification"], message.get("data", {}).get("message_id")
        key = f"{message['token']}|{message.get('android', {}).get('notification', {}).get('tag')}"
        row = self._core.journal.by_message_id(self.name, message_id or "")
        # A repetition takes the place of the notification that is there: people see one.
        new_name = f"projects/{PROJECT}/messages/{random_secrets.token_hex(8)}"
        accepted_as = row["provider_message_id"] if row else new_name
        if row is None or key not in self._shown:
            url = message.get("data", {}).get("url")
            self._core.accept(
                self,
                body,
                recipient=message["token"],
                message_id=message_id,
                provider_message_id=accepted_as,
                subject=shown.get("title", ""),
                text="\n".join(shown.get(part, "") for part in ("title", "body")),
                links=[url] if url else [],
            )
            self._shown.add(key)
        return json_answer({"name": accepted_as})

    def _read(self, request: Request, body: bytes) -> tuple[str | None, dict[str, Any]]:
        """The first thing wrong with a call, or its message."""
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if not self._token_endpoint.knows(token):
            return "token", {}
        if request.path_params["project"] != PROJECT:
            return "project", {}
        try:
            message = json.loads(body).get("message")
        except (ValueError, AttributeError):
            return "json", {}
        if not isinstance(message, dict):
            return "json", {}
        address, shown = message.get("token", ""), message.get("notification", {})
        checks = (
            (len(body) > LARGEST_MESSAGE, "large"),
            (len(address) < 8 or " " in address or "@" in address, "address"),
            (not shown.get("title") and not shown.get("body"), "shown"),
            (address.startswith(GONE), "gone"),
        )
        return first_fault(checks), message


SANDBOX = FirebaseSandbox


def _error(word: str, headers: Mapping[str, str] | None = None) -> Response:
    status, code, fcm_code, text = ERRORS[word]
    details: list[dict[str, Any]] = [{"@type": FCM_ERROR, "errorCode": fcm_code}] if fcm_code else []
    if word == "address":
        violation = {"field": "message.token", "description": text}
        details.append({"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [violation]})
    error = {"code": status, "message": text, "status": code, "details": details}
    return json_answer({"error": error}, status, headers)
