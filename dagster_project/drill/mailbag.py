"""Real receipts, each as its provider signed it, kept back to be handed in at a drill's pleasure."""

from __future__ import annotations

import shutil
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx

from dagster_project.drill.rig import PACE, Bench, Rig, started
from senders.contract import State
from senders.ledger import Ledger

WAITS_SECONDS = 20.0
LETTERS = 12
WEEK = 7 * 86_400.0


@dataclass(frozen=True, slots=True)
class Post:
    """One receipt on its way to us."""

    path: str  # with its query, as it was signed
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Mailbag:
    """What a fleet reported about a dozen messages, and ledgers of the moments at which it may come in."""

    bench: Bench  # its ledger: every message accepted
    under_way: Path  # a ledger in which every call is under way
    before: Path  # one that knows nothing yet
    posts: Sequence[Post]
    came_to: tuple[Counter[State], int] | None = None  # each message's state and the receipts, once handed in

    def copy(self, ledger: Path, name: str) -> Bench:
        """A bench of its own, at a home of its own, that begins with one of the ledgers."""
        home = self.bench.rig.home / f"{self.bench.path.stem} {name}"
        home.mkdir()
        shutil.copyfile(ledger, home / "ledger.db")
        return replace(self.bench, place=home / "ledger.db", is_alone=False)


@contextmanager
def office(port: int = 0) -> Iterator[tuple[str, list[Post]]]:
    """An address that takes every receipt, and what came in."""
    posts: list[Post] = []

    class Taker(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            posts.append(Post(self.path, dict(self.headers), body))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return None

    server = ThreadingHTTPServer(("127.0.0.1", port), Taker)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", posts
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def filled(home: Path, fleets: Sequence[Sequence[str]]) -> Iterator[list[Mailbag]]:
    """A mailbag for each fleet; the providers stay up, as somebody may ask them."""
    with office() as (url, posts), started(home, url, receipt_seconds=0.05) as rig:
        bags = []
        for fleet in fleets:
            posts.clear()
            bags.append(_bag(rig, fleet, posts))
        yield bags


def _bag(rig: Rig, fleet: Sequence[str], posts: list[Post]) -> Mailbag:
    """The messages went out a week ago, so that every receipt is a week late."""
    bench = rig.bench("receipts", fleet, LETTERS)
    bench.clock.turn(-WEEK)
    bench.messages = [replace(each, due_at=each.due_at - timedelta(seconds=WEEK)) for each in bench.messages]
    names = ("before", "under way")
    before, under_way = (bench.path.with_name(f"{bench.path.stem} {name}.db") for name in names)
    Ledger(before).close()
    with bench.ledger() as ledger:
        bench.plan(ledger)
    _copy_of(bench, under_way)
    _call_without_an_answer(replace(bench, place=under_way))
    bench.send_all()
    _wait_for_all(rig)
    return Mailbag(bench, under_way, before, tuple(posts))


def _copy_of(bench: Bench, path: Path) -> None:
    shutil.copyfile(bench.path, path)


def _call_without_an_answer(bench: Bench) -> None:
    """As a sender leaves it that died with every call under way."""
    with bench.ledger() as ledger:
        for provider in bench.providers.values():
            claims = ledger.claim(bench.clock(), provider.name, LETTERS, PACE.lease_seconds).claims
            ledger.intent(bench.clock(), claims, PACE.call_seconds)


def _wait_for_all(rig: Rig) -> None:
    ends_at = time.monotonic() + WAITS_SECONDS
    while httpx.get(f"{rig.url}/stats").json()["receipts"]["pending"]:
        if time.monotonic() > ends_at:
            raise RuntimeError("the providers did not report in time")
        time.sleep(0.05)
