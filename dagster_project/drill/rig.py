"""What every drill stands on: the sandbox in a process of its own, ledgers, messages, ticks, the judge."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx

from dagster_project.demo import servers
from dagster_project.drill.breaking import Watched
from dagster_project.drill.clock import Clock
from dagster_project.drill.letters import letters
from dagster_project.drill.oracle import Findings, Stop, weigh
from senders import delivery, lane  # noqa: F401  lane: imported once here, and not again in every child
from senders.contract import Message, Provider, State
from senders.ledger import Ledger
from senders.ledger_server import LedgerServer
from senders.pace import Pace
from senders.providers import load_provider
from senders.sandbox.credentials import read_environment
from senders.settings import load

# Quick where waiting proves nothing; leases, receipts and windows are those of production.
PACE = Pace(
    call_seconds=0.8, connect_seconds=0.3, first_backoff_seconds=0.05, patience_seconds=0.0, first_calls=4
)
TICK_SECONDS = 120.0  # the clock between two ticks: past a dead sender's lease and a receipt's time
RECOVERED_WITHIN = 3  # ticks
FLEET = ("google_rcs", "twilio_sms", "sendgrid", "webhook")
LATENCY_MS = 12
_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108
# A kill is no power cut: what was written is there for the next process, on a disk or not. None: the usual.
MEMORY = _SHARED_MEMORY if _SHARED_MEMORY.is_dir() else None
_RECOVERED_LEAVES_NONE = (State.PLANNED, State.CLAIMED, State.IN_FLIGHT, State.RETRY_WAIT)
# Nobody reports back and nobody has an accident: what goes wrong is the drill's.
_CALM = (
    *("unreachable", "offline", "undelivered", "bounce", "deferred", "read", "open", "machine_open"),
    *("reply", "stop", "complaint"),
)


@dataclass
class Rig:
    """A running sandbox. Each drill has a `Bench` on it."""

    url: str
    home: Path
    environment: Mapping[str, str]
    stack: ExitStack  # what a drill started for others to use, too
    number: int = 0
    mailbags: list[Any] = field(default_factory=list)
    house: Any = None
    server: Any = None
    new_place: Callable[[], LedgerServer] | None = None  # where ledgers are that are no files

    def provider(self, name: str, **options: str) -> Provider:
        changed = {f"DOVECOTE_{name.upper()}_{option.upper()}": value for option, value in options.items()}
        return load_provider(load({**self.environment, **changed}), name)

    def bench(self, name: str, fleet: Sequence[str] = FLEET, count: int = 24, **changes: Any) -> Bench:
        """A new ledger with its messages, not yet planned."""
        self.number += 1
        providers = {each.channel: each for each in map(self.provider, fleet)}
        clock = Clock()
        made = letters(f"{name} {self.number} {self.home}", list(providers), count, clock(), **changes)
        place = self.new_place() if self.new_place else self.home / f"{self.number}.db"
        return Bench(self, place, providers, made, clock, self.taken_so_far())

    def taken_so_far(self) -> int:
        return int(httpx.get(f"{self.url}/journal", params={"limit": 1}).json()["last"])

    def accepted(self, after: int) -> list[dict[str, Any]]:
        """Every row of the provider's journal after the given one."""
        rows: list[dict[str, Any]] = []
        while page := httpx.get(f"{self.url}/journal", params={"after": after}).json()["messages"]:
            rows += page
            after = page[-1]["seq"]
        return rows

    def faults(self, *faults: Mapping[str, Any]) -> None:
        httpx.post(f"{self.url}/faults", json=list(faults)).raise_for_status()


@dataclass
class Bench:
    """One drill: its ledger, messages and clock."""

    rig: Rig
    place: Path | LedgerServer
    providers: dict[str, Provider]
    messages: list[Message]
    clock: Clock
    after: int  # what the provider had taken before
    ends: dict[str, Collection[State]] = field(default_factory=dict)
    stops: list[Stop] = field(default_factory=list)
    has_forgotten: bool = False  # its ledger is older than some calls
    is_alone: bool = True  # False: the sandbox takes messages of others beside it

    @property
    def path(self) -> Path:
        """Of a ledger that is a file."""
        assert isinstance(self.place, Path)
        return self.place

    @contextmanager
    def ledger(self) -> Iterator[Watched]:
        with Watched(self.place) as opened:
            yield opened

    def plan(self, ledger: Ledger, messages: Iterable[Message] | None = None) -> None:
        delivery.plan(ledger, self.providers, messages or self.messages, self.clock())

    def deliver(self, ledger: Ledger, pace: Pace = PACE) -> None:
        delivery.deliver(ledger, self.providers, self.clock, 30, pace=pace)

    def tick(self, seconds: float = TICK_SECONDS) -> None:
        """So much later what was decided is planned again, and what is due goes out."""
        self.clock.turn(seconds)
        with self.ledger() as ledger:
            self.plan(ledger)
            self.deliver(ledger)

    def send_all(self) -> None:
        """With all the time that a call may take: the provider has every message, and the ledger knows.
        A receipt about one that a busy machine had not sent yet would be a lie."""
        with self.ledger() as ledger:
            self.plan(ledger)
            self.deliver(ledger, Pace())
            if set(ledger.counts()) != {State.ACCEPTED}:
                raise RuntimeError(f"not all of it was sent: {ledger.counts()}")

    def at_rest(self) -> Findings:
        """After three unaided ticks, and then the time for which a provider is asked about what nobody
        knows: what the provider has, against what the ledger says."""
        for _ in range(RECOVERED_WITHIN):
            self.tick()
        left = self._counts()
        late = sum(left.get(state, 0) for state in _RECOVERED_LEAVES_NONE)
        for _ in range(2 if State.UNKNOWN in left else 0):
            self.clock.turn(PACE.give_up_seconds)
            self.tick()
        findings = self.judge()
        if late:
            findings.lost.append(f"{late} messages were not recovered within {RECOVERED_WITHIN} ticks")
        return findings

    def _counts(self) -> dict[State, int]:
        with self.ledger() as ledger:
            return ledger.counts()

    def judge(self) -> Findings:
        with self.ledger() as ledger:
            handed_in = [message.message_id for message in self.messages]
            accepted = self.rig.accepted(self.after)
            if not self.is_alone:
                accepted = [row for row in accepted if row["message_id"] in handed_in]
            return weigh(ledger, accepted, handed_in, self.ends, self.stops, self.has_forgotten)

    def rewritten(self) -> list[Message]:
        """The same messages after somebody edited the template."""
        return [replace(each, content=_edited(each.content)) for each in self.messages]


def _edited(content: Any) -> Any:
    if isinstance(content, str):
        return content.replace("Your cart waits", "Only today")
    if isinstance(content, Mapping):
        return {name: _edited(value) for name, value in content.items()}
    return [_edited(value) for value in content] if isinstance(content, list) else content


Drill = Callable[[Rig], Findings]


@contextmanager
def started(
    home: Path, receivers: str, receipt_seconds: float, latency_ms: float = LATENCY_MS
) -> Iterator[Rig]:
    """The sandbox up, below `home`; it reports to `receivers`."""
    port = servers.free_port(0)  # two drills at once would both find a certain one free
    calm = [word for name in _CALM for word in (f"--{name.replace('_', '-')}-share", "0")]
    arguments = ["-m", "senders.sandbox", "--port", str(port), "--home", str(home)]
    arguments += ["--receivers", receivers, "--receipt-seconds", str(receipt_seconds), *calm]
    url = f"http://127.0.0.1:{port}"
    server = servers.Server("sandbox", [*arguments, "--latency-ms", str(latency_ms)], f"{url}/stats")
    with servers.running([server], home / "logs", {}):
        environment = {**read_environment(home / "sandbox.env"), "DOVECOTE_PUBLIC_URL": receivers}
        with ExitStack() as stack:
            yield Rig(url, home, environment, stack)


@contextmanager
def running(home: Path) -> Iterator[Rig]:
    """A sandbox that reports nothing as long as a drill lasts."""
    with started(home, "http://127.0.0.1:9", receipt_seconds=86_400.0) as rig:
        yield rig


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
