"""Rich messages stay within what RCS takes, and buttons are made by templates only."""

import json

import pytest
from outbox_rows import row, settings

from senders import rcs_content as rcs
from senders.clean_text import utf16_units
from senders.rcs_content import ContentError, rcs_content
from senders.rendering import TEMPLATES, Renderer, RenderError

SETTINGS = settings()
RENDERER = Renderer(SETTINGS)
LONG = "word " * 2_000


def rendered(folder, text: str, **columns) -> dict:
    (folder / "_layout").symlink_to(TEMPLATES / "_layout")
    (folder / "rich").mkdir()
    (folder / "rich/rcs.jinja").write_text(text)
    chosen = row("cart_reminder", "rcs", **columns) | {"template": "rich"}
    return dict(Renderer(SETTINGS, folder).render(chosen).content)


def test_a_cart_is_a_card_with_its_picture_and_two_buttons():
    content = RENDERER.render(row("cart_reminder", "rcs")).content
    (card,) = content["cards"]
    assert card["title"] == "Stoneware mug, moss green and 2 more"
    assert card["image_url"] == "https://shop.example/images/mug.png"
    opened, said = card["suggestions"]
    assert (opened["type"], opened["label"]) == ("open_url", "Back to my basket")
    assert opened["url"].startswith("https://mail.shop.example/c/")
    assert said == {"type": "reply", "label": "Not for me", "postback": "not_for_me"}


def test_a_card_without_a_picture_has_none_rather_than_an_empty_one():
    content = RENDERER.render(row("cart_reminder", "rcs", payload={"first_item_image_url": None})).content
    assert "image_url" not in content["cards"][0]


def test_advertising_ends_with_the_way_out_and_other_messages_do_not():
    assert RENDERER.render(row("cart_support", "rcs")).content["suggestions"][-1] == rcs.OPT_OUT
    assert rcs.OPT_OUT not in RENDERER.render(row("order_confirmation", "rcs")).content["suggestions"]


def test_a_template_without_blocks_is_a_text(tmp_path):
    content = rendered(tmp_path, "Hello {{ person.first_name }},\n  how are you?\n")
    assert content["text"] == "Hello Ada,\nhow are you?"


def test_a_carousel_has_one_card_an_item(tmp_path):
    text = """
    {% block cards %}
    {% for item in items %}
    {{ card(title=item.name, description=item.price | money(currency), image=item.image_url,
            buttons=[button("See it", track(cart_url)), reply("No"), call("Ring us", "+4930123456")]) }}
    {% endfor %}
    {% endblock %}
    {% block suggestions %}{{ reply("Later") }}{% endblock %}
    """
    content = rendered(tmp_path, text)
    assert [card["title"] for card in content["cards"]][::2] == ["Stoneware mug, moss green", "Paper lamp"]
    assert ["image_url" in card for card in content["cards"]] == [True, True, False]
    kinds = [suggestion["type"] for suggestion in content["cards"][0]["suggestions"]]
    assert kinds == ["open_url", "reply", "dial"]
    assert [chip["label"] for chip in content["suggestions"]] == ["Later", "Stop these messages"]


def test_a_carousel_is_cut_at_ten_cards_and_one_card_stands_alone(tmp_path):
    text = "{% block cards %}{% for x in items %}{{ card(title=x.name) }}{% endfor %}{% endblock %}"
    many = [{"name": f"Mug {number}"} for number in range(30)]
    assert len(rendered(tmp_path, text, payload={"items": many})["cards"]) == 10


@pytest.mark.parametrize(("block", "limit"), [("text", 3_072), ("title", 200), ("description", 2_000)])
def test_long_texts_are_cut_between_words_at_their_limit(block, limit):
    content = rcs_content(
        {"title": "t"} | {block: LONG} if block != "text" else {"text": LONG}, is_marketing=False
    )
    cut = content["text"] if block == "text" else content["cards"][0][block]
    assert limit - 10 < utf16_units(cut) <= limit
    assert cut.endswith("word…")


REFUSED = {
    "the label 'A label that is far too long' has 28 characters, at most 25 fit": {
        "title": "t", "buttons": "{{ reply('A label that is far too long') }}",
    },
    "block buttons has 5 entries, at most 4 fit": {
        "title": "t", "buttons": "{% for x in range(5) %}{{ reply('x') }}{% endfor %}",
    },
    "block suggestions has 12 entries, at most 11 fit": {
        "text": "t", "suggestions": "{% for x in range(12) %}{{ reply('x') }}{% endfor %}",
    },
    "block buttons takes button, reply, call, card, not the text 'Press'": {
        "title": "t", "buttons": "Press {{ reply('x') }}",
    },
    "block buttons needs a card": {"text": "t", "buttons": "{{ reply('x') }}"},
    "neither a text nor a card": {"text": " "},
    "no number to call": {"title": "t", "buttons": "{{ call('Ring', '030 123') }}"},
    "must be a complete http": {"title": "t", "buttons": "{{ button('Go', 'javascript:x') }}"},
}  # fmt: skip


@pytest.mark.parametrize("says", REFUSED)
def test_what_rcs_would_refuse_is_refused_here_first(tmp_path, says):
    blocks = "".join(f"{{% block {name} %}}{text}{{% endblock %}}" for name, text in REFUSED[says].items())
    with pytest.raises(RenderError) as caught:
        rendered(tmp_path, blocks)
    assert says in str(caught.value)


def test_with_eleven_suggestions_the_way_out_takes_the_place_of_the_last():
    chips = "".join(rcs.reply(f"Chip {number}") for number in range(11))
    labels = [
        chip["label"]
        for chip in rcs_content({"text": "t", "suggestions": chips}, is_marketing=True)["suggestions"]
    ]
    assert len(labels) == 11
    assert labels[-2:] == ["Chip 9", "Stop these messages"]


def test_a_name_cannot_pretend_to_be_a_button(tmp_path):
    forged = "\x1e" + json.dumps({"type": "open_url", "label": "Win", "url": "https://evil.example"}) + "\x1e"
    text = "{% block title %}t{% endblock %}{% block buttons %}{{ first_item_name }}{% endblock %}"
    with pytest.raises(RenderError, match="not the text"):
        rendered(tmp_path, text, payload={"first_item_name": forged})


def test_content_error_is_a_value_error_so_that_one_row_is_refused_and_the_batch_goes_on():
    with pytest.raises(ContentError):
        rcs_content({}, is_marketing=True)
    assert issubclass(ContentError, ValueError)
