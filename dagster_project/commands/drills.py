"""`dovecote drill`: what an operator runs before believing any of it."""

from __future__ import annotations

from typing import Annotated

import typer

Only = Annotated[str | None, typer.Option(help="Only the drills whose name holds this text.")]
Short = Annotated[bool, typer.Option("--short", help="A few of each sort, as the test suite runs them.")]

Seed = Annotated[int | None, typer.Option(help="Only this seed of the simulation, told step by step.")]
Seeds = Annotated[int | None, typer.Option(help="How many seeds to simulate; 2,000, or 150 with --short.")]


def register(app: typer.Typer) -> None:
    """Add the command. It touches no DOVECOTE_HOME: everything is made in a folder of its own."""

    @app.command()
    def drill(only: Only = None, short: Short = False, seed: Seed = None, seeds: Seeds = None) -> None:
        """Break the delivery on purpose and count what was lost or doubled; the last line is JSON."""
        from dagster_project.drill import command

        raise typer.Exit(command.run(only, short, seed, seeds))
