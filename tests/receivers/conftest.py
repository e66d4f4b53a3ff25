import pytest
from landed import House


@pytest.fixture
def house(tmp_path):
    """An empty home with a landing zone, a real warehouse and a way to look into it."""
    return House(tmp_path / "home")
