"""The tracker's real events of October to December 2022 go through the whole loop.

Who left a cart is worked out here by a plain reading of the same file; the loop must remind those people,
of the cart or of the checkout they had begun, and nobody who bought.
"""

import json
import sqlite3
from collections import defaultdict
from datetime import UTC, datetime, timedelta

import parsed_project
import polars as pl
import pytest
import warm

from dagster_project import warehouse
from dagster_project.backtest.models import Project
from dagster_project.backtest.plan import Plan
from dagster_project.backtest.replay import replayed
from dagster_project.demo import play, servers
from senders.settings import REPOSITORY, load

REAL = REPOSITORY.parent / "shared" / "data" / "snowplow_ecommerce" / "snowplow_ecommerce_events.csv"
ACTION = "unstruct_event_com_snowplowanalytics_snowplow_ecommerce_snowplow_ecommerce_action_1_0_0"
PRODUCTS = "contexts_com_snowplowanalytics_snowplow_ecommerce_product_1_0_0"
# A left cart is the first's, or the second's where its checkout had begun.
REMINDING = ("cart_abandoned", "checkout_abandoned")
USER = "contexts_com_snowplowanalytics_snowplow_ecommerce_user_1_0_0"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(400),
    pytest.mark.skipif(not REAL.exists(), reason="the real tracker events are not beside this checkout"),
]


def read_actions():
    """(moment, device, named user or None, action, product ids) of every event, in order of behaviour."""
    frame = pl.read_csv(REAL, infer_schema=False)
    actions = []
    for row in frame.iter_rows(named=True):
        user = json.loads(row[USER] or "[]")
        actions.append(
            (
                row["derived_tstamp"][:19],
                row["domain_userid"] or row["network_userid"],
                user[0]["id"] if user else None,
                json.loads(row[ACTION] or "{}").get("type"),
                [product["id"] for product in json.loads(row[PRODUCTS] or "[]")],
            )
        )
    return sorted(actions, key=lambda action: action[0])


def person_of_device(actions):
    """The named user of a device where there is one, else a shopper of our own naming."""
    named = {device: user for _, device, user, _, _ in actions if user}
    return {device: named.get(device, f"shopper-{device[:8]}") for _, device, _, _, _ in actions}


def carts_left(actions, people, day):
    """Who had something in the cart at the end of `day`, put there that day and not bought."""
    carts = defaultdict(lambda: defaultdict(int))
    for moment, device, _, action, products in actions:
        cart = carts[people[device]]
        if not moment.startswith(day):
            continue
        for product in products:
            if action == "add_to_cart":
                cart[product] += 1
            elif action == "remove_from_cart":
                cart[product] = max(cart[product] - 1, 0)
        if action == "transaction":
            cart.clear()
    return {person for person, cart in carts.items() if any(cart.values())}


@pytest.fixture(scope="module")
def actions():
    return read_actions()


@pytest.fixture(scope="module")
def played(tmp_path_factory, actions):
    """Everything landed at once, then ticks at the given times; what the provider accepted at each."""
    port = servers.free_port(8410)
    folder = tmp_path_factory.mktemp("real")
    settings, environment = play.prepare(load({"DOVECOTE_HOME": str(folder)}), port, tick_seconds=60)
    parsed_project.lend(settings)
    land(settings.landing, actions)
    accepted, ticks = {}, {}
    with servers.running([play.children(settings, port)[0]], settings.home / "logs", environment):
        for as_of in (
            "2022-10-24T12:00:00", "2022-10-25T10:15:00", "2022-10-25T10:16:00", "2022-10-26T10:15:00",
            "2022-11-17T12:10:00", "2022-12-22T15:10:00",
        ):  # fmt: skip
            before = sum(map(len, accepted.values()))
            ticks[as_of] = tick(as_of)
            accepted[as_of] = play.journal(f"http://127.0.0.1:{port}")[before:]
    return {"settings": settings, "accepted": accepted, "ticks": ticks}


def land(landing, actions):
    people = person_of_device(actions)
    (landing / "snowplow").mkdir(parents=True, exist_ok=True)
    (landing / "snowplow" / "events.csv").write_bytes(REAL.read_bytes())
    calls = [
        {
            "type": "identify", "messageId": f"identify-{device}", "anonymousId": device, "userId": person,
            "timestamp": "2022-09-01T00:00:00Z",
            "traits": {"email": f"{person}@example.com".lower(), "timezone": "Europe/Athens"},
        }
        for device, person in people.items()
    ]  # fmt: skip
    consents = [
        {
            "user_id": person, "channel": "email", "purpose": "marketing", "status": "given",
            "occurred_at": "2022-09-01T00:00:00Z", "consent_source": "test",
        }
        for person in set(people.values())
    ]  # fmt: skip
    for feed, rows in (("segment", calls), ("consents", consents)):
        (landing / feed).mkdir(parents=True, exist_ok=True)
        (landing / feed / "people.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def tick(as_of):
    done = warm.dovecote("tick", "--as-of", as_of, "--json")
    assert done.returncode == 0, done.stderr[-3000:] + done.stdout[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def reminders(played, as_of):
    """What the provider accepted in one tick for left carts; order confirmations go beside it."""
    with sqlite3.connect(played["settings"].ledger) as ledger:
        rows = ledger.execute(f"select message_id from messages where journey in {REMINDING}").fetchall()
    return [row for row in played["accepted"][as_of] if (row["message_id"],) in rows]


def reminded(played, as_of):
    return {row["recipient"].removesuffix("@example.com") for row in reminders(played, as_of)}


def held_out(played):
    """Everybody whom a holdout kept from their reminder, in the ids of the e-mail addresses."""
    with warehouse.opened(played["settings"], read_only=True) as connection:
        rows = connection.execute(
            f"select user_id from decisions.fct_decisions where journey in {REMINDING} and reason = 'holdout'"
        ).fetchall()
    return {row[0].lower() for row in rows}


def lower(people):
    return {person.lower() for person in people}


def test_nothing_goes_out_before_anything_happened(played):
    assert played["accepted"]["2022-10-24T12:00:00"] == []


@pytest.mark.parametrize(
    "as_of",
    ["2022-10-25T10:15:00", "2022-11-17T12:10:00", "2022-12-22T15:10:00"],
    ids=lambda as_of: as_of[:10],
)
def test_who_left_a_cart_is_reminded_and_nobody_who_bought(played, actions, as_of):
    expected = lower(carts_left(actions, person_of_device(actions), as_of[:10]))
    assert reminded(played, as_of) == expected - held_out(played)


def test_somebody_did_leave_a_cart_and_somebody_did_buy(actions):
    left = carts_left(actions, person_of_device(actions), "2022-10-25")
    bought = {device for _, device, _, action, _ in actions if action == "transaction"}
    assert len(left) >= 4
    assert len(bought) >= 5


def test_the_next_minute_sends_nothing_again(played):
    assert played["accepted"]["2022-10-25T10:16:00"] == []


def test_the_second_step_follows_a_day_later_to_the_same_people(played):
    assert reminded(played, "2022-10-26T10:15:00") == reminded(played, "2022-10-25T10:15:00")
    first, second = (
        {row["subject"] for row in reminders(played, as_of)}
        for as_of in ("2022-10-25T10:15:00", "2022-10-26T10:15:00")
    )
    assert second
    assert not first & second


def test_a_message_names_the_product_that_was_left(played):
    # The tracker sends no product names, so brand or category stand in.
    messages = reminders(played, "2022-10-25T10:15:00")
    assert messages
    assert all("Snowplow" in row["html"] or "Hats" in row["html"] for row in messages)


def test_a_backtest_of_these_days_decides_as_the_ticks_did(played, tmp_path):
    first, day = datetime(2022, 10, 24, 10, 15, tzinfo=UTC), timedelta(days=1)
    sends = (
        "select user_id, step, channel, decided_at from decisions.fct_decisions "
        "where journey = 'cart_abandoned' and outcome = 'send' "
        "and decided_at <= timestamp '2022-10-26 10:15' order by all"
    )
    with warehouse.opened(played["settings"], read_only=True) as connection:
        expected = connection.execute(sends).fetchall()
    plan = Plan(first, first + 2 * day, day, audits=False)
    with replayed(Project(played["settings"]), plan, tmp_path, lambda _: None) as replay:
        assert replay.connection.execute(sends).fetchall() == expected
    assert expected
