"""How a route finds its provider, and what is said when it cannot."""

from pathlib import Path

import pytest
from provider_samples import OPTIONS, environment

from senders.providers import provider_names, provider_options, providers_for
from senders.settings import SettingsError, load
from senders.warm_up import WarmUp


def refused(settings: dict[str, str]) -> list[str]:
    with pytest.raises(SettingsError) as error:
        providers_for(load(settings))
    return str(error.value).splitlines()


def test_every_route_has_the_provider_it_names(tmp_path: Path):
    providers = providers_for(load(environment(tmp_path)))
    assert {channel: provider.name for channel, provider in providers.items()} == {
        "rcs": "google_rcs",
        "sms": "twilio_sms",
        "email": "sendgrid",
    }
    assert all(provider.channel == channel for channel, provider in providers.items())


def test_only_the_routes_named_are_made(tmp_path: Path):
    settings = environment(tmp_path) | {"DOVECOTE_ROUTES": "sms=twilio_sms"}
    assert list(providers_for(load(settings))) == ["sms"]


def test_a_misspelt_provider_is_answered_with_the_nearest_name(tmp_path: Path):
    settings = environment(tmp_path) | {"DOVECOTE_ROUTES": "sms=twillio_sms"}
    assert refused(settings) == [
        'DOVECOTE_ROUTES: there is no provider "twillio_sms" (did you mean "twilio_sms"?)'
    ]


def test_a_provider_of_another_channel_is_refused(tmp_path: Path):
    settings = environment(tmp_path) | {"DOVECOTE_ROUTES": "email=twilio_sms"}
    assert refused(settings) == ["DOVECOTE_ROUTES: twilio_sms carries sms, not email"]


def test_every_missing_setting_of_every_route_is_named_at_once():
    lines = refused({})
    required = [
        f"DOVECOTE_{name.upper()}_{option.name.upper()}: missing ({option.about})"
        for name in ("google_rcs", "twilio_sms", "sendgrid")
        for option in provider_options(name)
        if option.default is None
    ]
    assert lines == required
    assert len(required) >= 8


def test_a_setting_that_no_provider_reads_is_answered_with_the_nearest_name(tmp_path: Path):
    settings = environment(tmp_path, twilio_sms={"form": "+15005550006"})
    assert refused(settings) == [
        'DOVECOTE_TWILIO_SMS_FORM: twilio_sms has no such setting (did you mean "from"?)'
    ]


@pytest.mark.parametrize(
    ("provider", "option", "value", "words"),
    [
        ("google_rcs", "service_account_file", "/nowhere/key.json", "there is no file /nowhere/key.json"),
        ("google_rcs", "base_url", "rcs.example", "must start with http:// or https://"),
        ("google_rcs", "messages_per_second", "0", "must be a number above 0"),
        ("twilio_sms", "account_sid", "SM123", "must look like AC and 32 hexadecimal digits"),
        ("twilio_sms", "messaging_service_sid", "MG1", "must look like MG and 32 hexadecimal digits"),
        ("sendgrid", "webhook_public_key", "abc", "must be the base64 verification key"),
        ("sendgrid", "has_activity_api", "perhaps", "must be true or false"),
    ],
)
def test_a_wrong_setting_says_what_it_must_be(
    tmp_path: Path, provider: str, option: str, value: str, words: str
):
    (line,) = refused(environment(tmp_path, **{provider: {option: value}}))
    assert line.startswith(f"DOVECOTE_{provider.upper()}_{option.upper()}: {words}")


@pytest.mark.parametrize(
    ("provider", "option", "value", "words"),
    [
        ("smtp", "base_url", "mail.example.com", "must look like smtp://mail.example.com:587"),
        ("smtp", "webhook_credentials", "secret", "must be user:password"),
        ("amazon_ses", "topic_arn", "mail", "must look like arn:aws:sns:eu-central-1:123456789012:mail"),
        ("amazon_ses", "region", "Frankfurt", "must look like eu-central-1"),
        ("postmark", "webhook_credentials", "a b:c", "must be user:password"),
        ("resend", "webhook_secret", "!", "must be a signing secret"),
    ],
)
def test_a_wrong_setting_of_a_provider_that_has_no_route_by_default_says_so_too(
    tmp_path: Path, provider: str, option: str, value: str, words: str
):
    routed = {"DOVECOTE_ROUTES": f"email={provider}"}
    (line,) = refused(environment(tmp_path, **{provider: {option: value}}) | routed)
    assert line.startswith(f"DOVECOTE_{provider.upper()}_{option.upper()}: {words}")


def test_a_file_that_is_no_service_account_key_says_what_it_lacks(tmp_path: Path):
    key = tmp_path / "key.json"
    key.write_text('{"client_email": "a@b.example"}')
    (line,) = refused(environment(tmp_path, google_rcs={"service_account_file": str(key)}))
    assert "is no service account key: it lacks private_key, token_uri" in line


def test_a_sender_is_needed_for_sms(tmp_path: Path):
    (line,) = refused(environment(tmp_path, twilio_sms={"from": ""}))
    assert (
        line == "DOVECOTE_TWILIO_SMS_FROM or DOVECOTE_TWILIO_SMS_MESSAGING_SERVICE_SID: one of them is needed"
    )


def test_no_error_shows_a_secret(tmp_path: Path):
    wrong = {name: {**given, "messages_per_second": "none"} for name, given in OPTIONS.items()}
    text = "\n".join(refused(environment(tmp_path, **wrong)))
    secrets = [
        OPTIONS[name][option.name]
        for name in provider_names()
        for option in provider_options(name)
        if option.is_secret
    ]
    assert len(secrets) >= len(provider_names()) - 1  # one has all its secrets in a file
    assert [secret for secret in secrets if secret in text] == []


def test_a_ramp_is_for_the_provider_that_it_names(tmp_path: Path):
    given = environment(tmp_path) | {"DOVECOTE_WARM_UP": "sendgrid=50*2 to 20000"}
    providers = providers_for(load(given))
    assert providers["email"].capabilities.warm_up == WarmUp(50, 2.0, 20_000)
    assert providers["sms"].capabilities.warm_up is None
    assert refused(given | {"DOVECOTE_WARM_UP": "sendgrit=50*2"}) == [
        'DOVECOTE_WARM_UP: no route uses sendgrit (did you mean "sendgrid"?)'
    ]
    with pytest.raises(
        SettingsError, match=r"DOVECOTE_WARM_UP: .*must look like 50\*2 to 20000 from 2026-01-15"
    ):
        load(given | {"DOVECOTE_WARM_UP": "sendgrid=fifty"})


def test_every_setting_says_what_it_is_for():
    options = [option for name in provider_names() for option in provider_options(name)]
    assert len(options) > 15
    assert all(len(option.about) > 8 for option in options)
