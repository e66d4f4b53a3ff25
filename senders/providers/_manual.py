"""`docs/providers.md`, out of what the providers' files declare."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

from senders.contract import Capabilities, EventKind, Outcome
from senders.providers import provider_names
from senders.providers._declared import Option
from senders.settings import PREFIX

HEAD = """# Providers

What each provider's file declares; `python -m senders.providers > docs/providers.md` writes this page
anew, and a test holds it against the files. `DOVECOTE_ROUTES` says which provider carries which channel
(`rcs=google_rcs,sms=twilio_sms,email=sendgrid`); `dovecote doctor` names the settings that are missing.

An answer that a table does not have is UNKNOWN: the message may have been sent, and is not sent again on
a guess. What then settles it: the provider ignores the same id sent again; its receipts carry our id; it
can be asked; or else the journey's `on_unknown`.
"""
COLUMNS = (
    "provider",
    "channel",
    "ignores a repeated id",
    "receipts carry our id",
    "can be asked",
    "takes back",
    "its receipts",
    "between two to one person",
    "unreachable is believed",
)
WHAT_BECOMES = {
    Outcome.ACCEPTED: "taken",
    Outcome.RETRY: "try again, not before the provider's own time",
    Outcome.REJECTED: "reject this message; another channel may be tried",
    Outcome.SUPPRESSED: "suppress this address",
    Outcome.ROUTE_BLOCKED: "block the route, no attempt burnt",
    Outcome.UNKNOWN: "unknown, to be settled",
}
AFTER_REVOKING = {
    Outcome.ACCEPTED: "cancelled",
    Outcome.RETRY: "ask again, not before the provider's own time",
    Outcome.REJECTED: "left as it is",
    Outcome.ROUTE_BLOCKED: "block the route, and ask again when it is free",
    Outcome.UNKNOWN: "ask again",
}
RECEIPT_TABLES = ("EVENTS", "STATUSES", "FAILURES")
DAY, HOUR, MINUTE = 86_400, 3_600, 60


def manual() -> str:
    """The whole page."""
    names = provider_names()
    modules = [importlib.import_module(f"senders.providers.{name}") for name in names]
    parts = [HEAD, *_overview(modules)]
    for module in modules:
        parts += _chapter(module)
    return "\n".join(parts) + "\n"


def _overview(modules: list[Any]) -> Iterator[str]:
    yield f"| {' | '.join(COLUMNS)} |"
    yield f"|{' --- |' * len(COLUMNS)}"
    for module in modules:
        made = module.PROVIDER
        can: Capabilities = made.capabilities
        proof = "are signed" if can.signs_receipts else "bring a password"
        cells = (
            f"[`{made.name}`](#{made.name})",
            made.channel,
            _span(can.dedupe_seconds),
            _yes(can.echoes_message_id),
            _yes(can.can_look_up),
            _yes(can.can_revoke),
            proof if can.has_receipts else "there are none",
            f"{can.pair_seconds:g} s" if can.pair_seconds else "",
            _span(int(can.unreachable_seconds)) if can.unreachable_seconds else "",
        )
        yield f"| {' | '.join(cells)} |"
    yield ""


def _chapter(module: Any) -> Iterator[str]:
    title, _, source = (module.__doc__ or "").strip().partition("\n\n")
    yield f"## {module.PROVIDER.name}\n"
    yield f"{title}\n\n{source}\n"
    yield "| setting | what it is | default |\n| --- | --- | --- |"
    for option in module.PROVIDER.options:
        yield _setting(module.PROVIDER.name, option)
    yield "\n| answer | what becomes of it | reason |\n| --- | --- | --- |"
    yield from _rulings(module.RULINGS)
    if hasattr(module, "REVOKE_RULINGS"):
        yield "\n| answer to taking back | what becomes of it | reason |\n| --- | --- | --- |"
        yield from _rulings(module.REVOKE_RULINGS, WHAT_BECOMES | AFTER_REVOKING)
    tables = [getattr(module, name) for name in RECEIPT_TABLES if hasattr(module, name)]
    if tables:
        yield "\n| receipt | what it says | reason |\n| --- | --- | --- |"
        yield from (_receipt(key, told) for table in tables for key, told in table.items())
    yield ""


def _setting(provider: str, option: Option) -> str:
    default = "needed" if option.default is None else f"`{option.default}`" if option.default else ""
    secret = " (secret)" if option.is_secret else ""
    return f"| `{PREFIX}{provider.upper()}_{option.name.upper()}` | {option.about}{secret} | {default} |"


def _rulings(rulings: Mapping[Any, Any], what_becomes: Mapping[Outcome, str] = WHAT_BECOMES) -> Iterator[str]:
    """One row an outcome and reason, with every answer that leads to it."""
    order = list(Outcome)
    by_ruling = sorted(rulings.items(), key=lambda item: (order.index(item[1][0]), item[1][1].value))
    for (outcome, reason), group in groupby(by_ruling, key=lambda item: item[1]):
        keys = ", ".join(_key(key) for key, _ in sorted(group, key=lambda item: str(item[0])))
        yield f"| {keys} | {what_becomes[outcome]} | `{reason.value}` |"


def _receipt(key: Any, told: Any) -> str:
    meanings = (told,) if isinstance(told[0], EventKind) else told
    kinds = ", ".join(kind.value for kind, _ in meanings)
    reasons = ", ".join(f"`{reason.value}`" for reason in dict.fromkeys(reason for _, reason in meanings))
    return f"| {_key(key)} | {kinds} | {reasons} |"


def _key(key: Any) -> str:
    if isinstance(key, tuple):
        return " ".join(_key(part) for part in key if part != "")
    return str(key) if isinstance(key, int) else f"`` {key} ``" if "`" in key else f"`{key}`"


def _span(seconds: int) -> str:
    for size, word in ((DAY, "d"), (HOUR, "h"), (MINUTE, "min")):
        if seconds and seconds % size == 0:
            return f"for {seconds // size} {word}"
    return f"for {seconds} s" if seconds else "no"


def _yes(is_so: bool) -> str:
    return "yes" if is_so else "no"
