"""kill -9 of a real sending process at every named point, and recovery within three ticks."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from datetime import timedelta
from functools import partial

from dagster_project.drill.breaking import CALLS, kill_at, watched_calls
from dagster_project.drill.children import Child
from dagster_project.drill.oracle import Findings
from dagster_project.drill.rig import Bench, Drill, Rig
from senders.contract import EventKind, ProviderEvent, State

Deaths = Sequence[tuple[str, int]]  # a point, and the how manieth time; one process after the other

# Who died while settling needs something to settle, so somebody died with a call under way before.
_UNDER_WAY = ("send.after", 2)
KILLS: dict[str, Deaths] = {
    **{
        f"{method} {when}": [(f"{method}.{when}", 1)]
        for method in ("plan", "claim", "intent", "sweep")
        for when in ("before", "after")
    },
    **{
        f"{point}, time {nth}": [(point, nth)]
        for points, times in (
            (("record.before", "record.after"), (1, 3)),
            (("commit.before", "commit.after"), (1, 4, 6, 7, 9)),
            (CALLS, (1, 7)),
        )
        for point in points
        for nth in times
    },
    "settle before": [_UNDER_WAY, ("settle.before", 1)],
    "settle after": [_UNDER_WAY, ("settle.after", 1)],
    "twice with calls under way": [("send.mid", 3), ("send.mid", 2)],
    "intent, then call, then record": [("intent.after", 2), ("send.mid", 1), ("record.before", 1)],
}
IN_A_RECEIPT = ("apply_receipts.before", "commit.before", "commit.after", "apply_receipts.after")


def drills() -> dict[str, Drill]:
    found: dict[str, Drill] = {f"kill -9: {name}": _killing(deaths) for name, deaths in KILLS.items()}
    found.update({f"kill -9 in a receipt: {point}": _in_a_receipt(point) for point in IN_A_RECEIPT})
    return found


def _killing(deaths: Deaths) -> Drill:
    def drill(rig: Rig) -> Findings:
        bench = rig.bench("kill")
        for point, nth in deaths:
            code = Child(partial(_send_until, bench, point, nth)).wait()
            if code != -signal.SIGKILL:
                raise RuntimeError(f"the sender never came to {point} for the {nth}th time (exit {code})")
            bench.clock.turn(120)
        return bench.at_rest()

    return drill


def _send_until(bench: Bench, point: str, nth: int) -> None:
    with bench.ledger() as ledger:
        ledger.strike = kill_at(point, nth)
        with watched_calls(ledger.strike):
            bench.plan(ledger)
            for _ in range(3):
                bench.deliver(ledger)
                bench.clock.turn(120)


def _in_a_receipt(point: str) -> Drill:
    """The provider repeats what nobody acknowledged; each receipt counts once."""

    def drill(rig: Rig) -> Findings:
        bench = rig.bench("receipt")
        bench.send_all()
        code = Child(partial(_take_receipts, bench, point)).wait()
        if code != -signal.SIGKILL:
            raise RuntimeError(f"the receiver never came to {point} (exit {code})")
        _take_receipts(bench)
        findings = bench.at_rest()
        with bench.ledger() as ledger:
            delivered = ledger.counts().get(State.DELIVERED, 0)
            moves = sum(row[5] == State.DELIVERED for row in ledger.journal_since(0, 100_000))
        if (delivered, moves) != (len(bench.messages), len(bench.messages)):
            findings.lost.append(f"{delivered} delivered in {moves} moves of {len(bench.messages)} receipts")
        return findings

    return drill


def _take_receipts(bench: Bench, point: str | None = None) -> None:
    now = bench.clock()
    events = [
        ProviderEvent(
            f"delivered {message.message_id}", bench.providers[message.channel].name, EventKind.DELIVERED,
            now + timedelta(seconds=1), message_id=message.message_id,
        )
        for message in bench.messages
    ]  # fmt: skip
    with bench.ledger() as ledger:
        if point:
            ledger.strike = kill_at(point, 2)
        for half in (events[::2], events[1::2]):
            ledger.apply_receipts(half, now)
