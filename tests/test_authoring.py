"""What an author types: `dovecote new`, `preview` and `send-test`."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace

import pytest
import warm
from small_town import cart, consent, profile, town

from dagster_project.authoring import preview as drawing
from dagster_project.authoring.new import NewError, create
from dagster_project.journeys import load_journeys
from dagster_project.template_check import template_problems
from receivers.warehouse import open_warehouse
from senders.channel_content import push_content, value, webhook_content, whatsapp_content
from senders.settings import REPOSITORY, load

MADE = {"journey": "tea_time", "segment": "regulars", "kpi": "answers"}


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    """A copy of this repository with one of each kind made new in it."""
    folder = tmp_path_factory.mktemp("repository")
    for part in ("dbt", "senders", "sql"):
        left_out = shutil.ignore_patterns("target", "logs", "__pycache__")
        shutil.copytree(REPOSITORY / part, folder / part, ignore=left_out)
    for kind, name in MADE.items():
        create(kind, name, folder, event="product_viewed")
    return folder


def test_what_is_made_new_is_live_and_valid_at_once(repository):
    (journey,) = [each for each in load_journeys(repository) if each.name == "tea_time"]
    assert [step.channels for step in journey.steps] == [("sms", "email")]
    assert template_problems(repository) == []
    project = (repository / "dbt/dbt_project.yml").read_text()
    assert "    - tea_time\n" in project
    assert "    - regulars\n" in project


def made_files(repository, suffix):
    return [str(path) for name in MADE.values() for path in (repository / "dbt").rglob(f"*_{name}.{suffix}")]


def test_what_is_made_new_is_written_as_the_house_writes(repository):
    command = [
        sys.executable,
        "-m",
        "sqlfluff",
        "lint",
        "--config",
        str(REPOSITORY / ".sqlfluff"),
        *made_files(repository, "sql"),
    ]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@pytest.mark.slow
def test_the_unit_tests_of_what_is_made_new_pass(repository, tmp_path):
    settings = load({"DOVECOTE_HOME": str(tmp_path)})
    open_warehouse(settings).close()
    environment = {
        **os.environ, "DOVECOTE_HOME": str(tmp_path), "DBT_TARGET_PATH": str(tmp_path / "target"),
        "DBT_LOG_PATH": str(tmp_path / "logs"), "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }  # fmt: skip
    select = [f"+{prefix}_{name}" for prefix, name in zip(("trg", "seg", "kpi"), MADE.values(), strict=True)]
    where = ["--project-dir", str(repository / "dbt"), "--profiles-dir", str(repository / "dbt")]
    for command in (
        ["build", "--empty", "--select", *select, "--exclude-resource-type", "unit_test", "test"],
        ["test", "--select", *(each.lstrip("+") for each in select)],
    ):
        done = warm.dbt("--no-use-colors", *command, *where, environment=environment)
        assert done.returncode == 0, done.stdout[-3000:]
    assert "PASS=0" not in done.stdout


@pytest.mark.parametrize(
    ("kind", "name", "says"),
    [
        ("journey", "cart_abandoned", "trg_cart_abandoned.sql is there already"),
        ("journey", "Tea Time", 'it is written in snake_case, as in "tea_time"'),
        ("campaign", "tea_time", "there is journey, segment, kpi"),
    ],
)
def test_nothing_is_written_over_and_no_wrong_name_is_taken(kind, name, says):
    with pytest.raises(NewError, match=re.escape(says)):
        create(kind, name, REPOSITORY)


def test_a_preview_shows_every_step_on_every_channel(tmp_path):
    settings = load({"DOVECOTE_HOME": str(tmp_path)})
    for journey in load_journeys():
        shown = drawing.preview(settings, journey.name)
        assert [message.error for message in shown.messages if message.error] == []
        assert [(m.step, m.channel) for m in shown.messages] == [
            (step.name, channel) for step in journey.steps for channel in step.channels
        ]
        assert drawing.page(shown, settings).count("<section>") == len(shown.messages)


DRAWN = {
    "push": (
        push_content({"title": "Back again", "body": "Your mug is here", "url": "https://shop.example/mug"}),
        ["Back again", "Your mug is here", "https://shop.example/mug"],
    ),
    "whatsapp": (
        whatsapp_content(
            {"template": "order_note", "language": "en", "body": value("Ann") + value("A-1")}, ""
        ),
        ["order_note", "Ann · A-1"],
    ),
    "whatsapp in answer": (whatsapp_content({}, "We have found it"), ["We have found it"]),
    "webhook": (webhook_content('{"total": 12}'), ["total", "12"]),
}


@pytest.mark.parametrize("channel", DRAWN)
def test_a_preview_draws_each_channel_with_all_that_the_person_gets(channel, tmp_path):
    content, seen = DRAWN[channel]
    message = drawing.Shown("one", channel.split()[0], "nobody", content)
    shown = drawing.Preview("tea_time", "nobody", "the templates' examples", (message,))
    page = drawing.page(shown, load({"DOVECOTE_HOME": str(tmp_path)}))
    assert all(text in drawing.in_words(shown) and text in page for text in seen)


def test_a_preview_names_the_nearest_journey(tmp_path):
    with pytest.raises(drawing.PreviewError, match='did you mean "cart_abandoned"'):
        drawing.preview(load({"DOVECOTE_HOME": str(tmp_path)}), "cart_abandonned")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch, town(tmp_path_factory.mktemp("town"), 8460) as place:
        patch.setenv("DOVECOTE_TEST_ADDRESSES", "author@example.com, +15005550006")
        place.land("profiles", "people", [profile("ann")])
        place.land("consents", "consents", [consent("ann")])
        place.land("events", "carts", [cart("ann")])
        place.tick("2026-01-15T11:00:00Z")
        yield place


def dovecote(*arguments):
    return warm.dovecote(*arguments)


@pytest.mark.slow
def test_a_preview_shows_a_persons_own_cart(place, tmp_path):
    page = tmp_path / "cart.html"
    done = dovecote("preview", "cart_abandoned", "--user", "ann", "--no-open", "--out", str(page))
    assert done.returncode == 0, done.stderr
    assert "from the trigger's own row" in done.stdout
    assert "Linen shirt" in done.stdout
    assert "Linen shirt" in page.read_text()


@pytest.mark.slow
def test_a_preview_says_which_columns_the_warehouse_does_not_have_yet(place):
    journey = drawing.journey_named("cart_abandoned")
    grown = replace(journey, columns=(*journey.columns, replace(journey.columns[0], name="gift")))
    with pytest.raises(drawing.PreviewError, match="trg_cart_abandoned has gift now, but not yet"):
        drawing.found(place.settings, grown, "ann")


@pytest.mark.slow
def test_whoever_unsubscribes_in_a_preview_is_not_unsubscribed(place):
    from senders import links

    shown = drawing.preview(place.settings, "cart_abandoned", "ann")
    (mail, *_) = [each for each in shown.messages if each.channel == "email"]
    link = mail.content["headers"]["List-Unsubscribe"].strip("<>")
    with pytest.raises(links.LinkError):
        links.read_unsubscribe(place.settings, link.rsplit("/", 1)[1])


@pytest.mark.slow
def test_a_test_goes_to_an_address_that_is_listed_and_counts_nowhere(place):
    done = dovecote("send-test", "cart_abandoned", "--to", "author@example.com", "--user", "ann")
    assert done.returncode == 0, done.stderr
    assert "accepted" in done.stdout
    (sent,) = [row for row in place.accepted() if row["recipient"] == "author@example.com"]
    assert "Linen shirt" in sent["subject"]
    refused = dovecote("send-test", "cart_abandoned", "--to", "ann@example.com", "--user", "ann")
    assert refused.returncode == 1
    assert "DOVECOTE_TEST_ADDRESSES does not list it" in refused.stderr
