"""Journeys that the calendar begins."""

from datetime import datetime, timedelta

from oracle.policy import Journey, duration

A_DAY_AND_AN_HOUR = timedelta(hours=25)  # what a time of day may add to a wait


def runs(journey: Journey, now: datetime) -> list[datetime]:
    """Those up to now that may still have a step to come, minute by minute."""
    waits = (duration(step.after) + (A_DAY_AND_AN_HOUR if step.at else timedelta()) for step in journey.steps)
    since = now - max(waits) - duration(journey.expires_after)
    minute = since.replace(second=0, microsecond=0)
    found = []
    while minute <= now:
        if minute > since and _is_on(journey.schedule or "", minute):
            found.append(minute)
        minute += timedelta(minutes=1)
    return found


def _is_on(schedule: str, moment: datetime) -> bool:
    minute, hour, day, month, weekday = schedule.split()
    clock = (minute, moment.minute), (hour, moment.hour), (day, moment.day), (month, moment.month)
    sunday = moment.isoweekday() % 7
    is_weekday = _matches(weekday, sunday) or (sunday == 0 and _matches(weekday, 7))
    return is_weekday and all(_matches(field, value) for field, value in clock)


def _matches(field: str, value: int) -> bool:
    """`*`, numbers, ranges and lists."""
    for part in field.split(","):
        first, _, last = part.partition("-")
        if part == "*" or int(first) <= value <= int(last or first):
            return True
    return False
