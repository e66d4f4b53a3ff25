"""The policy's tables are refused like its YAML: with the file, the line, the cell and what to write."""

import pytest
from journey_house import house

from dagster_project.journeys import read_journeys
from senders.settings import REPOSITORY

QUIET = "rule_id,message_class,country,region,weekdays,quiet_from,quiet_until\n"
CAPS = "cap_id,scope,scope_value,max_messages,kind,window_seconds\n"

# table, its content, the problem after dbt/seeds/<table>.csv
WRONG = [
    ("quiet_hours", QUIET + "n,marketing,*,*,*,25:00,08:00\n", ':2: n.quiet_from: "25:00" is no time of day'),
    ("quiet_hours", QUIET + "n,marketing,*,*,*,9:00,10:00\n", ':2: n.quiet_from: "9:00" is no time of day'),
    ("quiet_hours", QUIET + "n,marketing,*,*,*,21:00,\n", ':2: n.quiet_until: "" is no time of day'),
    ("quiet_hours", QUIET + "n,marketing,*,*,*,08:00,08:00\n",
     ':2: n.quiet_until: "08:00" is where it begins'),
    ("quiet_hours", QUIET + 'n,marketing,*,*,"sat,snu",21:00,08:00\n',
     ':2: n.weekdays: unknown weekday "snu"; did you mean "sun"?'),
    ("quiet_hours", QUIET + "n,marketing,France,*,*,21:00,08:00\n", ':2: n.country: "France" is no country'),
    ("quiet_hours", QUIET + "n,marketting,*,*,*,21:00,08:00\n",
     ':2: n.message_class: unknown word "marketting"; did you mean "marketing"?'),
    ("quiet_hours", QUIET + "n,marketing,*,*,*,21:00,08:00\n" * 2, ":3: n: is there twice"),
    ("quiet_hours", QUIET.replace(",weekdays", "") + "n,marketing,*,*,21:00,08:00\n",
     ":1: weekdays: is missing"),
    ("frequency_caps", CAPS + "c,class,marketing,1,daily,\n",
     ':2: c.kind: unknown word "daily"; there is calendar_day'),
    ("frequency_caps", CAPS + "c,class,marketing,-1,calendar_day,\n",
     ':2: c.max_messages: "-1" must be a whole'),
    ("frequency_caps", CAPS + "c,class,marketing,1,rolling,\n",
     ':2: c.window_seconds: "" must be a whole number'),
    ("frequency_caps", CAPS + "c,class,marketing,1,rolling,6000000\n",
     ':2: c.window_seconds: "6000000" must be a whole number of seconds, at most 5097600 (59 days)'),
    ("frequency_caps", CAPS + "c,class,marketing,1,calendar_day,86400\n",
     ":2: c.window_seconds: 86400 means nothing to a calendar_day: leave it empty"),
    ("frequency_caps", CAPS + "c,channel,smss,1,calendar_day,\n",
     ':2: c.scope_value: unknown word "smss"; did you mean "sms"?'),
    ("served_time_zones", "time_zone\nEurope/Lodnon\n",
     ':2: Europe/Lodnon.time_zone: "Europe/Lodnon" is no IANA time zone; did you mean "Europe/London"?'),
    ("served_time_zones", "time_zone\n", ": has no rows: people whose zone nobody knows must be somewhere"),
]  # fmt: skip


@pytest.mark.parametrize(("table", "content", "says"), WRONG, ids=[says[:50] for _, _, says in WRONG])
def test_a_mistake_in_a_table_is_refused_where_it_stands(tmp_path, table, content, says):
    _, found = read_journeys(house(tmp_path, {f"dbt/seeds/{table}.csv": content}))
    assert [str(problem) for problem in found if str(problem).startswith(f"dbt/seeds/{table}.csv{says}")], (
        found
    )
    assert len(found) == 1


def test_the_tables_that_are_shipped_are_sound():
    _, found = read_journeys(REPOSITORY)
    assert found == []
