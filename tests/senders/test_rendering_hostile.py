"""What people and shops put into names must not become anything but a name."""

import json
import re
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import settings as effort
from hypothesis import strategies as st
from outbox_rows import row, settings

from senders import clean_text
from senders.clean_text import clip, person_name, plain, utf16_units
from senders.rendering import Renderer

RENDERER = Renderer(settings())
CHANNELS = ("email", "sms", "rcs")

HOSTILE = {
    "markup": "<script>alert(1)</script>",
    "an attribute": '"><img src=x onerror=alert(1)>',
    "a formula": '=HYPERLINK("http://evil.example","click")',
    "a forged header": "Ada\r\nBcc: everyone@evil.example",
    "a forged header, Unicode": "Ada\u2028Bcc: everyone@evil.example\u0085x",
    "a right-to-left override": "Ada\u202eelpmaxe.live\u202c",
    "isolates and marks": "\u2066Ada\u2069\u200f\u061c",
    "an address": "https://evil.example/login",
    "an address in a sentence": "You won, see HTTPS://evil.example/x now",
    "an address without a scheme": "www.evil.example/login",
    "a template": "{{ shop.url }}{% for x in range(9) %}",
    "invisible characters": "A\u200bd\u2060a\ufeff\u00ad",
    "half an emoji": "Ada \ud83d",
    "both halves of an emoji apart": "\ud83d\ude00",
    "control characters": "Ada\x00\x07\x1b[31m\x1e\x7f",
    "ten thousand characters": "A" * 10_000,
    "ten thousand words": "Ada " * 10_000,
    "noncharacters": "Ada\ufffe\uffff\ufffd",
    "a combining storm": "A" + "\u0301" * 5_000,
    "nothing but space": " \t\n\u00a0\u3000",
    "a number": 7,
    "a list": ["<b>", {"x": "\r\n"}],
}


def everything(content: dict) -> str:
    return json.dumps(content, ensure_ascii=False)


@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.parametrize("channel", CHANNELS)
def test_a_hostile_name_of_a_person_does_no_harm(kind, channel):
    message = RENDERER.render(row("cart_reminder", channel, person={"first_name": HOSTILE[kind]}))
    text = everything(message.content)
    text.encode()  # a lone surrogate would fail here
    for harm in ("<script", "onerror", "HYPERLINK", "evil.example", "Bcc:", "\u202e", "{%", "\\u0000"):
        assert harm not in text
    assert len(text) < 25_000


@pytest.mark.parametrize("kind", [kind for kind in HOSTILE if kind not in ("a number", "a list")])
@pytest.mark.parametrize("channel", CHANNELS)
def test_a_hostile_name_of_a_product_does_no_harm(kind, channel):
    items = [{"name": HOSTILE[kind], "quantity": 1, "price": 2, "image_url": "javascript:alert(1)"}]
    payload = {"first_item_name": HOSTILE[kind], "items": items, "first_item_image_url": "javascript:x"}
    content = dict(RENDERER.render(row("cart_reminder", channel, payload=payload)).content)
    html = content.pop("html", "")
    for harm in ("<script", "<img src=x", "javascript:", "evil.example", "\u202e"):
        assert harm not in html
    for harm in ("evil.example", "javascript:", "\u202e", "\u200b"):
        assert harm not in everything(content)
    assert "\n" not in content.get("subject", "")
    if channel == "rcs":
        suggestions = [*content["cards"][0]["suggestions"], *content["suggestions"]]
        assert [item["label"] for item in suggestions] == [
            "Back to my basket", "Not for me", "Stop these messages",
        ]  # fmt: skip
        assert "image_url" not in content["cards"][0]


def test_markup_in_a_products_name_is_escaped_in_html_and_plain_in_text():
    name = "Mug <large> & \"blue\" 'n' =1+1"
    content = RENDERER.render(row("cart_reminder", "email", payload={"first_item_name": name})).content
    assert content["subject"].startswith(name)
    assert "Mug &lt;large&gt; &amp; &#34;blue&#34; &#39;n&#39; =1+1" in content["html"]
    assert "<large>" not in content["html"]


@pytest.mark.parametrize(
    "target", ["javascript:alert(1)", "https://shop.example@evil.example/", "https://shop.example/\n\n<x>"]
)
def test_a_cart_that_leads_to_no_web_address_is_refused_for_this_row_with_the_reason(target):
    with pytest.raises(ValueError, match=r"must be a complete http|must not name a user|holds a space"):
        RENDERER.render(row("cart_reminder", "email", payload={"cart_url": target}))


@pytest.mark.parametrize(
    ("given", "greeted"),
    [
        ("Ada", "Ada"), ("  Zoë ", "Zoë"), ("Jean-Luc", "Jean-Luc"), ("O’Neil", "O’Neil"), ("عمر", "عمر"),
        ("李", "李"), ("J.R.", "J.R."), ("St.John", "St. John"), ("evil.com", "evil. com"),
        ("Ana 🌸", "Ana 🌸"), ("Zoe\u0308", "Zoë"), ("Ada\tLovelace", "Ada Lovelace"),
        ("Sir Ada, Countess", "Sir Ada, Countess"),
        ("👩‍🚀 Ada", "👩‍🚀 Ada"), ("می‌خواهم", "می‌خواهم"),
        ("ada@example.com", ""), ("=1+1", ""), ("+1", ""), ("{{x}}", ""), ("12345", ""),
        ("---", ""), ("", ""),
    ],
)  # fmt: skip
def test_a_name_is_greeted_where_it_can_be_one(given, greeted):
    assert person_name(given) == greeted


@given(st.text(max_size=3_000) | st.text(alphabet="w.:/htps \ud83d\ude00\u202e\r\n", max_size=300))
@example("hhttp://ttp://evil")
@effort(max_examples=300)
def test_cleaned_text_is_one_short_line_that_links_nowhere_and_can_be_sent(text):
    clean = plain(text)
    clean.encode()
    assert utf16_units(clean) <= clean_text.TEXT_LIMIT
    assert not re.search(r"https?://|www\.", clean, re.IGNORECASE)
    hidden = [c for c in clean if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")]
    assert set(hidden) <= {"\u200c", "\u200d"}
    assert clean == clean.strip()


@given(st.text(alphabet="ab 😀é\u0301\u200d.,", max_size=120), st.integers(2, 60))
def test_clipped_text_keeps_its_beginning_and_fits(text, limit):
    short = clip(text, limit)
    assert utf16_units(short) <= limit
    if short != text:
        assert short.endswith("…")
        assert text.startswith(short[:-1])


def test_text_is_cut_between_words():
    assert clip("a basket of green apples", 18) == "a basket of green…"
    assert clip("a basket of greengages, apples", 18) == "a basket of…"
    assert clip("Donaudampfschifffahrtsgesellschaft", 10) == "Donaudamp…"
