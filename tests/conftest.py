"""The order of the test files, and what all of them share."""

import parsed_project
import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files that take long come first, so that at the end no worker is left alone with one of them."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(scope="session", autouse=True)
def _parsed_project(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> None:
    folder = tmp_path_factory.getbasetemp()
    parsed_project.share((folder if worker_id == "master" else folder.parent) / "shared-home")
