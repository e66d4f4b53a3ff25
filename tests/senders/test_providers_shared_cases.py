"""Recorded cases of other projects' test suites: what applies is tried, what does not says why.

They are shared material, not part of the repository.
"""

from __future__ import annotations

import json
from datetime import datetime
from email.utils import parseaddr
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from provider_samples import message, provider_of

from senders.contract import RawWebhook

CASES = Path(__file__).resolve().parents[3] / "shared" / "cases"

pytestmark = pytest.mark.skipif(not CASES.is_dir(), reason="the shared cases are not here")


def load(name: str) -> Any:
    return json.loads((CASES / name).read_text()) if CASES.is_dir() else []


# ---- signatures

SIGNATURES = {
    "twilio": "twilio_sms",
    "sendgrid": "sendgrid",
    "standard-webhooks": "resend",
    "x-hub-signature-256": "meta_whatsapp",
}


def of_our_providers() -> list[Any]:
    vectors = [vector for vector in load("webhook_signatures.json") if vector["provider"] in SIGNATURES]
    return [pytest.param(vector, id=f"{vector['provider']}: {vector['name']}") for vector in vectors]


@pytest.mark.parametrize("vector", of_our_providers())
def test_a_signature_is_judged_as_the_official_sdk_judges_it(tmp_path: Path, vector: dict[str, Any]):
    name = SIGNATURES[vector["provider"]]
    provider = provider_of(tmp_path, name, _keys_of(vector))
    assert provider.verify(_webhook_of(vector)) == vector["valid"]


@pytest.mark.parametrize(
    "vector",
    [each.values[0] for each in of_our_providers() if each.values[0]["provider"] == "standard-webhooks"],
)
def test_any_endpoint_s_receipts_are_judged_by_the_vectors_of_standard_webhooks(
    tmp_path: Path, vector: dict[str, Any]
):
    provider = provider_of(tmp_path, "webhook", {"secret": vector["secret"]})
    webhook = _webhook_of(vector)
    headers = {name.replace("svix-", "webhook-"): value for name, value in webhook.headers.items()}
    assert provider.verify(RawWebhook(webhook.url, headers, webhook.body)) == vector["valid"]


def test_every_vector_is_of_a_scheme_that_a_provider_here_uses():
    assert {vector["provider"] for vector in load("webhook_signatures.json")} == set(SIGNATURES)


def _keys_of(vector: dict[str, Any]) -> dict[str, str]:
    if vector["provider"] == "twilio":
        return {"auth_token": vector["auth_token"]}
    if vector["provider"] == "standard-webhooks":
        return {"webhook_secret": vector["secret"]}
    if vector["provider"] == "x-hub-signature-256":
        return {"app_secret": vector["secret"]}
    return {"webhook_public_key": vector["public_key"]}


def _webhook_of(vector: dict[str, Any]) -> RawWebhook:
    if vector["provider"] == "twilio":
        pairs = [tuple(pair) for pair in vector.get("params_multi") or vector["params"].items()]
        headers = {"x-twilio-signature": vector["signature"]}
        return RawWebhook(vector["url"], headers, urlencode(pairs).encode())
    if vector["provider"] == "standard-webhooks":
        signed = {"svix-id": vector["id"], "svix-timestamp": vector["timestamp"]}
        headers = {**signed, "svix-signature": vector["signature"]}
        return RawWebhook("https://shop.example/v1/receipts/resend", headers, vector["body"].encode())
    if vector["provider"] == "x-hub-signature-256":
        headers = {"x-hub-signature-256": vector["signature"]}
        return RawWebhook("https://shop.example/v1/receipts/meta_whatsapp", headers, vector["body"].encode())
    headers = {
        "x-twilio-email-event-webhook-signature": vector["signature"],
        "x-twilio-email-event-webhook-timestamp": vector["timestamp"],
    }
    return RawWebhook("https://shop.example/v1/receipts/sendgrid", headers, vector["body"].encode())


def test_the_recorded_mail_receipts_are_read(tmp_path: Path):
    """A real capture: a mail that was taken and then refused because the mailbox is over quota."""
    vectors = [vector for vector in load("webhook_signatures.json") if "real capture" in vector["name"]]
    provider = provider_of(tmp_path, "sendgrid", _keys_of(vectors[0]))
    events = provider.events(_webhook_of(vectors[0]))
    assert [(event.kind, event.reason) for event in events] == [
        ("accepted", "queued"),
        ("failed", "blocked_by_mailbox"),
    ]
    assert {event.provider_message_id for event in events} == {"qNwBLgPQQjW6DJvKQwSAbw"}


# ---- receipts: Postmark

# anymail's words for what happened, and ours.
SAID_BY_ANYMAIL = {
    "bounced": "bounced",
    "clicked": "clicked",
    "complained": "complained",
    "delivered": "delivered",
    "opened": "opened",
    "subscribed": "replied",
    "unsubscribed": "unsubscribed",
}


def postmark_receipts() -> list[dict[str, Any]]:
    return load("postmark_webhooks.json")["cases"] if CASES.is_dir() else []


@pytest.mark.parametrize("case", postmark_receipts(), ids=lambda case: case["test"].rpartition(".")[2])
def test_a_recorded_postmark_receipt_is_read_as_anymail_reads_it(tmp_path: Path, case: dict[str, Any]):
    provider = provider_of(tmp_path, "postmark")
    webhook = RawWebhook("https://shop.example/", {}, json.dumps(case["payload"]).encode())
    wanted = [event for event in case["events"] if event["event_type"] != "unknown"]
    events = provider.events(webhook)
    assert [event.kind for event in events] == [SAID_BY_ANYMAIL[event["event_type"]] for event in wanted]
    for event, anymails in zip(events, wanted, strict=True):
        assert event.provider_message_id == anymails["message_id"]
        assert event.address == anymails.get("recipient")
        if "timestamp" in anymails:
            assert event.occurred_at == datetime.fromisoformat(anymails["timestamp"])


# ---- messages: SMS

SMS_LEFT_OUT = {
    "segment-twilio-02": "another channel (Messenger)",
    "segment-twilio-03": "content templates: our text is rendered here",
    "segment-twilio-04": "another channel (RCS), media and scheduling",
    "segment-twilio-05": "another channel (RCS), media and scheduling",
    "segment-twilio-06": "tags: we send none",
    "segment-twilio-07": "another channel (Messenger)",
    "segment-twilio-08": "another channel (Messenger)",
    "segment-twilio-09": "a number is checked long before: no address reaches a provider unchecked",
    "segment-twilio-10": "a missing sender stops the start: test_providers_registry.py",
}
SMS_TRIED = {"segment-twilio-01": {"Tags"}}  # what that project sends and we do not
OURS_ONLY = {"StatusCallback", "ValidityPeriod"}


def test_an_sms_is_what_the_recorded_one_is(tmp_path: Path):
    recorded = {case["id"]: case for case in load("twilio_messages.json")["cases"]}
    assert set(recorded) == set(SMS_TRIED) | set(SMS_LEFT_OUT)
    for case_id, theirs_only in SMS_TRIED.items():
        given, wanted = recorded[case_id]["message"], recorded[case_id]["expect"]["request"]
        options = {"from": given["from"], "account_sid": "AC1234567890abcdef1234567890abcdef"}
        provider = provider_of(tmp_path, "twilio_sms", options)
        request = provider.request(message("sms", address=given["to"], content={"text": given["body"]}))
        assert provider.base_url + request.path == wanted["url"]
        ours = [pair for pair in parse_qsl(request.body.decode()) if pair[0] not in OURS_ONLY]
        assert ours == [tuple(pair) for pair in wanted["form"] if pair[0] not in theirs_only]
        assert wanted["raw"].startswith(request.body.decode().split("&StatusCallback")[0])


# ---- messages: mail

# Keys of a recorded message that we have no counterpart for, and why.
MAIL_LEFT_OUT = {
    "cc": "a message goes to one person",
    "bcc": "a message goes to one person",
    "merge_data": "merging at the provider: our text is rendered here",
    "merge_global_data": "merging at the provider: our text is rendered here",
    "merge_metadata": "metadata: only our message id travels",
    "merge_headers": "a message goes to one person",
    "template_id": "templates at the provider: our text is rendered here",
    "metadata": "metadata: only our message id travels",
    "tags": "categories: we send none",
    "esp_extra": "that project's own way past its API",
    "send_at": "scheduling at the provider: our ledger knows when a message is due",
    "attachments": "attachments: we send none",
    "track_opens": "tracking is not a choice of the message",
    "track_clicks": "tracking is not a choice of the message",
}


def why_left_out(case: dict[str, Any]) -> str | None:
    given = case["message"]
    reasons = [reason for key, reason in MAIL_LEFT_OUT.items() if key in given]
    parts = given.get("alternatives", [])
    if len(given["to"]) > 1:
        reasons.append("a message goes to one person")
    if given["content_subtype"] == "html":
        reasons.append("mail without a text part: ours always has one")
    if len(parts) > 1 or any(part["mimetype"] != "text/html" for part in parts):
        reasons.append("other parts than one text and one HTML")
    return reasons[0] if reasons else None


def mails() -> list[dict[str, Any]]:
    return load("sendgrid_messages.json")["cases"] if CASES.is_dir() else []


@pytest.mark.parametrize(
    "case", [case for case in mails() if not why_left_out(case)], ids=lambda case: case["id"]
)
def test_a_mail_is_what_the_recorded_one_is(tmp_path: Path, case: dict[str, Any]):
    given, wanted = case["message"], case["request"]["json"]
    has_html = bool(given.get("alternatives"))
    replies = parseaddr((given.get("reply_to") or [""])[0])[1]
    extra = {name: str(value) for name, value in given.get("extra_headers", {}).items() if name != "Reply-To"}
    content = {
        "subject": given["subject"],
        "text": given["body"],
        "html": given["alternatives"][0]["content"] if has_html else "<p>ours always has one</p>",
        "headers": extra,
    }
    options = {"from": wanted["from"]["email"], "reply_to": replies}
    address = parseaddr(given["to"][0])[1]
    provider = provider_of(tmp_path, "sendgrid", options)
    request = provider.request(message("email", address=address, content=content))
    ours = json.loads(request.body)
    assert provider.base_url + request.path == case["request"]["url"]
    assert ours["personalizations"][0]["to"][0]["email"] == wanted["personalizations"][0]["to"][0]["email"]
    assert ours["from"]["email"] == wanted["from"]["email"]
    assert ours["subject"] == wanted["subject"]
    assert ours["content"][: len(wanted["content"])] == wanted["content"]
    assert ours.get("headers", {}) == wanted.get("headers", {})


def test_the_recorded_mails_are_tried_or_left_out_for_a_reason():
    left_out = [case["id"] for case in mails() if why_left_out(case)]
    assert (len(mails()), len(left_out)) == (52, 35)
