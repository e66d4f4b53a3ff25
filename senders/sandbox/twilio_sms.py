"""A stand-in for Twilio's Messages API: create, fetch, list, status callbacks and inbound STOP."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets as random_secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from senders.sandbox.calls import brings, first_fault, json_answer
from senders.sandbox.core import Core, asks
from senders.sandbox.receipts import Mailbox, Signed

FROM = "+15005550006"  # the sender that Twilio's own test credentials know
E164 = re.compile(r"\+[1-9]\d{6,14}")
STOP_STEPS = 6  # a weary person answers after so many steps
MORE = "https://www.twilio.com/docs/errors/"

# code: status and message, as the error dictionary has them
ERRORS = {
    20001: (400, "Bad request"),
    20003: (401, "Authenticate"),
    20404: (404, "The requested resource was not found"),
    20429: (429, "Too Many Requests"),
    20500: (500, "Internal Server Error"),
    21211: (400, "Invalid 'To' Phone Number: {to}"),
    21408: (
        400,
        "Permission to send an SMS has not been enabled for the region indicated by the 'To' number: {to}",
    ),
    21602: (400, "Message body is required."),
    21603: (400, "A 'From' phone number is required."),
    21604: (400, "A 'To' phone number is required."),
    21606: (
        400,
        "The 'From' phone number {from_} is not a valid, SMS-capable inbound phone number for your account.",
    ),
    21609: (400, "The 'StatusCallback' URL {callback} is not a valid URL."),
    21610: (400, "Attempt to send to unsubscribed recipient"),
    21612: (
        400,
        "The 'To' phone number {to} is not currently reachable using the 'From' phone number {from_}.",
    ),
    21614: (400, "'To' number is not a valid mobile number: {to}"),
    21617: (400, "The concatenated message body exceeds the 1600 character limit"),
    21703: (400, "The Messaging Service does not contain any phone numbers."),
}

# The numbers of Twilio's test credentials, and what each stands for.
TEST_NUMBERS = {
    "+15005550001": 21211,
    "+15005550002": 21612,
    "+15005550003": 21408,
    "+15005550004": 21610,
    "+15005550009": 21614,
}


class TwilioSmsSandbox:
    name = "twilio_sms"
    channel = "sms"
    prefix = ""  # before every path, and before every address
    scheme = ""
    services: tuple[str, ...] = ()  # Messaging Services that have a sender

    def __init__(self, core: Core, secrets: Mapping[str, str]) -> None:
        self._core = core
        self._sid = secrets["account_sid"]
        self._token = secrets["auth_token"]
        pair = f"{self._sid}:{self._token}".encode()
        self._authorization = f"Basic {base64.b64encode(pair).decode()}"

    @staticmethod
    def new_secrets() -> dict[str, str]:
        return {
            "account_sid": f"AC{random_secrets.token_hex(16)}",
            "auth_token": random_secrets.token_hex(16),
        }

    @staticmethod
    def environment(secrets: Mapping[str, str], base_url: str, home: Path) -> dict[str, str]:
        return {
            "ACCOUNT_SID": secrets["account_sid"],
            "AUTH_TOKEN": secrets["auth_token"],
            "FROM": FROM,
            "BASE_URL": base_url,
            "MESSAGES_PER_SECOND": "2000",
        }

    def routes(self) -> list[Route]:
        messages = f"{self.prefix}/2010-04-01/Accounts/{{account}}/Messages"
        return [
            self._core.sends(self, f"{messages}.json", self._create),
            asks(f"{messages}.json", self._list),
            asks(f"{messages}/{{sid}}.json", self._fetch),
        ]

    def too_many(self) -> Response:
        return _error(20429, headers={"Twilio-Concurrent-Requests": "100"})

    def broken(self) -> Response:
        return _error(20500)

    # ---- the API

    def _create(self, request: Request, body: bytes) -> Response:
        if refused := self._refusal(request):
            return refused
        form = self._form(body)
        code = self._fault_of(form)
        if code:
            words = {"to": form.get("To"), "from_": form.get("From"), "callback": form.get("StatusCallback")}
            return _error(code, words)
        message_id = _our_id(form.get("StatusCallback", ""))
        accepted = self._core.accept(
            self,
            body,
            recipient=form["To"],
            message_id=message_id,
            provider_message_id=f"SM{random_secrets.token_hex(16)}",
            text=form["Body"],
            links=re.findall(r'https?://[^\s"]+', form["Body"]),
        )
        self._plan_receipts(accepted.provider_message_id, form)
        return json_answer(self._resource(asdict(accepted), "queued"), 201)

    def _form(self, body: bytes) -> dict[str, str]:
        return dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))

    def _fetch(self, request: Request, body: bytes) -> Response:
        if refused := self._refusal(request):
            return refused
        row = self._core.journal.by_provider_id(self.name, request.path_params["sid"])
        return json_answer(self._resource(row)) if row else _error(20404)

    def _list(self, request: Request, body: bytes) -> Response:
        if refused := self._refusal(request):
            return refused
        size = min(int(request.query_params.get("PageSize", 50)), 1000)
        rows = self._core.journal.by_recipient(
            self.name, request.query_params.get("To", "").removeprefix(self.scheme), size
        )
        path = f"/2010-04-01/Accounts/{self._sid}/Messages.json?PageSize={size}&Page=0"
        page = {"first_page_uri": path, "next_page_uri": None, "previous_page_uri": None, "page": 0,
                "page_size": size, "start": 0, "end": max(0, len(rows) - 1), "uri": path}  # fmt: skip
        return json_answer({**page, "messages": [self._resource(row) for row in rows]})

    def _refusal(self, request: Request) -> Response | None:
        if not brings(request, self._authorization):
            return _error(20003, headers={"WWW-Authenticate": 'Basic realm="Twilio API"'})
        return None if request.path_params["account"] == self._sid else _error(20404)

    def _fault_of(self, form: Mapping[str, str]) -> int | None:
        """The code of the first thing wrong with a message, in the order in which Twilio looks."""
        to, body, callback = form.get("To", ""), form.get("Body", ""), form.get("StatusCallback")
        validity = form.get("ValidityPeriod", "36000")
        checks = (
            (not to, 21604),
            (not form.get("From") and not form.get("MessagingServiceSid"), 21603),
            (form.get("From", FROM) != FROM, 21606),
            (form.get("MessagingServiceSid") not in (None, *self.services), 21703),
            (not body, 21602),
            (len(body) > 1600, 21617),
            (callback is not None and not _is_callback(callback), 21609),
            (not validity.isdigit() or not 1 <= int(validity) <= 36_000, 20001),
            (to in TEST_NUMBERS, TEST_NUMBERS.get(to, 0)),
            (not E164.fullmatch(to), 21211),
            (self._has_opted_out(to), 21610),
        )
        return first_fault(checks)

    def _resource(self, row: Mapping[str, Any], status: str | None = None) -> dict[str, Any]:
        """The Message resource of a row of the journal."""
        status, error_code = (status, None) if status else self._status(row)
        at = format_datetime(datetime.fromisoformat(row["accepted_at"]).astimezone(UTC))
        uri = f"/2010-04-01/Accounts/{self._sid}/Messages/{row['provider_message_id']}"
        return {
            "account_sid": self._sid, "api_version": "2010-04-01", "body": row["text"],
            "date_created": at, "date_sent": None if status == "queued" else at, "date_updated": at,
            "direction": "outbound-api", "error_code": error_code, "error_message": None, "from": FROM,
            "messaging_service_sid": None, "num_media": "0", "num_segments": "1", "price": None,
            "price_unit": "USD", "sid": row["provider_message_id"], "status": status,
            "subresource_uris": {"media": f"{uri}/Media.json"}, "to": row["recipient"], "uri": f"{uri}.json",
        }  # fmt: skip

    # ---- what becomes of a message

    def _fate(self, recipient: str) -> tuple[str, int | None]:
        """Final status and error code; a number that fails today fails tomorrow."""
        if self._core.world.chance("undelivered", recipient) >= self._core.world.undelivered_share:
            return "delivered", None
        return "undelivered", 30003 if self._core.world.chance("why", recipient) < 0.7 else 30005

    def _is_weary(self, to: str) -> bool:
        return self._core.world.chance("stop", to) < self._core.world.stop_share

    def _has_opted_out(self, to: str) -> bool:
        """True once a weary person's STOP came in: it follows from the journal, in any run."""
        rows = self._core.journal.by_recipient(self.name, to) if self._is_weary(to) else []
        return any(
            _age(row) >= self._core.world.delay(STOP_STEPS, row["provider_message_id"]) for row in rows
        )

    def _status(self, row: Mapping[str, Any]) -> tuple[str, int | None]:
        age = _age(row)
        if age < self._core.world.delay(2, row["provider_message_id"]):
            return ("queued" if age < self._core.world.delay(1, row["provider_message_id"]) else "sent"), None
        return self._fate(row["recipient"])

    def _plan_receipts(self, sid: str, form: Mapping[str, str]) -> None:
        world, queue, to = self._core.world, self._core.receipts, form["To"]
        if form.get("StatusCallback"):
            mailbox = Mailbox(form["StatusCallback"], self._sign)
            status, error_code = self._fate(to)
            queue.schedule(world.delay(1, sid), mailbox, self._receipt(sid, to, "sent"))
            queue.schedule(world.delay(2, sid), mailbox, self._receipt(sid, to, status, error_code))
        if self._is_weary(to):
            inbound = Mailbox(self._core.receipts_url(self.name), self._sign)
            queue.schedule(world.delay(STOP_STEPS, sid), inbound, self._inbound_stop(sid, to))

    def _receipt(self, sid: str, to: str, status: str, error_code: int | None = None) -> dict[str, str]:
        fields = {
            "ApiVersion": "2010-04-01", "MessageStatus": status, "SmsSid": sid, "SmsStatus": status,
            "To": self.scheme + to, "From": self.scheme + FROM, "MessageSid": sid, "AccountSid": self._sid,
        }  # fmt: skip
        return fields | ({"ErrorCode": str(error_code)} if error_code else {})

    def _inbound_stop(self, sid: str, to: str) -> dict[str, str]:
        inbound_sid = f"SM{hashlib.md5(sid.encode(), usedforsecurity=False).hexdigest()}"
        return {
            "ToCountry": "US", "SmsMessageSid": inbound_sid, "NumMedia": "0", "SmsSid": inbound_sid,
            "SmsStatus": "received", "Body": "STOP", "OptOutType": "STOP", "NumSegments": "1",
            "To": self.scheme + FROM, "From": self.scheme + to,
            "MessageSid": inbound_sid, "AccountSid": self._sid, "ApiVersion": "2010-04-01",
        }  # fmt: skip

    def _sign(self, url: str, receipts: Sequence[Any]) -> Signed:
        fields = receipts[0]
        signed = url + "".join(f"{name}{fields[name]}" for name in sorted(fields))
        digest = hmac.new(self._token.encode(), signed.encode(), hashlib.sha1).digest()
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Twilio-Signature": base64.b64encode(digest).decode(),
        }
        return headers, urlencode(fields).encode()


SANDBOX = TwilioSmsSandbox


def _error(
    code: int, words: Mapping[str, str | None] | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    status, text = ERRORS[code]
    body = {"code": code, "message": text.format_map(words or {}), "more_info": f"{MORE}{code}"}
    return json_answer({**body, "status": status}, status, headers)


def _age(row: Mapping[str, Any]) -> float:
    return (datetime.now(UTC) - datetime.fromisoformat(row["accepted_at"])).total_seconds()


def _is_callback(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in ("http", "https") and bool(parts.hostname) and "_" not in (parts.hostname or "")


def _our_id(callback: str) -> str | None:
    return parse_qs(urlsplit(callback).query).get("message_id", [None])[0]
