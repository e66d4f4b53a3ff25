"""The KPIs on a story small enough to work out by hand, from rows to what Dagster shows.

Cart reminders of 10 January, 10:00; the goal is an order within seven days, which brings its revenue.
Ada (SMS) clicks twice and orders in the very last moment. Bob (e-mail) only has a scanner that opens and
clicks for him, and orders a microsecond too late. Cyd (e-mail) opens, and had ordered a minute before.
Dan's SMS bounces; he orders anyway. Eve is held out and orders. Fay gave no consent. Gil's step waits.
Hal (welcome, e-mail, nobody held out) reports the mail as spam and orders a day after. Ada says STOP at last.
"""

import base64
import io
import shutil
from datetime import UTC, datetime

import duckdb
import pytest
from parsed_project import dbt

from dagster_project import guardrails, kpi_forms, kpi_pictures
from dagster_project.kpis import BOARD, RECENT, Markdown, kpi_metadata
from senders.ledger import Ledger
from senders.settings import REPOSITORY

pytestmark = pytest.mark.slow

AS_OF = "2026-01-20 12:00:00"
LOOKED_AT = f"{{as_of: '{AS_OF}'}}"
CART = ("cart_abandoned", "reminder")
WELCOME = ("welcome", "greeting")
# person, journey and step, channel, outcome, reason
DECIDED = [
    ("ada", CART, "sms", "send", "due"),
    ("bob", CART, "email", "send", "due"),
    ("cyd", CART, "email", "send", "due"),
    ("dan", CART, "sms", "send", "due"),
    ("eve", CART, "sms", "suppress", "holdout"),
    ("fay", CART, "email", "suppress", "no_consent"),
    ("gil", CART, "sms", "hold", "quiet_hours"),
    ("hal", WELCOME, "email", "send", "due"),
]
# person, what happened, by a machine
HAPPENED = [
    *(
        (person, state, None)
        for person in ("ada", "bob", "cyd", "hal")
        for state in ("accepted", "delivered")
    ),
    *(("dan", state, None) for state in ("accepted", "failed_late")),
    ("ada", "clicked", False),
    ("ada", "clicked", False),
    ("bob", "opened", True),
    ("bob", "clicked", True),
    ("cyd", "opened", False),
    ("dan", "bounced", False),
    ("ada", "unsubscribed", False),
    ("hal", "complained", False),
]
ENGAGEMENT = ("opened", "clicked", "bounced", "unsubscribed", "complained")
ORDERED = [
    ("ada", "2026-01-17 10:00:00", 100),
    ("bob", "2026-01-17 10:00:00.000001", 1_000),
    ("cyd", "2026-01-10 09:59:00", 1_000),
    ("dan", "2026-01-10 11:00:00", 50),
    ("eve", "2026-01-10 12:00:00", 30),
    ("hal", "2026-01-11 10:00:00", 20),
]


ENTRY = """
insert into decisions.fct_entries (entry_id, journey, user_id, event_id, entered_at, status)
values ('n-' || $p, $j, $p, 'e-' || $p, '2026-01-10 09:00:00', 'entered')
"""
STEP = """
insert into decisions.fct_entry_steps (candidate_id, entry_id, journey, step)
values ('c-' || $p, 'n-' || $p, $j, $s)
"""
DECISION = """
insert into decisions.fct_decisions (
    decision_id, candidate_id, decision_number, journey, step, step_number, user_id, channel, outcome, reason,
    decided_at, is_holdout, is_exposed
) values (
    'd-' || $p, 'c-' || $p, 1, $j, $s, 1, $p, $c, $o, $r,
    '2026-01-10 10:00:00', $r = 'holdout', $o = 'send' or $r = 'holdout'
)
"""
JOURNAL = """
insert into raw.ledger_journal (
    seq, happened_at, kind, message_id, from_state, to_state, is_machine,
    candidate_id, decision_id, journey, step, channel, user_id, copied_at
) values (
    $n, timestamp '2026-01-10 10:00:00' + to_seconds($n), $k, 'm-' || $p, $f, $t, $m,
    'c-' || $p, 'd-' || $p, $j, $s, $c, $p, '2026-01-11'
)
"""
ORDER = """
insert into people.int_kept_events (event_id, event_name, given_id, occurred_at, visible_at, revenue)
values ('order-' || $1, 'order_completed', $1, $2, $2, $3)
"""


def tell_the_story(warehouse: duckdb.DuckDBPyConnection) -> None:
    planned = []
    for person, (journey, step), channel, outcome, reason in DECIDED:
        entered = {"p": person, "j": journey}
        warehouse.execute(ENTRY, entered)
        warehouse.execute(STEP, entered | {"s": step})
        warehouse.execute(DECISION, entered | {"s": step, "c": channel, "o": outcome, "r": reason})
        if outcome == "send":
            planned.append(
                {**entered, "s": step, "c": channel, "k": "state", "f": None, "t": "planned", "m": None}
            )
    nothing = {"j": None, "s": None, "c": None, "f": "any"}
    later = [
        {
            "p": person,
            "k": "engagement" if what in ENGAGEMENT else "state",
            "t": what,
            "m": machine,
            **nothing,
        }
        for person, what, machine in HAPPENED
    ]
    for number, row in enumerate(planned + later, 1):
        warehouse.execute(JOURNAL, row | {"n": number})
    warehouse.executemany(ORDER, ORDERED)


@pytest.fixture(scope="module")
def empty_house(tmp_path_factory):
    """Every model built over nothing."""
    folder = tmp_path_factory.mktemp("house")
    with duckdb.connect(str(folder / "warehouse.duckdb")) as warehouse:
        warehouse.execute((REPOSITORY / "sql/warehouse/raw.sql").read_text())
    dbt(folder, "build", "--exclude-resource-type", "test", "unit_test", "--vars", LOOKED_AT)
    return folder


@pytest.fixture(scope="module")
def told_of_nothing(empty_house):
    with duckdb.connect(str(empty_house / "warehouse.duckdb"), read_only=True) as warehouse:
        return kpi_metadata(warehouse)


@pytest.fixture(scope="module")
def house(empty_house, told_of_nothing):
    with duckdb.connect(str(empty_house / "warehouse.duckdb")) as warehouse:
        tell_the_story(warehouse)
    dbt(empty_house, "run", "--select", "marts", "kpis", "--vars", LOOKED_AT)
    with duckdb.connect(str(empty_house / "warehouse.duckdb"), read_only=True) as warehouse:
        yield warehouse


@pytest.fixture(scope="module")
def told(house, tmp_path_factory):
    return kpi_metadata(house, tmp_path_factory.mktemp("pictures"))


# (journey, step, channel) → (numerator, denominator, value)
SMS, EMAIL, HELLO = (*CART, "sms"), (*CART, "email"), (*WELCOME, "email")
BY_HAND = {
    "kpi_conversion_rate": {SMS: (1, 1, 1), EMAIL: (0, 2, 0), HELLO: (1, 1, 1)},
    "kpi_incremental_revenue": {SMS: (150, 60, 90), EMAIL: (0, None, None), HELLO: (20, None, None)},
    "kpi_open_rate": {EMAIL: (1, 2, 1 / 2), HELLO: (0, 1, 0)},
    "kpi_click_through_rate": {SMS: (1, 1, 1), EMAIL: (0, 2, 0), HELLO: (0, 1, 0)},
    "kpi_time_to_conversion": {SMS: (604_800, 1, 604_800), HELLO: (86_400, 1, 86_400)},
    "kpi_bounce_rate": {SMS: (1, 2, 1 / 2), EMAIL: (0, 2, 0), HELLO: (0, 1, 0)},
    "kpi_complaint_rate": {EMAIL: (0, 2, 0), HELLO: (1, 1, 1)},
    "kpi_unsubscribe_rate": {SMS: (1, 1, 1), EMAIL: (0, 2, 0), HELLO: (0, 1, 0)},
}


@pytest.mark.parametrize("kpi", BY_HAND)
def test_every_place_has_the_value_worked_out_by_hand(house, kpi):
    rows = house.execute(
        f"select journey, step, channel, numerator, denominator, value from kpis.{kpi}"
    ).fetchall()
    assert {row[:3]: row[3:] for row in rows} == BY_HAND[kpi]


def test_three_of_seven_carts_were_reached_on_the_channels_they_were_reached_on(house):
    rows = house.execute(
        "select journey, step, channel, numerator, denominator from kpis.kpi_journey_completion"
    )
    found = {row[:3]: row[3:] for row in rows.fetchall()}
    assert found[("cart_abandoned", None, None)] == (3, 7)
    assert found[SMS] == (1, 7)
    assert found[EMAIL] == (2, 7)
    assert found[(*CART, "rcs")] == (0, 7)
    assert found[("welcome", None, None)] == (1, 1)


def test_two_of_six_cart_steps_were_suppressed_and_the_waiting_one_is_no_decision(house):
    rows = house.execute("select reason, sum(numerator), sum(denominator) from kpis.kpi_suppression_rate"
                         " where journey = 'cart_abandoned' group by reason").fetchall()  # fmt: skip
    assert {row[0]: row[1:] for row in rows} == {None: (2, 6), "holdout": (1, 3), "no_consent": (1, 3)}


HEADLINES = {
    "conversion_rate": 2 / 4,
    "incremental_revenue": 150 - 30 * 2 / 1,
    "open_rate": 1 / 3,
    "click_through_rate": 1 / 4,
    "median_minutes": (10_080 + 1_440) / 2,
    "journey_completion": 4 / 8,
    "suppression_rate": 2 / 7,
    "bounce_rate": 1 / 5,
    "complaint_rate": 1 / 3,
    "unsubscribe_rate": 1 / 4,
}


def test_the_board_sums_numerators_and_denominators_and_averages_no_averages(told):
    numbers = {name: told[BOARD][name] for name in HEADLINES}
    assert numbers == pytest.approx(HEADLINES, abs=0.0001)


def test_every_kpi_carries_its_numbers_and_a_table_by_journey_step_and_channel(told):
    assert set(told) >= {f"kpi_{name}" for name in (
        "conversion_rate", "incremental_revenue", "open_rate", "click_through_rate", "time_to_conversion",
        "journey_completion", "suppression_rate", "bounce_rate", "complaint_rate", "unsubscribe_rate",
    )} | {BOARD}  # fmt: skip
    for model, metadata in told.items():
        assert isinstance(metadata[RECENT], Markdown), model
        assert all(isinstance(value, (float, Markdown)) for value in metadata.values()), model
    assert told["kpi_conversion_rate"][RECENT].splitlines() == [
        "|journey|step|channel|conversion_rate|converted / delivered|",
        "|---|---|---|--:|--:|",
        "|cart_abandoned|reminder|email|0.00%|0 / 2|",
        "|cart_abandoned|reminder|sms|100.00%|1 / 1|",
        "|welcome|greeting|email|100.00%|1 / 1|",
    ]


def test_what_nobody_can_know_has_no_number_and_a_dash_in_the_table(told):
    revenue = told["kpi_incremental_revenue"]
    assert revenue["journey/cart_abandoned"] == 90
    assert "journey/welcome" not in revenue
    assert "|welcome|greeting|email|–|–|1 : 0|" in revenue[RECENT]


def test_a_new_kpi_model_shows_its_numbers_without_a_line_of_python(house, empty_house, tmp_path):
    copy = shutil.copy(empty_house / "warehouse.duckdb", tmp_path)
    with duckdb.connect(copy) as warehouse:
        warehouse.execute(
            "create table kpis.kpi_replies as select * from (values"
            " (timestamp '2026-01-09', 'cart_abandoned', 'reminder', 'sms', null, 0.5, 1.0, 2.0),"
            " (timestamp '2026-01-10', 'cart_abandoned', 'reminder', 'sms', null, 0.0, 0.0, 2.0))"
            " as t (window_start, journey, step, channel, variant, value, numerator, denominator)"
        )
        told = kpi_metadata(warehouse, tmp_path)
        warehouse.execute("insert into policy.kpi_units values ('kpi_replies', 'share')")
        as_share = kpi_metadata(warehouse, tmp_path)
    assert told["kpi_replies"]["replies"] == 0.25
    assert told["kpi_replies"]["journey/cart_abandoned"] == 0.25
    assert "|cart_abandoned|reminder|sms|0.25|1 / 4|" in told["kpi_replies"][RECENT]
    assert "|cart_abandoned|reminder|sms|25.00%|1 / 4|" in as_share["kpi_replies"][RECENT]
    assert told[BOARD]["replies"] == 0.25


def test_the_shipped_guardrails_stop_a_journey_that_people_report_as_spam(house, empty_house, tmp_path):
    copy = shutil.copy(empty_house / "warehouse.duckdb", tmp_path)
    with duckdb.connect(copy) as warehouse, Ledger(tmp_path / "ledger.sqlite") as ledger:
        judged_at = datetime(2026, 1, 12, tzinfo=UTC)
        assert guardrails.stop_what_breaks(warehouse, ledger, judged_at) == {}  # too few to judge
        warehouse.execute("update policy.guardrails set at_least = 1 where kpi = 'complaint_rate'")
        why = "guardrail: complaint_rate is 100.00% of 1 in 7 days, above 0.30%"
        assert guardrails.stop_what_breaks(warehouse, ledger, judged_at) == {"welcome": why}
        assert ledger.stopped_switches() == [("journey", "welcome", why)]


def test_every_kpi_says_a_unit_that_can_be_written(house):
    rows = house.execute("select kpi, unit from policy.kpi_units").fetchall()
    written = {kpi.model for kpi in kpi_forms.KPIS}
    assert written <= {kpi for kpi, _ in rows}
    assert {unit for _, unit in rows} <= set(kpi_forms.UNITS)


def test_before_anything_was_decided_there_is_nothing_to_tell(told_of_nothing):
    assert told_of_nothing == {}


PICTURES = [
    ("kpi_journey_completion", "funnel"),
    ("kpi_suppression_rate", "over time"),
    ("kpi_incremental_revenue", "treated and control"),
]


def png_of(markdown: str) -> bytes:
    before, _, encoded = markdown.partition("](data:image/png;base64,")
    assert before.startswith("![")
    return base64.b64decode(encoded.removesuffix(")"), validate=True)


@pytest.mark.parametrize(("model", "title"), PICTURES)
def test_a_picture_is_a_small_png_inside_markdown(told, model, title):
    from PIL import Image

    png = png_of(told[model][title])
    assert len(png) < 60_000
    with Image.open(io.BytesIO(png)) as image:
        assert image.width == 1000
        assert len(image.convert("RGB").getcolors(maxcolors=256)) > 8  # something is drawn


def test_a_picture_is_drawn_again_only_when_its_numbers_change(tmp_path):
    funnel = [["cart_abandoned", 7, 4, 3, 1, 1]]
    first = kpi_pictures.picture(kpi_pictures.funnel, funnel, tmp_path)
    (kept,) = tmp_path.glob("funnel-*.png")
    kept.write_bytes(b"kept")
    assert kpi_pictures.picture(kpi_pictures.funnel, funnel, tmp_path) == b"kept"
    assert kpi_pictures.picture(kpi_pictures.funnel, [["cart_abandoned", 7, 4, 4, 1, 1]], tmp_path) != first
    assert not kept.exists()
    assert len(list(tmp_path.glob("funnel-*.png"))) == 1


def test_a_journey_without_a_goal_or_a_control_is_drawn_and_says_so():
    nothing = [["welcome", 0, 0, 0, 0, None]]
    assert kpi_pictures.picture(kpi_pictures.funnel, nothing, None)
    alone = kpi_pictures.picture(kpi_pictures.arms, [["welcome", 5, 1, 0, 0]], None)
    assert alone != kpi_pictures.picture(kpi_pictures.arms, [["welcome", 5, 1, 5, 1]], None)


# R. G. Newcombe, Statistics in Medicine 17 (1998): two proportions compared, pages 857 to 890.
def test_the_intervals_are_those_of_the_published_examples():
    assert kpi_pictures.wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=0.00005)
    assert kpi_pictures.wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=0.00005)
    assert kpi_pictures.difference(56, 70, 48, 80) == pytest.approx((0.0524, 0.3339), abs=0.00005)
    assert kpi_pictures.difference(10, 10, 0, 20) == pytest.approx((0.6791, 1.0), abs=0.00005)
