"""How a provider declares its own settings, and how they are read and checked."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from senders.contract import Capabilities, Provider
from senders.settings import IN_FILE, PREFIX, Settings, SettingsError
from senders.settings import given as given_text


@dataclass(frozen=True, slots=True)
class Option:
    """One setting of a provider, read from `DOVECOTE_<PROVIDER>_<NAME>`.

    `about` says what it is for; `default` None means that it must be given; `parse` turns the
    text into the value and raises ValueError with words that follow the setting's name.
    """

    name: str
    about: str
    default: str | None = None
    parse: Callable[[str], Any] = str
    is_secret: bool = False


class ProviderClass(Protocol):
    """What a provider's file ends with as `PROVIDER`."""

    name: str
    channel: str
    options: Sequence[Option]
    capabilities: Capabilities

    def __call__(self, settings: Settings) -> Provider: ...


def boolean(text: str) -> bool:
    words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    if text.strip().lower() not in words:
        raise ValueError("must be true or false")
    return words[text.strip().lower()]


def positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if value <= 0:
        raise ValueError("must be a number above 0")
    return value


def url(text: str) -> str:
    if not text.startswith(("http://", "https://")):
        raise ValueError("must start with http:// or https://")
    return text.rstrip("/")


def optional(parse: Callable[[str], Any]) -> Callable[[str], Any]:
    """`parse` for a text that is there, None for an empty one."""
    return lambda text: parse(text) if text else None


def like(pattern: str, example: str) -> Callable[[str], str]:
    """A text of that pattern."""

    def parse(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(f"must look like {example}")
        return text

    return parse


def nearest(wrong: str, valid: Iterable[str]) -> str:
    """` (did you mean "x"?)` for the valid name nearest to `wrong`, else all of them."""
    names = sorted(valid)
    close = difflib.get_close_matches(wrong, names, n=1, cutoff=0.4)
    return f' (did you mean "{close[0]}"?)' if close else f" (valid: {', '.join(names)})"


def read_options(provider: str, options: Sequence[Option], given: Mapping[str, str]) -> dict[str, Any]:
    """The value of every option of `provider`.

    Raises SettingsError that names every missing, wrong and unknown setting.
    """
    prefix = f"{PREFIX}{provider.upper()}_"
    known = {option.name for option in options}
    known |= {option.name + IN_FILE.lower() for option in options if option.is_secret}
    wrong = [
        f"{prefix}{name.upper()}: {provider} has no such setting{nearest(name, known)}"
        for name in sorted(set(given) - known)
    ]
    values: dict[str, Any] = {}
    for option in options:
        try:
            text = given_text(option.name, given) if option.is_secret else given.get(option.name)
            text = text or option.default
            if text is None:
                wrong.append(f"{prefix}{option.name.upper()}: missing ({option.about})")
                continue
            values[option.name] = option.parse(text)
        except ValueError as error:
            wrong.append(f"{prefix}{option.name.upper()}: {error} ({option.about})")
    if wrong:
        raise SettingsError("\n".join(wrong))
    return values
