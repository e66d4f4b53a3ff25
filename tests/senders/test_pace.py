"""Throttle and backoff."""

from bisect import bisect_left
from datetime import date, timedelta
from random import Random

import pytest
from letters import NOON

from senders.pace import Pace, TokenBucket, asked_seconds, retry_at
from senders.warm_up import WarmUp, parse

LATER = NOON + timedelta(days=1)


def seconds(message_id="m", attempts=1, retry_after=None, expires_at=LATER):
    return (retry_at(NOON, message_id, attempts, retry_after, expires_at, Pace()) - NOON).total_seconds()


def test_backoff_doubles_and_ends_at_its_longest():
    waits = [seconds(attempts=attempts) for attempts in range(1, 40)]
    for wait, full in zip(waits, [5 * 2**n for n in range(7)], strict=False):
        assert full / 2 <= wait <= full
    assert 450 <= waits[-1] <= 900


def test_the_jitter_belongs_to_the_message():
    assert seconds("m") == seconds("m")
    assert len({seconds(f"m{number}") for number in range(50)}) == 50


def test_the_providers_wish_is_honoured():
    assert all(300 <= seconds(f"m{number}", retry_after=300) <= 330 for number in range(50))


def test_nothing_is_tried_again_after_it_expired():
    assert seconds(attempts=9, expires_at=NOON + timedelta(seconds=30)) == 30


@pytest.mark.parametrize("absurd", [253402300799.0, 1.79e12, 1e300, float("inf")])
def test_a_wait_that_outlasts_the_calendar_ends_when_the_message_expires(absurd):
    assert seconds(retry_after=absurd) == (LATER - NOON).total_seconds()


@pytest.mark.parametrize("absurd", [float("nan"), -1.0, float("-inf")])
def test_what_is_no_time_to_wait_is_not_waited_for(absurd):
    assert seconds(retry_after=absurd) == seconds()
    assert asked_seconds(absurd) == 0


class Watch:
    now = 100.0

    def __call__(self):
        return self.now


@pytest.mark.parametrize(("per_second", "wanted"), [(50, 64), (3, 8), (0.5, 8), (1000, 64)])
def test_no_ten_seconds_have_more_calls_than_the_rate_and_one_batch(per_second, wanted):
    watch = Watch()
    bucket = TokenBucket(per_second, watch)
    made, waited = 0, 0.0
    while watch.now < 110.0:
        calls = bucket.available(wanted)
        bucket.take(calls)
        made += calls
        watch.now += max(bucket.wait_seconds(wanted), 0.001)
        waited += 1
    batch = max(1, int(per_second / 10))
    assert per_second * 10 * 0.95 - batch <= made <= per_second * 10 + 2 * batch
    assert waited <= 10 * max(per_second, 10)  # it waits for batches, not for single calls


@pytest.mark.parametrize("per_second", [1, 3, 14, 50, 80, 333, 1000])
def test_no_second_has_more_calls_than_the_rate_and_nearly_all_of_it_is_used(per_second):
    watch, chance, made = Watch(), Random(1), []
    bucket = TokenBucket(per_second, watch)
    while watch.now < 130.0:
        if 105 < watch.now < 106.5:  # nothing to send for a while: what was not used is not made up for
            watch.now = 106.5
        calls = bucket.available(100)
        bucket.take(calls)
        made += [watch.now] * calls
        watch.now += max(bucket.wait_seconds(100), 0.0005) + chance.uniform(0, 0.004)  # a timer that is late
    assert max(bisect_left(made, at + 1.0) - bisect_left(made, at) for at in made) <= per_second
    assert bisect_left(made, 130.0) - bisect_left(made, 110.0) >= 20 * per_second * 0.95


def test_a_pause_lets_nothing_through():
    watch = Watch()
    bucket = TokenBucket(100, watch)
    bucket.pause(5)
    assert (bucket.available(8), bucket.wait_seconds(8)) == (0, 5)
    watch.now += 5
    assert bucket.available(8) == 8


def test_a_rate_of_nothing_is_refused():
    with pytest.raises(ValueError, match="must be above 0"):
        TokenBucket(0)


RAMPS = [
    ("50*2", [50, 100, 200, 400]),
    ("50*2 to 200", [50, 100, 200, None]),
    ("1000 * 1.5 to 3000 from 2026-01-15", [1000, 1500, 2250, 3000, None]),
    ("1*1.1", [1, 2, 3, 4]),
    ("500*2 to 100", [500, None]),
]


@pytest.mark.parametrize(("text", "days"), RAMPS, ids=[text for text, _ in RAMPS])
def test_a_new_senders_days_grow_until_the_ramp_is_over(text, days):
    ramp = parse(text)
    assert [ramp.limit(before) for before in range(len(days))] == days
    assert ramp.limit(3_000) is None or ramp.limit(3_000) == ramp.last


def test_a_ramp_may_begin_on_a_day():
    assert parse("50*2 from 2026-01-15") == WarmUp(50, 2.0, begins_on=date(2026, 1, 15))


@pytest.mark.parametrize(
    "text", ["", "50", "50*", "0*2", "50*1", "50*0.5", "50*2 to", "50*2 from 2026-13-01"]
)
def test_a_ramp_that_is_none_is_refused(text):
    with pytest.raises(ValueError):  # noqa: PT011  the text is the settings' to tell
        parse(text)
