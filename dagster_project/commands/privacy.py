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
MaybeWho = Annotated[str | None, typer.Argument(help="As for `dovecote export`; none with --receipts.")]
Shown = Annotated[bool, typer.Option("--receipts", help="Erase nothing; show the receipts there are.")]
Lifted = Annotated[bool, typer.Option("--lift", help="They came back: let what comes about them in again.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of words.")]


def register(app: typer.Typer, settings: Callable[[], Settings]) -> None:
    """Add the commands; `settings` loads them, or exits with what is wrong."""

    @app.command()
    def export(who: Who, out: Out = None, as_json: AsJson = False) -> None:
        """Write down everything that is held about a person: warehouse, files and ledger."""
        _export(settings(), who, out, as_json)

    @app.command()
    def erase(
        who: MaybeWho = None, shown: Shown = False, lifted: Lifted = False, as_json: AsJson = False
    ) -> None:
        """Take a person out of warehouse, files and ledger, and keep a receipt that does not name them."""
        if lifted:
            _lift(settings(), who)
        else:
            _erase(settings(), who, shown, as_json)


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


def _erase(chosen: Settings, who: str | None, is_shown: bool, as_json: bool) -> None:
    from dagster_project import lock
    from dagster_project.privacy import erasing
    from senders.erased import ErasureSecretError

    if not who and not is_shown:
        _refuse(LookupError("Say who: an id, an e-mail address or a phone number."))
    try:
        found = erasing.receipts(chosen, who) if is_shown else [erasing.erase(chosen, str(who))]
    except (LookupError, OSError, lock.LockedError, ErasureSecretError) as error:
        _refuse(error)
    if as_json:
        typer.echo(json.dumps(found if is_shown else found[0], indent=2))
        return
    for receipt in found:
        typer.echo(f"{receipt['erasure_id']}, {receipt['erased_at']:.19} UTC")
        for part in ("ledger", "files", "warehouse", "logs", "providers", "left"):
            typer.echo(f"  {part}: {json.dumps(receipt.get(part, 'not finished'))}")


def _lift(chosen: Settings, who: str | None) -> None:
    from dagster_project.privacy import erasing

    if not who or not erasing.lift(chosen, who):
        _refuse(LookupError(f"{who} is not marked as erased."))
    typer.echo(f"What comes about {who} is taken in again.", err=True)


def _as_name(who: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in who)[:40]


def _refuse(error: Exception) -> NoReturn:
    typer.echo(str(error), err=True)
    raise typer.Exit(1) from error
