"""Secrets come from the environment or from a secret manager's files, and nothing repeats them."""

import logging

import pytest
from letters import Clock, letters, tamper
from post_office import Postal

from senders import settings
from senders.delivery import deliver, plan
from senders.providers._declared import Option, read_options
from senders.settings import SettingsError, load

SECRET = "s3cr3t-that-nobody-repeats"
OPTIONS = [Option("api_key", "the key", is_secret=True), Option("from", "the sender")]


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "secret"
    path.write_text(SECRET + "\n")
    return path


def test_a_setting_is_read_from_the_file_that_it_names(file):
    read = load({"DOVECOTE_LINK_SECRET_FILE": str(file), "DOVECOTE_LEDGER_FILE": ""})
    assert read.link_secret == SECRET
    assert SECRET not in repr(read)


def test_a_provider_reads_its_secrets_from_files_and_nothing_else(file):
    read = load({"DOVECOTE_POSTAL_API_KEY_FILE": str(file), "DOVECOTE_POSTAL_FROM": "us"})
    assert read_options("postal", OPTIONS, read.provider_settings("postal")) == {
        "api_key": SECRET,
        "from": "us",
    }
    wrong = load({"DOVECOTE_POSTAL_API_KEY": SECRET, "DOVECOTE_POSTAL_FROM_FILE": str(file)})
    with pytest.raises(SettingsError, match="DOVECOTE_POSTAL_FROM_FILE: postal has no such setting"):
        read_options("postal", OPTIONS, wrong.provider_settings("postal"))


@pytest.mark.parametrize(
    ("content", "environment", "says"),
    [
        (None, {}, "cannot be read: No such file"),
        (b"", {}, "is empty"),
        (b"\n", {}, "is empty"),
        (b"\xff\xfe", {}, "is no text"),
        (b"x" * (settings.LARGEST_SECRET + 1), {}, "is too large"),
        (b"x", {"DOVECOTE_LINK_SECRET": SECRET}, "is given twice"),
    ],
)
def test_a_file_that_holds_no_secret_is_named_with_its_setting(tmp_path, content, environment, says):
    path = tmp_path / "secret"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SettingsError, match=f"DOVECOTE_LINK_SECRET: .*{says}") as raised:
        load({"DOVECOTE_LINK_SECRET_FILE": str(path), **environment})
    assert SECRET not in str(raised.value)


class Guarded(Postal):
    async def authorize(self, client):
        return {"authorization": f"Bearer {SECRET}"}


@pytest.mark.parametrize("behaviour", ["accept", "busy", "unauthorized", "reset_after", "babble", "break"])
def test_neither_the_ledger_nor_a_log_repeats_the_secret_or_the_address(
    file_ledger, office, caplog, behaviour
):
    caplog.set_level(logging.DEBUG)
    office.behave = lambda message_id, nth: behaviour
    clock, provider = Clock(), Guarded(office.url)
    plan(file_ledger, {"sms": provider}, letters(3, address="+447400123456"), clock())
    deliver(file_ledger, {"sms": provider}, clock, 2)
    assert f"Bearer {SECRET}" in office.authorizations
    assert SECRET not in caplog.text
    assert "447400123456" not in caplog.text
    names = [
        row[0]
        for row in tamper(file_ledger, "select name from sqlite_master where type = 'table'").fetchall()
    ]
    for name in names:
        assert SECRET not in str(
            [tuple(row) for row in tamper(file_ledger, f"select * from {name}").fetchall()]
        )
