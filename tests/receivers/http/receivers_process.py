"""The real receivers: `python -m receivers.http` in a process of its own, on a loopback port."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx

from senders.settings import REPOSITORY, Settings, load

WRITE_KEY = "key-of-the-shop"
SHOPIFY_SECRET = "hush"
TWILIO_TOKEN = "twilio-token-12345"
BROWSER = {
    "User-Agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Safari/604.1"
}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Receivers:
    """One receivers process that can be killed and started again on the same home."""

    def __init__(self, home: Path, **environment: str) -> None:
        self.home = home
        port = _free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.environment = {
            "DOVECOTE_HOME": str(home),
            "DOVECOTE_RECEIVERS_PORT": str(port),
            "DOVECOTE_PUBLIC_URL": self.url,
            "DOVECOTE_WRITE_KEY": WRITE_KEY,
            "DOVECOTE_LINK_SECRET": "a-secret-for-links",
            "DOVECOTE_SHOPIFY_SECRET": SHOPIFY_SECRET,
            "DOVECOTE_SHOP_NAME": "Ada's <b>shop</b>",
            "DOVECOTE_ROUTES": "rcs=google_rcs,sms=twilio_sms,email=sendgrid",
            "DOVECOTE_TWILIO_SMS_ACCOUNT_SID": "AC" + "0" * 32,
            "DOVECOTE_TWILIO_SMS_AUTH_TOKEN": TWILIO_TOKEN,
            "DOVECOTE_TWILIO_SMS_FROM": "+15005550006",
            **environment,
        }
        self.log = home / "receivers.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def settings(self) -> Settings:
        return load(self.environment)

    def start(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "receivers.http"],
                cwd=REPOSITORY,
                env={**os.environ, **self.environment},
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(f"{self.url}/healthz").status_code == 200:
                    return
            if self._process.poll() is not None:
                break
            time.sleep(0.05)
        raise AssertionError(f"the receivers did not start:\n{self.log.read_text()}")

    def end(self, sign: signal.Signals = signal.SIGTERM) -> int:
        """The exit code of the process, ended by `sign`."""
        assert self._process is not None
        self._process.send_signal(sign)
        return self._process.wait(20)

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self.end()

    def client(self, **options: Any) -> httpx.Client:
        return httpx.Client(base_url=self.url, **options)

    def landed(self, feed: str, *, hidden: bool = True) -> list[dict[str, Any]]:
        """Every line of the feed on disk; `hidden`: also of the files that are still being written."""
        folder = self.home / "landing" / feed
        files = sorted(folder.glob("*.jsonl")) + (sorted(folder.glob(".*.part")) if hidden else [])
        return [json.loads(line) for path in files for line in path.read_text("utf-8").split("\n") if line]

    def wait_until_published(self, feed: str) -> None:
        folder = self.home / "landing" / feed
        deadline = time.monotonic() + 10
        while list(folder.glob(".*.part")) and time.monotonic() < deadline:
            time.sleep(0.05)

    def log_with(self, words: str) -> str:
        """The log, once it holds these words: a request is logged after it was answered."""
        deadline = time.monotonic() + 5
        while words not in (log := self.log.read_text()) and time.monotonic() < deadline:
            time.sleep(0.02)
        return log
