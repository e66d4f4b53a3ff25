"""Mails about mails: reports of delivery (RFC 3464) and of complaints (RFC 5965)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import Message
from email.utils import parsedate_to_datetime

REPORTS = ("message/delivery-status", "message/feedback-report")
RETURNED = ("message/rfc822", "text/rfc822-headers", "message/rfc822-headers")


@dataclass(frozen=True, slots=True)
class Report:
    """One recipient's part of a report. `action` is RFC 3464's (failed, delayed, delivered, relayed,
    expanded), or `complaint`; `status` the enhanced code; `message_id` the Message-ID of the mail in
    question without its brackets; `envelope_id` what we gave the server (ENVID)."""

    action: str
    status: str
    recipient: str
    envelope_id: str
    message_id: str
    report_id: str
    date: str


def reports_in(mail: bytes) -> list[Report]:
    """What a mail reports; nothing where it is no report."""
    return list(_reports(message_from_bytes(mail, policy=policy.compat32)))


def _reports(mail: Message) -> Iterator[Report]:
    parts = list(mail.walk())
    returned = next((_original(part) for part in parts if part.get_content_type() in RETURNED), {})
    for part in parts:
        if part.get_content_type() not in REPORTS:
            continue
        blocks = _blocks(part)
        is_complaint = part.get_content_type() == "message/feedback-report"
        known = [block["original-envelope-id"] for block in blocks if "original-envelope-id" in block]
        for block in blocks:
            recipient = block.get("original-recipient") or block.get("final-recipient")
            recipient = recipient or (block.get("original-rcpt-to") if is_complaint else None)
            if recipient is None and not (is_complaint and block):
                continue
            yield Report(
                action="complaint" if is_complaint else block.get("action", "").lower(),
                status=block.get("status", "").partition(" ")[0],
                recipient=(recipient or returned.get("to", "")).rpartition(";")[2].strip(" <>"),
                envelope_id=known[0] if known else "",
                message_id=returned.get("message-id", "").strip(" <>"),
                report_id=str(mail.get("Message-ID") or "").strip(" <>"),
                date=_date(block.get("last-attempt-date") or block.get("arrival-date") or mail.get("Date")),
            )


def _blocks(part: Message) -> list[dict[str, str]]:
    """The groups of fields of a report; Python reads each as a message of its own."""
    payload = part.get_payload()
    inner = payload if isinstance(payload, list) else []
    if inner:
        groups = [each for each in inner if isinstance(each, Message)]
    else:
        groups = [message_from_bytes(_bytes(part), policy=policy.compat32)]
    # An ARF report arrives with its fields as the text of a message without a head.
    return [_fields(group) for group in groups]


def _fields(group: Message) -> dict[str, str]:
    return {name.lower(): " ".join(str(value).split()) for name, value in group.items()}


def _original(part: Message) -> dict[str, str]:
    payload = part.get_payload()
    if isinstance(payload, list) and payload and isinstance(payload[0], Message):
        return _fields(payload[0])
    return _fields(message_from_bytes(_bytes(part), policy=policy.compat32))


def _bytes(part: Message) -> bytes:
    payload = part.get_payload(decode=True)
    return (
        payload.lstrip() if isinstance(payload, bytes) else str(part.get_payload()).encode(errors="replace")
    )


def _date(text: str | None) -> str:
    """RFC 5322's date in ISO 8601; empty where it is none."""
    try:
        return parsedate_to_datetime(str(text)).isoformat()
    except ValueError:
        return ""
