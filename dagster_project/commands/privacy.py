"""`dovecote export` and `erase`: what privacy law lets a person ask for."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from senders.settings import Settings

Who = Annotated[str, typer.Argument(help="A user id, anonymous id, e-mail address or phone number.")]
Out = Annotated[Path | None, typer.Option(help="Where to write it: a folder, or a file that ends in .zip.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of words.")]


def register(app: typer.Typer, settings: Callable[[], Settings]) -> None:
    """Add the commands; `settings` loads them, or exits with what is wrong."""

    @app.command()
    def export(who: Who, out: Out = None, as_json: AsJson = False) -> None:
        """Write down everything that is held about a person: warehouse, files and ledger."""
        _export(settings(), who, out, as_json)


def _export(chosen: Settings, who: str, out: Path | None, as_json: bool) -> None:
    from dagster_project import lock
    from dagster_project.privacy import export as exporting

    target = out or Path(f"export-{_as_name(who)}.zip")
    try:
        manifest = exporting.export(chosen, who, target)
    except (LookupError, OSError, lock.LockedError) as error:
        _refuse(error)
    if as_json:
        typer.echo(json.dumps(manifest, indent=2))
        return
    for name, file in manifest["files"].items():
        typer.echo(f"{file['rows']:>8}  {name}")
    _tell_others(manifest)
    typer.echo(f"Written to {target}. It is for that person alone: hand it over safely, then delete it.")


def _tell_others(manifest: dict[str, Any]) -> None:
    for name, addresses in manifest["other_accounts_with_these_addresses"].items():
        typer.echo(f"Not in it: the account {name}, which has {', '.join(addresses)}, too.", err=True)


def _as_name(who: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in who)[:40]


def _refuse(error: Exception) -> NoReturn:
    typer.echo(str(error), err=True)
    raise typer.Exit(1) from error
