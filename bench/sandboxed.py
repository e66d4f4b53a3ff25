"""A fresh DOVECOTE_HOME beside a provider sandbox in another process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dagster_project.demo import play, servers
from senders.settings import Settings, load


@contextmanager
def running(folder: Path) -> Iterator[Settings]:
    """Settings of a home below `folder`; this process's environment and its children's follow them."""
    port = servers.free_port(play.SANDBOX_PORT)
    settings, environment = play.prepare(load({"DOVECOTE_HOME": str(folder)}), port, tick_seconds=60)
    sandbox = play.children(settings, port)[0]
    with servers.running([sandbox], settings.home / "logs", environment):
        yield settings
