"""`dovecote new`, `preview` and `send-test`: what an author of journeys types."""

from __future__ import annotations

import webbrowser
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from senders.settings import REPOSITORY, Settings, SettingsError

Journey = Annotated[str, typer.Argument(help="A journey, as its trigger is named.")]
User = Annotated[
    str | None, typer.Option(help="Whose data to show: a user id, e-mail address or phone number.")
]
Kind = Annotated[str, typer.Argument(help="journey, segment or kpi.")]
Name = Annotated[str, typer.Argument(help="In snake_case.")]
Event = Annotated[str | None, typer.Option(help="The event that starts the journey.")]
Class = Annotated[str, typer.Option("--class", help="marketing or transactional.")]
Page = Annotated[Path | None, typer.Option(help="Where to draw it, an .html file.")]
IsOpened = Annotated[bool, typer.Option("--open/--no-open", help="Open it in a browser.")]
To = Annotated[str, typer.Option(help="An address that DOVECOTE_TEST_ADDRESSES lists.")]
Channel = Annotated[str, typer.Option(help="email, sms, rcs …")]
Step = Annotated[str | None, typer.Option(help="Which step; the first by default.")]


def register(app: typer.Typer, settings: Callable[[], Settings]) -> None:
    """Add the commands; `settings` loads them, or exits with what is wrong."""

    @app.command()
    def preview(journey: Journey, user: User = None, out: Page = None, is_opened: IsOpened = True) -> None:
        """Show each message of a journey as a person would see it. Exit 1 when one cannot be rendered."""
        _preview(settings(), journey, user, out, is_opened)

    @app.command()
    def send_test(
        journey: Journey, to: To, channel: Channel = "email", step: Step = None, user: User = None
    ) -> None:
        """Send one message of a journey to an address of your own, through the next tick, which runs now."""
        _send_test(settings(), journey, channel, to, step, user)

    app.command()(new)


def new(kind: Kind, name: Name, event: Event = None, message_class: Class = "marketing") -> None:
    """Write a journey, a segment or a KPI that passes every check, to be made one's own."""
    from dagster_project.authoring.new import NewError, create

    try:
        files = create(kind, name, REPOSITORY, event=event, message_class=message_class)
    except NewError as error:
        _refuse(error)
    for path in files:
        typer.echo(f"wrote {path.relative_to(REPOSITORY)}")
    typer.echo("Make it yours, then ask `dovecote doctor`; `make test` must pass.")


def _preview(chosen: Settings, journey: str, user: str | None, out: Path | None, is_opened: bool) -> None:
    from dagster_project.authoring import preview as drawing

    try:
        shown = drawing.preview(chosen, journey, user)
    except LookupError as error:
        _refuse(error)
    typer.echo(drawing.in_words(shown))
    target = out or chosen.home / "previews" / f"{journey}.html"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(drawing.page(shown, chosen), encoding="utf-8")
    typer.echo(f"\nDrawn in {target}")
    if is_opened:
        webbrowser.open(target.resolve().as_uri())
    raise typer.Exit(1 if any(message.error for message in shown.messages) else 0)


def _send_test(
    chosen: Settings, journey: str, channel: str, to: str, step: str | None, user: str | None
) -> None:
    from dagster_project import foreground
    from dagster_project.authoring import send_test as test
    from senders.rendering import RenderError

    try:
        planned = test.plan(chosen, journey, channel, to, step=step, who=user)
    except (LookupError, RenderError, SettingsError) as error:
        _refuse(error)
    typer.echo(f"{planned.step} by {planned.channel} through {planned.provider}: {planned.message_id}")
    failure = foreground.tick(chosen, None, datetime.now(UTC), is_quiet=True)["failure"]
    if failure:
        typer.echo(f"The tick failed: {failure}", err=True)
    typer.echo(test.came_of(chosen, planned.message_id))
    raise typer.Exit(1 if failure else 0)


def _refuse(error: Exception) -> NoReturn:
    typer.echo(str(error), err=True)
    raise typer.Exit(1) from error
