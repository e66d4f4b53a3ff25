"""Everybody as they are known: the same whether a tick adds what is new or all is put together at once."""

import json
import random
from datetime import UTC, datetime, timedelta

import duckdb
import parsed_project
import pytest

from dagster_project import home
from dagster_project.dbt_run import Run
from receivers.landing import ingest
from senders import settings as environment

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

BEGAN = datetime(2026, 3, 1, tzinfo=UTC)
LOOKS = [BEGAN + timedelta(days=days) for days in (2, 3, 4, 6)]
PEOPLE, EVENTS, CHANGES = 40, 500, 60
NAMES = (*["product_viewed", "page", "identify", "order_completed", "order_refunded"] * 8, "alias")
SEED = 20260301


def _event(draw: random.Random, number: int) -> dict:
    """Somebody on their own device or a shared one, logged in or not; some orders are told twice."""
    person, name = draw.randrange(PEOPLE), draw.choice(NAMES)
    device = draw.choice((f"d{person}", f"shared{person % 5}"))
    logged_in = name == "alias" or draw.random() < 0.6
    told = {"order_id": f"o{number // 2}", "total": draw.randrange(1, 90), "email": f"e{person}@example.com"}
    if name == "alias":
        told = {"previous_id": f"u{draw.randrange(PEOPLE)}"}
    return {
        "event_id": f"e{number}", "event_name": name, "anonymous_id": device, "properties": told,
        "occurred_at": _moment(draw), "context": {"network_country": draw.choice(("gb", "de"))},
        **({"user_id": f"u{person}"} if logged_in else {}),
    }  # fmt: skip


def _profile(draw: random.Random) -> dict:
    person = draw.randrange(PEOPLE + 10)
    said = {"email": draw.choice(("", f"p{person}@example.com")), "first_name": draw.choice(("Ann", "Bo"))}
    known_by = {"anonymous_id": f"d{person}"} if draw.random() < 0.2 else {"user_id": f"u{person}"}
    return {"updated_at": _moment(draw), **known_by, **said}


def _moment(draw: random.Random) -> str:
    return (BEGAN + timedelta(minutes=draw.randrange(6 * 24 * 60))).isoformat()


def _land(settings, draw, look: int, moment: datetime) -> None:
    """A quarter of the world: what happened until now, late or not, and what will happen."""
    for feed, rows in (
        ("events", [_event(draw, look * EVENTS + number) for number in range(EVENTS // len(LOOKS))]),
        ("profiles", [_profile(draw) for _ in range(CHANGES // len(LOOKS))]),
    ):
        folder = settings.landing / feed
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{look}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    ingest(settings, moment - timedelta(minutes=1))


def _build(settings, moment, *options, models="+path:models/people"):
    select = ("--select", models, "--exclude", "tag:hourly", *options)
    for node in Run(settings, moment, ["run", *select]):
        assert node.status == "success", node


def _settings(folder):
    settings = environment.load({"DOVECOTE_HOME": str(folder)})
    home.prepare(settings)
    parsed_project.lend(settings)
    return settings


def _rows(settings, query):
    with duckdb.connect(str(settings.warehouse), read_only=True) as warehouse:
        return warehouse.execute(query).fetchall()


def _people(settings):
    return _rows(settings, "select * from people.dim_people order by all")


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    """A home that looked after each landing; everybody as known at each look; and what there was of it."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("DOVECOTE_HOME", "DAGSTER_HOME", "DBT_SEND_ANONYMOUS_USAGE_STATS", "DO_NOT_TRACK"):
            patch.setenv(name, "")  # what `prepare` sets is undone after the tests
        often, draw, seen = _settings(tmp_path_factory.mktemp("often")), random.Random(SEED), []
        for look, moment in enumerate(LOOKS):
            _land(often, draw, look, moment)
            _build(often, moment)
            if look == 1:  # as when much has come: all are counted anew, and written down by the next look
                _build(often, moment, "--full-refresh", models="int_activity_base")
            seen.append(_people(often))
        written = _rows(often, "select count(*) from people.int_people_base")
        news = _rows(often, "select count(*), count(*) filter (is_gone) from people.int_people_news")
        _build(often, LOOKS[-1], "--full-refresh")
        yield often, seen, written + news


def test_what_is_added_up_is_what_a_full_refresh_gives(known):
    home_of_all, seen, _ = known
    assert seen[-1] == _people(home_of_all)


def test_somebody_was_kept_somebody_written_again_and_somebody_went(known):
    """Else the comparison would compare nothing with nothing."""
    _, seen, ((written,), (news, gone)) = known
    assert min(len(people) for people in seen) > 20
    assert written > 20
    assert 0 < gone < news


def test_the_scores_are_the_fifths_that_a_rank_among_all_gives(known):
    home_of_all, _, _ = known
    scores = _rows(
        home_of_all,
        """
        select
            rfm_recency, least(5, 1 + floor(5 * percent_rank() over (order by last_ordered_at))),
            rfm_frequency, least(5, 1 + floor(5 * percent_rank() over (order by orders))),
            rfm_monetary, least(5, 1 + floor(5 * percent_rank() over (order by revenue)))
        from people.dim_people
        where orders > 0
        """,
    )
    assert {row[0] for row in scores} == {1, 2, 3, 4, 5}
    assert [row for row in scores if row[::2] != row[1::2]] == []
