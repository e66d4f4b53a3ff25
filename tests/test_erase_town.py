"""After ticks have worked on somebody: no store names them any more, and every key figure is what it was."""

import duckdb
import pytest
from small_town import cart, consent, email_of, event, profile, town

from dagster_project.privacy import erasing

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def figures(settings):
    """Every key figure, summed over all its days."""
    with duckdb.connect(str(settings.warehouse), read_only=True) as database:
        names = database.execute(
            "select table_name from duckdb_tables() where schema_name = 'kpis' order by all"
        ).fetchall()
        return {
            name: database.execute(
                f"select journey, step, channel, sum(numerator), sum(denominator) from kpis.{name}"
                " group by all order by all"
            ).fetchall()
            for (name,) in names
        }


def named(settings, words):
    """Each column of the warehouse that holds one of the words, and each file of the house that does."""
    with duckdb.connect(str(settings.warehouse), read_only=True) as database:
        columns = database.execute(
            "select schema_name || '.' || table_name, column_name from duckdb_columns()"
            " where data_type = 'VARCHAR' and database_name = 'warehouse' and not internal"
        ).fetchall()
        found = [
            f"{table}.{column}"
            for table, column in columns
            for word in words
            if database.execute(
                f"select 1 from {table} where contains({column}, ?) limit 1", [word]
            ).fetchall()
        ]
    folders = ("archive", "landing", "dagster", "logs", "erasures")
    files = [path for folder in folders for path in (settings.home / folder).rglob("*") if path.is_file()]
    for path in [*files, settings.ledger, settings.warehouse, settings.home / "ticks.jsonl"]:
        found += [f"{path.name}: {word}" for word in words if word.encode() in path.read_bytes()]
    return found


def test_nobody_finds_them_and_every_figure_is_what_it_was(tmp_path):
    with town(tmp_path, 8460, **{"unreachable-share": 0}) as place:
        people = ["anneliese", "ben"]
        place.land("profiles", "people", [profile(name) for name in people])
        place.land("consents", "people", [consent(name) for name in people])
        place.land("events", "carts", [cart(name) for name in people])
        order = [
            event(name, "order_completed", "2026-01-15T12:10:00Z", order_id=f"o-{name}", total=49.0)
            for name in people
        ]
        place.land("events", "orders", order)
        place.tick("2026-01-15T12:11:00Z")
        place.tick("2026-01-15T12:12:00Z")
        before = figures(place.settings)
        words = ["anneliese", email_of("anneliese")]
        assert named(place.settings, words)
        sent = len(place.accepted())
        receipt = erasing.erase(place.settings, "anneliese")
        assert (named(place.settings, words), receipt["ledger"]["messages"] > 0) == ([], True)
        place.land("events", "late", [cart("anneliese", at="2026-01-15T12:12:00Z")])
        summary = place.tick("2026-01-15T12:13:00Z")
        assert summary["landed"]["erased"] == 1
        assert figures(place.settings) == before
        assert len(place.accepted()) == sent
        assert [where for where in named(place.settings, words) if "warehouse.duckdb" not in where] == []
