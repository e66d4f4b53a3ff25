"""A ledger, a clock and a post office for the tests of the delivery protocol."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from letters import Clock
from post_office import PostOffice, open_post_office

from senders.ledger import Ledger


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger(tmp_path / "ledger.db") as opened:
        yield opened


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def office() -> Iterator[PostOffice]:
    with open_post_office() as opened:
        yield opened
