"""Requests and the sandbox's answers against the providers' own OpenAPI documents.

They are shared material, not part of the repository. Google publishes none for RCS.
"""

from __future__ import annotations

import asyncio
import json
import re
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
import yaml
from openapi_schema_validator import OAS30Validator
from provider_samples import cases, message, provider_of
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012
from sandbox_server import Running, running_sandbox, send, wait_until

from senders.contract import Message, Request
from senders.providers.twilio_rcs import template
from senders.transport import USER_AGENT

SPECS = Path(__file__).resolve().parents[3] / "shared" / "specs"
MESSAGES = "/2010-04-01/Accounts/{AccountSid}/Messages.json"

pytestmark = pytest.mark.skipif(not SPECS.is_dir(), reason="the providers' OpenAPI documents are not here")


@cache
def spec(path: str) -> dict[str, Any]:
    text = (SPECS / path).read_text()
    document: dict[str, Any] = yaml.safe_load(text) if path.endswith(".yaml") else json.loads(text)
    return document


def errors(path: str, schema: dict[str, Any], value: Any) -> list[str]:
    """What the schema, with the document's components around it, has against the value."""
    return errors_in(spec(path), schema, value)


def errors_in(document: dict[str, Any], schema: dict[str, Any], value: Any) -> list[str]:
    registry = Registry().with_resource("urn:spec", Resource(contents=document, specification=DRAFT202012))
    located = json.loads(json.dumps(schema).replace('"#/', '"urn:spec#/'))
    # Version 3.0 for all: the documents that call themselves 3.1 still write `nullable`.
    return [error.message for error in OAS30Validator(located, registry=registry).iter_errors(value)]


def schema_of_form() -> dict[str, Any]:
    operation = spec("twilio/twilio_api_v2010.json")["paths"][MESSAGES]["post"]
    return operation["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"]


def typed_form(request: Request) -> dict[str, Any]:
    """The form as an object; what the schema calls an integer is one."""
    types = {name: given.get("type") for name, given in schema_of_form()["properties"].items()}
    pairs = parse_qsl(request.body.decode(), keep_blank_values=True, strict_parsing=True)
    assert len(dict(pairs)) == len(pairs)
    return {name: int(value) if types.get(name) == "integer" else value for name, value in pairs}


def test_every_sms_is_a_message_by_twilio_s_document(tmp_path: Path):
    schema = schema_of_form()
    for case in cases("requests", "twilio_sms"):
        provider = provider_of(tmp_path, "twilio_sms", case.get("options"))
        form = typed_form(provider.request(message("sms", content=case["message"]["content"])))
        assert errors("twilio/twilio_api_v2010.json", schema, form) == [], case["says"]
        assert set(form) <= set(schema["properties"]), case["says"]


def test_twilio_s_document_would_notice_a_bad_form():
    schema = schema_of_form()
    assert errors("twilio/twilio_api_v2010.json", schema, {"Body": "no recipient"}) != []
    assert errors("twilio/twilio_api_v2010.json", schema, {"To": "+1", "MessagingServiceSid": "MG1"}) != []


def test_every_whatsapp_message_by_twilio_is_one_by_its_document(tmp_path: Path):
    schema = schema_of_form()
    for case in cases("requests", "twilio_whatsapp"):
        provider = provider_of(tmp_path, "twilio_whatsapp", case.get("options"))
        form = typed_form(provider.request(message("whatsapp", content=case["message"]["content"])))
        assert errors("twilio/twilio_api_v2010.json", schema, form) == [], case["says"]
        assert set(form) <= set(schema["properties"]), case["says"]


def test_every_rcs_message_by_twilio_is_one_by_its_document_and_so_is_the_template_of_its_shape(
    tmp_path: Path,
):
    schema = schema_of_form()
    for case in cases("requests", "twilio_rcs"):
        provider = provider_of(tmp_path, "twilio_rcs", case.get("options"))
        form = typed_form(provider.request(message("rcs", content=case["message"]["content"])))
        assert errors("twilio/twilio_api_v2010.json", schema, form) == [], case["says"]
        assert set(form) <= set(schema["properties"]), case["says"]
    created = spec("twilio/twilio_content_v1.json")["components"]["schemas"]["ContentCreateRequest"]
    for shape in ("br", "tbmur", "tbd", "tbmu-tbmur"):
        made = template(shape)
        # The document is older than the page about twilio/card, which has a body and wants it for RCS.
        made["types"].get("twilio/card", {}).pop("body", None)
        assert errors("twilio/twilio_content_v1.json", created, made) == [], shape
    wrong = {"language": "en", "types": {"twilio/card": {"headline": "{{1}}"}}}
    assert errors("twilio/twilio_content_v1.json", created, wrong) != []


def schema_of_mail() -> dict[str, Any]:
    body = spec("sendgrid/tsg_mail_v3.json")["components"]["requestBodies"]["PostMailSend"]
    return body["content"]["application/json"]["schema"]


def test_every_mail_is_a_mail_by_sendgrid_s_document(tmp_path: Path):
    schema = schema_of_mail()
    for case in cases("requests", "sendgrid"):
        provider = provider_of(tmp_path, "sendgrid", case.get("options"))
        mail = json.loads(provider.request(message("email", content=case["message"]["content"])).body)
        assert errors("sendgrid/tsg_mail_v3.json", schema, mail) == [], case["says"]
        assert set(mail) <= set(schema["properties"]), case["says"]


def test_sendgrid_s_document_would_notice_a_bad_mail():
    schema = schema_of_mail()
    assert errors("sendgrid/tsg_mail_v3.json", schema, {"personalizations": [{}]}) != []


RESEND = "resend/resend.yaml"


def test_every_mail_is_a_mail_by_resend_s_document(tmp_path: Path):
    schema = spec(RESEND)["components"]["schemas"]["SendEmailRequest"]
    for case in cases("requests", "resend"):
        provider = provider_of(tmp_path, "resend", case.get("options"))
        mail = json.loads(provider.request(message("email", content=case["message"]["content"])).body)
        assert errors(RESEND, schema, mail) == [], case["says"]
        assert set(mail) <= set(schema["properties"]), case["says"]


def test_resend_s_document_would_notice_a_bad_mail():
    assert errors(RESEND, {"$ref": "#/components/schemas/SendEmailRequest"}, {"from": "a@b.example"}) != []


def test_the_sandbox_tells_of_a_mail_as_resend_s_document_says(sandbox: Running):
    provider = sandbox.provider("resend")
    asyncio.run(send(provider, *(provider.request(item) for item in resend_mails())))
    wait_until(lambda: sandbox.stats()["receipts"]["pending"] == 0)
    told = [json.loads(webhook.body) for webhook in sandbox.receiver.of("resend")]
    assert {event["type"] for event in told} >= {"email.sent", "email.delivered", "email.bounced"}
    assert {event["type"] for event in told} >= {"email.suppressed", "email.complained"}
    for event in told:
        operation = spec(RESEND)["webhooks"][event["type"]]["post"]
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        assert errors(RESEND, schema, event) == [], event["type"]


def resend_mails() -> list[Message]:
    """One to each of the mailboxes for trying out."""
    fates = ("bounced", "suppressed", "complained", "delayed")
    return [message("email", address=f"{fate}@resend.dev", message_id=fate) for fate in fates]


WHATSAPP = "whatsapp/business-messaging-api_v23.0.yaml"


def test_every_whatsapp_template_is_a_message_by_meta_s_document(tmp_path: Path):
    document = spec(WHATSAPP)
    schemas = document["components"]["schemas"]
    # Its pattern for the place of a button refuses its own example.
    for component in (schemas["TemplateComponent"], schemas["ButtonComponent"]["allOf"][1]):
        component["properties"]["index"].pop("pattern", None)
    # Its text message refuses the very fields that it requires: of a text the common ones are judged.
    schema_of = {"template": "TemplateMessage", "text": "BaseMessageProperties"}
    for case in cases("requests", "meta_whatsapp"):
        provider = provider_of(tmp_path, "meta_whatsapp", case.get("options"))
        request = provider.request(message("whatsapp", content=case["message"]["content"]))
        said = json.loads(request.body)
        schema = {"$ref": f"#/components/schemas/{schema_of[said['type']]}"}
        assert errors(WHATSAPP, schema, said) == [], case["says"]
        for component in said.get("template", {}).get("components", ()):
            named = {"$ref": f"#/components/schemas/{component['type'].title()}Component"}
            assert errors(WHATSAPP, named, component) == [], case["says"]
        assert re.fullmatch(r"/v\d+\.0/\d+/messages", request.path)
    agent = document["components"]["parameters"]["UserAgent"]["schema"]["pattern"]
    assert re.fullmatch(agent, USER_AGENT)


def test_meta_s_document_would_notice_a_bad_template():
    schema = {"$ref": "#/components/schemas/TemplateMessage"}
    assert errors(WHATSAPP, schema, {"messaging_product": "whatsapp", "type": "template", "to": "1"}) != []


FCM = "fcm/fcm.v1.json"


def strict(schema: Any) -> Any:
    """A schema of a discovery document as JSON Schema that knows of no other properties."""
    if isinstance(schema, list):
        return [strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    made = {name: strict(value) for name, value in schema.items() if name not in ("id", "format")}
    if made.get("type") == "any":
        del made["type"]
    if isinstance(schema.get("$ref"), str):
        made["$ref"] = f"#/schemas/{schema['$ref']}"
    if isinstance(schema.get("properties"), dict) and schema.get("type") == "object":
        made["additionalProperties"] = False
    return made


def faults_of_push(value: Any) -> list[str]:
    document = {"schemas": strict(spec(FCM)["schemas"])}
    return errors_in(document, {"$ref": "#/schemas/SendMessageRequest"}, value)


def in_camel_case(value: Any) -> Any:
    """Google takes `fcm_options` as well as the document's `fcmOptions`."""
    if isinstance(value, list):
        return [in_camel_case(each) for each in value]
    if not isinstance(value, dict):
        return value
    named = {re.sub(r"_([a-z])", lambda found: found[1].upper(), name): each for name, each in value.items()}
    return {name: in_camel_case(each) for name, each in named.items()}


def test_every_push_is_a_message_by_google_s_discovery_document(tmp_path: Path):
    for case in cases("requests", "firebase"):
        provider = provider_of(tmp_path, "firebase", case.get("options"))
        request = provider.request(message("push", content=case["message"]["content"]))
        assert faults_of_push(json.loads(request.body)) == [], case["says"]
        sends = spec(FCM)["resources"]["projects"]["resources"]["messages"]["methods"]["send"]
        assert re.fullmatch(sends["flatPath"].replace("{projectsId}", "[^/]+"), request.path[1:])


def test_google_s_document_takes_what_google_s_own_library_makes_and_notices_a_bad_push():
    recorded = SPECS.parent / "cases" / "fcm_messages.json"
    made = [case["expect"]["message"] for case in json.loads(recorded.read_text())["valid"]]
    # `fid` is newer than the document; of a priority in lower case it knows nothing
    told = [each for each in made if "fid" not in each and each.get("android", {}).get("priority") != "high"]
    assert len(told) >= 39
    assert [each for each in told if faults_of_push({"message": in_camel_case(each)})] == []
    assert faults_of_push({"message": {"token": "t", "notification": {"titel": "x"}}}) != []
    assert faults_of_push({"message": {"token": 5}}) != []


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with running_sandbox(tmp_path_factory.mktemp("specs")) as running:
        yield running


def test_the_sandbox_answers_a_message_as_twilio_s_document_says(sandbox: Running):
    provider = sandbox.provider("twilio_sms")
    (created,) = asyncio.run(send(provider, provider.request(message("sms"))))
    schema = {"$ref": "#/components/schemas/api.v2010.account.message"}
    resource = json.loads(created.body)
    assert errors("twilio/twilio_api_v2010.json", schema, resource) == []

    fetch = provider.look_up("", "", resource["sid"])
    listing = provider.look_up("", message("sms").address, None)
    assert fetch is not None
    assert listing is not None
    fetched, listed = asyncio.run(send(provider, fetch, listing))
    assert errors("twilio/twilio_api_v2010.json", schema, json.loads(fetched.body)) == []
    page = spec("twilio/twilio_api_v2010.json")["paths"][MESSAGES]["get"]["responses"]["200"]
    page_schema = page["content"]["application/json"]["schema"]
    assert errors("twilio/twilio_api_v2010.json", page_schema, json.loads(listed.body)) == []
    assert set(json.loads(listed.body)) <= set(page_schema["properties"])


def test_the_sandbox_refuses_a_mail_as_sendgrid_s_document_says(sandbox: Running):
    provider = sandbox.provider("sendgrid", api_key="SG.wrong")
    (refused,) = asyncio.run(send(provider, provider.request(message("email"))))
    assert refused.status == 401
    schema = {"$ref": "#/components/schemas/ErrorResponse"}
    assert errors("sendgrid/tsg_mail_v3.json", schema, json.loads(refused.body)) == []


def test_the_sandbox_tells_of_a_mail_as_the_activity_document_says(sandbox: Running):
    provider = sandbox.provider("sendgrid")
    asked = provider.look_up(message("email").message_id, "", None)
    assert asked is not None
    _, found = asyncio.run(send(provider, provider.request(message("email")), asked))
    operation = spec("sendgrid/tsg_email_activity_v3.json")["paths"]["/v3/messages"]["get"]
    schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
    body = json.loads(found.body)
    assert len(body["messages"]) == 1
    assert errors("sendgrid/tsg_email_activity_v3.json", schema, body) == []
