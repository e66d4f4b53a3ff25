"""What every provider's file would say alike: its settings are read, and nobody can ask about a message."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from senders.contract import Answer, Capabilities, Request, Verdict
from senders.providers._declared import Option, positive, read_options
from senders.settings import Settings


def speed(per_second: str, note: str = "") -> Option:
    """The setting that every provider has; `note` says what about its default is particular."""
    return Option("messages_per_second", f"how fast messages are handed over{note}", per_second, positive)


class ProviderBase:
    """Beneath the classes that answer `Provider`'s questions. What was chosen for the declared options is in
    `_chosen`; raises SettingsError that names every missing, wrong and unknown setting."""

    name: str
    channel: str
    base_url: str
    capabilities: Capabilities
    options: Sequence[Option]

    def __init__(self, settings: Settings) -> None:
        chosen = read_options(self.name, self.options, settings.provider_settings(self.name))
        self.base_url = chosen.get("base_url") or ""
        self.capabilities = replace(self.capabilities, messages_per_second=chosen["messages_per_second"])
        self._chosen: dict[str, Any] = chosen

    def look_up(self, message_id: str, address: str, provider_message_id: str | None) -> Request | None:
        return None

    def judge_look_up(self, message_id: str, answer: Answer) -> Verdict | None:
        return None
