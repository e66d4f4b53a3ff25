"""Whatever is thrown at the landing zone, ingest goes on and accounts for it."""

import csv
import gzip
import io
import json
import uuid

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as effort
from hypothesis import strategies as some
from landed import House
from rows_to_refuse import GOOD

RAW_TABLES = (
    "events", "profiles", "consents", "products", "discount_codes", "shopify_orders", "snowplow_events",
)  # fmt: skip
KEYS = sorted(
    {*(key for row in GOOD.values() for key in row), "traits", "properties", "phone", "country", "new"}
)

scalars = some.none() | some.booleans() | some.integers() | some.floats() | some.text(max_size=20)
values = some.recursive(
    scalars,
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
changes = some.dictionaries(some.sampled_from(KEYS), values, max_size=3)


def as_lines(good, rows):
    return b"\n".join(row if isinstance(row, bytes) else json.dumps({**good, **row}).encode() for row in rows)


def as_csv(good, rows):
    text = io.StringIO()
    writer = csv.DictWriter(text, KEYS, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    for row in rows:
        if isinstance(row, dict):
            writer.writerow({**good, **row})
    torn = b"\n".join(row for row in rows if isinstance(row, bytes))
    return text.getvalue().encode("utf-8", "surrogatepass") + torn


FORMATS = {
    "jsonl": as_lines,
    "json": as_lines,
    "jsonl.gz": lambda good, rows: gzip.compress(as_lines(good, rows)),
    "csv": as_csv,
    "parquet": as_lines,
}
files = some.tuples(
    some.sampled_from(sorted(GOOD)),
    some.sampled_from(sorted(FORMATS)),
    some.lists(changes | some.binary(max_size=40), max_size=8),
)


@pytest.fixture(scope="module")
def house_of_noise(tmp_path_factory):
    return House(tmp_path_factory.mktemp("noise") / "home")


@effort(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(landed=some.lists(files, min_size=1, max_size=6))
def test_whatever_lands_nothing_crashes_and_every_row_is_accounted_for(house_of_noise, landed):
    house, batch = house_of_noise, uuid.uuid4()
    for number, (feed, suffix, rows) in enumerate(landed):
        content = FORMATS[suffix]({**GOOD[feed], "number": number}, rows)
        house.put(f"{feed}/{batch}-{number}.{suffix}", content, old=True)
    house.ingest()
    assert house.waiting() == []
    assert house.one("select count(*) from raw.manifest where path like ?", f"%{batch}%") == len(landed)
    taken, quarantined = house.one(
        "select coalesce(sum(rows_taken), 0), coalesce(sum(rows_quarantined) filter (status = 'taken'), 0)"
        " from raw.manifest"
    )
    in_tables = sum(house.one(f"select count(*) from raw.{table}") for table in RAW_TABLES)
    from_identify = house.one("select count(*) from raw.profiles where source = 'segment'")
    assert in_tables - from_identify == taken
    own = "select count(*) from raw.quarantine q join raw.manifest m using (file_id) where q.feed = m.feed"
    assert house.one(f"{own} and row_number is not null") == quarantined
    assert house.one(f"{own} and row_number is null") == house.one(
        "select count(*) from raw.manifest where status = 'quarantined'"
    )
