"""From a row of the outbox to what a provider is handed."""

import json
import re
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest
from outbox_rows import MESSAGE_ID, TRANSACTIONAL, WRITTEN, example, row, settings

from senders import links
from senders.contract import Message
from senders.rendering import TEMPLATES, Renderer, RenderError, render
from senders.settings import SettingsError

SETTINGS = settings()
RENDERER = Renderer(SETTINGS)
EMAILS = [template for template, channel in WRITTEN if channel == "email"]
VOID = {"img", "br", "meta", "link", "hr"}


class Tags(HTMLParser):
    """Fails where a tag is closed that is not open; collects addresses."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []
        self.images: list[dict[str, str | None]] = []

    def handle_starttag(self, tag, attrs):
        if tag not in VOID:
            self.open.append(tag)
        if tag == "a":
            self.links.append(dict(attrs)["href"] or "")
        if tag == "img":
            self.images.append(dict(attrs))

    def handle_endtag(self, tag):
        assert self.open[-1:] == [tag]
        self.open.pop()


def parsed(html: str) -> Tags:
    tags = Tags()
    tags.feed(html)
    tags.close()
    assert tags.open == []
    return tags


def in_folder(folder, files: dict[str, str]) -> Renderer:
    """A renderer over templates written for one test, with this repository's layouts."""
    (folder / "_layout").symlink_to(TEMPLATES / "_layout")
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    return Renderer(SETTINGS, folder)


def test_every_journey_that_is_shipped_has_its_templates():
    assert set(WRITTEN) >= {
        ("back_in_stock", "email"), ("back_in_stock", "rcs"), ("back_in_stock", "sms"),
        ("browse_reminder", "email"), ("browse_reminder", "rcs"),
        ("cart_reminder", "email"), ("cart_reminder", "rcs"), ("cart_reminder", "sms"),
        ("cart_support", "email"), ("cart_support", "rcs"),
        ("checkout_reminder", "email"), ("checkout_reminder", "rcs"), ("checkout_reminder", "sms"),
        ("click_follow_up", "email"), ("click_follow_up", "rcs"),
        ("order_confirmation", "email"), ("order_confirmation", "rcs"), ("order_confirmation", "sms"),
        ("order_thanks", "email"), ("order_thanks", "rcs"),
        ("price_drop", "email"), ("price_drop", "rcs"),
        ("product_question", "email"), ("product_question", "rcs"),
        ("replenishment", "email"), ("replenishment", "rcs"), ("replenishment", "sms"),
        ("review_request", "email"), ("win_back_choice", "email"),
        ("win_back_hello", "email"), ("win_back_hello", "rcs"),
        ("welcome", "email"), ("welcome", "rcs"),
    }  # fmt: skip


GREETS_NOBODY = {"help_answer"}  # it says who writes and how to stop, to whoever holds the phone


@pytest.mark.parametrize(("template", "channel"), WRITTEN)
def test_every_template_renders_its_example_and_leaves_nothing_unsaid(template, channel):
    content = json.dumps(RENDERER.render(row(template, channel)).content, ensure_ascii=False)
    assert "Ada" in content or channel == "sms" or template in GREETS_NOBODY
    for leak in ("None", "undefined", "{{", "{%", "\x1e", "  \\n"):
        assert leak not in content


def test_the_foot_of_an_email_names_where_the_sender_lives():
    living = settings(DOVECOTE_SHOP_ADDRESS="Dovecote Lane 1 <Ely>")
    at_home = Renderer(living).render(row("welcome", "email"))
    assert "Juniper &amp; Co. &nbsp;·&nbsp; Dovecote Lane 1 &lt;Ely&gt;" in at_home.content["html"]
    assert "Juniper & Co., Dovecote Lane 1 <Ely>, https://shop.example" in at_home.content["text"]


@pytest.mark.parametrize(("template", "channel"), WRITTEN)
def test_a_stranger_without_a_name_is_still_greeted(template, channel):
    nobody = dict.fromkeys(example(template)["person"])
    content = json.dumps(RENDERER.render(row(template, channel, person=nobody)).content, ensure_ascii=False)
    assert "None" not in content
    assert "Ada" not in content
    assert not re.search(r"(Hello|[Tt]hank you|have you) ?,", content.replace("thank you, order", ""))


@pytest.mark.parametrize(("template", "channel"), WRITTEN)
def test_the_same_row_gives_the_same_bytes(template, channel):
    first, second = (Renderer(SETTINGS).render(row(template, channel)) for _ in range(2))
    assert first == second


def test_a_message_carries_what_the_outbox_said():
    message = render(SETTINGS, row("welcome", "email", entity_key="x", on_unknown="drop", variant="b"))
    assert isinstance(message, Message)
    assert (message.message_id, message.address, message.priority) == (MESSAGE_ID, "ada@example.com", 70)
    assert (message.entity_key, message.on_unknown, message.variant) == ("x", "drop", "b")
    assert message.due_at == datetime(2026, 10, 5, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    "moment", ["2026-10-05 10:00:00", "2026-10-05T12:00:00+02:00", datetime(2026, 10, 5, 10)]
)
def test_times_of_a_row_are_utc_where_they_name_no_zone(moment):
    message = RENDERER.render(row("welcome", "email", expires_at=moment))
    assert message.expires_at == datetime(2026, 10, 5, 10, tzinfo=UTC)


@pytest.mark.parametrize("template", EMAILS)
def test_an_email_is_well_formed_and_every_link_of_it_is_ours(template):
    tags = parsed(RENDERER.render(row(template, "email")).content["html"])
    assert len(tags.links) >= 3
    assert [link for link in tags.links if not link.startswith("https://mail.shop.example/")] == []
    assert all(image["alt"] and image["width"] and image["height"] for image in tags.images)


@pytest.mark.parametrize("template", EMAILS)
def test_advertising_can_be_ended_with_one_click_and_other_mail_says_what_it_is(template):
    content = RENDERER.render(row(template, "email")).content
    if template in TRANSACTIONAL:
        assert content["headers"] == {}
        assert "/u/" not in content["html"] + content["text"]
        assert "It is not advertising" in content["html"]
        return
    assert content["headers"]["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    url = content["headers"]["List-Unsubscribe"].removeprefix("<").removesuffix(">")
    assert links.read_unsubscribe(SETTINGS, url.rsplit("/", 1)[1]).address == "ada@example.com"
    assert url in content["text"]
    assert url in content["html"]


def test_the_button_of_a_cart_leads_to_the_cart_through_a_counted_link():
    html = RENDERER.render(row("cart_reminder", "email")).content["html"]
    targets = [link for link in parsed(html).links if "/c/" in link]
    read = [links.read_click(SETTINGS, link.rsplit("/", 1)[1]) for link in targets]
    assert {link.message_id for link in read} == {MESSAGE_ID}
    assert "https://shop.example/cart/cart-4711" in {link.url for link in read}


def test_an_image_is_shown_where_there_is_one_and_a_tile_where_there_is_none():
    html = RENDERER.render(row("cart_reminder", "email")).content["html"]
    sources = [image["src"] for image in parsed(html).images]
    assert sources == ["https://shop.example/images/mug.png", "https://shop.example/images/throw.png"]


@pytest.mark.parametrize("template", ["cart_reminder", "cart_support"])
@pytest.mark.parametrize("channel", ["email", "rcs"])
def test_a_cart_without_address_prices_or_pictures_is_still_a_message(template, channel):
    bare = {"cart_url": None, "total": None, "currency": None, "first_item_image_url": None}
    item = dict.fromkeys(("product_id", "price", "image_url", "stock"))
    items = [{**item, "name": "Mug", "quantity": 2}]
    content = RENDERER.render(row(template, channel, payload={**bare, "items": items})).content
    assert "mug" in json.dumps(content).lower()
    assert "Total" not in json.dumps(content)
    assert "€" not in json.dumps(content, ensure_ascii=False)


@pytest.mark.parametrize("channel", ["email", "rcs"])
@pytest.mark.parametrize(("stock", "is_told"), [(5, True), (6, False), (0, False), (None, False)])
def test_how_few_are_left_is_told_from_five_down(channel, stock, is_told):
    mug = {"product_id": "m", "name": "Mug", "quantity": 1, "price": 5, "image_url": None, "stock": stock}
    content = RENDERER.render(row("cart_support", channel, payload={"items": [mug]})).content
    assert (f"Of Mug we have {stock} as we write this" in json.dumps(content)) == is_told


@pytest.mark.parametrize("channel", ["email", "rcs", "sms"])
def test_a_checkout_of_which_only_the_address_is_known_is_still_a_message(channel):
    bare = {"items": [], "item_count": 0, "total": None, "currency": None}
    first = {"first_item_name": None, "first_item_image_url": None}
    content = RENDERER.render(row("checkout_reminder", channel, payload=bare | first)).content
    assert "heckout" in json.dumps(content)
    assert "Total" not in json.dumps(content)


def test_items_may_arrive_as_json_text():
    as_text = json.dumps(example("cart_reminder")["payload"]["items"])
    with_text = RENDERER.render(row("cart_reminder", "email", payload={"items": as_text}))
    assert with_text.content == RENDERER.render(row("cart_reminder", "email")).content


def test_a_date_is_written_in_the_persons_zone_and_in_utc_where_that_is_unknown():
    late = {"ordered_at": "2026-10-05T22:30:00"}
    berlin = RENDERER.render(row("order_confirmation", "email", payload=late))
    nowhere = RENDERER.render(row("order_confirmation", "email", payload=late, time_zone=None))
    wrong = RENDERER.render(row("order_confirmation", "email", payload=late, time_zone="Mars/Olympus"))
    assert "6 October 2026" in berlin.content["text"]
    assert "5 October 2026" in nowhere.content["text"]
    assert "5 October 2026" in wrong.content["text"]


@pytest.mark.parametrize(
    ("amount", "currency", "written"),
    [
        (1234.5, "EUR", "€1,234.50"), (0, "USD", "$0.00"), (2.675, "GBP", "£2.68"), (-3, "EUR", "-€3.00"),
        (1200, "JPY", "¥1,200"), (9.9, "sek", "9.90 SEK"), (1.2345, "KWD", "1.235 KWD"), (5, None, "5.00"),
        ("19.90", "EUR", "€19.90"),
    ],
)  # fmt: skip
def test_money_is_written_with_its_currency(tmp_path, amount, currency, written):
    renderer = in_folder(tmp_path, {"pay/sms.jinja": "{{ total | money(currency) }}"})
    payload = {"total": amount, "currency": currency}
    paid = row("order_confirmation", "sms", payload=payload) | {"template": "pay"}
    assert renderer.render(paid).content["text"] == written


MISTAKES = {
    "a name the trigger does not give": ("Hello\n\n{{ frist_name }}", 3, "'frist_name' is not defined"),
    "a field the person does not have": (
        "{{ person.frist_name }}", 1, "there is no 'frist_name' here: did you mean 'first_name'?",
    ),
    "a null": ("\n{{ cart_url }}", 2, "'cart_url' is null here: write {{ cart_url | default(…) }}"),
    "a loop over a null": ("{% for x in cart_url %}x{% endfor %}", 1, "'cart_url' is null here"),
    "a field an item does not have": ("{{ items[0].nmae }}", 1, "did you mean 'name'?"),
    "a link to nothing": ("{{ track(cart_url) }}", 1, "'cart_url' is null here"),
    "a link that is no address": ("{{ track(cart_id) }}", 1, "must be a complete http"),
    "money that is none": ("{{ first_item_name | money }}", 1, "is no amount of money"),
    "a date that is none": ("{{ first_item_name | date }}", 1, "Invalid isoformat"),
    "a word Jinja does not know": ("a\n{% fro x in items %}", 2, "unknown tag 'fro'"),
    "a filter Jinja does not know": ("{{ total | mony }}", 1, "No filter named 'mony'"),
    "a way out of the sandbox": ("{{ ''.__class__.__mro__ }}", 1, "unsafe"),
    "a way into the language": ("{{ track.func.__globals__ }}", 1, "unsafe"),
    "nothing": ("  \n", None, "the message is empty"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_an_error_names_template_channel_line_and_what_is_missing(tmp_path, mistake):
    text, line, says = MISTAKES[mistake]
    renderer = in_folder(tmp_path, {"bad/sms.jinja": text})
    wrong = row("cart_reminder", "sms", payload={"cart_url": None}) | {"template": "bad"}
    with pytest.raises(RenderError) as caught:
        renderer.render(wrong)
    error = caught.value
    assert (error.template, error.channel, error.line) == ("bad", "sms", line)
    assert says in error.reason
    assert str(error).startswith("templates/bad/sms.jinja" + (f" line {line}: " if line else ": "))


def test_an_error_in_a_piece_of_the_layout_names_the_line_of_the_template_that_used_it(tmp_path):
    text = '{% extends "email.jinja" %}{% block subject %}s{% endblock %}{% block text %}t{% endblock %}\n'
    text += "{% block html %}\n{{ products(7, currency) }}\n{% endblock %}"
    renderer = in_folder(tmp_path, {"bad/email.jinja": text})
    with pytest.raises(RenderError, match="line 3: 'int' object is not iterable"):
        renderer.render(row("cart_reminder", "email") | {"template": "bad"})


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"channel": "fax"}, "only email, sms, rcs, push, whatsapp, webhook can be rendered"),
        ({"template": "no_such"}, "there is no file no_such/email.jinja"),
        ({"payload": "{"}, "Expecting property name"),
        ({"payload": "[1]"}, "list"),
        ({"payload": "[" * 100_000}, "recursion"),
        ({"message_id": "7"}, "no UUID"),
        ({"due_at": "soon"}, "Invalid isoformat"),
    ],
)
def test_a_row_that_cannot_be_a_message_is_refused_and_says_why(change, says):
    with pytest.raises(RenderError, match=says):
        RENDERER.render(row("welcome", "email") | change)


def test_a_row_without_a_column_is_refused_naming_it():
    incomplete = row("welcome", "email")
    del incomplete["decision_id"]
    with pytest.raises(RenderError, match="no column 'decision_id'"):
        RENDERER.render(incomplete)


def test_without_a_secret_no_message_is_made_and_the_settings_are_named():
    with pytest.raises(SettingsError, match="DOVECOTE_LINK_SECRET"):
        render(settings(DOVECOTE_LINK_SECRET=""), row("welcome", "email"))


def test_what_a_template_sets_outside_its_blocks_is_seen_inside_them(tmp_path):
    text = '{% extends "email.jinja" %}{% set who = person.first_name %}'
    text += "".join(
        f"{{% block {name} %}}{{{{ who }}}} in {name}{{% endblock %}}" for name in ("subject", "html", "text")
    )
    content = (
        in_folder(tmp_path, {"own/email.jinja": text})
        .render(row("welcome", "email") | {"template": "own"})
        .content
    )
    assert content["subject"] == "Ada in subject"
    assert "Ada in html" in content["html"]
    assert content["text"].startswith("Ada in text")


def test_both_forms_of_a_layout_offer_the_same_pieces():
    pieces = {
        form: set(re.findall(r"macro (\w+\(.*?\))", (TEMPLATES / f"_layout/{form}/parts.jinja").read_text()))
        for form in ("html", "text")
    }
    assert pieces["html"] == pieces["text"] != set()
