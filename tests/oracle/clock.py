"""Local time, and the way back from it. Moments are naive UTC."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

HOUR = timedelta(hours=1)


def local(moment: datetime, zone: str) -> datetime:
    return moment.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def next_time(since: datetime, clock: str, zone: str) -> datetime:
    """The first time at or after `since` that clocks in `zone` show `clock`."""
    today = local(since, zone).date()
    days = (today + timedelta(days=shift) for shift in (-1, 0, 1, 2))
    moments = (_moment(datetime.combine(day, time.fromisoformat(clock)), zone) for day in days)
    return min(moment for moment in moments if moment >= since)


def _moment(wall: datetime, zone: str) -> datetime:
    """When clocks show `wall`: of two moments the first; where it is skipped, the one at which they jump."""
    first = wall.replace(tzinfo=ZoneInfo(zone), fold=0).astimezone(UTC).replace(tzinfo=None)
    if local(first, zone) == wall:
        return first
    before, after = first - 3 * HOUR, first + 3 * HOUR
    was = local(before, zone) - before
    while after - before > timedelta(microseconds=1):
        middle = before + (after - before) / 2
        if local(middle, zone) - middle == was:
            before = middle
        else:
            after = middle
    return after
