"""Phone numbers against libphonenumber's own examples of every region."""

import json

import pytest
from landed import SHARED, needs_shared_data

from receivers.phones import NO_PHONE, read_phone


@needs_shared_data
def test_every_example_number_is_read_as_the_library_says():
    rows = json.loads((SHARED / "data" / "phone_numbers_examples.json").read_text())["rows"]
    assert len(rows) > 1000
    for row in rows:
        phone = read_phone(row["national"], row["region"])
        if row["valid"]:
            assert phone.e164 == row["e164"]
            assert json.loads(phone.time_zones) == [
                zone for zone in row["timezones"] if zone != "Etc/Unknown"
            ]
        else:
            assert read_phone(row["e164"], None) == NO_PHONE


CASES = {
    "spaces and brackets": ("(0)30 / 90 18 20", "de", "+4930901820"),
    "its own country code wins": ("+43 1 4000", "DE", "+4314000"),
    "an extension is left away": ("+1 202-456-1111 ext. 5", None, "+12024561111"),
    "a country by name is no country": ("030 901820", "Germany", None),
    "no country": ("030 901820", None, None),
    "text": ("n/a", "DE", None),
    "nothing": ("", "DE", None),
    "absurdly long": ("1" * 5000, "US", None),
}


@pytest.mark.parametrize("case", CASES)
def test_a_number_is_read_in_its_country_or_not_at_all(case):
    number, country, e164 = CASES[case]
    assert read_phone(number, country).e164 == e164
