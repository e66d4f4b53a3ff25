"""`dovecote doctor`: what is missing or wrong, in words, before it matters at three in the morning."""

from __future__ import annotations

import difflib
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any

from dagster_project import controls, home, lock, manifest, state, warehouse
from senders import settings as environment
from senders.settings import IN_FILE, PREFIX, REPOSITORY, Settings, variable

WORST_CLOCK_SECONDS = 5.0  # a lease outlasts a call by 45 s
LEAST_FREE_BYTES = 1_000_000_000
# A clock before the day this was written is a machine that lost its battery.
OLDEST_SANE_TIME = datetime(2026, 1, 1, tzinfo=UTC)
WITHOUT_SECRET = {
    "write_key": "nobody can send events over HTTP",
    "shopify_secret": "Shopify's webhooks are refused",
    "link_secret": "no message can be rendered, give it a long random text",
    "erasure_secret": "nobody can be erased, give it a long random text and keep it",
}
NEEDED_SECRETS = {"link_secret"}


@dataclass(frozen=True)
class Finding:
    """One thing looked at: `says` is a whole sentence, with what to do where `is_wrong`."""

    part: str
    says: str
    is_wrong: bool = False


def examine() -> list[Finding]:
    """Everything, one after the other; a part that cannot be looked at is itself a finding."""
    try:
        settings = environment.load()
    except environment.SettingsError as error:
        return [Finding("settings", line, True) for line in str(error).splitlines()]
    home.export(settings)
    return _once(finding for part, look in PARTS.items() for finding in _examined(part, look, settings))


def _once(findings: Iterable[Finding]) -> list[Finding]:
    """Without what an earlier part found wrong already: a typo in a journey keeps dbt from parsing."""
    told: set[str] = set()
    kept = []
    for finding in findings:
        if not finding.is_wrong or finding.says not in told:
            kept.append(finding)
            told.add(finding.says)
    return kept


def _examined(
    part: str, look: Callable[[Settings], Iterator[Finding]], settings: Settings
) -> Iterator[Finding]:
    try:
        yield from look(settings)
    except Exception as error:  # whatever it is, the other parts are still worth looking at
        for line in str(error).splitlines() or [type(error).__name__]:
            yield Finding(part, line, True)


def _settings(settings: Settings) -> Iterator[Finding]:
    known = {variable(item): item for item in fields(Settings) if "about" in item.metadata}
    for name, item in known.items():
        value, is_secret = getattr(settings, item.name), item.metadata["secret"]
        shown = (
            _shown(value) if not is_secret else "set" if value else f"not set: {WITHOUT_SECRET[item.name]}"
        )
        is_missing = is_secret and not value and item.name in NEEDED_SECRETS
        yield Finding("settings", f"{name}: {shown} ({item.metadata['about']})", is_missing)
    if not settings.shop_address:
        says = "marketing e-mails carry no postal address, which many countries want in them"
        yield Finding("settings", f"{PREFIX}SHOP_ADDRESS is empty: {says}.")
    yield from _unknown_settings(settings, list(known))


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return ",".join(f"{k}={v}" for k, v in value.items())
    if value is None:
        return "not set"
    return ",".join(value) if isinstance(value, tuple) else str(value)


def _unknown_settings(settings: Settings, known: list[str]) -> Iterator[Finding]:
    from senders.providers import provider_names

    prefixes = tuple(f"{PREFIX}{name.upper()}_" for name in provider_names())
    for name in sorted(settings.environment):
        if name.removesuffix(IN_FILE) in known or name.startswith(prefixes):
            continue
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]}?" if near else "unset it."
        yield Finding("settings", f"{name} is set, but there is no such setting: {hint}", True)


def _home(settings: Settings) -> Iterator[Finding]:
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


def _clock(settings: Settings) -> Iterator[Finding]:
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


def _warehouse(settings: Settings) -> Iterator[Finding]:
    if lock.is_held(settings.home):
        yield Finding("warehouse", f"A tick is running and holds {settings.warehouse}.")
    elif not settings.warehouse.exists():
        yield Finding("warehouse", f"{settings.warehouse} is not there yet; the first tick makes it.")
    else:
        with warehouse.opened(settings, read_only=True) as connection:
            (files,) = connection.execute("select count(*) from raw.manifest").fetchone()
        yield Finding("warehouse", f"{settings.warehouse} opens; {files} files have landed.")


def _ledger(settings: Settings) -> Iterator[Finding]:
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


def _dbt(settings: Settings) -> Iterator[Finding]:
    project = manifest.project(settings)
    yield Finding("dbt", f"dbt parses {len(project['models'])} models and {len(project['tests'])} tests.")


def _journeys(settings: Settings) -> Iterator[Finding]:
    from dagster_project import journeys, template_check

    found = journeys.load_journeys()
    names = [journey.name for journey in found if journey.is_live]
    yield Finding("journeys", f"{len(names)} journeys are live: {', '.join(names)}.")
    for journey in found:
        if not journey.is_live:
            launch = f"naming it in vars.journeys of {journeys.PROJECT} launches it"
            yield Finding("journeys", f"{journey.name} is valid and not live: {launch}.")
    problems = template_check.template_problems(REPOSITORY)
    yield from (Finding("templates", str(problem), True) for problem in problems)
    if not problems:
        yield Finding("templates", "Every template gets what it needs from its trigger.")


def _kpis(_: Settings) -> Iterator[Finding]:
    from dagster_project.kpis import UNITS, misspelt_units

    wrong = list(misspelt_units())
    yield from (Finding("kpis", says, True) for says in wrong)
    if not wrong:
        yield Finding("kpis", f"Every KPI says how its value is written: {', '.join(UNITS)}, or a number.")


def _feeds(_: Settings) -> Iterator[Finding]:
    from receivers.gate import check_feeds

    yield Finding("feeds", f"The feeds and their rules are valid: {', '.join(check_feeds())}.")


def _providers(settings: Settings) -> Iterator[Finding]:
    from senders.providers import providers_for

    for channel, provider in providers_for(settings).items():
        yield Finding("providers", f"{channel} goes through {provider.name} at {provider.base_url}.")


def _delivery(settings: Settings) -> Iterator[Finding]:
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


def _dagster(settings: Settings) -> Iterator[Finding]:
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


def _last_tick(settings: Settings) -> Iterator[Finding]:
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


PARTS: dict[str, Callable[[Settings], Iterator[Finding]]] = {
    "settings": _settings,
    "home": _home,
    "clock": _clock,
    "warehouse": _warehouse,
    "ledger": _ledger,
    "dbt": _dbt,
    "feeds": _feeds,
    "journeys": _journeys,
    "kpis": _kpis,
    "providers": _providers,
    "delivery": _delivery,
    "dagster": _dagster,
    "last tick": _last_tick,
}


def in_words(findings: list[Finding]) -> str:
    lines = [f"{'WRONG' if each.is_wrong else 'ok':5}  {each.part:10} {each.says}" for each in findings]
    wrong = sum(each.is_wrong for each in findings)
    return "\n".join([*lines, "", f"{wrong} thing(s) to set right." if wrong else "All is well."])
