"""Who somebody is, where they can be reached and what they agreed to, read from what has landed.

Plain and slow, from DESIGN §3 and §4 and docs/journeys.md. Rows are dicts as they landed, with `landed_at`.
Times are naive UTC.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from functools import cache, cached_property
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import phonenumbers
from phonenumbers import timezone

ADDRESS_OF = {
    "email": "email", "sms": "phone", "rcs": "phone", "push": "push_token", "whatsapp": "phone",
    "webhook": "user_id",
}  # fmt: skip
ATTRIBUTES = ("email", "phone", "time_zone", "country", "region", "preferred_channel")


@cache
def is_zone(name: str) -> bool:
    try:
        return str(ZoneInfo(name)) == name
    except (ZoneInfoNotFoundError, ValueError):
        return False


@cache
def number(phone: str) -> tuple[str | None, tuple[str, ...]]:
    """Country and possible zones of an E.164 number."""
    parsed = phonenumbers.parse(phone)
    zones = [zone for zone in timezone.time_zones_for_number(parsed) if is_zone(zone)]
    return phonenumbers.region_code_for_number(parsed), tuple(zones)


class Person:
    """What is known of one person now."""

    def __init__(self, user_id: str, profiles: list[dict], consents: list[dict]) -> None:
        self.user_id = user_id
        self._profiles = sorted(profiles, key=lambda row: row["updated_at"])
        self._consents = consents
        for name in ATTRIBUTES:
            setattr(self, name, self._newest(name))
        country, zones = number(self.phone) if self.phone else (None, ())
        self.country = (self.country or country or "").upper() or None
        self.region = (self.region or "").upper() or None
        self.phone_zones = zones
        if self.time_zone and not is_zone(self.time_zone):
            self.time_zone = None
        self.cluster_id = (self.email or "").lower() or self.phone or user_id

    email: str | None
    phone: str | None
    time_zone: str | None
    country: str | None
    region: str | None
    preferred_channel: str | None

    def _newest(self, attribute: str) -> str | None:
        """A null says nothing, an empty text clears."""
        said = [row[attribute] for row in self._profiles if row.get(attribute) is not None]
        return (said[-1] or None) if said else None

    def address(self, channel: str) -> str | None:
        address = getattr(self, ADDRESS_OF[channel], None)
        return address.lower() if address and "@" in address else address

    def said(self, channel: str, purpose: str) -> bool | None:
        """The newest word; at one moment the "no" counts; None: nothing was ever said."""
        words = [row for row in self._consents if (row["channel"], row["purpose"]) == (channel, purpose)]
        if not words:
            return None
        newest = max(row["occurred_at"] for row in words)
        return all(row["status"] == "given" for row in words if row["occurred_at"] == newest)


class People:
    """Everybody, as of one moment."""

    def __init__(self, rows: dict[str, Iterable[dict]], as_of: datetime) -> None:
        self.events = [row for row in rows["events"] if max(row["landed_at"], row["occurred_at"]) <= as_of]
        self._profiles = [
            row for row in rows["profiles"] if max(row["landed_at"], row["updated_at"]) <= as_of
        ]
        # A yes counts from when it was given; a no as soon as it is heard of, whatever its clock says.
        self._consents = [
            row
            for row in rows["consents"]
            if row["landed_at"] <= as_of and (row["occurred_at"] <= as_of or row["status"] == "withdrawn")
        ]
        self._renamed, self._devices = _links(self.events)

    def now(self, given_id: str) -> str:
        """Whom an id of earlier times means now."""
        device = self._devices.get(given_id)
        return self._renaming(device[0][1] if device else given_id)

    def _renaming(self, user_id: str) -> str:
        seen = set()
        while user_id in self._renamed and user_id not in seen:
            seen.add(user_id)
            user_id = self._renamed[user_id]
        return user_id

    @cached_property
    def former(self) -> dict[str, list[str]]:
        """person → the ids they once went by."""
        found = defaultdict(list)
        for given_id in (*self._devices, *self._renamed):
            found[self.now(given_id)].append(given_id)
        return found

    def doer(self, event: dict) -> str:
        """Its user's; of a device, whoever's login was the last before it, else the first after it."""
        if event.get("user_id"):
            return self._renaming(event["user_id"])
        device = self._devices.get(f"anon:{event['anonymous_id']}")
        if not device:
            return f"anon:{event['anonymous_id']}"
        before = [user for at, user in device if at <= event["occurred_at"]]
        return self._renaming(before[-1] if before else device[0][1])

    @cached_property
    def events_of(self) -> dict[str, list[dict]]:
        return _grouped((self.doer(event), event) for event in self.events)

    @cached_property
    def _profiles_of(self) -> dict[str, list[dict]]:
        return _grouped((self.now(row["user_id"]), row) for row in self._profiles)

    @cached_property
    def _consents_of(self) -> dict[str, list[dict]]:
        return _grouped((self.now(row["user_id"]), row) for row in self._consents)

    def person(self, user_id: str) -> Person:
        return Person(user_id, self._profiles_of.get(user_id, []), self._consents_of.get(user_id, []))


def _grouped(pairs: Iterable[tuple[str, dict]]) -> dict[str, list[dict]]:
    groups = defaultdict(list)
    for key, row in pairs:
        groups[key].append(row)
    return groups


def _links(events: list[dict]) -> tuple[dict[str, str], dict[str, list[tuple[datetime, str]]]]:
    """Renamings (the newest of an id counts) and the logins on each device, in their order."""
    renamed: dict[str, str] = {}
    devices: dict[str, dict[datetime, str]] = defaultdict(dict)
    for event in sorted(events, key=lambda row: (row["occurred_at"], row["event_id"])):
        user, anonymous = event.get("user_id"), event.get("anonymous_id")
        if event["event_name"] == "alias":
            renamed[event["properties"]["previous_id"]] = user
        elif user and anonymous:
            devices[f"anon:{anonymous}"][event["occurred_at"]] = user
    return renamed, {device: sorted(logins.items()) for device, logins in devices.items()}
