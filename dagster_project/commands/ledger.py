"""`dovecote backup` and `restore`: the ledger copied, and put back so that nothing is sent twice."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from senders.settings import Settings

Target = Annotated[Path | None, typer.Argument(help="A file; one by the time, below backups/, by default.")]
Source = Annotated[
    Path | None,
    typer.Argument(help="What `dovecote backup` wrote; none where the ledger was put in place already."),
]


def register(app: typer.Typer, settings: Callable[[], Settings]) -> None:
    """Add the commands; `settings` loads them, or exits with what is wrong."""

    @app.command()
    def backup(target: Target = None) -> None:
        """Copy the ledger to a file while it is in use."""
        _backup(settings(), target)

    @app.command()
    def restore(source: Source = None) -> None:
        """Put a backup of the ledger in its place, and hold back what may have been sent since."""
        _restore(settings(), source)


def _backup(chosen: Settings, target: Path | None) -> None:
    from dagster_project import backup as copying
    from senders.ledger import LedgerError

    default = chosen.home / "backups" / f"ledger-{datetime.now(UTC):%Y%m%dT%H%M%S}.db"
    try:
        typer.echo(copying.backup(chosen, target or default))
    except (LedgerError, OSError) as error:
        _refuse(error)


def _restore(chosen: Settings, source: Path | None) -> None:
    from dagster_project import backup as copying
    from dagster_project import lock
    from senders.ledger import LedgerError

    try:
        typer.echo(copying.restore(chosen, source, datetime.now(UTC)))
    except (LedgerError, OSError, lock.LockedError) as error:
        _refuse(error)


def _refuse(error: Exception) -> NoReturn:
    typer.echo(str(error), err=True)
    raise typer.Exit(1) from error
