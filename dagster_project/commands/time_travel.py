"""`dovecote backtest` and `dovecote diff`: history decided again."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from senders.settings import Settings

From = Annotated[str, typer.Option("--from", help="From when (ISO 8601, UTC where it names no zone).")]
To = Annotated[str, typer.Option("--to", help="Until when.")]
Revision = Annotated[str, typer.Argument(help="What to compare with, as git knows it: main, HEAD~3, v1.2.")]
MaybeFrom = Annotated[str | None, typer.Option("--from", help="From when; a week before --to by default.")]
MaybeTo = Annotated[str | None, typer.Option("--to", help="Until when; the last tick by default.")]
Every = Annotated[str, typer.Option(help="How often a tick would have run: 1m, 15m, 1h.")]
WarmUp = Annotated[
    str, typer.Option(help="Begin so much earlier, uncounted: caps and waits are then under way.")
]
AsIfLive = Annotated[
    bool,
    typer.Option(
        "--as-if-live", help="As if everything had landed when it happened: for data loaded in bulk."
    ),
]
Out = Annotated[
    Path | None, typer.Option(help="Keep the replayed warehouse, the picture and the summary here.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of words.")]


def register(app: typer.Typer, settings: Callable[[], Settings]) -> None:
    """Add the commands; `settings` loads them, or exits with what is wrong."""

    @app.command()
    def backtest(
        journey: Annotated[str, typer.Argument(help="A journey, live or not yet.")],
        first: From,
        last: To,
        every: Every = "1m",
        warm_up: WarmUp = "7d",
        as_if_live: AsIfLive = False,
        out: Out = None,
        as_json: AsJson = False,
    ) -> None:
        """Say what a journey would have done over history; nothing is sent, nothing is changed."""
        from dagster_project.backtest import command, report

        asked = command.Asked(journey, first, last, every, warm_up, as_if_live)
        try:
            with command.bar(asked.plan(), as_json) as progress:
                found = command.backtest(settings(), asked, out, progress)
        except (ValueError, RuntimeError) as error:
            typer.echo(str(error), err=True)
            raise typer.Exit(1) from error
        if as_json:
            typer.echo(json.dumps(found, default=str, indent=2))
        else:
            report.show(found)

    @app.command()
    def diff(
        revision: Annotated[
            str, typer.Argument(help="What to compare with, as git knows it: main, HEAD~3, v1.2.")
        ],
        first: MaybeFrom = None,
        last: MaybeTo = None,
        every: Every = "1m",
        warm_up: WarmUp = "7d",
        as_if_live: AsIfLive = False,
        as_json: AsJson = False,
        exit_code: Annotated[bool, typer.Option("--exit-code", help="Exit 1 where they differ.")] = False,
    ) -> None:
        """Decide the same history by two versions of the models: who gains, who loses, and by which gate."""
        from dagster_project.backtest import command, versions

        try:
            span = versions.span_of(settings(), first, last)
            plan = versions.plan_of(span, every, warm_up, as_if_live)
            found = versions.diff(
                settings(), revision, plan, span, lambda plan, side: command.bar(plan, as_json, side)
            )
        except (ValueError, RuntimeError) as error:
            typer.echo(str(error), err=True)
            raise typer.Exit(2) from error
        typer.echo(json.dumps(found, default=str, indent=2) if as_json else versions.in_words(found))
        raise typer.Exit(1 if exit_code and found["changes"] else 0)
