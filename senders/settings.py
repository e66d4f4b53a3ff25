"""The one place that reads the environment. Every other module is handed a Settings.

It sits in the lowest room because every room needs it and imports run one way.
A provider's own settings (`DOVECOTE_<PROVIDER>_…`) are handed through untouched by
`provider_settings`, so that provider words stay in the provider's file.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any

from senders import warm_up
from senders.ledger_server import LedgerServer, parse_server
from senders.warm_up import WarmUp

PREFIX = "DOVECOTE_"
IN_FILE = "_FILE"  # behind a setting's name: the path of a file with its value, as secret managers mount it
LARGEST_SECRET = 64 * 1024  # bytes
REPOSITORY = Path(__file__).resolve().parent.parent


class SettingsError(ValueError):
    """One or more settings are missing or wrong; the text names each with what to do."""


def _absolute(text: str) -> Path:
    return Path(text).expanduser().resolve()


def _seconds(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        value = int(text)
        if not low <= value <= high:
            raise ValueError(f"must be between {low} and {high} seconds")
        return value

    return parse


def _port(text: str) -> int:
    value = int(text)
    if not 1 <= value <= 65535:
        raise ValueError("must be a port, 1 to 65535")
    return value


def _url(text: str) -> str:
    if not text.startswith(("http://", "https://")):
        raise ValueError("must start with http:// or https://")
    return text.rstrip("/")


def _pairs(text: str) -> dict[str, str]:
    """`rcs=google_rcs,sms=twilio_sms` → {"rcs": "google_rcs", "sms": "twilio_sms"}."""
    pairs = [part.split("=", 1) for part in text.split(",") if part.strip()]
    if any(len(pair) != 2 for pair in pairs):
        raise ValueError("must look like channel=provider,channel=provider")
    return {key.strip(): value.strip() for key, value in pairs}


def _ramps(text: str) -> dict[str, WarmUp]:
    """`sendgrid=50*2 to 20000,twilio_sms=200*1.5` → provider → its first days."""
    pairs = [part.split("=", 1) for part in text.split(",") if part.strip()]
    if any(len(pair) != 2 for pair in pairs):
        raise ValueError("must look like provider=50*2 to 20000,provider=…")
    return {key.strip(): warm_up.parse(value) for key, value in pairs}


def _list(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _setting(
    default: str, parse: Callable[[str], Any], about: str, *, secret: bool = False, name: str | None = None
) -> Any:
    metadata = {"default": default, "parse": parse, "about": about, "secret": secret, "name": name}
    return field(repr=not secret, metadata=metadata)


@dataclass(frozen=True)
class Settings:
    """Everything the environment decides. `about` is what `dovecote doctor` prints.

    The defaults run the demo on this machine; a secret's default is empty, and the part
    that needs it refuses to start without one.
    """

    home: Path = _setting(".dovecote", _absolute, "folder of warehouse, ledger, landing zone and Dagster")
    tick_seconds: int = _setting("60", _seconds(5, 3600), "how often a tick may begin")
    send_seconds: int = _setting("40", _seconds(1, 3600), "how long one tick may spend on sending")
    public_url: str = _setting("http://127.0.0.1:8300", _url, "where people and providers reach us")
    receivers_port: int = _setting("8300", _port, "port of the receivers")
    ui_port: int = _setting("3000", _port, "port of the Dagster UI")
    routes: dict[str, str] = _setting(
        "rcs=google_rcs,sms=twilio_sms,email=sendgrid", _pairs, "which provider carries which channel"
    )
    warm_up: dict[str, WarmUp] = _setting(
        "", _ramps, "a new sender's first days: sendgrid=50*2 to 20000 is 50, then twice as many each day"
    )
    shop_name: str = _setting("Dovecote Demo Shop", str, "the sender's name in messages")
    shop_address: str = _setting("", str, "the sender's postal address, for the foot of e-mails")
    shop_url: str = _setting("http://127.0.0.1:8300/shop", _url, "the shop that links lead to")
    test_addresses: tuple[str, ...] = _setting("", _list, "addresses that `dovecote send-test` may write to")
    write_key: str = _setting("", str, "key that event senders must present", secret=True)
    shopify_secret: str = _setting("", str, "secret that signs Shopify webhooks", secret=True)
    link_secret: str = _setting("", str, "secret that signs links in messages", secret=True)
    erasure_secret: str = _setting("", str, "key of what is left of the erased; keep it", secret=True)
    ledger_server: LedgerServer | None = _setting(
        "", parse_server, "postgresql://… of a ledger that several machines share", name="LEDGER"
    )
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def warehouse(self) -> Path:
        return self.home / "warehouse.duckdb"

    @property
    def ledger(self) -> Path | LedgerServer:
        return self.ledger_server or self.home / "ledger.db"

    @property
    def landing(self) -> Path:
        return self.home / "landing"

    @property
    def archive(self) -> Path:
        return self.home / "archive"

    @property
    def dagster_home(self) -> Path:
        return self.home / "dagster"

    def provider_settings(self, provider: str) -> dict[str, str]:
        """`DOVECOTE_TWILIO_SMS_FROM=…` → {"from": …} for provider "twilio_sms"."""
        prefix = f"{PREFIX}{provider.upper()}_"
        return {
            name.removeprefix(prefix).lower(): value
            for name, value in self.environment.items()
            if name.startswith(prefix)
        }


def variable(item: Field[Any]) -> str:
    """The environment's name of one of the settings."""
    return PREFIX + (item.metadata["name"] or item.name.upper())


def given(name: str, texts: Mapping[str, str], default: str | None = None) -> str | None:
    """The text of a setting: its own, or what stands in the file that `<name>_FILE` names; else `default`.

    ValueError, which never repeats the text, where both are given or the file holds none.
    """
    path = texts.get(name + (IN_FILE if name.isupper() else IN_FILE.lower()))
    if not path:
        return texts.get(name, default)
    if texts.get(name):
        raise ValueError(f"is given twice, by itself and by the file {path}: unset one of them")
    try:
        content = Path(path).read_bytes()
        text = content.decode().rstrip("\r\n")
    except OSError as error:
        raise ValueError(f"its file {path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ValueError(f"its file {path} is no text") from None
    if not text or len(content) > LARGEST_SECRET:
        raise ValueError(f"its file {path} is {'too large' if text else 'empty'}")
    return text


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """Read and check every setting; raise SettingsError naming all that are wrong."""
    environ = os.environ if environ is None else environ
    values: dict[str, Any] = {}
    wrong: list[str] = []
    for item in fields(Settings):
        if "parse" not in item.metadata:
            continue
        name = variable(item)
        try:
            values[item.name] = item.metadata["parse"](given(name, environ, item.metadata["default"]))
        except ValueError as error:
            wrong.append(f"{name}: {error} ({item.metadata['about']})")
    if wrong:
        raise SettingsError("\n".join(wrong))
    ours = {name: value for name, value in environ.items() if name.startswith(PREFIX)}
    return Settings(**values, environment=ours)


@contextmanager
def exported(variables: Mapping[str, str]) -> Iterator[None]:
    """Set `variables` for this process and what it starts, and put back what was there before."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
