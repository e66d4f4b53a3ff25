"""SMS by Twilio Programmable Messaging, API 2010-04-01.

Source of the rules: Twilio's OpenAPI (Messages create, list, fetch), the error dictionary
(twilio.com/docs/api/errors), "Track message status" and "Webhooks security".
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

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
from senders.providers import _twilio_receipts as receipts
from senders.providers._base import ProviderBase, speed
from senders.providers._declared import Option, like, optional, url
from senders.providers._judging import (
    HTTP_RULINGS,
    Meaning,
    Ruling,
    as_object,
    each,
    find_ruling,
    retry_after,
    verdict,
)
from senders.providers._reasons import Reason
from senders.settings import PREFIX, Settings, SettingsError

LONGEST_VALIDITY = 36_000  # seconds a message may wait in Twilio's queue

WRONG_SENDER = ("21212", "21603", "21606", "21659", "21660", "21701", "21703", "21704", "21705")
# Error codes of an answer (text) come first, then its HTTP status where the code is new to us.
RULINGS: dict[str | int, Ruling] = HTTP_RULINGS | {
    "21211": (Outcome.SUPPRESSED, Reason.INVALID_ADDRESS),
    "21610": (Outcome.SUPPRESSED, Reason.UNSUBSCRIBED),
    "21614": (Outcome.SUPPRESSED, Reason.NOT_A_MOBILE_NUMBER),
    "21635": (Outcome.SUPPRESSED, Reason.NOT_A_MOBILE_NUMBER),
    "21266": (Outcome.REJECTED, Reason.UNROUTABLE),  # To is the same as From
    "21408": (Outcome.REJECTED, Reason.COUNTRY_NOT_ENABLED),
    "21608": (Outcome.REJECTED, Reason.RECIPIENT_NOT_PERMITTED),  # a trial account's unverified number
    "21612": (Outcome.REJECTED, Reason.UNROUTABLE),
    "21602": (Outcome.REJECTED, Reason.INVALID_CONTENT),
    "21605": (Outcome.REJECTED, Reason.TOO_LARGE),
    "21617": (Outcome.REJECTED, Reason.TOO_LARGE),
    "21619": (Outcome.REJECTED, Reason.INVALID_CONTENT),
    "21611": (Outcome.RETRY, Reason.QUEUE_FULL),
    "20429": (Outcome.RETRY, Reason.RATE_LIMITED),
    "63038": (Outcome.ROUTE_BLOCKED, Reason.ACCOUNT_LIMIT),  # the account's messages of the day
    "20003": (Outcome.ROUTE_BLOCKED, Reason.CREDENTIALS_REFUSED),
    "20008": (Outcome.ROUTE_BLOCKED, Reason.CREDENTIALS_REFUSED),
    "20005": (Outcome.ROUTE_BLOCKED, Reason.ACCOUNT_SUSPENDED),
    "20404": (Outcome.ROUTE_BLOCKED, Reason.WRONG_ENDPOINT),
    **each((Outcome.ROUTE_BLOCKED, Reason.WRONG_SENDER), *WRONG_SENDER),
    "21609": (Outcome.ROUTE_BLOCKED, Reason.WRONG_ENDPOINT),  # our StatusCallback is no valid address
    201: (Outcome.ACCEPTED, Reason.ACCEPTED),
    429: (Outcome.RETRY, Reason.RATE_LIMITED),
}
STATUSES, FAILURES = receipts.STATUSES, receipts.FAILURES


class TwilioSms(ProviderBase):
    """Answers the contract's questions for Twilio."""

    name = "twilio_sms"
    channel = "sms"
    rulings: Mapping[Any, Ruling] = RULINGS
    failures: Mapping[str, Meaning] = FAILURES
    scheme = ""  # before every address, where the channel has one
    capabilities = Capabilities(echoes_message_id=True, can_look_up=True)
    options: tuple[Option, ...] = (
        Option(
            "account_sid", "the account", parse=like(r"AC[0-9a-fA-F]{32}", "AC and 32 hexadecimal digits")
        ),
        Option("auth_token", "the account's token; receipts are signed with it too", is_secret=True),
        Option("from", "number, short code or name that sends; or give a messaging service", ""),
        Option(
            "messaging_service_sid",
            "messaging service that chooses the sending number",
            "",
            optional(like(r"MG[0-9a-fA-F]{32}", "MG and 32 hexadecimal digits")),
        ),
        Option("base_url", "address of the API", "https://api.twilio.com", url),
        # Twilio queues what a sending number cannot carry at once; this is about API calls.
        speed("50"),
    )

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        chosen = self._chosen
        if not chosen["from"] and not chosen["messaging_service_sid"]:
            prefix = f"{PREFIX}{self.name.upper()}_"
            raise SettingsError(f"{prefix}FROM or {prefix}MESSAGING_SERVICE_SID: one of them is needed")
        self._account_sid: str = chosen["account_sid"]
        self._auth_token: str = chosen["auth_token"]
        self._sender = (
            ("MessagingServiceSid", chosen["messaging_service_sid"])
            if chosen["messaging_service_sid"]
            else ("From", self.scheme + chosen["from"])
        )
        self._receipts_url = f"{settings.public_url}/v1/receipts/{self.name}"

    def request(self, message: Message) -> Request:
        # Counted from due_at, not from the call: the bytes are frozen before anybody calls.
        validity = int((message.expires_at - message.due_at).total_seconds())
        form = [
            ("To", self.scheme + message.address),
            self._sender,
            *self.content(message.content, message.message_id),
            # Twilio has no field for our id; it signs and calls this address as it stands.
            ("StatusCallback", f"{self._receipts_url}?{urlencode({'message_id': message.message_id})}"),
            ("ValidityPeriod", str(min(max(validity, 1), LONGEST_VALIDITY))),
        ]
        return Request(
            method="POST",
            path=f"{self._messages_path()}.json",
            body=urlencode(form).encode(),
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        )

    def content(self, content: Mapping[str, Any], message_id: str) -> Sequence[tuple[str, str]]:
        """The fields of the form that say what the message says."""
        return [("Body", content["text"])]

    def inbound(self, fields: Mapping[str, str]) -> tuple[str | None, list[Meaning]]:
        """The message that a person answers, where that is told, and what the answer says."""
        return None, receipts.told_by_a_person(fields)

    async def authorize(self, client: Any) -> Mapping[str, str]:
        pair = f"{self._account_sid}:{self._auth_token}".encode()
        return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}

    def judge(self, answer: Answer) -> Verdict:
        body = as_object(answer.body)
        return verdict(
            answer,
            find_ruling(self.rulings, str(body.get("code")), answer.status),
            provider_message_id=str(body.get("sid") or "") or None,
            retry_after_seconds=retry_after(answer.headers),
        )

    def look_up(self, message_id: str, address: str, provider_message_id: str | None) -> Request | None:
        """The message by its sid; without one, the newest messages to this number.

        A listed message does not carry our id, so a list can only clear a message, never find it.
        """
        if provider_message_id:
            return Request("GET", f"{self._messages_path()}/{quote(provider_message_id)}.json", b"")
        return Request(
            "GET",
            f"{self._messages_path()}.json?{urlencode({'To': self.scheme + address, 'PageSize': 50})}",
            b"",
        )

    def judge_look_up(self, message_id: str, answer: Answer) -> Verdict | None:
        body = as_object(answer.body)
        if answer.status != 200 or not answer.is_complete:
            return None
        if body.get("sid"):
            accepted = (Outcome.ACCEPTED, Reason.ACCEPTED)
            return verdict(answer, accepted, provider_message_id=str(body["sid"]))
        # Asked only after the time for receipts is over: no receipt, and nothing to this number.
        if body.get("messages") == [] and not body.get("next_page_uri"):
            return verdict(answer, (Outcome.RETRY, Reason.NO_RECORD))
        return None

    def verify(self, webhook: RawWebhook) -> bool:
        return receipts.has_signed(self._auth_token, webhook)

    def events(self, webhook: RawWebhook) -> Sequence[ProviderEvent]:
        fields = {name: values[0] for name, values in receipts.read_form(webhook).items()}
        sid = fields.get("MessageSid") or fields.get("SmsSid", "")
        status = fields.get("MessageStatus") or fields.get("SmsStatus", "")
        is_inbound = status in ("received", "receiving") or (not status and "Body" in fields)
        if is_inbound:
            message_id, meanings = self.inbound(fields)
        else:
            message_id = receipts.our_id(webhook.url)
            meanings = receipts.told_of_ours(status, fields.get("ErrorCode", ""), self.failures)
        return [
            ProviderEvent(
                event_key=f"{sid}:{status or 'received'}:{kind}",
                provider=self.name,
                kind=kind,
                # Twilio's receipts carry no time: it is the time at which we read them.
                occurred_at=datetime.now(UTC),
                message_id=message_id,
                provider_message_id=None if is_inbound else sid,
                address=(fields.get("From" if is_inbound else "To") or "").removeprefix(self.scheme) or None,
                reason=reason.value,
                button=fields.get("ButtonPayload", "").rpartition(":")[2],
                raw=webhook.body.decode(errors="replace"),
            )
            for kind, reason in (meanings if sid else [])
        ]

    def _messages_path(self) -> str:
        return f"/2010-04-01/Accounts/{self._account_sid}/Messages"


PROVIDER = TwilioSms
