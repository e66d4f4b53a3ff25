"""SMS by Twilio Programmable Messaging, API 2010-04-01.

Source of the rules: Twilio's OpenAPI (Messages create, list, fetch), the error dictionary
(twilio.com/docs/api/errors), "Track message status" and "Webhooks security".
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

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
from senders.providers._declared import Option, like, optional, url
from senders.providers._judging import (
    HTTP_RULINGS,
    Meaning,
    Ruling,
    as_object,
    find_ruling,
    retry_after,
    verdict,
)
from senders.providers._reasons import Reason
from senders.providers._replies import meaning_of
from senders.settings import PREFIX, Settings, SettingsError

LONGEST_VALIDITY = 36_000  # seconds a message may wait in Twilio's queue

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
    "21212": (Outcome.ROUTE_BLOCKED, Reason.WRONG_SENDER),
    "21603": (Outcome.ROUTE_BLOCKED, Reason.WRONG_SENDER),
    "21606": (Outcome.ROUTE_BLOCKED, Reason.WRONG_SENDER),
    "21659": (Outcome.ROUTE_BLOCKED, Reason.WRONG_SENDER),
    "21660": (Outcome.ROUTE_BLOCKED, Reason.WRONG_SENDER),
    "21701": (Outcome.ROUTE_BLOCKED, Reason.WRONG_SENDER),
    "21703": (Outcome.ROUTE_BLOCKED, Reason.WRONG_SENDER),
    "21704": (Outcome.ROUTE_BLOCKED, Reason.WRONG_SENDER),
    "21705": (Outcome.ROUTE_BLOCKED, Reason.WRONG_SENDER),
    "21609": (Outcome.ROUTE_BLOCKED, Reason.WRONG_ENDPOINT),  # our StatusCallback is no valid address
    201: (Outcome.ACCEPTED, Reason.ACCEPTED),
    429: (Outcome.RETRY, Reason.RATE_LIMITED),
}

STATUSES: dict[str, Meaning] = {
    "accepted": (EventKind.ACCEPTED, Reason.QUEUED),
    "scheduled": (EventKind.ACCEPTED, Reason.QUEUED),
    "queued": (EventKind.ACCEPTED, Reason.QUEUED),
    "sending": (EventKind.ACCEPTED, Reason.QUEUED),
    "sent": (EventKind.SENT, Reason.SENT),
    "delivered": (EventKind.DELIVERED, Reason.DELIVERED),
    "read": (EventKind.READ, Reason.READ),
    "canceled": (EventKind.FAILED, Reason.CANCELLED),
    "undelivered": (EventKind.FAILED, Reason.FAILED_UNEXPLAINED),
    "failed": (EventKind.FAILED, Reason.FAILED_UNEXPLAINED),
}

# ErrorCode of a receipt with status failed or undelivered.
FAILURES: dict[str, Meaning] = {
    "21610": (EventKind.FAILED, Reason.UNSUBSCRIBED),
    "30001": (EventKind.FAILED, Reason.QUEUE_FULL),
    "30002": (EventKind.FAILED, Reason.ACCOUNT_SUSPENDED),
    "30003": (EventKind.FAILED, Reason.HANDSET_UNREACHABLE),
    "30004": (EventKind.FAILED, Reason.BLOCKED_BY_CARRIER),
    "30005": (EventKind.BOUNCED, Reason.UNKNOWN_NUMBER),
    "30006": (EventKind.BOUNCED, Reason.NOT_A_MOBILE_NUMBER),
    "30007": (EventKind.FAILED, Reason.BLOCKED_BY_CARRIER),
    "30008": (EventKind.FAILED, Reason.FAILED_UNEXPLAINED),
    "30034": (EventKind.FAILED, Reason.WRONG_SENDER),
    "30036": (EventKind.FAILED, Reason.EXPIRED_UNDELIVERED),
}


# OptOutType of what a person wrote
HANDLED: dict[str, Meaning] = {
    "STOP": (EventKind.UNSUBSCRIBED, Reason.OPT_OUT_WORD),
    "START": (EventKind.REPLIED, Reason.RESUBSCRIBED),
    "HELP": (EventKind.REPLIED, Reason.REPLIED),
}


def content_sids(text: str) -> dict[str, str]:
    """`cart_reminder.en=HX…,hello.en=HX…`; ValueError says so."""
    pairs = [part.strip().partition("=") for part in text.split(",") if part.strip()]
    if not all(name and re.fullmatch(r"HX[0-9a-fA-F]{32}", sid) for name, _, sid in pairs):
        raise ValueError("must look like cart_reminder.en=HX and 32 hexadecimal digits, separated by commas")
    return {name: sid for name, _, sid in pairs}


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
        return None, _inbound(fields)

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
        fields = _form(webhook)
        signed = "".join(f"{name}{value}" for name in sorted(fields) for value in sorted(set(fields[name])))
        given = webhook.headers.get("x-twilio-signature", "").encode()
        return any(
            hmac.compare_digest(self._signature(address + signed), given)
            for address in _with_and_without_port(webhook.url)
        )

    def events(self, webhook: RawWebhook) -> Sequence[ProviderEvent]:
        fields = {name: values[0] for name, values in _form(webhook).items()}
        sid = fields.get("MessageSid") or fields.get("SmsSid", "")
        status = fields.get("MessageStatus") or fields.get("SmsStatus", "")
        is_inbound = status in ("received", "receiving") or (not status and "Body" in fields)
        if is_inbound:
            message_id, meanings = self.inbound(fields)
        else:
            message_id = _message_id(webhook.url)
            meanings = _outbound(status, fields.get("ErrorCode", ""), self.failures)
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

    def _signature(self, text: str) -> bytes:
        digest = hmac.new(self._auth_token.encode(), text.encode(), hashlib.sha1).digest()
        return base64.b64encode(digest)


PROVIDER = TwilioSms


def _form(webhook: RawWebhook) -> dict[str, list[str]]:
    return parse_qs(webhook.body.decode(errors="replace"), keep_blank_values=True)


def _outbound(status: str, error_code: str, failures: Mapping[str, Meaning]) -> list[Meaning]:
    meaning = STATUSES.get(status)
    if meaning is None or meaning[0] is not EventKind.FAILED:
        return [meaning] if meaning else []
    meaning = failures.get(error_code, meaning)
    opted_out = [(EventKind.UNSUBSCRIBED, Reason.OPT_OUT_WORD)]
    return [meaning, *(opted_out if meaning[1] is Reason.UNSUBSCRIBED else [])]


def _inbound(fields: Mapping[str, str]) -> list[Meaning]:
    """A person wrote. OptOutType is there where Twilio itself handled STOP, START or HELP, and answered."""
    handled = HANDLED.get(fields.get("OptOutType", ""))
    return [handled or meaning_of(fields.get("Body", ""))]


def _message_id(address: str) -> str | None:
    return parse_qs(urlsplit(address).query).get("message_id", [None])[0]


def _with_and_without_port(address: str) -> list[str]:
    """Twilio signs the port in some set-ups and leaves it out in others; either is its signature."""
    parts = urlsplit(address)
    port = {"https": 443, "http": 80}.get(parts.scheme)
    host = parts.hostname or ""
    if parts.port is None:
        return [address, parts._replace(netloc=f"{host}:{port}").geturl()]
    if parts.port == port:
        return [address, parts._replace(netloc=host).geturl()]
    return [address]
