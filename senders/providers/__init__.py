"""Which provider carries which channel: a provider is one file here, found by its name.

A provider's file ends with `PROVIDER = <class>`; the class declares `name`, `channel` and
`options`, and is made with the Settings. Files are imported only when a route names them.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Sequence
from dataclasses import replace

from senders.contract import Provider
from senders.providers._declared import Option, ProviderClass, nearest
from senders.settings import PREFIX, Settings, SettingsError


def provider_names() -> list[str]:
    """The names that `DOVECOTE_ROUTES` may use, sorted."""
    return sorted(item.name for item in pkgutil.iter_modules(__path__) if not item.name.startswith("_"))


def provider_options(name: str) -> Sequence[Option]:
    """The settings a provider declares; SettingsError on an unknown name."""
    return _provider_class(name).options


def load_provider(settings: Settings, name: str) -> Provider:
    """The provider of that name; SettingsError names an unknown one or every setting it lacks."""
    provider = _provider_class(name)(settings)
    if name in settings.warm_up:
        provider.capabilities = replace(provider.capabilities, warm_up=settings.warm_up[name])
    return provider


def revocable_channels(settings: Settings) -> list[str]:
    """Of `settings.routes`, the channels whose provider takes back what was not delivered. Reads no
    provider's settings; a wrong name is `providers_for`'s to tell of."""
    known = set(provider_names())
    return sorted(
        channel
        for channel, name in settings.routes.items()
        if name in known and _provider_class(name).capabilities.can_revoke
    )


def providers_for(settings: Settings) -> dict[str, Provider]:
    """channel → its provider, by `settings.routes`.

    Raises SettingsError that names every route with an unknown provider (and the nearest valid
    name), a provider of another channel, and every missing or wrong setting of a provider.
    """
    providers: dict[str, Provider] = {}
    wrong: list[str] = []
    for channel, name in settings.routes.items():
        try:
            carries = _provider_class(name).channel
            if carries != channel:
                raise SettingsError(f"{PREFIX}ROUTES: {name} carries {carries}, not {channel}")
            providers[channel] = load_provider(settings, name)
        except SettingsError as error:
            wrong.append(str(error))
    for name in sorted(set(settings.warm_up) - set(settings.routes.values())):
        wrong.append(f"{PREFIX}WARM_UP: no route uses {name}{nearest(name, settings.routes.values())}")
    if wrong:
        raise SettingsError("\n".join(wrong))
    return providers


def _provider_class(name: str) -> ProviderClass:
    names = provider_names()
    if name not in names:
        raise SettingsError(f'{PREFIX}ROUTES: there is no provider "{name}"{nearest(name, names)}')
    found: ProviderClass = importlib.import_module(f"{__name__}.{name}").PROVIDER
    return found
