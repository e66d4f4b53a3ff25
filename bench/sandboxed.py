"""A fresh DOVECOTE_HOME beside a provider sandbox in another process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dagster_project.demo import play, servers
from senders.settings import Settings, load

MESSAGES_PER_SECOND = "5000"  # the default of 100 is a promise to the provider, not a limit of ours


@contextmanager
def running(folder: Path) -> Iterator[Settings]:
    """Settings of a home below `folder`; this process's environment and its children's follow them."""
    port = servers.free_port(play.SANDBOX_PORT)
    given = {"DOVECOTE_HOME": str(folder), "DOVECOTE_SENDGRID_MESSAGES_PER_SECOND": MESSAGES_PER_SECOND}
    settings, environment = play.prepare(load(given), port, tick_seconds=60)
    environment["DOVECOTE_SENDGRID_MESSAGES_PER_SECOND"] = MESSAGES_PER_SECOND
    sandbox = play.children(settings, port)[0]
    with servers.running([sandbox], settings.home / "logs", environment):
        yield settings
