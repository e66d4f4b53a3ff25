"""What is written down: settings, models, feeds, journeys, KPIs, and which provider carries what."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from dagster_project import manifest
from dagster_project.doctor.finding import Finding
from senders.settings import IN_FILE, PREFIX, REPOSITORY, Settings, variable

WITHOUT_SECRET = {
    "write_key": "nobody can send events over HTTP",
    "shopify_secret": "Shopify's webhooks are refused",
    "link_secret": "no message can be rendered, give it a long random text",
    "erasure_secret": "nobody can be erased, give it a long random text and keep it",
}
NEEDED_SECRETS = {"link_secret"}


def look_at_settings(settings: Settings) -> Iterator[Finding]:
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


def look_at_dbt(settings: Settings) -> Iterator[Finding]:
    project = manifest.project(settings)
    yield Finding("dbt", f"dbt parses {len(project['models'])} models and {len(project['tests'])} tests.")


def look_at_journeys(settings: Settings) -> Iterator[Finding]:
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


def look_at_kpis(_: Settings) -> Iterator[Finding]:
    from dagster_project.kpi_forms import UNITS, misspelt_units

    wrong = list(misspelt_units())
    yield from (Finding("kpis", says, True) for says in wrong)
    if not wrong:
        yield Finding("kpis", f"Every KPI says how its value is written: {', '.join(UNITS)}, or a number.")


def look_at_feeds(_: Settings) -> Iterator[Finding]:
    from receivers.gate import check_feeds

    yield Finding("feeds", f"The feeds and their rules are valid: {', '.join(check_feeds())}.")


def look_at_providers(settings: Settings) -> Iterator[Finding]:
    from senders.providers import providers_for

    for channel, provider in providers_for(settings).items():
        yield Finding("providers", f"{channel} goes through {provider.name} at {provider.base_url}.")
