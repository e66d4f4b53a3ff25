"""`dovecote drill`: what an operator runs before believing any of it."""

from __future__ import annotations

from typing import Annotated

import typer

Only = Annotated[str | None, typer.Option(help="Only the drills whose name holds this text.")]
Short = Annotated[bool, typer.Option("--short", help="A few of each sort, as the test suite runs them.")]


def register(app: typer.Typer) -> None:
    """Add the command. It touches no DOVECOTE_HOME: everything is made in a folder of its own."""

    @app.command()
    def drill(only: Only = None, short: Short = False) -> None:
        """Break the delivery on purpose and count what was lost or doubled; the last line is JSON."""
        from dagster_project.drill import command

        raise typer.Exit(command.run(only, short))
