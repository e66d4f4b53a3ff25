"""`dovecote doctor`: what is missing or wrong, in words, before it matters at three in the morning."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from dagster_project import home
from dagster_project.doctor import declared, running
from dagster_project.doctor.finding import Finding
from senders import settings as environment
from senders.settings import Settings

Look = Callable[[Settings], Iterator[Finding]]

PARTS: dict[str, Look] = {
    "settings": declared.look_at_settings,
    "home": running.look_at_home,
    "clock": running.look_at_clock,
    "warehouse": running.look_at_warehouse,
    "ledger": running.look_at_ledger,
    "dbt": declared.look_at_dbt,
    "feeds": declared.look_at_feeds,
    "journeys": declared.look_at_journeys,
    "kpis": declared.look_at_kpis,
    "providers": declared.look_at_providers,
    "delivery": running.look_at_delivery,
    "dagster": running.look_at_dagster,
    "last tick": running.look_at_last_tick,
}


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


def _examined(part: str, look: Look, settings: Settings) -> Iterator[Finding]:
    try:
        yield from look(settings)
    except Exception as error:  # whatever it is, the other parts are still worth looking at
        for line in str(error).splitlines() or [type(error).__name__]:
            yield Finding(part, line, True)


def in_words(findings: list[Finding]) -> str:
    lines = [f"{'WRONG' if each.is_wrong else 'ok':5}  {each.part:10} {each.says}" for each in findings]
    wrong = sum(each.is_wrong for each in findings)
    return "\n".join([*lines, "", f"{wrong} thing(s) to set right." if wrong else "All is well."])
