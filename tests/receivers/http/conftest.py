"""The receivers that the tests call."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from receivers_process import BROWSER, Receivers


@pytest.fixture
def own_receivers(tmp_path: Path) -> Iterator[Receivers]:
    """A process of this test's own, not started yet."""
    receivers = Receivers(tmp_path / "home")
    yield receivers
    receivers.stop()


@pytest.fixture(scope="module")
def receivers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receivers]:
    """A running process that the tests of one file share."""
    running = Receivers(tmp_path_factory.mktemp("receivers") / "home")
    running.start()
    yield running
    running.stop()


@pytest.fixture
def client(receivers: Receivers) -> Iterator[httpx.Client]:
    with receivers.client(headers=BROWSER) as client:
        yield client
