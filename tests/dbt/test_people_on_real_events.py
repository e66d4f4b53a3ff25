"""The people room on Snowplow's real events: landed by the real ingest, built by the real dbt project."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import parsed_project
import pytest
from carts_by_hand import carts_left, events_of

from dagster_project import home
from dagster_project.dbt_run import Run
from receivers.landing import ingest
from senders import settings as environment

EVENTS = Path(__file__).parents[3] / "shared/data/snowplow_ecommerce/snowplow_ecommerce_events.csv"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.skipif(not EVENTS.exists(), reason=f"the shared Snowplow events are not at {EVENTS}"),
]

LANDED = datetime(2022, 10, 1, tzinfo=UTC)
MOMENTS = [
    datetime(2022, 10, 25, 8, 20),  # the first cart is left, most people still shop
    datetime(2022, 10, 25, 12, 0),
    datetime(2022, 10, 28, 8, 20),  # three days later all but one are too old
    datetime(2022, 11, 17, 10, 55),
    datetime(2022, 12, 22, 14, 30),  # everybody bought
]


def _landed(folder: Path):
    settings = environment.load({"DOVECOTE_HOME": str(folder)})
    home.prepare(settings)
    parsed_project.lend(settings)
    target = settings.landing / "snowplow" / "events.csv"
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(EVENTS, target)
    ingest(settings, LANDED)
    return settings


def _build(settings, moment):
    models = ["+seg_engaged", "+seg_vip", "+trg_cart_abandoned", "+trg_checkout_abandoned"]
    select = ["--select", "path:models/staging", "path:models/people", *models]
    select += ["--exclude", "test_type:unit", "tag:hourly"]
    for _node in Run(settings, moment.replace(tzinfo=UTC), ["build", *select]):
        pass


def _rows(settings, query):
    with duckdb.connect(str(settings.warehouse), read_only=True) as warehouse:
        return warehouse.execute(query).fetchall()


def _everything(settings):
    order = "select * from {} order by all"
    names = _rows(
        settings,
        "select schema_name || '.' || table_name from duckdb_tables()"
        " where schema_name in ('staging', 'people', 'segments', 'triggers')"
        # How far was counted when is of no consequence.
        " and table_name not similar to 'int_(activity|people)_(base|news)'"
        " union select 'people.dim_people' union select 'people.int_person_activity' order by all",
    )
    return {name: _rows(settings, order.format(name)) for (name,) in names}


@pytest.fixture(scope="module")
def replayed(tmp_path_factory):
    """What the trigger said at each moment, and the warehouse after the last."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("DOVECOTE_HOME", "DAGSTER_HOME", "DBT_SEND_ANONYMOUS_USAGE_STATS", "DO_NOT_TRACK"):
            patch.setenv(name, "")  # what `prepare` sets is undone after the tests
        settings = _landed(tmp_path_factory.mktemp("replayed"))
        said = {}
        for moment in MOMENTS:
            _build(settings, moment)
            query = "select user_id, event_id, triggered_at, item_count from triggers.trg_cart_abandoned"
            said[moment] = set(_rows(settings, query))
        yield settings, said


@pytest.mark.parametrize("moment", MOMENTS, ids=str)
def test_the_carts_that_are_left_are_those_a_count_by_hand_finds(replayed, moment):
    _settings, said = replayed
    assert said[moment] == carts_left(events_of(EVENTS), moment)


def test_somebody_left_a_cart_and_somebody_bought(replayed):
    """Else the comparison above would compare nothing with nothing."""
    settings, said = replayed
    assert len(said[MOMENTS[1]]) == 3
    assert _rows(settings, "select count(distinct user_id) > 10 from people.dim_people where orders > 0") == [
        (True,)
    ]


def test_looking_once_or_five_times_on_the_way_gives_the_same_tables(replayed, tmp_path):
    settings, _said = replayed
    at_once = _landed(tmp_path / "at_once")
    _build(at_once, MOMENTS[-1])
    assert _everything(at_once) == _everything(settings)
