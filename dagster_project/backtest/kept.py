"""Compiled models, kept below DOVECOTE_HOME/dbt for whoever asks again: dbt takes ten seconds."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path

from dagster_project import manifest
from dagster_project.backtest.models import Model, Project
from senders.settings import Settings

Prepare = Callable[[Path], None]
KEPT = 4


def compiled(
    settings: Settings,
    label: str,
    first: datetime,
    last: datetime,
    selected: tuple[str, ...],
    prepare: Prepare,
) -> list[Model]:
    """The models that dbt's `selected` names, in the order of a run, the clock left open between the days of
    `first` and `last`.

    `prepare` makes the warehouse that dbt compiles them in. Of each label the last few are kept. Raises
    DbtRunError and DbtProjectError.
    """
    begin, end = _midnight(first), _midnight(last) + timedelta(days=1)
    kept = settings.home / "dbt" / f"{label}-{_digest(settings, begin, end)}.json"
    if kept.exists():
        return [Model(**model) for model in json.loads(kept.read_text())]
    with tempfile.TemporaryDirectory(prefix=f"dovecote-{label}-") as folder:
        prepare(Path(folder))
        models = Project(settings).compile(Path(folder), begin, end, *selected)
    for old in sorted(kept.parent.glob(f"{label}-*.json"), key=lambda path: path.stat().st_mtime)[:-KEPT]:
        old.unlink()
    part = kept.with_name(f".{kept.name}.{os.getpid()}")
    part.write_text(json.dumps([asdict(model) for model in models]))
    part.replace(kept)
    return models


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def _digest(settings: Settings, begin: datetime, end: datetime) -> str:
    """Of all that the text of a compiled model depends on."""
    asked = (manifest.digest(settings), begin, end, sorted(settings.routes), settings.shop_url)
    return hashlib.sha256(repr(asked).encode()).hexdigest()[:16]
