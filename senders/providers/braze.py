"""E-mail by Braze, for who keeps it: API-triggered transactional campaigns.

Source of the rules: braze.com/docs ("Send transactional emails using API-triggered delivery", "Tracking
transactional emails", "API errors and responses", "Rate limits"). The campaign's message in Braze is
`{{api_trigger_properties.${subject}}}`, `${html}` and `${text}`: what is said is decided and written here.
The person is Braze's `external_id`, which is our user id, and gets the address that the message has. Its
postbacks carry no signature: the address that is given to Braze ends in `?token=` and a word of ours.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping, Sequence
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
    find_ruling,
    moment,
    read_each,
    read_json,
    retry_after,
    text_or_none,
    until_reset,
    verdict,
)
from senders.providers._mail import ascii_address
from senders.providers._reasons import Reason
from senders.settings import Settings

DAY = 24 * 60 * 60  # for so long a repeated external_send_id is no new message
WRONG_CAMPAIGN: Ruling = (Outcome.ROUTE_BLOCKED, Reason.MISSING_TEMPLATE)

# HTTP status, or status and a word of the answer's message.
RULINGS: dict[Any, Ruling] = HTTP_RULINGS | {
    201: (Outcome.ACCEPTED, Reason.ACCEPTED),
    202: (Outcome.ACCEPTED, Reason.QUEUED),  # maintenance: kept, and sent afterwards
    (400, "campaign"): WRONG_CAMPAIGN,  # not there, archived, paused, or no transactional one
    403: (Outcome.ROUTE_BLOCKED, Reason.ACCOUNT_SUSPENDED),
    429: (Outcome.RETRY, Reason.RATE_LIMITED),
}

# status of a postback
EVENTS: dict[str, Meaning] = {
    "sent": (EventKind.ACCEPTED, Reason.QUEUED),
    "processed": (EventKind.SENT, Reason.SENT),
    "delivered": (EventKind.DELIVERED, Reason.DELIVERED),
    "bounced": (EventKind.BOUNCED, Reason.BOUNCED),
    "aborted": (EventKind.FAILED, Reason.FAILED_UNEXPLAINED),
}


class Braze(ProviderBase):
    """Answers the contract's questions for Braze."""

    name = "braze"
    channel = "email"
    # No look-up: sending the same id again is safe instead.
    capabilities = Capabilities(dedupe_seconds=DAY, echoes_message_id=True, signs_receipts=False)
    options = (
        Option("api_key", "REST API key with the right transactional.send", is_secret=True),
        Option("campaign_id", "id of the transactional campaign"),
        Option(
            "base_url", "REST endpoint of the account's instance, as https://rest.iad-01.braze.com", parse=url
        ),
        Option("webhook_token", "word at the end of the postback's address", is_secret=True),
        # 250,000 calls an hour, shared with everything else that calls Braze.
        speed("50"),
    )

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        chosen = self._chosen
        self._api_key: str = chosen["api_key"]
        self._campaign_id: str = chosen["campaign_id"]
        self._webhook_token: str = chosen["webhook_token"]

    def request(self, message: Message) -> Request:
        said = {name: message.content[name] for name in ("subject", "html", "text")}
        body = {
            "external_send_id": message.message_id,
            "trigger_properties": {**said, "preheader": message.content.get("preheader", "")},
            "recipient": {
                "external_user_id": message.user_id,
                "attributes": {"email": ascii_address(message.address)},
            },
        }
        path = f"/transactional/v1/campaigns/{quote(self._campaign_id)}/send"
        return Request("POST", path, dump_json(body), {"Content-Type": "application/json"})

    async def authorize(self, client: Any) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {self._api_key}"}

    def judge(self, answer: Answer) -> Verdict:
        said = as_object(answer.body)
        words = str(said.get("message")).lower().replace("_", " ").split()
        return verdict(
            answer,
            find_ruling(RULINGS, *((answer.status, word) for word in words), answer.status),
            provider_message_id=text_or_none(said.get("dispatch_id")),
            retry_after_seconds=retry_after(answer.headers) or until_reset(answer.headers),
        )

    def verify(self, webhook: RawWebhook) -> bool:
        given = parse_qs(urlsplit(webhook.url).query).get("token", [""])[0]
        return hmac.compare_digest(given.encode(), self._webhook_token.encode())

    def events(self, webhook: RawWebhook) -> Sequence[ProviderEvent]:
        return read_each(self.name, [read_json(webhook.body)], self._events_of)

    def _events_of(self, item: Mapping[str, Any]) -> list[ProviderEvent]:
        status, told = str(item.get("status")), item.get("metadata")
        if status not in EVENTS or not isinstance(told, dict):
            return []
        kind, reason = EVENTS[status]
        return [
            ProviderEvent(
                event_key=f"{item['dispatch_id']}:{status}",
                provider=self.name,
                kind=kind,
                occurred_at=moment(told.get(f"{status}_at")),
                message_id=told.get("external_send_id"),
                provider_message_id=item["dispatch_id"],
                reason=reason.value,
                raw=json.dumps(item),
            )
        ]


PROVIDER = Braze
