"""A clock that stands still while sqlfluff reads."""


def strftime(_format: str) -> str:
    return "2026-01-01 00:00:00.000000"
