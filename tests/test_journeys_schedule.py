"""dbt works out a campaign's runs; a day-by-day reading of cron in Python agrees."""

import json
from datetime import datetime, timedelta

import pytest
from parsed_project import dbt

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

NOW = datetime(2026, 3, 2, 9, 15)  # a Monday
SINCE = NOW - timedelta(days=40)
SCHEDULES = (
    "15 9 * * 1", "0 0 * * 0", "0 0 * * 7", "0 0 * * 1-5", "30 8-20/4 * * *", "0 12 1,15 * *",
    "0 6 29-31 * *", "*/20 23 28 2 *", "0 9 * 4 *",
)  # fmt: skip


def numbers(text, low, high):
    """One field of cron, number by number."""

    def fits(part, number):
        span, _, step = part.partition("/")
        first, _, last = span.partition("-")
        start, end = (low, high) if span == "*" else (int(first), int(last or first))
        return start <= number <= end and (number - start) % int(step or 1) == 0

    return {n for n in range(low, high + 1) if any(fits(part, n) for part in text.split(","))}


def runs(schedule):
    ends = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
    fields = [numbers(text, *end) for text, end in zip(schedule.split(), ends, strict=True)]
    minutes, hours, days, months, weekdays = fields
    moments = (SINCE + timedelta(minutes=number) for number in range(1, 40 * 24 * 60 + 1))
    return [
        str(moment)
        for moment in moments
        if moment.minute in minutes
        and moment.hour in hours
        and moment.day in days
        and moment.month in months
        and {moment.isoweekday(), moment.isoweekday() % 7} & weekdays
    ]


def test_the_runs_of_a_schedule_are_those_that_cron_would_make(tmp_path):
    days = "modules.datetime.timedelta(days=40)"
    calls = [
        f'runs_between("{schedule}", as_of_moment() - {days}, as_of_moment()) | map("string") | list'
        for schedule in SCHEDULES
    ]
    inline = "{% if execute %}{{ tojson([" + ", ".join(calls) + "]) }}{% endif %}"
    told = dbt(tmp_path, "compile", "--inline", inline, "--vars", json.dumps({"as_of": str(NOW)}))
    assert json.loads(told[-1][3]) == [runs(schedule) for schedule in SCHEDULES]
    assert str(NOW) in runs("15 9 * * 1")
