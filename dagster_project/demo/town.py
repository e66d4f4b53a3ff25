"""Who lives in the demo and what its shop sells. The same seed gives the same town."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

FIRST_NAMES = (
    "Ada Bela Chidi Dalia Emre Farah Goran Hana Ines Jonas Kofi Lena Mateo Nadia Omar Priya Quinn Rosa "
    "Sven Tomas Uma Viktor Wanda Ximena Yusuf Zoe"
).split()
LAST_NAMES = (
    "Adeyemi Berg Costa Dimitriou Evans Fischer Garcia Haddad Ito Jansen Kaya Lopez Moreau Novak".split()
)
ZONES = (
    "Europe/London", "Europe/Athens", "Asia/Dubai", "Asia/Kolkata", "Asia/Singapore", "Asia/Tokyo",
    "Australia/Sydney", "Pacific/Auckland", "Pacific/Honolulu", "America/Los_Angeles", "America/Chicago",
    "America/New_York", "America/Sao_Paulo",
)  # fmt: skip
# Area codes; with 555-0100 to 555-0199 behind them the numbers are reserved for fiction.
AREA_CODES = ("202", "212", "305", "312", "415", "512", "617", "702", "808", "907")
GOODS = (
    ("Linen shirt", 49.0), ("Wool beanie", 19.5), ("Rain jacket", 129.0), ("Canvas sneakers", 69.0),
    ("Leather belt", 39.0), ("Denim jacket", 99.0), ("Silk scarf", 45.0), ("Running socks", 12.0),
    ("Straw hat", 29.0), ("Cashmere sweater", 159.0), ("Swim shorts", 35.0), ("Hiking boots", 149.0),
    ("Cotton dress", 79.0), ("Down vest", 119.0), ("Corduroy trousers", 75.0), ("Weekend bag", 189.0),
)  # fmt: skip


@dataclass(frozen=True)
class Person:
    user_id: str
    first_name: str
    last_name: str
    email: str
    phone: str
    time_zone: str
    channels: tuple[str, ...]  # what they said yes to
    preferred_channel: str | None


@dataclass(frozen=True)
class Product:
    product_id: str
    name: str
    price: float


def goods() -> list[Product]:
    return [Product(f"P{number:03}", name, price) for number, (name, price) in enumerate(GOODS, 1)]


def person(number: int, dice: random.Random, now: datetime) -> Person:
    """One inhabitant. Most live where it is day at `now`, so that the demo has somebody awake."""
    first, last = dice.choice(FIRST_NAMES), dice.choice(LAST_NAMES)
    awake = [zone for zone in ZONES if 9 <= now.astimezone(ZoneInfo(zone)).hour < 19]
    zone = dice.choice(awake if awake and dice.random() < 0.85 else ZONES)
    channels = ("rcs", "sms", "email") if dice.random() < 0.85 else dice.choice(((), ("email",), ("sms",)))
    return Person(
        user_id=f"u{number:05}",
        first_name=first,
        last_name=last,
        email=f"{first}.{last}.{number}@example.com".lower(),
        phone=f"+1{AREA_CODES[number // 100 % len(AREA_CODES)]}55501{number % 100:02}",
        time_zone=zone,
        channels=channels,
        preferred_channel=dice.choice((None, "email", "rcs")),
    )
