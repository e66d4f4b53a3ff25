"""Where it runs and how it goes: disk, clock, both stores, what keeps messages from going, and Dagster."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime

from dagster_project import controls, home, lock, state, warehouse
from dagster_project.doctor.finding import Finding
from senders.settings import PREFIX, Settings

WORST_CLOCK_SECONDS = 5.0  # a lease outlasts a call by 45 s
LEAST_FREE_BYTES = 1_000_000_000
# A clock before the day this was written is a machine that lost its battery.
OLDEST_SANE_TIME = datetime(2026, 1, 1, tzinfo=UTC)


def look_at_home(settings: Settings) -> Iterator[Finding]:
    folder = settings.home
    while not folder.exists():
        folder = folder.parent
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        yield Finding("home", f"{folder} is not writable ({error}): free it, or set {PREFIX}HOME.", True)
        return
    if folder != settings.home:
        yield Finding(
            "home", f"{settings.home} is not there yet; the first command makes it, or `dovecote init`."
        )
    else:
        yield Finding("home", f"{settings.home} is writable.")
    free = shutil.disk_usage(folder).free
    words = f"{free / 1e9:.1f} GB free on the disk of {folder}"
    yield Finding(
        "home",
        f"{words}." if free >= LEAST_FREE_BYTES else f"Only {words}: make room.",
        free < LEAST_FREE_BYTES,
    )


def look_at_clock(settings: Settings) -> Iterator[Finding]:
    now, last = datetime.now(UTC), state.read(settings.home)
    if now < OLDEST_SANE_TIME:
        yield Finding("clock", f"This machine believes it is {now:%Y-%m-%d %H:%M} UTC: set its clock.", True)
    elif last and last.last_as_of and last.last_as_of > now + warehouse.CLOCK_TOLERANCE:
        yield Finding(
            "clock",
            f"The last tick was at {last.last_as_of:%Y-%m-%d %H:%M} UTC and it is {now:%Y-%m-%d %H:%M}: "
            "no tick can run in this warehouse until then. Set the clock, or use another DOVECOTE_HOME.",
            True,
        )
    else:
        yield Finding("clock", f"It is {now:%Y-%m-%d %H:%M} UTC.")


def look_at_warehouse(settings: Settings) -> Iterator[Finding]:
    if lock.is_held(settings.home):
        yield Finding("warehouse", f"A tick is running and holds {settings.warehouse}.")
    elif not settings.warehouse.exists():
        yield Finding("warehouse", f"{settings.warehouse} is not there yet; the first tick makes it.")
    else:
        with warehouse.opened(settings, read_only=True) as connection:
            (files,) = connection.execute("select count(*) from raw.manifest").fetchone()
        yield Finding("warehouse", f"{settings.warehouse} opens; {files} files have landed.")


def look_at_ledger(settings: Settings) -> Iterator[Finding]:
    if not settings.ledger.exists():
        yield Finding("ledger", f"{settings.ledger} is not there yet; the first tick makes it.")
        return
    from senders.ledger import Ledger

    with Ledger(settings.ledger) as ledger:
        last, seconds = ledger.last_seq(), ledger.clock_is_off_by()
    yield Finding("ledger", f"{settings.ledger} opens; its journal has {last} entries.")
    if abs(seconds) > WORST_CLOCK_SECONDS:
        says = f"This machine's clock is {seconds:+.0f} s off the ledger server's"
        yield Finding("ledger", f"{says}: leases of other workers are judged by it. Set it by NTP.", True)


def look_at_delivery(settings: Settings) -> Iterator[Finding]:
    """What keeps messages from going: blocked routes, the kill switch, routes that are no route any more."""
    rows = controls.routes(settings)
    for row in rows:
        says, provider = controls.ROUTE.format(**row), row["provider"]
        if row["is_blocked"]:
            command = f"`dovecote routes --free {provider}`"
            yield Finding("delivery", f"{says} Set the cause right, then {command}.", True)
        elif row["backlog"] and provider not in settings.routes.values():
            ways = f"name it in {PREFIX}ROUTES again, or let them expire"
            yield Finding("delivery", f"{row['backlog']} message(s) wait for {provider}: {ways}.", True)
        elif row["state"] == "paused":
            yield Finding("delivery", says)
    stopped = list(_stopped(settings))
    yield from stopped
    if not stopped and not any(row["is_blocked"] for row in rows):
        yield Finding("delivery", "No route is blocked and nothing is stopped.")
    if waiting := len(controls.held(settings)):
        yield Finding("delivery", f"{waiting} message(s) are held: decide about them with `dovecote held`.")


def _stopped(settings: Settings) -> Iterator[Finding]:
    if not settings.ledger.exists():
        return
    from senders.ledger import Ledger

    with Ledger(settings.ledger) as ledger:
        switches = ledger.stopped_switches()
    for scope, name, reason in switches:
        says = f"{controls.named((scope, name))} is stopped ({reason})"
        yield Finding("delivery", f"{says}: `{controls.start_command((scope, name))}`.", True)


def look_at_dagster(settings: Settings) -> Iterator[Finding]:
    home.prepare(settings)
    import dagster as dg

    with dg.DagsterInstance.get() as instance:
        beats = instance.get_daemon_heartbeats().values()
    latest = max((beat.timestamp for beat in beats), default=None)
    seen = (
        f"its daemon was last seen at {datetime.fromtimestamp(latest, UTC):%H:%M:%S} UTC"
        if latest
        else "no daemon yet"
    )
    yield Finding("dagster", f"The instance in {settings.dagster_home} opens; {seen}.")


def look_at_last_tick(settings: Settings) -> Iterator[Finding]:
    ticks = state.ticks(settings.home)
    if not ticks:
        yield Finding("last tick", "None has run yet.")
    elif ticks[-1]["failure"]:
        first, *others = ticks[-1]["failure"].splitlines()
        more = f" (and {len(others)} lines more: {settings.home / 'ticks.jsonl'})" if others else ""
        yield Finding("last tick", f"{ticks[-1]['as_of']} failed in {first}{more}", True)
    else:
        seconds = ticks[-1]["seconds"]["total"]
        yield Finding("last tick", f"{ticks[-1]['as_of']} went well and took {seconds:.1f} s.")
