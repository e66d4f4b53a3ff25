"""The record and the two replays side by side, as text."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from dagster_project.explain import OUTCOMES

Decision = Mapping[str, Any]
HEADS = {"record": "on the record", "unchanged": "replayed unchanged", "changed": "with the change"}
ROWS: Mapping[str, Callable[[Sequence[Decision]], str]] = {
    "verdict": lambda told: OUTCOMES[told[-1]["outcome"]],
    "reason": lambda told: told[-1]["reason"],
    "in the way": lambda told: told[-1]["blocking_id"] or "-",
    "all gates": lambda told: ", ".join(told[-1]["gates"]) or "none",
    "channel": lambda told: told[-1]["channel"] or "-",
    "decided": lambda told: _at(told[-1]["decided_at"]),
    "before that": lambda told: ", ".join(
        f"{OUTCOMES[each['outcome']]} {each['reason']}" for each in told[:-1]
    ),
}


def in_words(found: Mapping[str, Any]) -> str:
    about = f" about {found['entity_key']}" if found["entity_key"] else ""
    lines = [
        f"{found['person']}, {found['journey']}{about}, entered {_at(found['entered_at'])} UTC"
        + (f" (their last of {found['entries']} entries)" if found["entries"] > 1 else ""),
        *map(_supposed, found["changes"]),
        f"… from {_at(found['first'])} UTC on, when a step of it was first decided",
    ]
    for step in found["steps"]:
        lines += ["", *_side_by_side(step)]
    lines += ["", *(_told(step, found["last"]) for step in found["steps"]), *_trust(found)]
    people = "everybody" if found["everybody"] else _many(found["people"], "person", "people")
    lines += [
        "",
        f"{_many(found['ticks'], 'tick', 'ticks')} until {_at(found['last'])} UTC, decided again twice over "
        f"the history of {people} in {found['seconds']:.1f} s. Nothing was sent or changed.",
    ]
    return "\n".join(lines)


def _supposed(change: Mapping[str, Any]) -> str:
    before = f" (it is {change['before']})" if change["before"] is not None else ""
    return f"What if {change['kind']}.{change['name']} were {change['after']}{before}"


def _side_by_side(step: Mapping[str, Any]) -> Iterator[str]:
    cells = [[step["step"], *HEADS.values()]]
    sides = [step[side] for side in HEADS]
    for name, cell in ROWS.items():
        row = [cell(told) if told else "not decided" if name == "verdict" else "" for told in sides]
        if any(row):
            cells.append([f"  {name}", *row])
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    for row in cells:
        yield "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()


def _told(step: Mapping[str, Any], last: datetime) -> str:
    """What the change does to a step, in a sentence."""
    name, unchanged, changed = step["step"], step["unchanged"], step["changed"]
    if not changed:
        return f"{name}: nothing was to be decided by {_at(last)} UTC."
    if not step["differs"]:
        return f"{name}: the change changes nothing: {_ending(changed[-1])}."
    went, goes = ([told for told in side[-1:] if told["outcome"] == "send"] for side in (unchanged, changed))
    if goes and went:
        return f"{name}: {_ending(changed[-1], 'would have gone out')}; unchanged, {_ending(unchanged[-1])}."
    if goes:
        return f"{name}: {_ending(changed[-1], 'would have gone out')}."
    if went:
        return f"{name}: would not have gone out: {_ending(changed[-1])}."
    return f"{name}: would not have gone out either: {_ending(changed[-1])}."


def _ending(decision: Decision, goes: str = "it goes out") -> str:
    if decision["outcome"] == "send":
        return f"{goes} by {decision['channel']} {_at(decision['decided_at'])} UTC"
    blocking = f" ({decision['blocking_id']})" if decision["blocking_id"] else ""
    return f"{OUTCOMES[decision['outcome']]}, {decision['reason']}{blocking}"


def _trust(found: Mapping[str, Any]) -> list[str]:
    if found["agrees"]:
        return ["Unchanged, the replay decides what is on the record."]
    steps = ", ".join(step["step"] for step in found["steps"] if not step["agrees"])
    lines = [
        f"BUT the replay does not decide what is on the record even unchanged ({steps}): the change is told",
        "against the replay, and may do something else to what happened. The models, the policy or the",
        "hourly tables may be others than then; a tick that died decided nothing.",
    ]
    if not found["everybody"]:
        lines.append(
            "Scores among all customers (RFM) are unknown over so few: --everybody leaves nobody out."
        )
    return lines


def _many(count: int, one: str, several: str) -> str:
    return f"{count:,} {one if count == 1 else several}"


def _at(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}"
