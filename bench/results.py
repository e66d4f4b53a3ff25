"""bench/RESULTS.md: one section a bench, each replaced when its bench is run again."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

RESULTS = Path(__file__).with_name("RESULTS.md")
HEAD = "# Figures\n\nMeasured by `make bench`; each section names its own command and machine.\n"
PACKAGES = ("dagster", "dbt-core", "dbt-duckdb", "duckdb", "polars", "httpx")


def write(name: str, section: str) -> None:
    text = RESULTS.read_text() if RESULTS.exists() else HEAD
    marked = f"<!-- {name} -->\n{section}\n<!-- end {name} -->\n"
    pattern = re.compile(rf"<!-- {name} -->.*?<!-- end {name} -->\n", re.DOTALL)
    found = pattern.search(text)
    RESULTS.write_text(pattern.sub(lambda _: marked, text) if found else f"{text}\n{marked}")


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def machine() -> str:
    """The processor, its cores and memory, Python and what the figures hang on."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {platform.machine()} with {os.cpu_count()} cores "
        f"and {memory:.0f} GiB, Python {platform.python_version()}, {packages}"
    )
