"""The sandbox as a program: its files, its restart, its end."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path

import httpx
from provider_samples import message
from sandbox_server import PROVIDERS, running_sandbox, send, wait_until

from senders.contract import Outcome
from senders.providers import load_provider
from senders.sandbox.credentials import read_environment, write_credentials
from senders.settings import load

REPOSITORY = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-m", "senders.sandbox"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_the_settings_it_writes_are_all_that_the_providers_need(tmp_path: Path):
    home = tmp_path / "a home"  # a space in the path must survive the file
    subprocess.run(
        [*COMMAND, "--credentials-only", "--home", str(home), "--port", "8499"], cwd=REPOSITORY, check=True
    )
    settings = read_environment(home / "sandbox.env")
    providers = [load_provider(load(settings), name) for name in PROVIDERS]
    addresses = {
        provider.base_url.removesuffix("/whatsapp").removesuffix("/rcs")
        for provider in providers
        if provider.name != "smtp"
    }
    assert addresses == {"http://127.0.0.1:8499"}
    sourced = subprocess.run(
        ["/bin/sh", "-c", 'set -a; . "$0"; env', str(home / "sandbox.env")],
        capture_output=True, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip
    assert {f"{name}={value}" for name, value in settings.items()} <= set(sourced)


def test_every_file_with_a_secret_is_its_owner_s_alone(tmp_path: Path):
    write_credentials(tmp_path, "http://127.0.0.1:8499")
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    secret = {"sandbox.env", "sandbox_secrets.json", "google_service_account.json"}
    secret |= {"firebase_service_account.json"}
    assert set(modes) == secret | {"smtp_port"}
    assert set(modes.values()) == {0o600}


def test_a_restart_keeps_the_secrets_and_follows_the_port(tmp_path: Path):
    first = read_environment(write_credentials(tmp_path, "http://127.0.0.1:8001"))
    second = read_environment(write_credentials(tmp_path, "http://127.0.0.1:8002"))
    changed = {name for name in first if first[name] != second[name]}
    assert changed == {name for name in first if "127.0.0.1:8001" in first[name]}
    assert changed >= {
        f"DOVECOTE_{name.upper()}_BASE_URL" for name in PROVIDERS if name not in ("smtp", "webhook")
    }
    account = json.loads((tmp_path / "google_service_account.json").read_text())
    assert account["token_uri"] == "http://127.0.0.1:8002/token"


def test_a_restart_remembers_what_was_taken(tmp_path: Path):
    made = message("rcs")
    for _ in range(2):
        with running_sandbox(tmp_path) as running:
            provider = running.provider("google_rcs")
            (answer,) = asyncio.run(send(provider, provider.request(made)))
            assert provider.judge(answer).outcome is Outcome.ACCEPTED
            assert [row["message_id"] for row in running.journal()] == [made.message_id]
        with (tmp_path / "sandbox.jsonl").open("a") as journal:
            journal.write('{"seq": 2, "cut off by a cra')


def test_the_program_serves_until_it_is_told_to_end(tmp_path: Path):
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    arguments = ["--port", str(port), "--home", str(tmp_path), "--receivers", "http://127.0.0.1:9"]
    process = subprocess.Popen(
        [*COMMAND, *arguments, "--seed", "7", "--latency-ms", "1"], cwd=REPOSITORY, stdout=subprocess.DEVNULL
    )
    try:
        wait_until(lambda: _answers(url))
        environment = dict(read_environment(tmp_path / "sandbox.env")) | {"DOVECOTE_PUBLIC_URL": url}
        provider = load_provider(load(environment), "sendgrid")
        (answer,) = asyncio.run(send(provider, provider.request(message("email"))))
        assert provider.judge(answer).outcome is Outcome.ACCEPTED
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) in (0, -signal.SIGTERM)
    (row,) = [json.loads(line) for line in (tmp_path / "sandbox.jsonl").read_text().splitlines()]
    assert row["message_id"] == message("email").message_id


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/stats").status_code == 200
    except httpx.TransportError:
        return False
