"""What a network and a provider do on a bad day, to every provider: nothing lost, nothing doubled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from dagster_project.drill.oracle import Findings
from dagster_project.drill.rig import FLEET, PACE, Bench, Drill, Rig
from senders.contract import State
from senders.sandbox.faults import KINDS

FLEETS: tuple[Sequence[str], ...] = (FLEET, ("resend", "meta_whatsapp"), ("postmark",), ("amazon_ses",))
MESSAGES = 12
BAD_TICKS = 2  # then the provider is well again
SECONDS = {"stall": 1.5, "drip": 1.5}  # both outlast a call's deadline
MANY = 24  # of each provider that is not there
DOWN_TICKS, DOWN_SECONDS = 20, 600.0
# A window or two of them open the breaker; then one after 30, 60, 120, 120 … seconds.
MOST_CALLS = 2 * PACE.first_calls + 7
# A proxy that finds a message too large says no to this message for good.
ENDS = {"too_large": [State.REJECTED]}
NOWHERE = {"refused": "http://127.0.0.1:9", "name not found": "http://no-such-host.invalid"}


def drills() -> dict[str, Drill]:
    found: dict[str, Drill] = {}
    for fleet in FLEETS:
        where = "+".join(fleet)
        found |= {f"{kind}: {where}": partial(_bad_day, fleet, kind) for kind in KINDS}
        found |= {f"{name}: {where}": partial(_nobody_there, fleet, url) for name, url in NOWHERE.items()}
        found[f"down for ten minutes: {where}"] = partial(_down, fleet)
        found[f"half answered, then a hang: {where}"] = partial(_half, fleet)
        found[f"poison row: {where}"] = partial(_poison, fleet)
    return found


def _bad_day(fleet: Sequence[str], kind: str, rig: Rig) -> Findings:
    bench = rig.bench(kind, fleet, MESSAGES)
    bench.ends = {message.message_id: ENDS.get(kind, []) for message in bench.messages}
    rig.faults({"kind": kind, "share": 0.6, "seconds": SECONDS.get(kind, 0)})
    return _after_bad_ticks(bench)


def _after_bad_ticks(bench: Bench) -> Findings:
    for _ in range(BAD_TICKS):
        bench.tick()
    bench.rig.faults()
    return bench.at_rest()


def _nobody_there(fleet: Sequence[str], url: str, rig: Rig) -> Findings:
    bench = rig.bench("nobody there", fleet, MESSAGES)
    there = bench.providers
    bench.providers = {
        channel: rig.provider(each.name, **_at(each.name, url)) for channel, each in there.items()
    }
    bench.tick()
    bench.providers = there
    findings = bench.at_rest()
    if findings.held:
        findings.lost.append(f"{findings.held} held: what never had a connection is known not sent")
    return findings


def _down(fleet: Sequence[str], rig: Rig) -> Findings:
    """A tick every half minute meets a provider that is not there: each is called a few times, then once in a
    while. When they are back, all goes out within the usual ticks, and nothing is held."""
    bench = rig.bench("down", fleet, MANY * len(fleet))
    there = bench.providers
    bench.providers = {
        channel: rig.provider(each.name, **_at(each.name, NOWHERE["refused"]))
        for channel, each in there.items()
    }
    for _ in range(DOWN_TICKS):
        bench.tick(DOWN_SECONDS / DOWN_TICKS)
    bench.providers = there
    with bench.ledger() as ledger:
        calls = sum(row["calls"] for row in ledger.run("drill_messages"))
    findings = bench.at_rest()
    if calls > MOST_CALLS * len(fleet) or findings.held:
        findings.out_of_policy.append(
            f"{calls} calls of {len(fleet)} providers that were not there, {findings.held} held"
        )
    return findings


def _at(provider: str, url: str) -> dict[str, str]:
    """The one option of a provider that says where it is. A webhook's is its whole address."""
    return {"url": f"{url}/hooks/dovecote"} if provider == "webhook" else {"base_url": url}


def _half(fleet: Sequence[str], rig: Rig) -> Findings:
    """What came back is recorded, whatever becomes of the rest."""
    bench = rig.bench("half", fleet, MESSAGES)
    rig.faults(
        {"kind": "hang_after", "share": 0.5, "count": 3}, {"kind": "hang_before", "share": 0.3, "count": 3}
    )
    return _after_bad_ticks(bench)


def _poison(fleet: Sequence[str], rig: Rig) -> Findings:
    """One message of which no request can be made, first in line: it alone is rejected."""
    bench = rig.bench("poison", fleet, MESSAGES)
    poison = replace(bench.messages[0], content={}, priority=100)
    bench.messages[0] = poison
    bench.ends = {poison.message_id: [State.REJECTED]}
    findings = bench.at_rest()
    if findings.held:
        findings.lost.append(f"{findings.held} held beside a poison row")
    return findings
