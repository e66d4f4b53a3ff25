"""Every reason, met by a person who gives cause for it, and told by `dovecote explain`."""

import json
from collections import Counter
from datetime import UTC, datetime

import parsed_project
import pytest
import warm
from small_town import cart, consent, email_of, event, profile, town

from senders.ledger import Ledger

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

AFTERWARDS = "2026-01-15T11:10:00Z"
LATER = {"as_of": "2026-01-15 12:03:00"}
NOON = "2026-01-15T12:00:00Z"
PHONE = "+12025550123"
REASONS = {
    "ada": ("send", "due"),
    "bob": ("suppress", "no_consent"),
    "cyd": ("suppress", "no_address"),
    "dan": ("suppress", "exited"),
    "eve": ("hold", "quiet_hours"),
    "fay": ("suppress", "suppressed"),
    "hal": ("suppress", "expired"),
    "ivy": ("suppress", "holdout"),
    "joe": ("suppress", "condition_not_met"),
}


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    """One look at 11:00 that makes the entries, and the minute at noon in which all are due."""
    with town(tmp_path_factory.mktemp("reasons"), 8420, **{"unreachable-share": 1}) as place:
        people = [profile(name) for name in REASONS if name not in ("cyd", "eve", "ivy")]
        people += [
            profile("cyd", email=None),
            profile("eve", time_zone="Pacific/Auckland"),
            profile("ivy", email=email_of("ivy", ("cart_abandoned",), held_out=True)),
            profile("gus"),
            profile("kim", phone=PHONE, preferred_channel="rcs"),
        ]
        place.land("profiles", "people", people)
        agreed = [consent(name) for name in (*REASONS, "gus", "kim") if name != "bob"]
        place.land("consents", "people", [*agreed, consent("kim", "rcs")])
        hal_left = cart("hal", "2026-01-14T23:00:00Z")  # due 00:30, too late after 06:30
        carts = [cart(name) for name in (*REASONS, "gus", "kim") if name != "hal"]
        look = event("gus", "product_viewed", "2026-01-15T09:00:00Z", product_id="P2")
        place.land("events", "carts", [hal_left, look, *carts])
        place.land("products", "before", [product("P2", 100.0, "2026-01-01T00:00:00Z")])
        with Ledger(place.settings.ledger) as ledger:
            ledger.suppress(
                email_of("fay"), "marketing", "asked us to stop", datetime(2026, 1, 10, tzinfo=UTC)
            )
        place.tick("2026-01-15T11:00:00Z")
        place.land("events", "later", [
            event("dan", "order_completed", AFTERWARDS, cart_id="cart-dan", order_id="o1", total=49.0),
            event("joe", "product_removed", AFTERWARDS, cart_id="cart-joe", product_id="P1", quantity=1),
        ])  # fmt: skip
        place.land("products", "sale", [product("P2", 50.0, "2026-01-15T11:59:00Z")])
        summary = place.tick(NOON)
        yield place, summary


def product(product_id, price, at):
    return {
        "product_id": product_id,
        "name": "Rain jacket",
        "price": price,
        "currency": "EUR",
        "updated_at": at,
    }


def explained(name, *options):
    done = warm.dovecote("explain", name, *options)
    assert done.returncode == 0, done.stderr
    return done.stdout


def last_decision(name, journey="cart_abandoned"):
    record = json.loads(explained(name, "--journey", journey, "--json"))
    (entry,) = record["journeys"]
    return entry["steps"][0]["decisions"][-1]


@pytest.mark.parametrize("name", REASONS)
def test_each_person_meets_the_reason_they_give_cause_for(played, name):
    decision = last_decision(name)
    assert (decision["outcome"], decision["reason"]) == REASONS[name]


def test_of_two_messages_in_one_minute_the_lower_priority_waits_and_names_the_other(played):
    waiting = last_decision("gus", "price_dropped")
    assert (waiting["outcome"], waiting["reason"]) == ("hold", "outranked")
    assert waiting["blocking_id"] == last_decision("gus")["message_id"]


def test_what_goes_in_comes_out_as_send_hold_or_suppress(played):
    _, summary = played
    assert sum(summary["outcomes"].values()) == sum(summary["decisions"].values()) > len(REASONS)


def test_words_name_the_reason_the_rule_and_the_address(played):
    words = explained("eve")
    assert "WAIT" in words
    assert "quiet hours where they are (rule night)" in words
    assert email_of("eve") in words


def test_a_person_is_found_by_their_address(played):
    assert explained(email_of("ada")).startswith("ada (Ada)")


def test_nobody_is_told_apart_from_somebody(played):
    done = warm.dovecote("explain", "nobody@example.com")
    assert done.returncode == 1
    assert "nobody has the id" in done.stderr


def test_the_provider_accepted_what_was_decided_and_nothing_else(played):
    place, _ = played
    carts = {
        row["recipient"] for row in place.accepted() if row["subject"] and "jacket" not in row["subject"]
    }
    assert email_of("ada") in carts
    assert not carts & {email_of(name) for name in REASONS if name not in ("ada", "dan")}


def test_a_phone_without_rich_messages_gets_the_next_channel_in_the_next_minute(played):
    place, _ = played
    place.tick("2026-01-15T12:01:00Z")
    record = json.loads(explained("kim", "--journey", "cart_abandoned", "--json"))
    decisions = record["journeys"][0]["steps"][0]["decisions"]
    assert [(each["outcome"], each["channel"]) for each in decisions] == [("send", "rcs"), ("send", "email")]
    assert [each["message"]["state"] for each in decisions] == ["rejected", "accepted"]


def test_a_warehouse_built_anew_beside_the_ledger_sends_nothing_twice(played, tmp_path):
    place, _ = played
    before = [row["message_id"] for row in place.accepted()]
    place.settings.warehouse.rename(tmp_path / "lost.duckdb")
    for file in [path for path in place.settings.archive.rglob("*") if path.is_file()]:
        back = place.settings.landing / file.relative_to(place.settings.archive)
        back.parent.mkdir(parents=True, exist_ok=True)
        file.rename(back)
    place.tick("2026-01-15T12:02:00Z")
    assert [row["message_id"] for row in place.accepted()] == before


def test_every_unit_test_and_data_test_of_the_project_holds_in_this_town(played):
    place, _ = played
    told = parsed_project.dbt(place.settings.home, "build", "--vars", json.dumps(LATER))
    passed = Counter(unique_id.split(".")[0] for unique_id, status, *_ in told if status == "pass")
    assert passed["unit_test"] > 200
    assert passed["test"] > 200


def test_a_journey_that_is_not_live_is_told_with_the_nearest_that_is(played):
    done = warm.dovecote("explain", "ada", "--journey", "cart_abandonned")
    assert done.returncode == 1
    assert "did you mean cart_abandoned?" in done.stderr
