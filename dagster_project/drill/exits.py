"""People who leave while their phone is off: what waits there is taken back, whoever dies meanwhile."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from functools import partial

import httpx

from dagster_project.drill.breaking import kill_at, watched_calls
from dagster_project.drill.children import Child
from dagster_project.drill.oracle import Findings
from dagster_project.drill.rig import Bench, Drill, Rig
from senders.contract import EventKind, Message, ProviderEvent, State

# From when it is on record that a message is to be taken back: before the request, and after its 200.
POINTS = (
    *("ask_back_many.after", "revocations_due.before", "revocations_due.after", "send.before", "send.mid"),
    *("send.after", "record_revocations.before", "record_revocations.after"),
)
LINES = ("error_before", "error_after", "reset_after", "hang_after", "rate_limit", "truncate")
BAD_CALLS = 4


def drills() -> dict[str, Drill]:
    return {
        "left with the phone off, and it is delivered all the same": _delivered_after,
        **{f"left with the phone off, kill -9 at {point}": partial(_killed, point) for point in POINTS},
        **{
            f"left with the phone off, over a line with {kind}": partial(_over_bad_line, kind)
            for kind in LINES
        },
    }


def _sent(rig: Rig) -> tuple[Bench, Sequence[Message]]:
    """Messages that wait for phones that are off; every other of their people leaves."""
    bench = rig.bench("left", ("google_rcs",))
    bench.send_all()
    leaving = bench.messages[::2]
    bench.ends = {each.message_id: [State.CANCELLED] for each in leaving}
    return bench, leaving


def _ask_back(bench: Bench, leaving: Sequence[Message], point: str | None = None) -> None:
    with bench.ledger() as ledger:
        if point:
            ledger.strike = kill_at(point, 1)
        with watched_calls(ledger.strike):
            stopped = [(each.message_id, "exited: an order") for each in leaving]
            ledger.ask_back_many(stopped, ["google_rcs"], bench.clock())
            bench.deliver(ledger)


def _waiting(rig: Rig) -> int:
    """What the provider still has to say: of each message that it holds, that it was delivered."""
    return int(httpx.get(f"{rig.url}/stats").json()["receipts"]["pending"])


def _judged(bench: Bench, leaving: Sequence[Message], waited: int) -> Findings:
    """All of theirs is taken back, where it was and in the ledger, and nothing of anybody else."""
    findings = bench.at_rest()
    gone = waited - _waiting(bench.rig)
    with bench.ledger() as ledger:
        counts = ledger.counts()
    left = len(bench.messages) - len(leaving)
    if counts != {State.CANCELLED: len(leaving), State.ACCEPTED: left} or gone != len(leaving):
        findings.out_of_policy.append(
            f"{len(leaving)} left, {gone} were taken back, the ledger says {counts}"
        )
    return findings


def _killed(point: str, rig: Rig) -> Findings:
    bench, leaving = _sent(rig)
    waited = _waiting(rig)
    code = Child(partial(_ask_back, bench, leaving, point)).wait()
    if code != -signal.SIGKILL:
        raise RuntimeError(f"the sender never came to {point} (exit {code})")
    return _judged(bench, leaving, waited)


def _over_bad_line(kind: str, rig: Rig) -> Findings:
    bench, leaving = _sent(rig)
    waited = _waiting(rig)
    rig.faults({"kind": kind, "provider": "google_rcs", "count": BAD_CALLS})
    _ask_back(bench, leaving)
    return _judged(bench, leaving, waited)


def _delivered_after(rig: Rig) -> Findings:
    """It was under way to the phone when it was said to be taken back: the ledger says what is true."""
    bench, leaving = _sent(rig)
    _ask_back(bench, leaving)
    now = bench.clock()
    events = [
        ProviderEvent(
            f"{each.message_id} late", "google_rcs", EventKind.DELIVERED, now, message_id=each.message_id
        )
        for each in leaving
    ]
    with bench.ledger() as ledger:
        was_taken_back = ledger.counts().get(State.CANCELLED, 0)
        ledger.apply_receipts(events, now)
    findings = bench.at_rest()
    with bench.ledger() as ledger:
        counts = ledger.counts()
    left = len(bench.messages) - len(leaving)
    if was_taken_back != len(leaving) or counts != {State.DELIVERED: len(leaving), State.ACCEPTED: left}:
        findings.unexpected.append(f"{was_taken_back} were taken back and then delivered: {counts}")
    return findings
