"""`dovecote explain`, `backtest` and `diff`: the record told, and history decided again."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from senders.settings import Settings

Who = Annotated[str, typer.Argument(help="A user id, anonymous id, e-mail address or phone number.")]
MaybeJourney = Annotated[str | None, typer.Option(help="Only this journey.")]
With = Annotated[
    list[str] | None,
    typer.Option(
        "--with",
        help="What if it were otherwise: cap.marketing=5, consent.email=yes. Needs --journey; repeatable.",
    ),
]
Until = Annotated[
    str | None,
    typer.Option(help="With --with: their last entry made by then (ISO 8601); the last by default."),
]
Everybody = Annotated[
    bool,
    typer.Option("--everybody", help="With --with: decide for everybody, not only for their inbox. Slow."),
]
Journey = Annotated[str, typer.Argument(help="A journey, live or not yet.")]
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
ExitCode = Annotated[bool, typer.Option("--exit-code", help="Exit 1 where they differ.")]


def register(app: typer.Typer, settings: Callable[[], Settings]) -> None:
    """Add the commands; `settings` loads them, or exits with what is wrong."""

    @app.command()
    def explain(
        who: Who, journey: MaybeJourney = None, changes: With = None, until: Until = None,
        everybody: Everybody = False, as_json: AsJson = False,
    ) -> None:  # fmt: skip
        """Say why a person did or did not get each message; or what they would have got with a change."""
        if changes or until or everybody:
            _what_if(settings(), who, journey, changes or [], until, everybody, as_json)
        else:
            _explain(settings(), who, journey, as_json)

    @app.command()
    def backtest(
        journey: Journey, first: From, last: To, every: Every = "1m", warm_up: WarmUp = "7d",
        as_if_live: AsIfLive = False, out: Out = None, as_json: AsJson = False,
    ) -> None:  # fmt: skip
        """Say what a journey would have done over history; nothing is sent, nothing is changed."""
        _backtest(settings(), (journey, first, last, every, warm_up, as_if_live), out, as_json)

    @app.command()
    def diff(
        revision: Revision, first: MaybeFrom = None, last: MaybeTo = None, every: Every = "1m",
        warm_up: WarmUp = "7d", as_if_live: AsIfLive = False, as_json: AsJson = False,
        exit_code: ExitCode = False,
    ) -> None:  # fmt: skip
        """Decide the same history by two versions of the models: who gains, who loses, and by which gate."""
        found = _diff(settings(), revision, (first, last), (every, warm_up, as_if_live), as_json)
        raise typer.Exit(1 if exit_code and found["changes"] else 0)


def _explain(chosen: Settings, who: str, journey: str | None, as_json: bool) -> None:
    from dagster_project import explain

    try:
        record = explain.explain(chosen, who, journey)
    except LookupError as error:
        _refuse(error)
    _tell(record, explain.in_words, as_json)


def _what_if(
    chosen: Settings, who: str, journey: str | None, changes: Sequence[str], until: str | None,
    everybody: bool, as_json: bool,
) -> None:  # fmt: skip
    from dagster_project.backtest.command import moment
    from dagster_project.counterfactual import command, words

    try:
        asked = command.Asked(who, journey or "", changes, moment(until) if until else None, everybody)
        with command.spinner(as_json) as progress:
            found = command.ask(chosen, asked, progress)
    except (LookupError, ValueError, RuntimeError) as error:
        _refuse(error)
    _tell(found, words.in_words, as_json)


def _backtest(
    chosen: Settings, asked: tuple[str, str, str, str, str, bool], out: Path | None, as_json: bool
) -> None:
    from dagster_project.backtest import command, report

    whole = command.Asked(*asked)
    try:
        with command.bar(whole.plan(), as_json) as progress:
            found = command.backtest(chosen, whole, out, progress)
    except (ValueError, RuntimeError) as error:
        _refuse(error)
    if as_json:
        typer.echo(json.dumps(found, default=str, indent=2))
    else:
        report.show(found)


def _diff(
    chosen: Settings, revision: str, span: tuple[str | None, str | None], ticks: tuple[str, str, bool],
    as_json: bool,
) -> dict[str, Any]:  # fmt: skip
    from dagster_project.backtest import command, versions

    try:
        asked = versions.span_of(chosen, *span)
        plan = versions.plan_of(asked, *ticks)
        found = versions.diff(
            chosen, revision, plan, asked, lambda plan, side: command.bar(plan, as_json, side)
        )
    except (ValueError, RuntimeError) as error:
        _refuse(error, 2)
    _tell(found, versions.in_words, as_json)
    return found


def _tell(found: Any, in_words: Callable[[Mapping[str, Any]], str], as_json: bool) -> None:
    typer.echo(json.dumps(found, default=str, indent=2) if as_json else in_words(found))


def _refuse(error: Exception, code: int = 1) -> NoReturn:
    typer.echo(str(error), err=True)
    raise typer.Exit(code) from error
