"""Somebody cancels a booking while their phone is off: its confirmation is taken back, in real ticks."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from small_town import event, profile, town

from senders.ledger import Ledger

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

PHONES = {"ada": "+4915112345678", "bert": "+4915112345679"}


def booking(name: str, what: str, at: datetime) -> dict:
    starts_at = (at + timedelta(days=3)).isoformat()
    return event(name, what, at.isoformat(), booking_id=f"b-{name}", starts_at=starts_at, service="Haircut")


def test_a_confirmation_that_waits_for_a_phone_is_taken_back_and_nothing_takes_its_place(tmp_path):
    now = datetime.now(UTC).replace(microsecond=0)  # the provider believes no other clock
    with town(tmp_path, 8490, **{"unreachable-share": 0, "offline-share": 1}) as place:
        people = [profile(name, phone=phone, preferred_channel="rcs") for name, phone in PHONES.items()]
        place.land("profiles", "people", people)
        created = [booking(name, "booking_created", now - timedelta(minutes=1)) for name in PHONES]
        place.land("events", "created", created)
        assert place.tick(now.isoformat())["sent"] == {"rcs": 2}
        place.land("events", "cancelled", [booking("ada", "booking_cancelled", now)])
        summary = place.tick((now + timedelta(minutes=1)).isoformat())
        assert (summary["planned"]["asked_back"], summary["delivery"]["taken_back"]) == (1, 1)
        after = place.tick((now + timedelta(minutes=2)).isoformat())
        assert (after["sent"], after["planned"]["asked_back"]) == ({}, 0)
        assert Counter(row["recipient"] for row in place.accepted()) == dict.fromkeys(PHONES.values(), 1)
        with Ledger(place.settings.ledger) as ledger:
            stands = {row["address_key"]: row["state"] for row in ledger.run("drill_messages")}
    assert stands == {PHONES["ada"]: "cancelled", PHONES["bert"]: "accepted"}
