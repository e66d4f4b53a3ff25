"""Somebody becomes a VIP: a segment's history, the trigger on it, the code in the message; in real ticks."""

import duckdb
import pytest
from small_town import consent, email_of, event, profile, town

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    with town(tmp_path_factory.mktemp("vip"), 8480, **{"unreachable-share": 0}) as place:
        yield place


def orders(name: str, count: int, total: float, last_day: int = 6) -> list[dict]:
    days = (f"2026-01-{last_day - number:02}T10:00:00Z" for number in range(count))
    return [
        event(name, "order_completed", day, order_id=f"{name}-{number}", total=total, currency="EUR")
        for number, day in enumerate(days)
    ]


def memberships(place) -> list[tuple]:
    with duckdb.connect(str(place.settings.warehouse), read_only=True) as warehouse:
        return warehouse.execute(
            "select user_id, change, is_news from segments.fct_segment_memberships "
            "order by changed_at, user_id"
        ).fetchall()


def members(place) -> set[str]:
    with duckdb.connect(str(place.settings.warehouse), read_only=True) as warehouse:
        return {name for (name,) in warehouse.execute("select user_id from segments.seg_vip").fetchall()}


def thanked(place) -> list[dict]:
    """What the provider took of the journey; other journeys go on meanwhile."""
    with duckdb.connect(str(place.settings.warehouse), read_only=True) as warehouse:
        rows = warehouse.execute(
            "select message_id from decisions.fct_outbox where journey = 'became_vip'"
        ).fetchall()
    ours = {message_id for (message_id,) in rows}
    return [row for row in place.accepted() if row["message_id"] in ours]


def test_who_becomes_a_vip_is_thanked_once_with_a_code_and_who_always_was_is_not(place):
    names = ("ann", "old", "new_name")
    place.land("profiles", "p", [profile(name, email=email_of(name, ("became_vip",))) for name in names])
    place.land("consents", "c", [consent(name) for name in names])
    others = [each for number in range(8) for each in orders(f"other{number}", 1, 10, last_day=2)]
    place.land("events", "first", [*others, *orders("old", 5, 90), *orders("ann", 1, 90)])
    place.tick("2026-01-15T12:00:00Z")
    first = memberships(place)
    assert members(place) == {"old"}
    assert first == [("old", "entered", False), (None, "watched", False)]

    place.land("events", "second", orders("ann", 6, 90)[1:])
    place.tick("2026-01-15T12:10:00Z")
    assert members(place) == {"old", "ann"}
    assert memberships(place) == [*first, ("ann", "entered", True)]

    # A VIP gets another name: nobody came, nobody went.
    place.land("events", "third", [event("new_name", "alias", "2026-01-15T12:11:00Z", previous_id="old")])
    place.tick("2026-01-15T12:12:00Z")
    assert members(place) == {"new_name", "ann"}
    assert memberships(place) == [*first, ("ann", "entered", True)]
    assert thanked(place) == []

    place.land("discount_codes", "pool", [{"code": "vip-1", "pool": "vip", "label": "10 % off"}])
    summary = place.tick("2026-01-15T14:10:00Z")
    assert summary["planned"]["codes_granted"] == 1
    (thanks,) = thanked(place)
    assert "VIP-1" in thanks["text"]
    assert thanks["recipient"] == email_of("ann", ("became_vip",))
    assert memberships(place) == [*first, ("ann", "entered", True)]
