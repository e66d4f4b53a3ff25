"""What a provider reports is in the ledger before it is answered, and only when the provider said it."""

from __future__ import annotations

import base64
import hashlib
import hmac
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

import httpx
import pytest
from receivers_process import TWILIO_TOKEN, Receivers
from sent_messages import PHONE, accepted, rows, state_of, suppressions


def _signature(url: str, form: dict[str, str], token: str = TWILIO_TOKEN) -> str:
    """Twilio, "Webhooks security": base64(HMAC-SHA1(token, URL and the sorted fields))."""
    signed = url + "".join(f"{name}{form[name]}" for name in sorted(form))
    return base64.b64encode(hmac.new(token.encode(), signed.encode(), hashlib.sha1).digest()).decode()


def _post(
    receivers: Receivers,
    client: httpx.Client,
    form: dict[str, str],
    query: str = "",
    token: str = TWILIO_TOKEN,
) -> httpx.Response:
    path = f"/v1/receipts/twilio_sms{query}"
    headers = {
        "X-Twilio-Signature": _signature(receivers.settings.public_url + path, form, token),
        "Content-Type": "application/x-www-form-urlencoded",
    }
    return client.post(path, content=urlencode(form), headers=headers)


def _receipt(status: str, message_id: str) -> dict[str, str]:
    return {"MessageSid": f"SM{message_id}", "MessageStatus": status, "To": PHONE}


def _receipts(receivers: Receivers) -> int:
    return int(rows(receivers.settings, "select count(*) as n from receipts")[0]["n"])


def test_a_receipt_moves_its_message_before_it_is_answered(
    receivers: Receivers, client: httpx.Client
) -> None:
    message = accepted(receivers.settings, "u-1")
    form = _receipt("delivered", message.message_id)
    query = f"?message_id={message.message_id}"
    assert _post(receivers, client, form, query).status_code == 200
    assert state_of(receivers.settings, message) == "delivered"


def test_a_repeated_receipt_counts_once(receivers: Receivers, client: httpx.Client) -> None:
    message = accepted(receivers.settings, "u-1")
    before = _receipts(receivers)
    for _ in range(3):
        assert _post(receivers, client, _receipt("delivered", message.message_id)).status_code == 200
    assert _receipts(receivers) == before + 1


@pytest.mark.parametrize("forgery", ["no signature", "another token", "another body", "another address"])
def test_a_forged_receipt_is_refused_and_nothing_is_stored(
    receivers: Receivers, client: httpx.Client, forgery: str
) -> None:
    message = accepted(receivers.settings, "u-1")
    path = f"/v1/receipts/twilio_sms?message_id={message.message_id}"
    form = _receipt("delivered", message.message_id)
    token = "guessed" if forgery == "another token" else TWILIO_TOKEN
    signed_form = {**form, "MessageStatus": "sent"} if forgery == "another body" else form
    host = "http://elsewhere.example" if forgery == "another address" else receivers.url
    headers = {"X-Twilio-Signature": _signature(host + path, signed_form, token)}
    if forgery == "no signature":
        headers = {}
    before = _receipts(receivers)
    answer = client.post(path, data=form, headers=headers)
    assert answer.status_code == 401
    assert _receipts(receivers) == before
    assert state_of(receivers.settings, message) == "accepted"


def test_the_signed_address_is_the_public_one_whatever_the_host_header_says(
    receivers: Receivers, client: httpx.Client
) -> None:
    message = accepted(receivers.settings, "u-1")
    form = _receipt("delivered", message.message_id)
    url = f"{receivers.url}/v1/receipts/twilio_sms?message_id={message.message_id}&x=%C3%A9"
    headers = {"X-Twilio-Signature": _signature(url, form), "Host": "internal.example"}
    assert client.post(url, data=form, headers=headers).status_code == 200
    assert state_of(receivers.settings, message) == "delivered"


def test_a_reply_lands_as_an_event_of_the_person_who_was_written_to(
    receivers: Receivers, client: httpx.Client
) -> None:
    message = accepted(receivers.settings, "u-who-replies", address="+4915100000077")
    form = {"MessageSid": "SMreply", "SmsStatus": "received", "From": "+4915100000077", "Body": "Is it blue?"}
    assert _post(receivers, client, form).status_code == 200
    assert _post(receivers, client, form).status_code == 200
    first, again = [row for row in receivers.landed("events") if row.get("user_id") == "u-who-replies"]
    assert first["event_id"] == again["event_id"]  # so it counts once
    assert first["event_name"] == "message_replied"
    assert first["properties"]["message_id"] == message.message_id
    assert (first["properties"]["reason"], first["properties"]["button"]) == ("replied", None)
    assert "blue" not in str(first)


def test_a_question_what_this_is_lands_as_one(receivers: Receivers, client: httpx.Client) -> None:
    accepted(receivers.settings, "u-who-asks", address="+4915100000078")
    form = {"MessageSid": "SMhelp", "SmsStatus": "received", "From": "+4915100000078", "Body": "Hilfe?"}
    assert _post(receivers, client, form).status_code == 200
    (row,) = [row for row in receivers.landed("events") if row.get("user_id") == "u-who-asks"]
    assert (row["event_name"], row["properties"]["reason"]) == ("message_replied", "help_word")


def test_a_reply_of_a_stranger_lands_without_their_number(receivers: Receivers, client: httpx.Client) -> None:
    form = {"MessageSid": "SMstrange", "SmsStatus": "received", "From": "+4915199999999", "Body": "Hi"}
    assert _post(receivers, client, form).status_code == 200
    (row,) = [row for row in receivers.landed("events") if row["event_id"].startswith("twilio_sms:SMstrange")]
    assert row["anonymous_id"].startswith("sms:")
    assert "99999999" not in str(row)


def test_stop_suppresses_the_number_at_once(receivers: Receivers, client: httpx.Client) -> None:
    message = accepted(receivers.settings, "u-1", address="+4915100000088")
    form = {"MessageSid": "SMstop", "SmsStatus": "received", "From": "+4915100000088", "Body": "Stop"}
    assert _post(receivers, client, form).status_code == 200
    assert suppressions(receivers.settings)["+4915100000088"] == ("all",)
    assert state_of(receivers.settings, message) == "accepted"


@pytest.mark.parametrize(
    ("provider", "status"), [("sendgrid", 404), ("nobody", 404), ("_declared", 404), ("..%2f..", 404)]
)
def test_a_provider_that_is_not_routed_here_is_not_listened_to(
    client: httpx.Client, provider: str, status: int
) -> None:
    assert client.post(f"/v1/receipts/{provider}", content=b"{}").status_code == status


def test_a_receipt_that_is_too_large_is_refused(client: httpx.Client) -> None:
    assert client.post("/v1/receipts/twilio_sms", content=b"x" * 1_100_000).status_code == 413


def test_a_signed_receipt_that_says_nothing_is_answered_and_stores_nothing(
    receivers: Receivers, client: httpx.Client
) -> None:
    before = _receipts(receivers)
    assert _post(receivers, client, {"Nonsense": "\x00é\r\n"}).status_code == 200
    assert _receipts(receivers) == before


def test_receipts_that_come_together_are_all_applied(receivers: Receivers) -> None:
    messages = [accepted(receivers.settings, f"u-{number}") for number in range(60)]
    with receivers.client(timeout=30) as client, ThreadPoolExecutor(30) as callers:
        answers = callers.map(
            lambda message: _post(receivers, client, _receipt("delivered", message.message_id)).status_code,
            messages,
        )
        assert set(answers) == {200}
    assert {state_of(receivers.settings, message) for message in messages} == {"delivered"}


def test_google_finds_the_webhook_ours_by_the_secret_it_sent(own_receivers: Receivers) -> None:
    key = own_receivers.home / "service-account.json"
    own_receivers.home.mkdir()
    key.write_text(_service_account())
    own_receivers.environment |= {
        "DOVECOTE_ROUTES": "rcs=google_rcs",
        "DOVECOTE_GOOGLE_RCS_AGENT_ID": "shop",
        "DOVECOTE_GOOGLE_RCS_SERVICE_ACCOUNT_FILE": str(key),
        "DOVECOTE_GOOGLE_RCS_CLIENT_TOKEN": "our-client-token",
    }
    own_receivers.start()
    with own_receivers.client() as client:
        ours = client.post(
            "/v1/receipts/google_rcs", json={"clientToken": "our-client-token", "secret": "1234"}
        )
        theirs = client.post("/v1/receipts/google_rcs", json={"clientToken": "guessed", "secret": "1234"})
    assert (ours.status_code, ours.text) == (200, "1234")
    assert theirs.status_code == 401


def test_meta_finds_the_address_ours_by_a_get_with_its_word(own_receivers: Receivers) -> None:
    own_receivers.environment |= {
        "DOVECOTE_ROUTES": "whatsapp=meta_whatsapp",
        "DOVECOTE_META_WHATSAPP_PHONE_NUMBER_ID": "1",
        "DOVECOTE_META_WHATSAPP_ACCESS_TOKEN": "our-token",
        "DOVECOTE_META_WHATSAPP_APP_SECRET": "our-secret",
        "DOVECOTE_META_WHATSAPP_VERIFY_TOKEN": "our-word",
    }
    own_receivers.start()
    asked = "/v1/receipts/meta_whatsapp?hub.mode=subscribe&hub.challenge=1158&hub.verify_token="
    with own_receivers.client() as client:
        ours, theirs = client.get(asked + "our-word"), client.get(asked + "guessed")
        nobody = client.get("/v1/receipts/twilio_sms")
    assert (ours.status_code, ours.text) == (200, "1158")
    assert (theirs.status_code, nobody.status_code) == (404, 404)


def _service_account() -> str:
    import json

    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    private = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return json.dumps(
        {
            "client_email": "dovecote@project.example",
            "private_key": private.decode(),
            "token_uri": "http://127.0.0.1:1/token",
        }
    )


def test_a_provider_that_is_set_up_wrongly_stops_nobody_else(own_receivers: Receivers) -> None:
    own_receivers.environment |= {
        "DOVECOTE_ROUTES": "sms=twilio_sms,email=sendgrid",
        "DOVECOTE_TWILIO_SMS_ACCOUNT_SID": "nonsense",
    }
    own_receivers.start()
    with own_receivers.client() as client:
        assert client.post("/v1/receipts/twilio_sms", content=b"").status_code == 404
    assert "receipts of twilio_sms are refused" in own_receivers.log.read_text()
    assert TWILIO_TOKEN not in own_receivers.log.read_text()


@pytest.mark.parametrize(
    ("path", "content", "counted"),
    [
        ("/v1/receipts/twilio_sms", b"x" * (1 << 20) + b"x", "POST /v1/receipts/{provider} 413"),
        ("/v1/receipts/twilio_sms", b"MessageStatus=read", "POST /v1/receipts/{provider} 401"),
        ("/v1/receipts/nobody", b"{}", "POST /v1/receipts/{provider} 404"),
        ("/wp-login.php?token=secret", b"", "POST (no such route) 404"),
    ],
    ids=["too large", "forged", "of nobody", "from nowhere"],
)
def test_what_is_refused_is_counted_by_its_route_and_stores_nothing(
    receivers: Receivers, client: httpx.Client, path: str, content: bytes, counted: str
) -> None:
    def refused() -> dict[str, int]:
        return dict(client.get("/healthz").json()["refused"])

    stored, before = _receipts(receivers), refused().get(counted, 0)
    assert str(client.post(path, content=content).status_code) == counted[-3:]
    assert refused()[counted] == before + 1
    assert _receipts(receivers) == stored
    assert "secret" not in str(refused())
