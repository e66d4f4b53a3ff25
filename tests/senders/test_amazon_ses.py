"""Amazon's own code about our calls: botocore's signer and botocore's model of the service."""

from __future__ import annotations

import asyncio
import base64
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.model import ServiceModel
from botocore.serialize import create_serializer
from botocore.validate import ParamValidator
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from hypothesis import given
from hypothesis import strategies as st
from provider_samples import cases, message, provider_of
from sandbox_server import Running, calm, prepared, running_sandbox, send, wait_until

from senders.contract import RawWebhook, Request
from senders.providers._aws_signature import Keys, signed_headers
from senders.providers._sns import SIGNED
from senders.store import to_moment

MODEL = Path(__file__).resolve().parents[3] / "shared" / "specs" / "ses" / "sesv2-2019-09-27.service-2.json"
BASE_URL = "https://email.eu-central-1.amazonaws.com"
words = st.text("abcXYZ019-_.~ /+%é", min_size=1, max_size=12)


def signed_by_botocore(keys: Keys, request: Request) -> dict[str, str]:
    call = AWSRequest(request.method, BASE_URL + request.path, dict(request.headers), request.body)
    credentials = Credentials(keys.access_key_id, keys.secret_access_key, keys.session_token or None)
    SigV4Auth(credentials, keys.service, keys.region).add_auth(call)
    return dict(call.headers.items())


@given(st.sampled_from(["", "the-token"]), st.binary(max_size=40), st.dictionaries(words, words, max_size=3))
def test_a_call_is_signed_as_botocore_signs_it(session_token: str, body: bytes, query: dict[str, str]):
    keys = Keys(
        "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", session_token, "eu-central-1", "ses"
    )
    path = f"/v2/email/outbound-emails?{urlencode(query, quote_via=quote, safe='')}".rstrip("?")
    request = Request("POST", path, body, {"Content-Type": "application/json"})
    theirs = signed_by_botocore(keys, request)
    date = theirs["X-Amz-Date"]
    at = to_moment(f"{date[:4]}-{date[4:6]}-{date[6:8]}T{date[9:11]}:{date[11:13]}:{date[13:15]}")
    ours = signed_headers(keys, BASE_URL, request, at)
    assert ours == {name: theirs[name] for name in ours}


@pytest.mark.skipif(not MODEL.is_file(), reason="Amazon's service model is not here")
def test_every_mail_is_a_mail_by_amazon_s_model(tmp_path: Path):
    model = ServiceModel(json.loads(MODEL.read_text()), "sesv2")
    operation = model.operation_model("SendEmail")
    for case in cases("requests", "amazon_ses"):
        provider = provider_of(tmp_path, "amazon_ses", case.get("options"))
        request = provider.request(message("email", content=case["message"]["content"]))
        mail = json.loads(request.body)
        report = ParamValidator().validate(mail, operation.input_shape)
        assert not report.has_errors(), report.generate_report()
        theirs = create_serializer("rest-json").serialize_to_request(mail, operation)
        assert (theirs["method"], theirs["url_path"]) == (request.method, request.path)
        assert json.loads(theirs["body"]) == mail  # a name that the model does not have would be missing


@pytest.mark.skipif(not MODEL.is_file(), reason="Amazon's service model is not here")
def test_every_error_of_the_model_has_a_ruling():
    from senders.providers.amazon_ses import RULINGS

    operation = json.loads(MODEL.read_text())["operations"]["SendEmail"]
    errors = {error["shape"] for error in operation["errors"]}
    assert len(errors) >= 7
    assert errors <= set(RULINGS)


# ---- the topic


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with running_sandbox(tmp_path_factory.mktemp("ses"), calm()) as running:
        provider = running.provider("amazon_ses")
        asyncio.run(send(provider, provider.request(message("email"))))
        wait_until(lambda: running.stats()["receipts"]["pending"] == 0)
        yield running


def test_a_topic_of_somebody_else_is_neither_believed_nor_asked_about(sandbox: Running):
    stranger = sandbox.provider("amazon_ses", topic_arn="arn:aws:sns:eu-central-1:000000000000:theirs")
    webhooks = sandbox.receiver.of("amazon_ses")
    assert not any(prepared(stranger, webhooks).verify(webhook) for webhook in webhooks)


def test_receipts_that_come_together_before_the_certificate_is_here_all_wait_for_it(sandbox: Running):
    """SNS does not come again after a 401: each would be lost."""
    provider = sandbox.provider("amazon_ses")
    (webhook, *_) = sandbox.receiver.of("amazon_ses")

    async def come_together() -> list[bool]:
        async def come() -> bool:
            return await provider.prepare(webhook) and provider.verify(webhook)

        return await asyncio.gather(*(come() for _ in range(20)))

    assert all(asyncio.run(come_together()))


def test_while_the_certificate_cannot_be_had_nobody_can_tell(sandbox: Running):
    provider = sandbox.provider("amazon_ses", sns_url="http://127.0.0.1:9")
    (webhook, *_) = sandbox.receiver.of("amazon_ses")
    named = json.loads(webhook.body)["SigningCertURL"]
    ours = webhook.body.replace(named.rpartition("/")[0].encode(), b"http://127.0.0.1:9")
    assert asyncio.run(provider.prepare(RawWebhook(webhook.url, webhook.headers, ours))) is False


def test_a_certificate_from_elsewhere_is_never_fetched(sandbox: Running):
    provider = sandbox.provider("amazon_ses", sns_url="https://sns.eu-central-1.amazonaws.com")
    webhooks = sandbox.receiver.of("amazon_ses")
    assert not any(prepared(provider, webhooks).verify(webhook) for webhook in webhooks)


def test_a_signature_of_the_older_version_is_verified_with_its_own_digest(sandbox: Running):
    secrets = json.loads((sandbox.home / "sandbox_secrets.json").read_text())["amazon_ses"]
    key = serialization.load_pem_private_key(secrets["sns_private_key"].encode(), password=None)
    webhooks = sandbox.receiver.of("amazon_ses")
    provider = prepared(sandbox.provider("amazon_ses"), webhooks)
    said = json.loads(webhooks[-1].body) | {"SignatureVersion": "1", "Subject": "Amazon SES"}
    text = "".join(f"{name}\n{said[name]}\n" for name in SIGNED["Notification"])
    for digest, is_genuine in ((hashes.SHA1(), True), (hashes.SHA256(), False)):
        signature = key.sign(text.encode(), padding.PKCS1v15(), digest)
        body = json.dumps(said | {"Signature": base64.b64encode(signature).decode()}).encode()
        assert provider.verify(RawWebhook("https://shop.example/", {}, body)) is is_genuine
