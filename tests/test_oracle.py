"""The models decide thousands of generated worlds; an independent reading of the documents agrees with each.

A person is a world of their own. The reading (`tests/oracle/reading.py`) was written from the documents
and not from the SQL, so that the two do not share a mistake.
"""

from collections import Counter

import pytest
from oracle import play, promises, town, world
from oracle.look import ORDER

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

SEED = 20260329
WORLDS = 2_500


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    people = world.generate(SEED, WORLDS, town.TOWN, town.TICKS)
    return play.play(people, tmp_path_factory.mktemp("oracle"))


def test_the_models_decide_every_world_as_the_reading_does(played):
    assert not played.differences, play.told(played)
    assert len(played.verdicts) == len(town.TICKS)


def test_the_worlds_gave_every_reason_many_times(played):
    reasons = Counter(verdict.reason for tick in played.verdicts for verdict in tick)
    gates = Counter(gate for tick in played.verdicts for verdict in tick for gate in verdict.gates)
    assert reasons["due"] > 500
    assert {gate: gates[gate] for gate in ORDER if gates[gate] < 40} == {}
    assert {reason: reasons[reason] for reason in ORDER if reasons[reason] < 20} == {}


def test_the_worlds_cover_what_the_documents_tell_apart(played):
    entries = played.house.rows("decisions.fct_entries")
    statuses = Counter(row["status"] for row in entries)
    assert statuses["blocked"] > 100
    sent = Counter(
        (row["channel"], row["message_class"]) for row in played.house.rows("decisions.fct_outbox")
    )
    assert {(channel, kind) for channel in town.ALL for kind in ("marketing", "transactional")} <= sent.keys()
    states = {row["to_state"] for row in played.house.journal()}
    why = {(row["reason"] or "").partition(": ")[::2] for row in played.house.journal()}
    assert ("reached_after_all", "") in why
    assert {reason.partition(":")[0] for told, reason in why if told == "revoked"} == {"exited", "no_consent"}
    assert {
        "rejected",
        "failed_late",
        "unknown",
        "cancelled",
        "expired",
        "clicked",
        "blocked",
        "lifted",
    } <= states
    assert any(row["user_id"].startswith("anon:") for row in entries)
    assert list(promises.what_was_taken_back_is_replaced_by_nothing(played)) == []


def test_who_comes_after_a_campaign_found_nobody_is_not_in_it(played):
    journeys = Counter(row["journey"] for row in played.house.rows("decisions.fct_entries"))
    (members,) = played.house.query("select count(*) as size from segments.seg_late")
    assert members["size"] > 100
    assert journeys["news"] > 100
    assert journeys["latecomers"] == 0
