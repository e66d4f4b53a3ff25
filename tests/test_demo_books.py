"""The demo's home, and its books: what they must notice."""

import pytest

from dagster_project.demo import books, play
from senders.settings import load


def test_a_second_play_in_the_shell_that_looked_into_the_first_takes_its_place(tmp_path):
    first, environment = play.prepare(load({"DOVECOTE_HOME": str(tmp_path)}), 8400, 30)
    second, _ = play.prepare(load(environment), 8400, 30)
    assert first.home == second.home == tmp_path / "demo"


ACCEPTED = {"message_id": "m1", "candidate_id": "c1", "event_id": "e1", "state": "delivered"}


def message(**changes):
    return {
        **ACCEPTED,
        "due_at": "2026-01-15T12:00:00.000000",
        "accepted_at": "2026-01-15T12:00:30.000000",
        **changes,
    }


@pytest.mark.parametrize(
    ("ledger", "provider", "outbox", "duplicates", "unaccounted"),
    [
        pytest.param([message()], ["m1"], ["m1"], 0, 0, id="both sides agree"),
        pytest.param([message()], ["m1", "m1"], ["m1"], 1, 0, id="the provider took it twice"),
        pytest.param([message()], [], ["m1"], 0, 1, id="the ledger believes what the provider never saw"),
        pytest.param([], ["m1"], [], 0, 1, id="the provider took what the ledger does not know"),
        pytest.param([message(state="planned")], ["m1"], ["m1"], 0, 1, id="sent and not written down"),
        pytest.param([message(state="unknown")], ["m1"], ["m1"], 0, 0, id="the ledger knows it may be sent"),
        pytest.param([message(state="planned")], [], ["m1"], 0, 0, id="waiting is accounted for"),
        pytest.param(
            [message(state="cancelled", was_taken_back=1)], ["m1"], ["m1"], 0, 0, id="taken back"
        ),
        pytest.param(
            [message(state="cancelled", was_taken_back=0)], ["m1"], ["m1"], 0, 1, id="cancelled, and sent"
        ),
        pytest.param([], [], ["m1"], 0, 1, id="decided and never planned"),
        pytest.param(
            [message(), message(message_id="m2")], ["m1", "m2"], [], 1, 0, id="one step on two channels"
        ),
        pytest.param(
            [message(state="failed_late"), message(message_id="m2")], ["m1", "m2"], [], 0, 0,
            id="a fallback after a failure is no duplicate",
        ),
    ],
)  # fmt: skip
def test_the_books_notice_what_is_lost_or_doubled(ledger, provider, outbox, duplicates, unaccounted):
    accepted = [{"message_id": message_id} for message_id in provider]
    assert books.balance(ledger, accepted, outbox) == {"duplicates": duplicates, "unaccounted": unaccounted}


def test_a_wait_that_the_journey_wants_is_no_delay():
    due = books.seconds("2026-01-15T12:00:00.000000")
    assert books.landed_to_accepted([message()], {"e1": due - 3600}) == [30]
    assert books.landed_to_accepted([message()], {"e1": due + 10}) == [20]


def test_a_fallback_is_what_was_accepted_after_another_channel_said_no():
    refused = message(message_id="m0", state="rejected", accepted_at=None)
    taken, other = message(message_id="m1"), message(message_id="m2", candidate_id="c2")
    assert books.fallbacks([refused, taken, other]) == [taken]


def test_percentiles_lie_between_the_nearest_ranks():
    assert books.percentile([], 50) is None
    assert books.percentile([3.0], 95) == 3
    assert books.percentile([1.0, 2.0, 3.0, 4.0], 50) == 2.5
