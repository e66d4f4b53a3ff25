"""Google RCS Business Messaging, API v1.

Source of the rules: developers.google.com/business-communications/rcs-business-messaging (REST
reference v1; guides "send messages", "receive events", "webhooks"), OAuth 2.0 for service
accounts (RFC 7523).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import UTC, timedelta
from typing import Any
from urllib.parse import quote, urlencode

from senders.contract import (
    Answer,
    Capabilities,
    EventKind,
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
    moment,
    object_in,
    objects,
    read_each,
    retry_after,
    verdict,
)
from senders.providers._reasons import Reason
from senders.providers._replies import meaning_of, meaning_of_tap
from senders.providers._service_account import AccessToken, service_account
from senders.settings import Settings

SCOPE = "https://www.googleapis.com/auth/rcsbusinessmessaging"
LONGEST_LIFE = timedelta(days=15)  # of a message that waits for a phone
# Google ignores a repeated messageId and names no end to that; we rely on it for a day.
DEDUPE_SECONDS = 86_400
# A send to a phone without RCS is answered as a check of its capabilities is, and believed for so long.
UNREACHABLE_SECONDS = 3 * 86_400

TRAFFIC_TYPES = {"marketing": "PROMOTION", "transactional": "TRANSACTION"}

# HTTP status and google.rpc.Code. 404 means two things: an error body that says NOT_FOUND is a
# phone without RCS, any other 404 is a wrong address of the API.
RULINGS: dict[Any, Ruling] = HTTP_RULINGS | {
    200: (Outcome.ACCEPTED, Reason.ACCEPTED),
    (409, "ALREADY_EXISTS"): (Outcome.ACCEPTED, Reason.ALREADY_ACCEPTED),
    (404, "NOT_FOUND"): (Outcome.REJECTED, Reason.UNREACHABLE_ON_CHANNEL),
    429: (Outcome.RETRY, Reason.RATE_LIMITED),
}

# What `delete` is answered with. A 200 means "never delivered" in one place of Google's reference, and in
# another it is the answer whatever came of it: a DELIVERED that comes afterwards is believed.
REVOKE_RULINGS: dict[Any, Ruling] = HTTP_RULINGS | {
    200: (Outcome.ACCEPTED, Reason.TAKEN_BACK),
    404: (Outcome.REJECTED, Reason.TOO_LATE),
    429: (Outcome.RETRY, Reason.RATE_LIMITED),
}

# eventType of a UserEvent or ServerEvent; what is missing here (IS_TYPING) says nothing to us.
EVENTS: dict[str, tuple[EventKind, Reason]] = {
    "DELIVERED": (EventKind.DELIVERED, Reason.DELIVERED),
    "READ": (EventKind.READ, Reason.READ),
    "TTL_EXPIRATION_REVOKED": (EventKind.FAILED, Reason.EXPIRED_UNDELIVERED),
    "TTL_EXPIRATION_REVOKE_FAILED": (EventKind.DEFERRED, Reason.MAY_STILL_ARRIVE),
    "UNSUBSCRIBE": (EventKind.UNSUBSCRIBED, Reason.OPT_OUT_BUTTON),
    "SUBSCRIBE": (EventKind.REPLIED, Reason.RESUBSCRIBED),
}

# A button by its type: Google's action, where it wants the value, where ours is.
ACTIONS = {"open_url": ("openUrlAction", "url", "url"), "dial": ("dialAction", "phoneNumber", "phone")}


class GoogleRcs(ProviderBase):
    """Answers the contract's questions for Google RCS Business Messaging."""

    name = "google_rcs"
    channel = "rcs"
    # No look-up: the API cannot be asked about a message; sending the same id again is safe instead.
    capabilities = Capabilities(
        dedupe_seconds=DEDUPE_SECONDS,
        echoes_message_id=True,
        names_ours_alone=True,
        can_revoke=True,
        unreachable_seconds=UNREACHABLE_SECONDS,
    )
    options = (
        Option("agent_id", "the agent that sends, as the developer console shows it"),
        Option("service_account_file", "path of the service account's JSON key", parse=service_account),
        Option("client_token", "token of the webhook; receipts are signed with it", is_secret=True),
        Option(
            "base_url",
            "address of the API; an agent of one region uses that region's",
            "https://rcsbusinessmessaging.googleapis.com",
            url,
        ),
        speed("50"),
    )

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        chosen = self._chosen
        self._agent_id: str = chosen["agent_id"]
        self._client_token: str = chosen["client_token"]
        self._token = AccessToken(chosen["service_account_file"], SCOPE)

    def request(self, message: Message) -> Request:
        query = urlencode({"messageId": message.message_id, "agentId": self._agent_id})
        expires_at = min(message.expires_at, message.due_at + LONGEST_LIFE)
        body = {
            "contentMessage": _content(message.content, message.message_id),
            "messageTrafficType": TRAFFIC_TYPES[message.message_class],
            "expireTime": expires_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        }
        return Request(
            method="POST",
            path=f"{_messages_of(message.address)}?{query}",
            body=dump_json(body),
            headers={"Content-Type": "application/json"},
        )

    async def authorize(self, client: Any) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {await self._token.current(client)}"}

    def judge(self, answer: Answer) -> Verdict:
        body = as_object(answer.body)
        error = object_in(body, "error")
        ruling = find_ruling(RULINGS, (answer.status, str(error.get("status"))), answer.status)
        # name: phones/{number}/agentMessages/{messageId}; receipts carry the last part
        return verdict(
            answer,
            ruling,
            provider_message_id=str(body.get("name") or "").rpartition("/")[2] or None,
            retry_after_seconds=_retry_delay(error) or retry_after(answer.headers),
        )

    def revoke(self, message_id: str, address: str, provider_message_id: str | None) -> Request:
        query = urlencode({"agentId": self._agent_id})
        return Request("DELETE", f"{_messages_of(address)}/{message_id}?{query}", b"")

    def judge_revoke(self, answer: Answer) -> Verdict:
        error = object_in(as_object(answer.body), "error")
        wait = _retry_delay(error) or retry_after(answer.headers)
        return verdict(answer, find_ruling(REVOKE_RULINGS, answer.status), retry_after_seconds=wait)

    def challenge(self, webhook: RawWebhook) -> bytes | None:
        """What to answer when Google checks that the webhook is ours; None when it is a receipt."""
        body = as_object(webhook.body)
        token, secret = str(body.get("clientToken", "")), body.get("secret")
        is_ours = hmac.compare_digest(token.encode(), self._client_token.encode())
        return str(secret).encode() if is_ours and secret else None

    def verify(self, webhook: RawWebhook) -> bool:
        data = _decoded_data(webhook.body)
        if data is None:
            return False
        digest = hmac.new(self._client_token.encode(), data, hashlib.sha512).digest()
        given = webhook.headers.get("x-goog-signature", "")
        return hmac.compare_digest(base64.b64encode(digest), given.encode())

    def events(self, webhook: RawWebhook) -> Sequence[ProviderEvent]:
        data = _decoded_data(webhook.body) or b""
        said = as_object(data)
        # A partner's webhook hears every agent of the partner: another agent's people are not ours.
        if str(said.get("agentId", "")).removesuffix("@rbm.goog") != self._agent_id.removesuffix("@rbm.goog"):
            return []
        return read_each(self.name, [said], lambda said: self._events_of(said, webhook.body, data))

    def _events_of(self, said: Mapping[str, Any], body: bytes, data: bytes) -> list[ProviderEvent]:
        meaning = _meaning(said)
        if meaning is None:
            return []
        kind, reason, message_id = meaning
        their_id = said.get("eventId") or said.get("messageId") or hashlib.sha256(data).hexdigest()
        envelope = as_object(body).get("message", {})
        return [
            ProviderEvent(
                event_key=f"{their_id}:{kind}",
                provider=self.name,
                kind=kind,
                occurred_at=moment(said.get("sendTime") or envelope.get("publishTime")),
                message_id=message_id,
                provider_message_id=message_id,
                address=said.get("senderPhoneNumber") or said.get("phoneNumber"),
                reason=reason.value,
                button=_button(said),
                raw=data.decode(errors="replace"),
            )
        ]


PROVIDER = GoogleRcs


# ---- the request


def _messages_of(phone: str) -> str:
    return f"/v1/phones/{quote(phone, safe='+')}/agentMessages"


def _content(content: Mapping[str, Any], message_id: str) -> dict[str, Any]:
    """contentMessage of `{"text"}` or `{"cards": [...]}`, either with "suggestions"."""
    cards = [_card(card, message_id) for card in content.get("cards", ())]
    body: dict[str, Any] = {}
    if len(cards) == 1:
        body["richCard"] = {"standaloneCard": {"cardOrientation": "VERTICAL", "cardContent": cards[0]}}
    elif cards:
        body["richCard"] = {"carouselCard": {"cardWidth": "MEDIUM", "cardContents": cards}}
    else:
        body["text"] = content["text"]
    if content.get("suggestions"):
        body["suggestions"] = [_suggestion(item, message_id) for item in content["suggestions"]]
    return body


def _card(card: Mapping[str, Any], message_id: str) -> dict[str, Any]:
    body: dict[str, Any] = {name: card[name] for name in ("title", "description") if card.get(name)}
    if card.get("image_url"):
        body["media"] = {"height": "MEDIUM", "contentInfo": {"fileUrl": card["image_url"]}}
    if card.get("suggestions"):
        body["suggestions"] = [_suggestion(item, message_id) for item in card["suggestions"]]
    return body


def _suggestion(item: Mapping[str, Any], message_id: str) -> dict[str, Any]:
    """A reply or an action. Our id rides in the postback: Google names no message in a tap."""
    said = {
        "text": item["label"],
        "postbackData": f"{message_id}:{item.get('postback') or item['type']}",
    }
    if item["type"] == "reply":
        return {"reply": said}
    action, theirs, ours = ACTIONS[item["type"]]
    return {"action": {**said, action: {theirs: item[ours]}}}


# ---- the answer and the receipt


def _retry_delay(error: Mapping[str, Any]) -> float | None:
    """google.rpc.RetryInfo: {"retryDelay": "3.5s"} among the error's details."""
    for detail in objects(error.get("details")):
        text = str(detail.get("retryDelay", ""))
        if text.endswith("s") and text[:-1].replace(".", "", 1).isdigit():
            return float(text[:-1])
    return None


def _decoded_data(body: bytes) -> bytes | None:
    """The bytes that were signed: `message.data`, decoded."""
    envelope = as_object(body).get("message")
    data = envelope.get("data") if isinstance(envelope, dict) else None
    try:
        return base64.b64decode(data, validate=True) if isinstance(data, str) else None
    except ValueError:
        return None


def _meaning(said: Mapping[str, Any]) -> tuple[EventKind, Reason, str | None] | None:
    """Kind, reason and our message id (None where Google names none) of one event or user message."""
    if said.get("eventType"):
        meaning = EVENTS.get(str(said["eventType"]))
        return (*meaning, said.get("messageId")) if meaning else None
    if isinstance(said.get("suggestionResponse"), dict):
        return _tap_meaning(said["suggestionResponse"])
    if any(name in said for name in ("text", "userFile", "location")):
        return (*meaning_of(str(said.get("text", ""))), None)
    return None


def _button(said: Mapping[str, Any]) -> str:
    """The postback of the suggestion that a person touched, without our id."""
    response = said.get("suggestionResponse")
    return str(response.get("postbackData", "")).partition(":")[2] if isinstance(response, dict) else ""


def _tap_meaning(response: Mapping[str, Any]) -> tuple[EventKind, Reason, str | None]:
    """What a tap on a suggestion says. Its messageId would be the tap's own: ours is in the postback."""
    message_id, _, word = str(response.get("postbackData", "")).partition(":")
    kind, reason = meaning_of_tap(word, str(response.get("text", "")))
    is_action = response.get("type") == "ACTION" or "text" not in response
    if is_action and kind is EventKind.REPLIED:
        kind, reason = EventKind.CLICKED, Reason.CLICKED
    return kind, reason, message_id or None
