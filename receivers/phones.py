"""Phone numbers, once and for all: E.164, the country, the time zones it may be in.

Here and not in SQL because the rules are a library (Google's libphonenumber) and change every month.
"""

from __future__ import annotations

import json
from typing import NamedTuple

LONGEST = 64  # characters; the library looks for a number inside whatever it is given


class Phone(NamedTuple):
    """`+4915112345678`, `DE`, `["Europe/Berlin"]` (JSON, may be empty); all None for what is no number."""

    e164: str | None
    country: str | None
    time_zones: str | None


NO_PHONE = Phone(None, None, None)


def read_phone(number: str, country: str | None) -> Phone:
    """Read a number as given; `country` (ISO 3166, two letters) is where one without a country code is from.

    Only numbers that can exist are numbers: a wrong one would cost money and reach a stranger.
    """
    import phonenumbers  # only for ticks that bring numbers
    from phonenumbers import timezone

    if len(number) > LONGEST:
        return NO_PHONE
    region = (country or "").strip().upper()
    try:
        parsed = phonenumbers.parse(number, region if region in phonenumbers.SUPPORTED_REGIONS else None)
    except phonenumbers.NumberParseException:
        return NO_PHONE
    if not phonenumbers.is_valid_number(parsed):
        return NO_PHONE
    parsed.extension = None  # a message cannot be sent to one
    zones = timezone.time_zones_for_number(parsed)
    return Phone(
        phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164),
        phonenumbers.region_code_for_number(parsed),
        json.dumps([zone for zone in zones if zone != timezone.UNKNOWN_TIMEZONE]),
    )
