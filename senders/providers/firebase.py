"""Push by Firebase Cloud Messaging, HTTP v1.

Source of the rules: FCM's discovery document (v1, projects.messages.send), "FCM error codes", "Customize
a message across platforms" (ttl, tags, collapse ids) and OAuth 2.0 for service accounts (RFC 7523).
FCM reports deliveries to BigQuery alone, and cannot be asked. But a telephone shows one notification for
one tag, so a repetition takes the place of the first: sending again, for a while, is harmless.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from senders.contract import (
    Answer,
    Capabilities,
    Message,
    Outcome,
    ProviderEvent,
    RawWebhook,
    Request,
    Verdict,
)
from senders.providers._base import ProviderBase, speed
from senders.providers._declared import Option, url
from senders.providers._judging import (
    HTTP_RULINGS,
    Ruling,
    as_object,
    dump_json,
    find_ruling,
    object_in,
    objects,
    retry_after,
    text_or_none,
    verdict,
)
from senders.providers._reasons import Reason
from senders.providers._service_account import AccessToken, service_account
from senders.settings import PREFIX, Settings, SettingsError

SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
LONGEST_LIFE = timedelta(weeks=4)
REPLACES_SECONDS = 3_600  # later, the second would ring for what was read and put away

# HTTP status and FCM's own error code or google.rpc.Code, else the status.
RULINGS: dict[Any, Ruling] = HTTP_RULINGS | {
    200: (Outcome.ACCEPTED, Reason.ACCEPTED),
    (404, "UNREGISTERED"): (Outcome.SUPPRESSED, Reason.NO_LONGER_REGISTERED),
    (400, "message.token"): (Outcome.SUPPRESSED, Reason.INVALID_ADDRESS),
    (403, "SENDER_ID_MISMATCH"): (Outcome.SUPPRESSED, Reason.INVALID_ADDRESS),  # a token of another app
    (401, "THIRD_PARTY_AUTH_ERROR"): (Outcome.ROUTE_BLOCKED, Reason.CREDENTIALS_REFUSED),  # APNs, web push
    (429, "QUOTA_EXCEEDED"): (Outcome.RETRY, Reason.RATE_LIMITED),
    429: (Outcome.RETRY, Reason.RATE_LIMITED),
}


class Firebase(ProviderBase):
    """Answers the contract's questions for Firebase Cloud Messaging."""

    name = "firebase"
    channel = "push"
    capabilities = Capabilities(dedupe_seconds=REPLACES_SECONDS, names_ours_alone=True, has_receipts=False)
    options = (
        Option("service_account_file", "path of the service account's JSON key", parse=service_account),
        Option("project_id", "the project; empty for the account's own", ""),
        Option("base_url", "address of the API", "https://fcm.googleapis.com", url),
        speed("200"),
    )

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        account = self._chosen["service_account_file"]
        self._project_id: str = self._chosen["project_id"] or account.get("project_id", "")
        if not self._project_id:
            raise SettingsError(f"{PREFIX}FIREBASE_PROJECT_ID: missing (the account's key names none)")
        self._token = AccessToken(account, SCOPE)

    def request(self, message: Message) -> Request:
        content, message_id = message.content, message.message_id
        # Counted from due_at, not from the call: the bytes are frozen before anybody calls.
        life = max(timedelta(0), min(message.expires_at - message.due_at, LONGEST_LIFE))
        shown = {"title": content["title"], "body": content["body"], "image": content.get("image_url")}
        link = content.get("url", "")
        web: dict[str, Any] = {"headers": {"TTL": str(int(life.total_seconds()))}}
        if link.startswith("https://"):  # the only kind that FCM takes for browsers
            web["fcmOptions"] = {"link": link}
        body = {
            "message": {
                "token": message.address,
                "notification": {name: said for name, said in shown.items() if said},
                "data": {"message_id": message_id} | ({"url": link} if link else {}),
                "android": {"ttl": f"{int(life.total_seconds())}s", "notification": {"tag": message_id}},
                "apns": {
                    "headers": {
                        "apns-collapse-id": message_id,
                        "apns-expiration": str(int((message.due_at + life).timestamp())),
                    }
                },
                "webpush": web | {"notification": {"tag": message_id}},
            }
        }
        path = f"/v1/projects/{quote(self._project_id, safe='')}/messages:send"
        return Request("POST", path, dump_json(body), {"Content-Type": "application/json"})

    async def authorize(self, client: Any) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {await self._token.current(client)}"}

    def judge(self, answer: Answer) -> Verdict:
        body = as_object(answer.body)
        error = object_in(body, "error")
        keys = [(answer.status, word) for word in _words(error)]
        return verdict(
            answer,
            find_ruling(RULINGS, *keys, answer.status),
            provider_message_id=text_or_none(body.get("name")),
            retry_after_seconds=retry_after(answer.headers),
        )

    def verify(self, webhook: RawWebhook) -> bool:
        return False  # nobody reports anything here

    def events(self, webhook: RawWebhook) -> Sequence[ProviderEvent]:
        return []


PROVIDER = Firebase


def _words(error: Mapping[str, Any]) -> list[str]:
    """`errorCode` of FcmError, and the fields that BadRequest names, among the error's details."""
    words = []
    for detail in objects(error.get("details")):
        words.append(detail.get("errorCode"))
        words += [each.get("field") for each in objects(detail.get("fieldViolations"))]
    return [word for word in words if isinstance(word, str)]
