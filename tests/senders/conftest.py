"""A ledger, a clock and a post office for the tests of the delivery protocol.

`ledger` and `ledger_place` are a file and a server in turn: whatever is tested with them holds on both.
"""

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from database_server import DatabaseServer, open_database_server
from letters import Clock
from post_office import PostOffice, open_post_office

from senders.ledger import Ledger
from senders.ledger_server import LedgerServer


@pytest.fixture(scope="session")
def database_server() -> Iterator[DatabaseServer]:
    with open_database_server() as opened:
        yield opened


@pytest.fixture(params=["sqlite", "postgresql"])
def new_place(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Path | LedgerServer]:
    """A place for a ledger of its own, as often as it is called."""
    if request.param == "sqlite":
        numbers = count()
        return lambda: tmp_path / f"ledger-{next(numbers)}.db"
    server: DatabaseServer = request.getfixturevalue("database_server")
    return server.fresh


@pytest.fixture
def ledger_place(new_place: Callable[[], Path | LedgerServer]) -> Path | LedgerServer:
    return new_place()


@pytest.fixture
def ledger(ledger_place: Path | LedgerServer) -> Iterator[Ledger]:
    with Ledger(ledger_place) as opened:
        yield opened


@pytest.fixture
def file_ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger(tmp_path / "ledger.db") as opened:
        yield opened


@pytest.fixture
def server_ledger(database_server: DatabaseServer) -> Iterator[Ledger]:
    with Ledger(database_server.fresh()) as opened:
        yield opened


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def office() -> Iterator[PostOffice]:
    with open_post_office() as opened:
        yield opened
