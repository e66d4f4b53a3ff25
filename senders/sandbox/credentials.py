"""The demo credentials that the sandbox expects, made once and kept in its home folder."""

from __future__ import annotations

import importlib
import json
import os
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from senders.providers import provider_names
from senders.settings import PREFIX

SECRETS_FILE = "sandbox_secrets.json"  # what only the sandbox may know
ENVIRONMENT_FILE = "sandbox.env"  # what the system under test is given


def sandbox_classes() -> dict[str, Any]:
    """provider → its stand-in; `senders/sandbox/<provider>.py` ends with `SANDBOX = <class>`."""
    return {name: importlib.import_module(f"senders.sandbox.{name}").SANDBOX for name in provider_names()}


def write_credentials(home: Path, base_url: str) -> Path:
    """Write `home`/sandbox.env (mode 600) with the DOVECOTE_… settings that reach the sandbox at
    `base_url`, and return its path. Secrets of an earlier run are kept; addresses follow `base_url`.
    """
    home.mkdir(parents=True, exist_ok=True)
    secrets = load_secrets(home)
    lines = [
        f"{PREFIX}{name.upper()}_{option}={shlex.quote(value)}"
        for name, sandbox in sandbox_classes().items()
        for option, value in sandbox.environment(secrets[name], base_url, home).items()
    ]
    write_private(home / ENVIRONMENT_FILE, "\n".join(lines) + "\n")
    return home / ENVIRONMENT_FILE


def load_secrets(home: Path) -> dict[str, dict[str, str]]:
    """provider → its secrets: those of an earlier run, and new ones for whatever has none."""
    path = home / SECRETS_FILE
    secrets: dict[str, dict[str, str]] = json.loads(path.read_text()) if path.exists() else {}
    missing = {name: made.new_secrets() for name, made in sandbox_classes().items() if name not in secrets}
    if missing:
        secrets |= missing
        write_private(path, json.dumps(secrets, indent=1))
    return secrets


def read_environment(path: Path) -> Mapping[str, str]:
    """The settings in a sandbox.env: one NAME=value a line, quoted as a shell would need it."""
    words = (word for line in path.read_text().splitlines() for word in shlex.split(line))
    return {name: value for name, _, value in (word.partition("=") for word in words)}


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    part.replace(path)
