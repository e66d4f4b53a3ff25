"""A fresh DOVECOTE_HOME beside a provider sandbox in another process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from dagster_project.demo import play, servers
from senders.settings import Settings, load

# There is nobody to take receipts: signed, refused and repeated they were a third of the sandbox's work.
UNHEARD = ("--receipt-seconds", "86400")
# What the sandbox's credentials say (2,000) would be the limit that is measured: an honest loop made 2,400.
PACE = {"DOVECOTE_SENDGRID_MESSAGES_PER_SECOND": "10000"}


@contextmanager
def running(folder: Path) -> Iterator[Settings]:
    """Settings of a home below `folder`; this process's environment and its children's follow them."""
    port = servers.free_port(play.SANDBOX_PORT)
    settings, environment = play.prepare(load({"DOVECOTE_HOME": str(folder)}), port, tick_seconds=60)
    settings, environment = load({**settings.environment, **PACE}), {**environment, **PACE}
    sandbox = play.children(settings, port)[0]
    quiet = replace(sandbox, arguments=[*sandbox.arguments, *UNHEARD])
    with servers.running([quiet], settings.home / "logs", environment):
        yield settings
