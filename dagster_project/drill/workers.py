"""Workers that freeze, meet and find wrong clocks; people who step in between; stores that refuse."""

from __future__ import annotations

import resource
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

from dagster_project.drill.breaking import Strike, watched_calls
from dagster_project.drill.children import Child
from dagster_project.drill.oracle import Findings, Stop
from dagster_project.drill.rig import PACE, Bench, Drill, Rig
from senders.contract import EventKind, ProviderEvent, State

WORKERS = 3
QUEUED = 10_000
MIXED = ("google_rcs", "twilio_sms", "resend", "webhook")
# Where a worker freezes.
_POINTS = {
    "after the intent": ("commit.after", 8),
    "before the call": ("send.before", 3),
    "before the first byte": ("send.byte", 3),
    "in the call": ("send.mid", 3),
    "after the answer": ("send.after", 3),
}
# One that answers when it is asked what it took, one that only reports, and those that ignore repeated ids.
_FLEETS = (("twilio_sms",), ("postmark",), ("amazon_ses",), MIXED)
# What the clock does, in seconds, at each of the ticks that follow while outcomes are open.
CLOCKS = {
    "ten minutes fast": (600.0,),
    "ten minutes slow": (-600.0,),
    "forth and back": (600.0, -1_200.0, 600.0),
    "25 hours on": (90_000.0,),
    "25 hours on and back": (90_000.0, -90_000.0),
}


def drills() -> dict[str, Drill]:
    found: dict[str, Drill] = {
        f"frozen past the lease and thawed, {where}: {'+'.join(fleet)}": partial(_frozen, where, fleet)
        for where in _POINTS
        for fleet in _FLEETS
    }
    found |= {f"clock {name}, outcomes open": partial(_clock, turns) for name, turns in CLOCKS.items()}
    return found | {
        f"{WORKERS} senders at once": _at_once,
        "template edited between two attempts": _edited,
        "opt-out between decision and send": _opted_out,
        f"kill switch with {QUEUED:,} queued": _kill_switch,
        "receipts early, repeated, reversed and of unknown ids": _receipts,
        "disk full": _disk_full,
        "read-only ledger": _read_only,
    }


# Freezing and meeting --------------------------------------------------------------------------


def _frozen(where: str, fleet: Sequence[str], rig: Rig) -> Findings:
    """Stopped by SIGSTOP with calls under way. Others go on without it; then it goes on too."""
    bench = rig.bench("frozen", fleet)
    child = Child(partial(_send_and_freeze, bench, *_POINTS[where]))
    child.wait_until_frozen()
    for _ in range(3):
        bench.tick()
    time.sleep(
        PACE.call_seconds + 0.2
    )  # a call's deadline is in real time, and this one was frozen for minutes
    child.signal(signal.SIGCONT)
    if code := child.wait():
        raise RuntimeError(f"the thawed sender ended with {code}")
    return bench.at_rest()


def _send_and_freeze(bench: Bench, point: str, nth: int) -> None:
    passed = 0

    def strike(reached: str) -> None:
        nonlocal passed
        passed += reached == point
        if reached == point and passed == nth:
            signal.raise_signal(signal.SIGSTOP)

    _send(bench, strike)


def _send(bench: Bench, strike: Strike = lambda _: None) -> None:
    with bench.ledger() as ledger, watched_calls(strike):
        ledger.strike = strike
        bench.plan(ledger)
        bench.deliver(ledger)


def _at_once(rig: Rig) -> Findings:
    bench = rig.bench("at once", count=240)
    children = [Child(partial(_send, bench)) for _ in range(WORKERS)]
    codes = [child.wait() for child in children]
    findings = bench.at_rest()
    if any(codes) or findings.held:
        findings.lost.append(f"senders ended with {codes}, {findings.held} messages held")
    return findings


# Clocks and people -----------------------------------------------------------------------------


def _clock(turns: tuple[float, ...], rig: Rig) -> Findings:
    bench = rig.bench("clock", MIXED)
    for number, seconds in enumerate(turns):
        with _bad_day(rig, "reset_after" if number % 2 == 0 else "reset_before"):
            bench.tick()
        bench.clock.turn(seconds)
    bench.tick()
    bench.clock.turn(-sum(turns))
    # What waits by the clock that was fast waits until the right one is there, too.
    bench.clock.turn(max(0.0, *turns))
    return bench.at_rest()


@contextmanager
def _bad_day(rig: Rig, kind: str) -> Iterator[None]:
    rig.faults({"kind": kind, "share": 0.6})
    try:
        yield
    finally:
        rig.faults()


def _edited(rig: Rig) -> Findings:
    bench = rig.bench("edited", MIXED)
    with _bad_day(rig, "reset_before"):
        bench.tick()
    bench.messages = bench.rewritten()
    return bench.at_rest()


def _opted_out(rig: Rig) -> Findings:
    """Half of them say no after the plan; the ledger must end with none of them taken."""
    bench = rig.bench("opt-out")
    said_no = bench.messages[::2]
    with bench.ledger() as ledger:
        bench.plan(ledger)
        for number, message in enumerate(said_no):
            scope = "all" if number % 2 else "marketing"
            ledger.suppress(message.address, scope, "stop", bench.clock())
    findings = bench.at_rest()
    taken = {row["message_id"] for row in rig.accepted(bench.after)}
    findings.out_of_policy += [
        f"{each.message_id}: taken after the opt-out" for each in said_no if each.message_id in taken
    ]
    return findings


def _kill_switch(rig: Rig) -> Findings:
    """Stopped while a sender is at work; nothing starts until the switch is off."""
    bench = rig.bench("switch", ("twilio_sms", "sendgrid"), QUEUED)
    with bench.ledger() as ledger:
        bench.plan(ledger)
    child = Child(partial(_send, bench))
    while rig.taken_so_far() < bench.after + 50:
        time.sleep(0.02)
    with bench.ledger() as ledger:
        ledger.stop("all", "", "drill", bench.clock())
        after = ledger.last_seq()
    child.wait()
    bench.tick()
    with bench.ledger() as ledger:
        bench.stops = [Stop("all", "", after, ledger.last_seq())]
        left = ledger.counts().get(State.PLANNED, 0)
        cancelled = [message.message_id for message in bench.messages]
        ledger.cancel_many([(message_id, "enough") for message_id in cancelled[100:]], bench.clock())
        ledger.start("all", "", "drill", bench.clock())
    bench.ends = {message_id: [State.CANCELLED] for message_id in cancelled[100:]}
    findings = bench.at_rest()
    if not left:
        findings.out_of_policy.append("the switch stopped nothing: all had been sent")
    return findings


def _receipts(rig: Rig) -> Findings:
    """READ before anything was sent, the rest of the row backwards, twice, and some about nobody."""
    bench = rig.bench("receipts")
    ghosts = ["00000000-0000-5000-8000-000000000000", "never here"]
    row = (EventKind.READ, EventKind.DELIVERED, EventKind.SENT, EventKind.ACCEPTED)
    events = [
        ProviderEvent(f"{each} {kind}", "google_rcs", kind, bench.clock(), message_id=each)
        for each in [*ghosts, *(message.message_id for message in bench.messages)]
        for kind in row
    ]
    bench.send_all()
    with bench.ledger() as ledger:
        for _ in range(2):
            ledger.apply_receipts(events, bench.clock())
    findings = bench.at_rest()
    with bench.ledger() as ledger:
        counts = ledger.counts()
    if counts != {State.READ: len(bench.messages)}:
        findings.lost.append(f"all were read, and the ledger says {counts}")
    return findings


# Stores that refuse ----------------------------------------------------------------------------


def _disk_full(rig: Rig) -> Findings:
    """No file may grow any more, from some commit on; the sender fails, and the next one has room."""
    return _refused_by_store(rig, _without_room)


def _read_only(rig: Rig) -> Findings:
    return _refused_by_store(rig, _without_permission)


def _refused_by_store(rig: Rig, sending: Callable[[Bench], None]) -> Findings:
    bench = rig.bench("refused", count=60)
    with bench.ledger() as ledger:
        bench.plan(ledger)
    code = Child(partial(sending, bench), is_loud=False).wait()
    findings = bench.at_rest()
    if code == 0:
        findings.lost.append("the sender did not notice that nothing can be written")
    return findings


def _without_room(bench: Bench) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    def strike(point: str) -> None:
        if point == "send.after":
            size = max(path.stat().st_size for path in bench.path.parent.glob(f"{bench.path.name}*"))
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    _send(bench, strike)


def _without_permission(bench: Bench) -> None:
    with bench.ledger() as ledger:

        def strike(point: str) -> None:
            if point == "send.after":
                ledger.run("drill_read_only")

        with watched_calls(strike):
            bench.deliver(ledger)
