"""What a provider takes back: an account's key in the midst of a run, a message that it then delivers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import uuid4

from dagster_project.drill.breaking import replaced
from dagster_project.drill.network import FLEETS
from dagster_project.drill.oracle import Findings
from dagster_project.drill.rig import Bench, Drill, Rig
from senders import one_call
from senders.authorization import headers_for
from senders.contract import EventKind, Message, Provider, ProviderEvent, State

CALLS = 6  # that the key is good for
PROOFS = ("authorization", "token", "signature", "key")  # in the names of the headers that carry one
# What is said of a message whose time was over: taken back, or that this did not work.
WORDS = {"taken back": EventKind.FAILED, "not taken back": EventKind.DEFERRED}


def drills() -> dict[str, Drill]:
    found: dict[str, Drill] = {
        f"key revoked in the midst of a run: {'+'.join(fleet)}": partial(_revoked, fleet) for fleet in FLEETS
    }
    return found | {
        f"said to be {words}, and then delivered": partial(_delivered_after, kind)
        for words, kind in WORDS.items()
    }


# The key ---------------------------------------------------------------------------------------


@contextmanager
def _key_that_ends(made: list[str]) -> Iterator[None]:
    """It is good for a few calls; `made` hears of each."""

    def spoilt(provider: Provider, *arguments: Any) -> Mapping[str, str]:
        headers = headers_for(provider, *arguments)
        made.append(provider.name)
        if len(made) <= CALLS:
            return headers
        return {
            name: f"{value[:-4]}gone" if any(proof in name.lower() for proof in PROOFS) else value
            for name, value in headers.items()
        }

    with replaced(one_call, "headers_for", spoilt):
        yield


def _revoked(fleet: Sequence[str], rig: Rig) -> Findings:
    """The routes are closed, no message is lost and no attempt burnt; with a new key all of it goes on."""
    bench = rig.bench("revoked", fleet)
    made: list[str] = []
    with _key_that_ends(made):
        bench.tick()
        at_first = len(made)
        bench.tick()
        bench.tick()
    with bench.ledger() as ledger:
        blocked = ledger.blocked_routes()
        left = ledger.counts().get(State.PLANNED, 0)
        for name in blocked:
            ledger.free_route(name, "a new key", bench.clock())
    findings = bench.at_rest()
    if set(blocked) != {each.name for each in bench.providers.values()} or not left:
        findings.lost.append(f"{set(blocked)} were closed, and {left} messages waited")
    if len(made) > at_first or findings.held:
        later = len(made) - at_first
        findings.out_of_policy.append(f"{later} calls over closed routes, {findings.held} held")
    return findings


# The message -----------------------------------------------------------------------------------


def _delivered_after(kind: EventKind, rig: Rig) -> Findings:
    """Its phone was off and its time is over, and then it arrives all the same. While nobody is sure that it
    was taken back, and from when it has arrived, no other channel takes its place; and in the end the ledger
    says what is true."""
    bench = rig.bench("taken back", ("google_rcs", "twilio_sms"))
    bench.messages = [each for each in bench.messages if each.channel == "rcs"]
    bench.send_all()
    _say(bench, kind)
    if kind is EventKind.DEFERRED:
        _plan_instead(bench)
    _say(bench, EventKind.DELIVERED)
    _plan_instead(bench)
    findings = bench.at_rest()
    with bench.ledger() as ledger:
        counts = ledger.counts()
    if counts != {State.DELIVERED: len(bench.messages)}:
        findings.duplicated.append(f"all were delivered once, and the ledger says {counts}")
    return findings


def _plan_instead(bench: Bench) -> None:
    with bench.ledger() as ledger:
        bench.plan(ledger, [_instead(each) for each in bench.messages])


def _say(bench: Bench, kind: EventKind) -> None:
    events = [
        ProviderEvent(
            f"{each.message_id} {kind}", "google_rcs", kind, bench.clock(), message_id=each.message_id
        )
        for each in bench.messages
    ]
    with bench.ledger() as ledger:
        ledger.apply_receipts(events, bench.clock())


def _instead(message: Message) -> Message:
    """The same step on another channel."""
    content = {"text": "Your cart waits: https://shop.example/cart Reply STOP to end."}
    return replace(message, message_id=str(uuid4()), channel="sms", content=content)
