"""What push, WhatsApp and webhook templates become, and what they are refused for."""

import json

import pytest
from outbox_rows import row, settings

from senders.rendering import Renderer, RenderError

TEMPLATES = {
    "push": "{% block title %}Your cart,\n {{ person.first_name }}{% endblock %}"
    "{% block body %}It waits.{% endblock %}"
    "{% block image %}{{ image_url }}{% endblock %}{% block url %}{{ track(shop.url) }}{% endblock %}",
    "whatsapp": "{% block template %}cart_reminder{% endblock %}{% block language %}pt_BR{% endblock %}"
    "{% block body %}{{ value(person.first_name) }}{{ value(12.5 | money('EUR')) }}{% endblock %}"
    "{% block button %}{{ value('c/1') }}{% endblock %}",
    "webhook": '{"name": {{ person.first_name | tojson }}, "links": [{{ links.preferences | tojson }}]}',
}


@pytest.fixture
def content_of(tmp_path):
    def render(channel, template, **payload):
        (tmp_path / "own").mkdir()
        (tmp_path / "own" / f"{channel}.jinja").write_text(template)
        made = row("welcome", "email") | {
            "channel": channel,
            "template": "own",
            "payload": json.dumps(payload),
        }
        return Renderer(settings(), tmp_path).render(made).content

    return render


def test_a_push_has_a_title_a_body_a_picture_and_where_a_tap_leads(content_of):
    content = content_of("push", TEMPLATES["push"], image_url="https://shop.example/a.png")
    assert content["title"] == "Your cart, Ada"
    assert content["body"] == "It waits."
    assert content["image_url"] == "https://shop.example/a.png"
    assert "/c/" in content["url"]


def test_a_picture_that_is_no_address_is_left_out_of_a_push(content_of):
    assert "image_url" not in content_of("push", TEMPLATES["push"], image_url="javascript:alert(1)")


def test_an_approved_template_gets_its_values_in_order(content_of):
    assert content_of("whatsapp", TEMPLATES["whatsapp"]) == {
        "template": "cart_reminder",
        "language": "pt_BR",
        "header": [],
        "body": ["Ada", "€12.50"],
        "button": ["c/1"],
    }


def test_a_whatsapp_template_without_blocks_is_a_text(content_of):
    assert content_of("whatsapp", "Hello {{ person.first_name }}") == {"text": "Hello Ada"}


def test_a_webhook_is_the_object_that_its_template_writes(content_of):
    data = content_of("webhook", TEMPLATES["webhook"])["data"]
    assert data["name"] == "Ada"
    assert data["links"][0].startswith("http")


@pytest.mark.parametrize(
    ("channel", "template", "says"),
    [
        ("push", "{% block title %}only this{% endblock %}", "a push needs a block title and a block body"),
        ("whatsapp", "  ", "neither a text nor a block template"),
        ("whatsapp", "{% block template %}Cart Reminder{% endblock %}", "an approved name is a-z, 0-9 and _"),
        ("whatsapp", "{% block template %}a{% endblock %}", "write it as en or pt_BR"),
        (
            "whatsapp",
            "{% block template %}a{% endblock %}{% block language %}en{% endblock %}"
            "{% block body %}Hi{% endblock %}",
            "block body takes value",
        ),
        ("whatsapp", "{{ value('') }}", "may not be empty"),
        ("webhook", "{", "it is no JSON"),
        ("webhook", "[]", "it must be a JSON object"),
        ("webhook", '{"a": "' + "x" * 70_000 + '"}', "more than 65536 bytes"),
    ],
)
def test_a_template_that_its_channel_cannot_take_says_what_is_wrong(content_of, channel, template, says):
    with pytest.raises(RenderError, match=says):
        content_of(channel, template)
