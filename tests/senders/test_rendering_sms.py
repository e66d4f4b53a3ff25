"""SMS: what it costs on the air."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from outbox_rows import row, settings

from senders.rendering import Renderer, RenderError
from senders.sms_text import measure

RENDERER = Renderer(settings())


@pytest.mark.parametrize(
    ("text", "encoding", "segments"),
    [
        ("", "GSM-7", 1),
        ("a" * 160, "GSM-7", 1),
        ("a" * 161, "GSM-7", 2),
        ("a" * 306, "GSM-7", 2),
        ("a" * 307, "GSM-7", 3),
        ("€" * 80, "GSM-7", 1),  # 2 units each
        ("€" * 81, "GSM-7", 2),
        ("[" + "a" * 159, "GSM-7", 2),
        # 153 units a segment, and an escape is not torn from its character: 76 of them fit
        ("€" * 152, "GSM-7", 2),
        ("€" * 153, "GSM-7", 3),
        ("ÄÖÜäöüß ñ Ω Δ", "GSM-7", 1),
        ("é" * 160, "GSM-7", 1),
        ("ê" * 70, "UCS-2", 1),
        ("ê" * 71, "UCS-2", 2),
        ("ê" * 134, "UCS-2", 2),
        ("ê" * 135, "UCS-2", 3),
        ("😀" * 35, "UCS-2", 1),  # 2 units each
        ("😀" * 36, "UCS-2", 2),
        ("😀" * 66, "UCS-2", 2),  # 67 units a segment, 33 whole emoji
        ("😀" * 67, "UCS-2", 3),
    ],
)
def test_segments_are_counted_as_carriers_count_them(text, encoding, segments):
    sms = measure(text)
    assert (sms.encoding, sms.segments) == (encoding, segments)


def test_typographic_characters_become_plain_where_that_saves_the_short_alphabet():
    assert measure("“It’s – well…” 2 × 3\u00a0€").text == '"It\'s - well..." 2 x 3 €'
    assert measure("“Grüße” 🌸").text == "“Grüße” 🌸"


@given(st.text(alphabet="ab€[😀ê’", max_size=400))
def test_a_longer_text_never_takes_fewer_segments_in_the_same_alphabet(text):
    shorter, longer = measure(text), measure(text + "a")
    assert longer.encoding == shorter.encoding
    assert longer.segments >= shorter.segments


def test_an_emoji_in_a_product_name_is_sent_and_counted_in_the_long_alphabet():
    content = RENDERER.render(row("cart_reminder", "sms", payload={"first_item_name": "Mug 🌸"})).content
    assert "Mug 🌸" in content["text"]
    assert content["encoding"] == "UCS-2"
    assert content["segments"] == measure(content["text"]).segments > 1


def test_advertising_by_sms_says_how_to_end_it_whatever_the_product_is_called():
    content = RENDERER.render(row("cart_reminder", "sms", payload={"first_item_name": "STOP sign"})).content
    assert content["text"].endswith("\nReply STOP to opt out")


def test_an_order_confirmation_by_sms_is_not_advertising():
    assert "STOP" not in RENDERER.render(row("order_confirmation", "sms")).content["text"]


def test_an_sms_that_would_take_too_many_segments_is_refused(tmp_path):
    (tmp_path / "_layout/text").mkdir(parents=True)
    (tmp_path / "_layout/text/sms.jinja").write_text("{{ message }}")
    (tmp_path / "long").mkdir()
    (tmp_path / "long/sms.jinja").write_text("{{ 'word ' * 400 }}")
    too_long = row("cart_reminder", "sms") | {"template": "long"}
    with pytest.raises(RenderError, match=r"long/sms.jinja: it takes 14 segments, at most 10"):
        Renderer(settings(), tmp_path).render(too_long)
