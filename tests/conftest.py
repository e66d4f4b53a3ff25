"""The order of the test files, and what all of them share."""

import gc

import parsed_project
import pytest

# dbt's manifests are millions of objects that live long: looked through as often as usual, they cost a test
# run a minute of CPU, and give nothing back.
gc.set_threshold(50_000, 20, 100)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files that take long come first, so that at the end no worker is left alone with one of them."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(scope="session", autouse=True)
def _parsed_project(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> None:
    folder = tmp_path_factory.getbasetemp()
    parsed_project.share((folder if worker_id == "master" else folder.parent) / "shared-home")
