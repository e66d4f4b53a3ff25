"""Links that lead back to us: nobody else can make one, and none leads where we did not send it."""

import base64
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from outbox_rows import MESSAGE_ID, settings

from senders import links
from senders.links import ClickLink, LinkError, UnsubscribeLink
from senders.settings import SettingsError

SETTINGS = settings()


def token(url: str) -> str:
    return url.rsplit("/", 1)[1]


READERS: dict[str, Callable] = {
    "c": links.read_click,
    "u": links.read_unsubscribe,
    "p": links.read_preferences,
}


def one_of_each() -> dict[str, str]:
    return {
        "c": links.click_url(SETTINGS, MESSAGE_ID, "https://shop.example/cart"),
        "u": links.unsubscribe_url(SETTINGS, MESSAGE_ID, "ada", "email", "ada@example.com"),
        "p": links.preferences_url(SETTINGS, "ada"),
    }


def test_a_click_link_leads_where_it_was_made_for():
    url = links.click_url(SETTINGS, MESSAGE_ID, "https://shop.example/cart?a=1&b=%20ü#top")
    assert url.startswith("https://mail.shop.example/c/")
    assert links.read_click(SETTINGS, token(url)) == ClickLink(
        MESSAGE_ID, "https://shop.example/cart?a=1&b=%20ü#top"
    )


def test_an_unsubscribe_link_names_the_address_and_the_channel():
    url = links.unsubscribe_url(SETTINGS, MESSAGE_ID, "ada/1", "sms", "+4930123456")
    assert links.read_unsubscribe(SETTINGS, token(url)) == UnsubscribeLink(
        MESSAGE_ID, "ada/1", "sms", "+4930123456"
    )


@given(st.text(max_size=200))
def test_a_preferences_link_names_its_person_whatever_their_id(user_id):
    url = links.preferences_url(SETTINGS, user_id)
    assert url.isascii()
    expected = user_id.encode("utf-8", "replace").decode()
    assert links.read_preferences(SETTINGS, token(url)) == expected


@pytest.mark.parametrize("made_for", "cup")
@pytest.mark.parametrize("read_as", "cup")
def test_a_link_serves_the_purpose_it_was_made_for_and_no_other(made_for, read_as):
    made = token(one_of_each()[made_for])
    if made_for == read_as:
        READERS[read_as](SETTINGS, made)
        return
    with pytest.raises(LinkError, match="another purpose"):
        READERS[read_as](SETTINGS, made)


@pytest.mark.parametrize("purpose", "cup")
def test_a_link_of_which_any_character_was_changed_is_refused(purpose):
    made = token(one_of_each()[purpose])
    for place in range(len(made)):
        forged = made[:place] + ("A" if made[place] != "A" else "B") + made[place + 1 :]
        with pytest.raises(LinkError):
            READERS[purpose](SETTINGS, forged)


@pytest.mark.parametrize("purpose", "cup")
@pytest.mark.parametrize(
    "damage",
    [
        lambda made: made[:-3],
        lambda made: made + "=",
        lambda made: made + "\n",
        lambda made: "!" + made,
        lambda made: made + "AAAA",
        lambda made: "",
        lambda made: "ü" * 30,
        lambda made: "A" * 100_000,
        lambda made: base64.urlsafe_b64encode(b"c" + b"\0" * 16 + b"https://evil.example").decode(),
    ],
)
def test_a_damaged_or_made_up_link_is_refused(purpose, damage):
    with pytest.raises(LinkError):
        READERS[purpose](SETTINGS, damage(token(one_of_each()[purpose])))


def test_a_link_signed_with_another_secret_is_refused():
    foreign = links.click_url(settings(DOVECOTE_LINK_SECRET="another"), MESSAGE_ID, "https://shop.example")
    with pytest.raises(LinkError, match="not signed by us"):
        links.read_click(SETTINGS, token(foreign))


@pytest.mark.parametrize(
    "target",
    [
        "javascript:alert(1)",
        "JAVASCRIPT:alert(1)",
        "data:text/html,x",
        "ftp://shop.example/x",
        "//evil.example",
        "/cart",
        "shop.example/cart",
        "",
        "https://",
        "https:///cart",
        "https://shop.example@evil.example/",
        "https://shop.example\\@evil.example",
        "https://shop.example/\r\nLocation: https://evil.example",
        "https://shop.example/a b",
        "https://shop.example/\u202egpj.exe",
        "https://shop.example:99999/",
        "https://[::1",
        "https://shop.example/" + "a" * 3_000,
    ],
)
def test_only_a_complete_web_address_can_be_linked_to(target):
    with pytest.raises(LinkError):
        links.click_url(SETTINGS, MESSAGE_ID, target)


def test_links_need_a_secret_and_the_error_says_how_to_make_one():
    with pytest.raises(SettingsError, match=r"DOVECOTE_LINK_SECRET is empty.*token_urlsafe"):
        links.preferences_url(settings(DOVECOTE_LINK_SECRET=""), "ada")


def test_a_message_id_that_is_no_uuid_is_refused():
    with pytest.raises(LinkError, match="no UUID"):
        links.click_url(SETTINGS, "message-1", "https://shop.example")
