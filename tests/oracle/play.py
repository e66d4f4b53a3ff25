"""One world through both: the real models and the reading, tick by tick, and where they differ."""

import json
import re
from collections.abc import Iterator
from copy import deepcopy
from datetime import datetime
from functools import cached_property
from pathlib import Path

from oracle.house import House
from oracle.look import Verdict
from oracle.policy import Policy
from oracle.post import Post
from oracle.reading import Reading
from oracle.sent import Books
from oracle.world import World, as_files, people_of


class Play:
    """A world on its way through both. `verdicts`: of the reading, by tick; `decided`: rows of the models, by
    tick; `due`: candidate ids, by tick; `differences`: sentences."""

    def __init__(self, world: World, house: House, reading: Reading) -> None:
        self.world, self.house, self.reading = world, house, reading
        self.post = Post(house, world)
        self.verdicts: list[list[Verdict]] = []
        self.decided: list[list[dict]] = []
        self.due: list[list[str]] = []
        self.differences: list[str] = []

    def begin(self, number: int) -> None:
        """What happens before a tick: providers and people say what they have to say, files land."""
        self.post.hear(number)
        self.land(number)

    def land(self, number: int) -> None:
        self.house.land(as_files(self.world.landing_in(number)))

    def tick(self, number: int) -> None:
        """Let both decide, and note where they differ."""
        as_of = self.world.ticks[number]
        self.house.tick(as_of)
        verdicts = self.reading.tick(as_of, self.world.landed_by(number), self.house.journal())
        decided = self.house.rows("decisions.int_decisions_this_run")
        self.verdicts.append(verdicts)
        self.decided.append(decided)
        self.due.append([row["candidate_id"] for row in self.house.rows("decisions.int_candidates_this_run")])
        found = (
            *differing(verdicts, decided),
            *differing_entries(self.reading, self.house),
            *differing_records(verdicts, self.house, as_of),
            *differing_in_the_ledger(self.reading, self.house),
        )
        self.differences += [f"tick {number} at {as_of}: {each}" for each in found]

    def adopt(self, policy: Policy) -> None:
        """From the next tick on both decide by another policy."""
        self.house.adopt(policy)
        self.reading.policy = policy

    @cached_property
    def books(self) -> Books:
        """The ledger as it stands, once all is played."""
        return Books(self.house.journal())

    def branch(self, folder: Path, world: World | None = None) -> "Play":
        """The same past in a house of its own, with another future."""
        reading = deepcopy(self.reading)
        other = Play(world or self.world, self.house.branch(folder), reading)
        other.post.accepted = list(self.post.accepted)
        return other


def start(world: World, folder: Path, like: House | None = None) -> Play:
    """`like`: a house with the same policy, whose parsed project is used again."""
    return Play(world, House(folder, world.policy, like), Reading(world.policy))


def play(world: World, folder: Path, ticks: int | None = None) -> Play:
    """Through the real models and the reading, side by side, until they differ; `ticks`: so many of them."""
    done = start(world, folder)
    for number in range(ticks or len(world.ticks)):
        done.begin(number)
        done.tick(number)
        if done.differences:
            break  # what follows from a difference is none of its own
        done.post.deliver(world.ticks[number])
    return done


def differing(verdicts: list[Verdict], decided: list[dict]) -> Iterator[str]:
    ours = {verdict.candidate_id: verdict for verdict in verdicts}
    theirs = {row["candidate_id"]: row for row in decided}
    for candidate_id in sorted(ours.keys() | theirs.keys()):
        verdict, row = ours.get(candidate_id), theirs.get(candidate_id)
        if verdict is None or row is None:
            who = row or {"user_id": verdict.person.user_id, "candidate": verdict.candidate}
            yield f"{who} is judged only by {'the models' if verdict is None else 'the reading'}"
        elif facts_of(verdict) != facts_in(row) or not may_block(verdict, row["blocking_id"]):
            yield (
                f"{verdict.what} of {verdict.person.user_id}:\n"
                f"  reading {facts_of(verdict)} {verdict.failing}\n"
                f"  models  {facts_in(row)} {row['blocking_id']}"
            )


def facts_of(verdict: Verdict) -> dict:
    return {
        "outcome": verdict.outcome, "reason": verdict.reason, "gates": verdict.gates,
        "channel": verdict.channel, "variant": verdict.variant, "template": verdict.template,
        "is_holdout": verdict.is_holdout, "is_exposed": verdict.is_exposed, "message_id": verdict.message_id,
        "due_at": verdict.candidate.owed.due_at, "expires_at": verdict.candidate.owed.expires_at,
    }  # fmt: skip


def facts_in(row: dict) -> dict:
    plain = (
        "outcome",
        "reason",
        "channel",
        "variant",
        "template",
        "is_holdout",
        "is_exposed",
        "message_id",
        "due_at",
        "expires_at",
    )
    return {name: row[name] for name in plain} | {"gates": json.loads(row["gates"])}


def said(facts: dict) -> dict:
    """The verdict and its reasons; only when they change a step that waits is written down again."""
    return {name: facts[name] for name in ("outcome", "reason", "gates", "channel", "message_id")}


def may_block(verdict: Verdict, blocking_id: str | None) -> bool:
    """What stands in the way is named, and is one of those that do."""
    named = verdict.failing.get(verdict.reason, set())
    return blocking_id in named if named else blocking_id is None


def differing_entries(reading: Reading, house: House) -> Iterator[str]:
    ours = {entry.entry_id: entry for entry in reading.entries}
    theirs = {row["entry_id"]: row for row in house.rows("decisions.fct_entries")}
    for entry_id in sorted(ours.keys() | theirs.keys()):
        entry, row = ours.get(entry_id), theirs.get(entry_id)
        if entry is None or row is None:
            yield f"only {'the models' if entry is None else 'the reading'} made the entry {row or entry}"
        elif bool(entry.blocked_by) != (row["status"] == "blocked"):
            yield f"the entry {entry} is {row['status']} by {row['blocked_by_entry_id']} in the models"
        elif entry.blocked_by and row["blocked_by_entry_id"] not in entry.blocked_by:
            yield f"the entry {entry} names {row['blocked_by_entry_id']} as what blocks it"


def differing_records(verdicts: list[Verdict], house: House, as_of: datetime) -> Iterator[str]:
    """The newest row of each step says its verdict; the outbox holds what is sent, to whom."""
    newest: dict[str, dict] = {}
    for row in house.rows("decisions.fct_decisions", "candidate_id, decision_number"):
        if row["candidate_id"] in newest and row["decided_at"] == as_of:
            before = newest[row["candidate_id"]]
            if row["outcome"] == "hold" and said(facts_in(before)) == said(facts_in(row)):
                yield f"{row['candidate_id']} waits as before and was written down again"
        newest[row["candidate_id"]] = row
    outbox = {row["message_id"]: row for row in house.rows("decisions.fct_outbox")}
    for verdict in verdicts:
        row = newest.get(verdict.candidate_id)
        if row is None or said(facts_in(row)) != said(facts_of(verdict)):
            yield f"the newest decision on {verdict.candidate_id} is {row}, the verdict {facts_of(verdict)}"
        elif verdict.outcome == "send":
            sent = outbox.get(verdict.message_id)
            if sent is None or sent["address"] != verdict.person.address(verdict.channel):
                yield f"the outbox has {sent} for {facts_of(verdict)}"


def differing_in_the_ledger(reading: Reading, house: House) -> Iterator[str]:
    """What is said of messages that wait there."""
    for what, ours in (("postponements", reading.postponed), ("cancellations", reading.cancelled)):
        theirs = {row["message_id"] for row in house.rows(f"decisions.fct_{what}")}
        for message_id in sorted(theirs ^ ours):
            whose = "the models" if message_id in theirs else "the reading"
            yield f"only {whose} have {message_id} among the {what}"


def told(done: Play, limit: int = 5) -> str:
    """The first differences, and everything that befell the person of the first one."""
    name = re.search(r"\bp\d+", done.differences[0])
    lines = [f"seed {done.world.seed}, {len(done.differences)} differences:", *done.differences[:limit]]
    return "\n".join([*lines, story(done.world, name[0])] if name else lines)


def story(world: World, name: str) -> str:
    lines = [
        f"  {feed} tick {row['tick']}: {dict(row, tick=None)}"
        for feed, rows in world.rows.items()
        for row in people_of(rows, name)
    ]
    return "\n".join(lines)
