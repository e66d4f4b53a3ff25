"""One message of each channel, and settings for every provider without a server behind them."""

from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from senders.contract import Message, Provider
from senders.providers import load_provider
from senders.settings import load

CASES = Path(__file__).parent / "cases"
DUE_AT = datetime.now(UTC).replace(microsecond=0)

CONTENT: dict[str, dict[str, Any]] = {
    "rcs": {
        "cards": [
            {
                "title": "Your cart waits",
                "description": "Two things are still in it.",
                "image_url": "https://shop.example/teapot.png",
                "suggestions": [
                    {"type": "open_url", "label": "To the cart", "url": "https://shop.example/cart"}
                ],
            }
        ],
        "suggestions": [{"type": "reply", "label": "Stop these messages", "postback": "STOP"}],
    },
    "sms": {"text": "Zoë, your cart waits: https://shop.example/c?a=1&b=2 Reply STOP to end."},
    "email": {
        "subject": "Your cart waits, Zoë",
        "preheader": "Two things are still in it",
        "html": "<p>Your <b>cart</b> waits</p>",
        "text": "Your cart waits: https://shop.example/cart",
        "headers": {
            "List-Unsubscribe": "<https://shop.example/u/abc>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        },
    },
    "push": {
        "title": "Your cart waits",
        "body": "Two things are still in it.",
        "image_url": "https://shop.example/teapot.png",
        "url": "https://shop.example/cart",
    },
    "whatsapp": {
        "template": "cart_reminder",
        "language": "en",
        "header": ["https://shop.example/teapot.png"],
        "body": ["Zoë", "€12.50"],
        "button": ["https://shop.example/cart"],
    },
    "webhook": {"data": {"says": "Your cart waits", "url": "https://shop.example/cart"}},
}
ADDRESS = {
    "rcs": "+4915112345678",
    "sms": "+4915112345678",
    "email": "zoe@example.com",
    "push": "fMEP0vJqS0:APA91bH-zoe-s-own-telephone",
    "whatsapp": "+4915112345678",
    "webhook": "u1",
}


def message(channel: str, **changes: Any) -> Message:
    made = Message(
        message_id="5f0c2f0e-3c1b-5f43-9a5e-6d1f0b7a9c11",
        candidate_id="candidate",
        decision_id="decision",
        journey="cart_abandoned",
        journey_version="1",
        step="reminder",
        message_class="marketing",
        channel=channel,
        user_id="u1",
        entity_key="cart-1",
        event_id="e1",
        variant=None,
        priority=70,
        address=ADDRESS[channel],
        content=CONTENT[channel],
        due_at=DUE_AT,
        expires_at=DUE_AT + timedelta(hours=6),
    )
    return replace(made, **changes)


def cases(kind: str, provider: str) -> list[dict[str, Any]]:
    """The cases of one kind (answers, requests, receipts) for one provider."""
    found: list[dict[str, Any]] = json.loads((CASES / kind / f"{provider}.json").read_text())
    return found


# A service account whose key is never used: these settings reach no server.
OPTIONS: dict[str, dict[str, str]] = {
    "amazon_ses": {
        "region": "eu-central-1",
        "access_key_id": "AKIATHEKEYID",
        "secret_access_key": "the-secret-access-key",
        "session_token": "the-session-token",
        "from": "hello@shop.example",
        "configuration_set": "dovecote",
        "topic_arn": "arn:aws:sns:eu-central-1:123456789012:mail",
    },
    "google_rcs": {"agent_id": "demo_agent", "client_token": "the-client-token"},
    "twilio_sms": {
        "account_sid": "AC0123456789abcdef0123456789abcdef",
        "auth_token": "the-auth-token",
        "from": "+15005550006",
    },
    "sendgrid": {
        "api_key": "SG.the-api-key",
        "from": "hello@shop.example",
        "webhook_public_key": "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEOczOgSztXYedSRrt6dUHeWlX4N91"
        "XN3cG/GzrMMzPY3ux1xfR8G6Zqt4XqE2QnlOqR/AW1RtMOgBdVhw1FVTqg==",
    },
    "postmark": {
        "server_token": "the-server-token",
        "from": "hello@shop.example",
        "webhook_credentials": "postmark:the-password",
    },
    "firebase": {},
    "twilio_whatsapp": {
        "account_sid": "AC0123456789abcdef0123456789abcdef",
        "auth_token": "the-auth-token",
        "from": "+15005550006",
        "content_sids": "cart_reminder.en=HX0123456789abcdef0123456789abcdef,"
        "hello.en=HX0123456789abcdef0123456789abcdef",
    },
    "braze": {
        "api_key": "the-api-key",
        "campaign_id": "c1",
        "base_url": "https://rest.iad-01.braze.com",
        "webhook_token": "the-webhook-token",
    },
    "customer_io": {
        "app_api_key": "the-app-api-key",
        "from": "hello@shop.example",
        "webhook_signing_key": "the-signing-key",
    },
    "twilio_rcs": {
        "account_sid": "AC0123456789abcdef0123456789abcdef",
        "auth_token": "the-auth-token",
        "messaging_service_sid": "MG0123456789abcdef0123456789abcdef",
        "content_sids": "br=HX00000000000000000000000000000001,tbmur=HX00000000000000000000000000000004",
    },
    "meta_whatsapp": {
        "phone_number_id": "106540352242922",
        "access_token": "EAAthe-access-token",
        "app_secret": "the-app-secret",
        "verify_token": "the-verify-token",
    },
    "webhook": {
        "url": "https://example.com/hooks/dovecote",
        "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    },
    "smtp": {
        "base_url": "smtp://127.0.0.1:2525",
        "username": "shop",
        "password": "the-password-of-shop",
        "from": "hello@shop.example",
        "webhook_credentials": "reports:the-password-of-reports",
    },
    "resend": {
        "api_key": "re_the-api-key",
        "from": "hello@shop.example",
        "webhook_secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    },
}


def environment(folder: Path, **routes: dict[str, str]) -> dict[str, str]:
    """DOVECOTE_… settings of every provider; `google_rcs={"agent_id": "…"}` changes one's options."""
    account = folder / "account.json"
    account.write_text(
        json.dumps(
            {
                "client_email": "agent@demo.example",
                "private_key": "the-private-key",
                "token_uri": "http://127.0.0.1:9/token",
                "project_id": "demo-shop-app",
            }
        )
    )
    options = {name: dict(given) for name, given in OPTIONS.items()}
    for name in ("google_rcs", "firebase"):
        options[name]["service_account_file"] = str(account)
    for name, changes in routes.items():
        options[name] |= changes
    named = {
        f"DOVECOTE_{name.upper()}_{option.upper()}": value
        for name, given in options.items()
        for option, value in given.items()
    }
    return {"DOVECOTE_PUBLIC_URL": "https://shop.example", **named}


def provider_of(folder: Path, name: str, options: dict[str, str] | None = None) -> Provider:
    return load_provider(load(environment(folder, **{name: options or {}})), name)


@cache
def steady_provider(name: str) -> Provider:
    """One and the same provider for all examples that a property is tried with."""
    with tempfile.TemporaryDirectory() as folder:
        return provider_of(Path(folder), name)
