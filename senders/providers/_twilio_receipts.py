"""What Twilio calls us with, whatever the channel: a signed form about a message of ours or from a person.

Source of the rules: "Track message status", "Webhooks security" and the error dictionary
(twilio.com/docs/api/errors).
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Iterator, Mapping
from functools import lru_cache
from urllib.parse import parse_qs, urlsplit

from senders.contract import EventKind, RawWebhook
from senders.providers._judging import Meaning
from senders.providers._reasons import Reason
from senders.providers._replies import meaning_of

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

# OptOutType of what a person wrote: there where Twilio itself handled the word, and answered.
HANDLED: dict[str, Meaning] = {
    "STOP": (EventKind.UNSUBSCRIBED, Reason.OPT_OUT_WORD),
    "START": (EventKind.REPLIED, Reason.RESUBSCRIBED),
    "HELP": (EventKind.REPLIED, Reason.REPLIED),
}


def read_form(webhook: RawWebhook) -> Mapping[str, list[str]]:
    return _form(webhook.body)


@lru_cache(maxsize=1)  # it is verified and then read, one after the other
def _form(body: bytes) -> Mapping[str, list[str]]:
    return parse_qs(body.decode(errors="replace"), keep_blank_values=True)


def has_signed(auth_token: str, webhook: RawWebhook) -> bool:
    """Whether the account signed it: HMAC-SHA1 over the address and every field in the order of its name."""
    fields = read_form(webhook)
    signed = "".join(f"{name}{value}" for name in sorted(fields) for value in sorted(set(fields[name])))
    given = webhook.headers.get("x-twilio-signature", "").encode()
    return any(
        hmac.compare_digest(base64.b64encode(hmac.digest(auth_token.encode(), text.encode(), "sha1")), given)
        for text in (address + signed for address in _with_and_without_port(webhook.url))
    )


def told_of_ours(status: str, error_code: str, failures: Mapping[str, Meaning]) -> list[Meaning]:
    """What became of a message of ours. `failures`: the channel's FAILURES."""
    meaning = STATUSES.get(status)
    if meaning is None or meaning[0] is not EventKind.FAILED:
        return [meaning] if meaning else []
    meaning = failures.get(error_code, meaning)
    opted_out = [(EventKind.UNSUBSCRIBED, Reason.OPT_OUT_WORD)]
    return [meaning, *(opted_out if meaning[1] is Reason.UNSUBSCRIBED else [])]


def told_by_a_person(fields: Mapping[str, str]) -> list[Meaning]:
    handled = HANDLED.get(fields.get("OptOutType", ""))
    return [handled or meaning_of(fields.get("Body", ""))]


def our_id(address: str) -> str | None:
    """Of the address that we gave as StatusCallback."""
    return parse_qs(urlsplit(address).query).get("message_id", [None])[0]


def _with_and_without_port(address: str) -> Iterator[str]:
    """Twilio signs the port in some set-ups and leaves it out in others; either is its signature."""
    yield address
    parts = urlsplit(address)
    port = {"https": 443, "http": 80}.get(parts.scheme)
    host = parts.hostname or ""
    if parts.port is None:
        yield parts._replace(netloc=f"{host}:{port}").geturl()
    elif parts.port == port:
        yield parts._replace(netloc=host).geturl()
