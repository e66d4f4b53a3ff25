"""What must hold whatever the policy and whoever the people are: worlds that hypothesis draws, and one
world told in another order, twice, or late."""

from random import Random

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from oracle import play, promises, strategies, town, world

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

SEED = 20260328
# A run of the models costs seconds, so an example is a thousand people and there are few; nobody shrinks.
FEW = settings(
    max_examples=2,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@FEW
@given(drawn=strategies.worlds(people=1_000, ticks=4))
def test_under_any_policy_every_promise_is_kept_and_the_reading_agrees(drawn, tmp_path_factory):
    done = play.play(drawn, tmp_path_factory.mktemp("any"))
    assert not done.differences, f"{drawn.policy}\n{play.told(done)}"
    assert promises.broken(done) == [], f"{drawn.policy}"


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """A world of 500 in its third tick, decided but not yet sent; and the same before that tick."""
    people = world.generate(SEED, 500, town.TOWN, town.TICKS[:3])
    done = play.start(people, tmp_path_factory.mktemp("told"))
    for number in (0, 1):
        done.begin(number)
        done.tick(number)
        done.post.deliver(people.ticks[number])
    done.post.hear(2)
    before = done.branch(tmp_path_factory.mktemp("before") / "home")
    done.land(2)
    done.tick(2)
    assert not done.differences, play.told(done)
    return done, before


def test_the_same_tick_once_more_changes_nothing(told):
    done, _ = told
    before = done.house.dump()
    done.house.tick(done.world.ticks[2])
    assert done.house.dump() == before


def test_files_and_rows_in_another_order_and_split_another_way_change_nothing(told, tmp_path):
    done, _ = told
    other = play.start(done.world, tmp_path / "home", like=done.house)
    rng = Random(SEED)
    for number in range(3):
        other.post.hear(number)
        rows = {feed: rng.sample(rows, k=len(rows)) for feed, rows in done.world.landing_in(number).items()}
        for part in range(3):
            other.house.land(world.as_files({feed: rows[feed][part::3] for feed in rows}))
        other.house.tick(done.world.ticks[number])
        if number < 2:
            other.post.deliver(done.world.ticks[number])
    assert other.house.dump() == done.house.dump()


def test_events_that_land_once_more_change_nothing(told, tmp_path):
    done, before = told
    other = before.branch(tmp_path / "home")
    again = [row for number in range(3) for row in done.world.landing_in(number)["events"]]
    other.land(2)
    other.house.land(world.as_files({"events": Random(SEED).sample(again, k=len(again) // 2)}))
    other.house.tick(done.world.ticks[2])
    assert other.house.dump() == done.house.dump()


def test_a_late_event_changes_only_what_is_still_to_come_and_only_for_its_person(told, tmp_path):
    done, before = told
    other = before.branch(tmp_path / "home")
    other.land(2)
    waiting = [row for row in done.decided[2] if row["journey"] == "cart" and row["outcome"] == "send"]
    late = {row["user_id"]: row for row in waiting if not row["user_id"].startswith("anon:")}
    other.house.land(world.as_files({"events": [world.purchase(row) for row in late.values()]}))
    other.house.tick(done.world.ticks[2])
    then, now = decisions(done), decisions(other)
    ids = [each for each in then.keys() | now.keys() if then.get(each) != now.get(each)]
    changed = [then.get(each) or now[each] for each in ids]
    assert {row["decided_at"] for row in changed} == {done.world.ticks[2]}
    assert late
    assert late.keys() <= {row["user_id"] for row in changed}
    neighbours = done.house.query("""
        select distinct mine.user_id, theirs.user_id as neighbour
        from people.dim_addresses as mine
        inner join people.dim_addresses as theirs on mine.address_key = theirs.address_key
    """)
    affected = {row["neighbour"] for row in neighbours if row["user_id"] in late}
    assert {row["user_id"] for row in changed} <= affected
    ended = {row["candidate_id"]: row["reason"] for row in now.values()}
    assert {ended[row["candidate_id"]] for row in late.values()} == {"exited"}


def test_a_policy_that_changes_while_people_wait_leaves_what_they_are_owed_and_whom_it_drew(told, tmp_path):
    _, before = told
    other = before.branch(tmp_path / "home")
    other.adopt(town.revised())
    other.land(2)
    other.tick(2)
    assert not other.differences, play.told(other)
    reasons = {row["blocking_id"] for row in other.decided[0]}
    assert {"step retired", "rollout", "global"} <= reasons
    drawn = before.house.rows("decisions.int_assignments")
    out = {(row["experiment_journey"], row["user_id"]) for row in drawn if row["arm"] == "held_out"}
    known = {(row["journey"], row["user_id"]): row["is_holdout"] for row in other.decided[0]}
    still = [known[each] for each in out & known.keys() if each[0] != "offer"]
    ended = [is_holdout for (journey, _), is_holdout in known.items() if journey == "offer"]
    assert still
    assert all(still)  # a growing share asks nobody twice
    assert ended.count(True) < len(ended) / 4  # a share of nothing ends it


def decisions(of):
    rows = of.house.rows("decisions.fct_decisions", "candidate_id, decision_number")
    return {row["decision_id"]: row for row in rows}
