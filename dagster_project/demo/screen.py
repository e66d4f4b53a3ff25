"""What the demo shows on the terminal: a line or three a tick."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rich.console import Console

console = Console(highlight=False, soft_wrap=True)


class Ticks:
    """The summaries in ticks.jsonl, as they come."""

    def __init__(self, home: Path) -> None:
        self.path = home / "ticks.jsonl"
        self.seen: list[dict[str, Any]] = []

    def news(self) -> Iterator[dict[str, Any]]:
        if not self.path.exists():
            return
        for line in self.path.read_text().splitlines()[len(self.seen) :]:
            self.seen.append(json.loads(line))
            yield self.seen[-1]


def show(summary: Mapping[str, Any]) -> None:
    """One tick: what landed, what was decided and why, what went out, what came of it, how long it took."""
    head = f"[bold]{summary['as_of'][11:19]}[/]"
    if summary["failure"]:
        console.print(f"{head}  [red]failed in {summary['failure']}[/]")
        return
    decided, sent = summary["decisions"], summary["sent"]
    seconds = "  ".join(f"{name} {value:.1f}" for name, value in summary["seconds"].items())
    console.print(
        f"{head}  landed [cyan]{summary['events']}[/]  "
        f"decided [cyan]{sum(decided.values())}[/] ({_listed(decided)})"
    )
    console.print(
        f"          sent [green]{sum(sent.values())}[/] ({_listed(sent)})  delivered so far "
        f"[green]{summary['delivered']}[/]  converted so far [green]{summary['converted']}[/]"
    )
    for journey, why in summary["guardrails"].items():
        console.print(f"          [red]{journey} is stopped[/] ({why})")
    console.print(f"          [dim]seconds: {seconds}[/]")


def _listed(counts: Mapping[str, int]) -> str:
    return (
        ", ".join(f"{name} {count}" for name, count in sorted(counts.items(), key=lambda item: -item[1]))
        or "none"
    )
