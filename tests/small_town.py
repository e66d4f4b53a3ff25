"""A handful of people, each with one thing about them, for tests that run the whole loop once."""

import json
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import md5
from pathlib import Path

import parsed_project
import warm

from dagster_project.demo import play, servers
from senders.settings import Settings, load

DOVECOTE = Path(sys.executable).with_name("dovecote")


def fresh(*arguments: str) -> subprocess.CompletedProcess:
    """`dovecote ARGUMENTS` in a process that begins with nothing, as on the command line."""
    return subprocess.run([DOVECOTE, *arguments], capture_output=True, text=True)


@dataclass(frozen=True)
class Town:
    settings: Settings
    sandbox_url: str

    def land(self, feed: str, name: str, rows: list[dict]) -> None:
        folder = self.settings.landing / feed
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))

    def tick(self, as_of: str, run=warm.dovecote) -> dict:
        """One tick in a process of its own; its summary."""
        done = run("tick", "--as-of", as_of, "--json")
        assert done.returncode == 0, done.stderr[-3000:] + done.stdout[-3000:]
        return json.loads(done.stdout.splitlines()[-1])

    def accepted(self) -> list[dict]:
        return play.journal(self.sandbox_url)


@contextmanager
def town(folder: Path, port: int, **sandbox_options):
    """A fresh home with the sandbox beside it."""
    port = servers.free_port(port)
    settings, environment = play.prepare(load({"DOVECOTE_HOME": str(folder)}), port, tick_seconds=60)
    parsed_project.lend(settings)
    sandbox = play.children(settings, port)[0]
    options = [text for name, value in sandbox_options.items() for text in (f"--{name}", str(value))]
    sandbox = servers.Server(sandbox.name, [*sandbox.arguments, *options], sandbox.answers_at)
    with servers.running([sandbox], settings.home / "logs", environment):
        yield Town(settings, f"http://127.0.0.1:{port}")


def is_held_out(journey: str, email: str, share: float) -> bool:
    """As `bucket` in dbt/macros/across_databases.sql draws it."""
    return int(md5(f"{journey}|{email}".encode()).hexdigest()[:8], 16) % 10_000 < share * 10_000


def email_of(
    name: str, journeys: tuple[str, ...] = ("cart_abandoned", "price_dropped"), held_out=False
) -> str:
    """An address of `name` that is (not) held out of the journeys."""
    addresses = (f"{name}.{number}@example.com" for number in range(10_000))
    return next(
        address for address in addresses if all(is_held_out(j, address, 0.10) == held_out for j in journeys)
    )


def profile(user_id: str, **traits) -> dict:
    known = {"email": email_of(user_id), "time_zone": "Europe/London", "first_name": user_id.title()}
    return {"user_id": user_id, "updated_at": "2026-01-01T00:00:00Z", **known, **traits}


def consent(user_id: str, channel: str = "email", status: str = "given", at: str = "2026-01-01T00:00:00Z"):
    return {
        "user_id": user_id, "channel": channel, "purpose": "marketing", "status": status,
        "occurred_at": at, "consent_source": "test", "wording_version": "1",
    }  # fmt: skip


def event(user_id: str, event_name: str, at: str, **properties) -> dict:
    return {
        "event_id": f"{user_id}-{event_name}-{at}", "event_name": event_name, "user_id": user_id,
        "occurred_at": at, "properties": properties,
    }  # fmt: skip


def cart(user_id: str, at: str = "2026-01-15T10:00:00Z", product_id: str = "P1") -> dict:
    return event(
        user_id, "product_added", at, cart_id=f"cart-{user_id}", product_id=product_id, name="Linen shirt",
        price=49.0, quantity=1, currency="EUR",
    )  # fmt: skip
