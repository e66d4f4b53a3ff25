"""The Jinja that templates are written in: sandboxed, strict, and with the few words of ours.

Four forms of it read the same files: `html` (the only one that escapes), `text` (subjects, text
parts, SMS, push, webhooks), `rcs` and `whatsapp`. Each finds its own `email.jinja` and `parts.jinja`
under `_layout/<form>/`, so one e-mail template yields both parts and `button(…)` is right in either.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, NoReturn
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import jinja2
from jinja2.runtime import Context
from jinja2.sandbox import SandboxedEnvironment

from senders.channel_content import WHATSAPP_FUNCTIONS
from senders.clean_text import clip
from senders.links import LinkError, web_url
from senders.rcs_content import RCS_FUNCTIONS

FORMS: Final = ("html", "text", "rcs", "whatsapp")

# What every template can name beside its trigger's columns; None: a plain value.
CONTEXT: Final[Mapping[str, tuple[str, ...] | None]] = {
    "person": ("first_name", "last_name", "language", "loyalty_tier"),
    "shop": ("name", "address", "url"),
    "discount": ("code", "label", "expires_at"),
    "links": ("unsubscribe", "preferences"),
    "track": None,
    "is_marketing": None,
    "time_zone": None,
    "variant": None,
}

# symbol, decimals of ISO 4217; a currency that is not here is written with its code behind.
CURRENCIES: Final = {
    "AUD": ("A$", 2), "BRL": ("R$", 2), "CAD": ("C$", 2), "CNY": ("CN¥", 2), "EUR": ("€", 2), "GBP": ("£", 2),
    "INR": ("₹", 2), "JPY": ("¥", 0), "KRW": ("₩", 0), "MXN": ("MX$", 2), "NZD": ("NZ$", 2), "USD": ("$", 2),
}  # fmt: skip
DECIMALS: Final = {"BHD": 3, "CLP": 0, "ISK": 0, "JOD": 3, "KWD": 3, "OMR": 3, "PYG": 0, "TND": 3, "VND": 0}
MONTHS: Final = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


class Missing(jinja2.StrictUndefined):
    """A name that nobody gave. Any use of it fails, and says what was there instead."""

    __slots__ = ()

    @property
    def _undefined_message(self) -> str:
        name = self._undefined_name
        if self._undefined_hint:  # the sandbox's own words
            return self._undefined_hint
        if not isinstance(self._undefined_obj, dict):
            return f"{name!r} is not defined"
        nearest = get_close_matches(str(name), map(str, self._undefined_obj), n=1)
        hint = f"did you mean {nearest[0]!r}?" if nearest else f"there is {', '.join(self._undefined_obj)}"
        return f"there is no {name!r} here: {hint}"


class Null(jinja2.Undefined):
    """A value that is null in this row: false in a test, equal to nothing, fails when printed."""

    __slots__ = ()

    @property
    def _undefined_message(self) -> str:
        name = self._undefined_name
        return f"{name!r} is null here: write {{{{ {name} | default(…) }}}} or {{% if {name} %}}"

    def __str__(self) -> NoReturn:
        raise jinja2.UndefinedError(self._undefined_message)

    def __iter__(self) -> NoReturn:
        raise jinja2.UndefinedError(self._undefined_message)

    def __len__(self) -> NoReturn:
        raise jinja2.UndefinedError(self._undefined_message)


class MessageEnvironment(SandboxedEnvironment):
    """`item.name` is the item's column even where Python's dict has a method of that name."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        if type(obj) is not dict:
            return super().getattr(obj, attribute)
        if attribute not in obj:
            return self.undefined(obj=obj, name=attribute)
        value = obj[attribute]
        return Null(name=attribute) if value is None else value

    def getitem(self, obj: Any, argument: Any) -> Any:
        if type(obj) is dict and isinstance(argument, str):
            return self.getattr(obj, argument)
        return super().getitem(obj, argument)


def money(amount: Any, currency: Any = None) -> str:
    """`{{ total | money(currency) }}`: 1234.5 and "EUR" give €1,234.50; halves round up."""
    try:
        value = Decimal(str(amount))
    except InvalidOperation:
        raise ValueError(f"{amount!r} is no amount of money") from None
    if not value.is_finite():
        raise ValueError(f"{amount!r} is no amount of money")
    code = str(currency).upper() if currency else ""
    symbol, decimals = CURRENCIES.get(code, ("", DECIMALS.get(code, 2)))
    digits = f"{abs(value).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP):,}"
    sign = "-" if value < 0 else ""
    return f"{sign}{symbol}{digits}" if symbol else f"{sign}{digits} {code}".rstrip()


@jinja2.pass_context
def date(context: Context, moment: Any, pattern: str | None = None) -> str:
    """`{{ ordered_at | date }}`: 5 October 2026 in the person's zone (UTC where it is unknown)."""
    when = moment if isinstance(moment, datetime) else datetime.fromisoformat(str(moment))
    when = when.replace(tzinfo=UTC) if when.tzinfo is None else when
    try:
        local = when.astimezone(ZoneInfo(context.get("time_zone") or "UTC"))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        local = when.astimezone(UTC)
    return local.strftime(pattern) if pattern else f"{local.day} {MONTHS[local.month - 1]} {local.year}"


def is_null(value: Any) -> bool:
    return value is None or isinstance(value, Null)


def is_web_url(value: Any) -> bool:
    """`{% if image_url is web_url %}`: false for null and for whatever cannot be linked to."""
    try:
        return bool(value) and bool(web_url(str(value)))
    except LinkError:
        return False


FILTERS: Final[Mapping[str, Callable[..., Any]]] = {"clip": clip, "date": date, "money": money}
TESTS: Final[Mapping[str, Callable[..., bool]]] = {"none": is_null, "web_url": is_web_url}


@lru_cache(maxsize=4)
def environments(templates: Path) -> Mapping[str, MessageEnvironment]:
    """The four forms over one folder of templates; what they compile is kept for the process."""
    return {form: _environment(templates, form) for form in FORMS}


def _environment(templates: Path, form: str) -> MessageEnvironment:
    environment = MessageEnvironment(
        loader=jinja2.FileSystemLoader([templates / "_layout" / form, templates]),
        undefined=Missing,
        autoescape=form == "html",
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,  # a process is shorter than an edit, and a stat per message is not free
        cache_size=-1,
    )
    environment.filters.update(FILTERS)
    environment.tests.update(TESTS)
    if form == "rcs":
        environment.globals.update(RCS_FUNCTIONS)
    elif form == "whatsapp":
        environment.globals.update(WHATSAPP_FUNCTIONS)
    elif (templates / "_layout" / form / "parts.jinja").is_file():
        parts = environment.get_template("parts.jinja").module
        environment.globals.update({name: part for name, part in vars(parts).items() if name[0] != "_"})
    return environment
