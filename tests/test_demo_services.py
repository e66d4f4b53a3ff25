"""What the demo's shop tells of its customers lets the service journeys live."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from dagster_project.demo import services

NOW = datetime(2026, 1, 15, 12, tzinfo=UTC)
SHOP = "https://shop.example"


@pytest.mark.parametrize("story", services.STORIES, ids=lambda story: story.__name__)
def test_a_story_is_two_events_about_one_thing_the_first_at_once(story):
    first, second = story(random.Random(1), "7", NOW, SHOP)
    assert first.after_seconds == 0
    assert second.after_seconds > 0
    assert first.event != second.event
    number_of = [
        [value for name, value in each.properties.items() if name.endswith("_id")] for each in (first, second)
    ]
    assert all(any(str(value).endswith("-7") for value in values) for values in number_of)


def test_a_parcel_leaves_and_arrives_under_one_id_and_is_followed_where_links_may_lead():
    sent, arrived = services.parcel("o1", SHOP, random.Random(1))
    assert [sent.event, arrived.event] == ["Order Shipped", "Order Delivered"]
    assert sent.properties["shipment_id"] == arrived.properties["shipment_id"]
    assert sent.properties["tracking_url"].startswith("https://www.dhl.com/")


def test_reminders_of_tomorrows_bookings_come_due_within_minutes():
    booked = list(services.bookings_of_tomorrow(random.Random(1), NOW, SHOP, 20))
    ahead = [datetime.fromisoformat(each["starts_at"]) - NOW - timedelta(hours=24) for each in booked]
    assert len({each["booking_id"] for each in booked}) == 20
    assert all(timedelta(minutes=-1) <= each <= timedelta(minutes=5) for each in ahead)
