"""WhatsApp by Meta's Cloud API.

Source of the rules: Meta's OpenAPI (business-messaging-api v23.0), "Error codes", "Webhooks" (statuses,
messages, user_preferences), "Pair rate limits" and "Send messages": whoever did not write to us in the last
24 hours gets approved templates alone; a text to them fails as `outside_window`, and another channel may
be tried. The Cloud API neither knows a repeated message nor can be asked about one, but its receipts carry
our id.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

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
    Meaning,
    Ruling,
    as_object,
    dump_json,
    each,
    find_ruling,
    first_object,
    lower_names,
    object_in,
    objects,
    read_each,
    retry_after,
    text_or_none,
    unix_moment,
    verdict,
)
from senders.providers._reasons import Reason
from senders.providers._replies import meaning_of
from senders.settings import Settings

PAIR_SECONDS = 6.0  # between two messages of ours to one person
REFUSED: Ruling = (Outcome.ROUTE_BLOCKED, Reason.CREDENTIALS_REFUSED)
SUSPENDED: Ruling = (Outcome.ROUTE_BLOCKED, Reason.ACCOUNT_SUSPENDED)
SENDER: Ruling = (Outcome.ROUTE_BLOCKED, Reason.WRONG_SENDER)
TEMPLATE: Ruling = (Outcome.ROUTE_BLOCKED, Reason.MISSING_TEMPLATE)
CONTENT: Ruling = (Outcome.REJECTED, Reason.INVALID_CONTENT)

# The error's code (text) comes first, then the HTTP status.
RULINGS: dict[Any, Ruling] = HTTP_RULINGS | {
    200: (Outcome.ACCEPTED, Reason.ACCEPTED),
    **each(REFUSED, "0", "3", "10", "190", "200", "131005"),
    **each(SUSPENDED, "368", "131031"),
    "131042": SUSPENDED,  # it could not be paid
    **each(SENDER, "33", "131045", "133010"),
    "132001": TEMPLATE,
    "132015": TEMPLATE,  # paused for its quality
    "132016": TEMPLATE,  # disabled for its quality
    **each(CONTENT, "100", "131008", "131009", "131051", "132000", "132007", "132012"),
    "132005": (Outcome.REJECTED, Reason.TOO_LARGE),
    "131047": (Outcome.REJECTED, Reason.OUTSIDE_WINDOW),
    "131026": (Outcome.REJECTED, Reason.UNREACHABLE_ON_CHANNEL),
    "131021": (Outcome.REJECTED, Reason.UNROUTABLE),  # to ourselves
    "131030": (Outcome.REJECTED, Reason.RECIPIENT_NOT_PERMITTED),
    "130472": (Outcome.REJECTED, Reason.RECIPIENT_LIMIT),  # one of Meta's experiments keeps marketing away
    "131049": (Outcome.REJECTED, Reason.RECIPIENT_LIMIT),  # enough marketing for this person
    "131050": (Outcome.REJECTED, Reason.UNSUBSCRIBED),  # of marketing; orders still go
    "130497": (Outcome.REJECTED, Reason.COUNTRY_NOT_ENABLED),
    "131056": (Outcome.RETRY, Reason.PAIR_LIMITED),
    **each((Outcome.RETRY, Reason.RATE_LIMITED), 429, "4", "80007", "130429"),
    "131048": (Outcome.ROUTE_BLOCKED, Reason.ACCOUNT_LIMIT),  # too many called it spam
    **each((Outcome.RETRY, Reason.TRY_LATER), "131057", "133004"),
    **each((Outcome.UNKNOWN, Reason.SERVER_ERROR), "1", "2", "131000", "131016"),
}

# `status` of a receipt.
STATUSES: dict[str, Meaning] = {
    "accepted": (EventKind.ACCEPTED, Reason.QUEUED),
    "sent": (EventKind.SENT, Reason.SENT),
    "delivered": (EventKind.DELIVERED, Reason.DELIVERED),
    "read": (EventKind.READ, Reason.READ),
    "failed": (EventKind.FAILED, Reason.FAILED_UNEXPLAINED),
}
# The first error's code of a receipt with status failed.
FAILURES: dict[str, tuple[Meaning, ...]] = {
    "131026": ((EventKind.FAILED, Reason.UNREACHABLE_ON_CHANNEL),),
    "131047": ((EventKind.FAILED, Reason.OUTSIDE_WINDOW),),
    "131049": ((EventKind.FAILED, Reason.RECIPIENT_LIMIT),),
    "130472": ((EventKind.FAILED, Reason.RECIPIENT_LIMIT),),
    "131050": (
        (EventKind.FAILED, Reason.UNSUBSCRIBED),
        (EventKind.UNSUBSCRIBED, Reason.OPT_OUT_BUTTON),
    ),
    "131051": ((EventKind.FAILED, Reason.INVALID_CONTENT),),
    "131053": ((EventKind.FAILED, Reason.INVALID_CONTENT),),  # a picture that could not be fetched
    "132015": ((EventKind.FAILED, Reason.MISSING_TEMPLATE),),
    "131042": ((EventKind.FAILED, Reason.ACCOUNT_SUSPENDED),),
}
PREFERENCES: dict[str, Meaning] = {
    "stop": (EventKind.UNSUBSCRIBED, Reason.OPT_OUT_BUTTON),
    "resume": (EventKind.REPLIED, Reason.RESUBSCRIBED),
}


class MetaWhatsapp(ProviderBase):
    """Answers the contract's questions for WhatsApp's Cloud API."""

    name = "meta_whatsapp"
    channel = "whatsapp"
    capabilities = Capabilities(echoes_message_id=True, pair_seconds=PAIR_SECONDS)
    options = (
        Option("phone_number_id", "id of the number that sends (not the number)"),
        Option("access_token", "token of a system user with whatsapp_business_messaging", is_secret=True),
        Option("app_secret", "secret of the app; receipts are signed with it", is_secret=True),
        Option("verify_token", "the word that Meta checks the webhook's address with", is_secret=True),
        Option("api_version", "version of the Graph API", "v23.0"),
        Option("base_url", "address of the API", "https://graph.facebook.com", url),
        speed("80"),
    )

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        chosen = self._chosen
        self._phone_number_id: str = chosen["phone_number_id"]
        self._path = f"/{chosen['api_version']}/{quote(self._phone_number_id, safe='')}/messages"
        self._access_token: str = chosen["access_token"]
        self._app_secret: str = chosen["app_secret"]
        self._verify_token: str = chosen["verify_token"]

    def request(self, message: Message) -> Request:
        body = {
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            "to": message.address.removeprefix("+"),
            **_content(message.content),
            "biz_opaque_callback_data": message.message_id,  # comes back in every status
        }
        return Request("POST", self._path, dump_json(body), {"Content-Type": "application/json"})

    async def authorize(self, client: Any) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {self._access_token}"}

    def judge(self, answer: Answer) -> Verdict:
        body = as_object(answer.body)
        error = object_in(body, "error")
        ruling = find_ruling(RULINGS, str(error.get("code")), answer.status)
        asked = retry_after(answer.headers)
        return verdict(
            answer,
            ruling,
            provider_message_id=text_or_none(first_object(body.get("messages")).get("id")),
            retry_after_seconds=PAIR_SECONDS if asked is None and ruling[1] is Reason.PAIR_LIMITED else asked,
        )

    def challenge(self, webhook: RawWebhook) -> bytes | None:
        """What Meta's check of the address (a GET) is answered with; None for anything else."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(webhook.url).query).items()}
        given = asked.get("hub.verify_token", "").encode()
        is_ours = hmac.compare_digest(given, self._verify_token.encode())
        return asked["hub.challenge"].encode() if is_ours and asked.get("hub.challenge") else None

    def verify(self, webhook: RawWebhook) -> bool:
        given = lower_names(webhook.headers).get("x-hub-signature-256", "")
        expected = f"sha256={hmac.digest(self._app_secret.encode(), webhook.body, sha256).hex()}"
        return hmac.compare_digest(given.encode(), expected.encode())

    def events(self, webhook: RawWebhook) -> Sequence[ProviderEvent]:
        return read_each(self.name, list(self._items(as_object(webhook.body))), self._events_of)

    def _items(self, body: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        """Statuses, messages and wishes about our number: an app hears every number of its accounts."""
        for entry in objects(body.get("entry")):
            for change in objects(entry.get("changes")):
                value = object_in(change, "value")
                if object_in(value, "metadata").get("phone_number_id") == self._phone_number_id:
                    for name in ("statuses", "messages", "user_preferences"):
                        yield from objects(value.get(name))

    def _events_of(self, item: Mapping[str, Any]) -> list[ProviderEvent]:
        number = item.get("recipient_id") or item.get("from") or item.get("wa_id")
        their_id = item.get("id") or f"{number}:{item.get('category')}:{item.get('timestamp')}"
        is_status = "status" in item
        return [
            ProviderEvent(
                event_key=f"{their_id}:{kind}",
                provider=self.name,
                kind=kind,
                occurred_at=unix_moment(item.get("timestamp")),
                message_id=item.get("biz_opaque_callback_data") if is_status else None,
                provider_message_id=item["id"] if is_status else (item.get("context") or {}).get("id"),
                address=f"+{number}" if number else None,
                reason=reason.value,
                button=_answered(item)[1],
                raw=json.dumps(item),
            )
            for kind, reason in _meanings(item)
        ]


PROVIDER = MetaWhatsapp


# ---- the request


def _content(content: Mapping[str, Any]) -> dict[str, Any]:
    if "text" in content:
        return {"type": "text", "text": {"body": content["text"], "preview_url": False}}
    components: list[dict[str, Any]] = [
        {"type": part, "parameters": [_parameter(text, part) for text in content[part]]}
        for part in ("header", "body")
        if content.get(part)
    ]
    components += [
        {"type": "button", "sub_type": "url", "index": str(index), "parameters": [_parameter(text, "button")]}
        for index, text in enumerate(content.get("button") or ())
    ]
    template = {
        "name": content["template"],
        "language": {"policy": "deterministic", "code": content["language"]},
        **({"components": components} if components else {}),
    }
    return {"type": "template", "template": template}


def _parameter(text: str, part: str) -> dict[str, Any]:
    if part == "header" and text.startswith(("http://", "https://")):
        return {"type": "image", "image": {"link": text}}
    return {"type": "text", "text": text}


# ---- the receipt


def _meanings(item: Mapping[str, Any]) -> Sequence[Meaning]:
    if "status" in item:
        first = first_object(item.get("errors"))
        meaning = STATUSES.get(str(item["status"]))
        failed = FAILURES.get(str(first.get("code"))) if item["status"] == "failed" else None
        return failed or ([meaning] if meaning else [])
    if "value" in item:
        wish = PREFERENCES.get(str(item["value"]))
        return [wish] if wish else []
    if item.get("type") in ("system", "reaction", "unsupported"):
        return []
    return [meaning_of(_answered(item)[0])]


def _answered(item: Mapping[str, Any]) -> tuple[str, str]:
    """What a person wrote, or the label of the button that they touched, and our word behind that button."""
    interactive, button = item.get("interactive") or {}, item.get("button") or {}
    reply = interactive.get("button_reply") or interactive.get("list_reply") or {}
    text = (item.get("text") or {}).get("body") or button.get("text") or reply.get("title")
    return str(text or ""), str(reply.get("id") or button.get("payload") or "")
