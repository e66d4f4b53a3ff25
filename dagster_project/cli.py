"""`dovecote`: the command line. Each command imports what it needs and nothing more."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from dagster_project.commands import authoring, drills, ledger, privacy, time_travel
from senders import settings as environment

STARTED_AT = datetime.now(UTC)

app = typer.Typer(
    name="dovecote",
    help="Events that land become messages people are glad to get.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of words.")]


def settings() -> environment.Settings:
    """The settings, or an exit with what is wrong with them."""
    try:
        return environment.load()
    except environment.SettingsError as error:
        typer.echo(f"Settings are wrong:\n{error}", err=True)
        raise typer.Exit(1) from error


@app.command()
def init() -> None:
    """Create DOVECOTE_HOME: landing zone, warehouse, ledger and Dagster's instance."""
    from dagster_project import home

    chosen = settings()
    home.create(chosen)
    typer.echo(f"{chosen.home} is ready. Put files into {chosen.landing}/<feed>/ and run `dovecote tick`.")


@app.command()
def tick(
    as_of: Annotated[
        str | None,
        typer.Option(
            help="The tick's one clock (ISO 8601, UTC where it names no zone); the wall clock by default."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run one tick here and now, the very job that the sensor starts; the last line is its summary (JSON)."""
    from dagster_project import foreground

    summary = foreground.tick(settings(), as_of, STARTED_AT, is_quiet=as_json)
    if summary["failure"]:
        typer.echo(f"The tick failed: {summary['failure']}", err=True)
    elif not as_json:
        from dagster_project.demo import screen

        screen.show(summary)
    typer.echo(json.dumps(summary, default=str))
    raise typer.Exit(1 if summary["failure"] else 0)


@app.command()
def daemon() -> None:
    """Start the daemon, which looks every DOVECOTE_TICK_SECONDS and runs what is to be run."""
    _become_dagster(settings(), "dagster._daemon", "run")


@app.command()
def ui() -> None:
    """Start the Dagster UI on 127.0.0.1, port DOVECOTE_UI_PORT."""
    chosen = settings()
    _become_dagster(chosen, "dagster_webserver", "--host", "127.0.0.1", "--port", str(chosen.ui_port))


def _become_dagster(chosen: environment.Settings, module: str, *arguments: str) -> None:
    """Go on as that program, with the environment it needs; signals reach it as if started directly."""
    from dagster_project import home

    home.prepare(chosen)
    if not home.is_created(chosen):
        home.create(chosen)
    workspace = environment.REPOSITORY / "workspace.yaml"
    os.execv(sys.executable, [sys.executable, "-m", module, *arguments, "-w", str(workspace)])  # noqa: S606


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Say in words what is missing or wrong. Exit 1 when something is wrong."""
    from dataclasses import asdict

    from dagster_project.doctor import examine, in_words

    findings = examine()
    typer.echo(json.dumps([asdict(each) for each in findings]) if as_json else in_words(findings))
    raise typer.Exit(1 if any(each.is_wrong for each in findings) else 0)


ToRoute = Annotated[str | None, typer.Option("--route", help="A provider, as `dovecote routes` names it.")]
ToJourney = Annotated[str | None, typer.Option("--journey", help="A journey.")]
ToAll = Annotated[bool, typer.Option("--all", help="Everything.")]
Why = Annotated[str, typer.Option("--reason", help="Why; it is kept in the ledger.")]


@app.command()
def routes(
    free: Annotated[str | None, typer.Option(help="Free this provider's blocked or paused route.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the routes: free, paused or blocked, why and since when, and how many messages wait."""
    from dagster_project import controls

    if free:
        _do(lambda: controls.free(settings(), free))
    rows = controls.routes(settings())
    typer.echo(json.dumps(rows) if as_json else controls.in_words(rows, controls.ROUTE, "No route yet."))


@app.command()
def stop(reason: Why, route: ToRoute = None, journey: ToJourney = None, everything: ToAll = False) -> None:
    """Send nothing any more: through a route, of a journey, or at all. What was decided waits."""
    from dagster_project import controls

    _do(lambda: controls.switch(settings(), controls.target(route, journey, everything), True, reason))


@app.command()
def start(reason: Why, route: ToRoute = None, journey: ToJourney = None, everything: ToAll = False) -> None:
    """Undo `dovecote stop` of the same route, journey or everything."""
    from dagster_project import controls

    _do(lambda: controls.switch(settings(), controls.target(route, journey, everything), False, reason))


@app.command()
def held(
    send: Annotated[str | None, typer.Option(help="Send this message once more, come what may.")] = None,
    drop: Annotated[str | None, typer.Option(help="Give this message up.")] = None,
    send_all: Annotated[bool, typer.Option("--send-all", help="Send all that the rule names.")] = False,
    drop_all: Annotated[bool, typer.Option("--drop-all", help="Give up all that the rule names.")] = False,
    journey: Annotated[str, typer.Option(help="The rule: of this journey.")] = "",
    route: Annotated[str, typer.Option(help="The rule: through this provider.")] = "",
    reason: Annotated[str, typer.Option(help="The rule: held for this reason.")] = "",
    as_json: AsJson = False,
) -> None:
    """List the messages of which nobody can tell whether they were sent; decide about one, or by a rule."""
    from dagster_project import controls

    if send:
        _do(lambda: controls.decide(settings(), send, is_sent_again=True))
    if drop:
        _do(lambda: controls.decide(settings(), drop, is_sent_again=False))
    if send_all or drop_all:
        rule = {"journey": journey, "provider": route, "reason": reason}
        _do(lambda: controls.decide_by_rule(settings(), rule, is_sent_again=send_all))
    rows = controls.held(settings())
    typer.echo(json.dumps(rows) if as_json else controls.in_words(rows, controls.HELD, "Nothing is held."))


@app.command()
def work(once: Annotated[bool, typer.Option(help="One round, then end.")] = False) -> None:
    """Send what is due in a ledger that several machines share, beside the ticks; a line of JSON a round."""
    from dagster_project import worker

    try:
        worker.run(settings(), lambda summary: typer.echo(json.dumps(summary, default=str)), once)
    except LookupError as error:
        typer.echo(error.args[0], err=True)
        raise typer.Exit(1) from error


def _do(change: Callable[[], str]) -> None:
    """Make a change and say so, on stderr: stdout is the listing's. Exit 1 with why it cannot be made."""
    try:
        typer.echo(change(), err=True)
    except LookupError as error:
        typer.echo(error.args[0], err=True)
        raise typer.Exit(1) from error


@app.command()
def demo(
    minutes: Annotated[float | None, typer.Option(help="End by itself after so many minutes.")] = None,
    events_per_second: Annotated[float, typer.Option(help="How busy the shop is.")] = 3.0,
    tick_seconds: Annotated[int, typer.Option(help="How often the sensor looks.")] = 30,
) -> None:
    """The real system beside a provider sandbox and a shop; the last line is the books as JSON."""
    from dagster_project.demo import play

    raise typer.Exit(play.run(settings(), minutes, events_per_second, tick_seconds))


authoring.register(app, settings)
time_travel.register(app, settings)
drills.register(app)
privacy.register(app, settings)
ledger.register(app, settings)


def main() -> Any:
    return app()


if __name__ == "__main__":
    sys.exit(main())
