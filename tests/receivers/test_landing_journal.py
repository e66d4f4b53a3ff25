"""The ledger's journal is copied into the warehouse, each row once."""

from datetime import datetime

import pytest
from landed import NOON

from receivers.journal import copy_journal, journal_position
from receivers.warehouse import open_warehouse
from senders.entries import JOURNAL_COLUMNS


@pytest.fixture
def warehouse(house):
    connection = open_warehouse(house.settings)
    yield connection
    connection.close()


def row(seq, **values):
    given = {"seq": seq, JOURNAL_COLUMNS[1]: "2026-01-15T11:00:00.000001", "kind": "state", **values}
    return tuple(given.get(column) for column in JOURNAL_COLUMNS)


def test_rows_are_copied_once_and_the_copy_goes_on_where_it_ended(warehouse):
    assert journal_position(warehouse) == 0
    assert copy_journal(warehouse, [row(1, to_state="planned"), row(2, to_state="claimed")], NOON) == 2
    assert journal_position(warehouse) == 2
    assert copy_journal(warehouse, iter([row(2, to_state="claimed"), row(3, is_machine=True)]), NOON) == 1
    rows = warehouse.execute(
        "select seq, to_state, is_machine, happened_at, copied_at from raw.ledger_journal order by seq"
    )
    at, noon = datetime(2026, 1, 15, 11, 0, 0, 1), NOON.replace(tzinfo=None)
    assert rows.fetchall() == [
        (1, "planned", None, at, noon), (2, "claimed", None, at, noon), (3, None, True, at, noon),
    ]  # fmt: skip


def test_the_columns_are_those_of_the_ledger_in_their_order(warehouse):
    ours = [name for name, *_ in warehouse.execute("describe raw.ledger_journal").fetchall()]
    assert ours[-1] == "copied_at"
    assert [name.replace("happened_at", "at") for name in ours[:-1]] == [
        name.replace("happened_at", "at") for name in JOURNAL_COLUMNS
    ]


def test_a_copy_that_fails_in_the_middle_copies_nothing(warehouse):
    with pytest.raises(ValueError, match="has 5 values, its columns are 22"):
        copy_journal(warehouse, [row(1), row(2)[:5]], NOON)
    assert journal_position(warehouse) == 0
    assert copy_journal(warehouse, [row(1)], NOON) == 1


def test_nothing_new_is_nothing_copied(warehouse):
    assert copy_journal(warehouse, [], NOON) == 0


def test_many_rows_are_copied_at_once(warehouse):
    assert copy_journal(warehouse, (row(seq, reason=f"r{seq}") for seq in range(1, 45_001)), NOON) == 45_000
    assert warehouse.execute("select count(distinct reason) from raw.ledger_journal").fetchone() == (45_000,)
