"""An independent reading of DESIGN §4 and docs/journeys.md: what each person is owed, one at a time.

Written from the documents and not from the SQL: where both agree they do not share a mistake.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid5

from oracle.clock import next_time
from oracle.gates import judge_person
from oracle.look import Look, Lots, Verdict
from oracle.people import People, Person
from oracle.policy import ALWAYS, NEVER, Journey, Policy, Step, duration
from oracle.sent import Books

NAMESPACE = UUID("5e1f0b2c-9a55-5d0e-8a6f-0d0ec07e0001")
ID_OF = {"cart_id": "cart_id", "order_id": "order_id", "product_id": "product_id", None: "about"}


@dataclass(frozen=True)
class TriggerRow:
    journey: str
    user_id: str
    entity: str | None
    event_id: str
    at: datetime


@dataclass
class Entry:
    row: TriggerRow
    blocked_by: frozenset[str]  # the entries that each stand in the way
    due: dict[str, datetime]  # step → when; computed once and kept

    @property
    def entry_id(self) -> str:
        return identity(self.row.journey, self.row.user_id, self.row.entity, self.row.event_id)


@dataclass(frozen=True)
class Candidate:
    entry: Entry
    journey: Journey
    step: Step

    @property
    def candidate_id(self) -> str:
        row = self.entry.row
        return identity(row.journey, self.step.name, row.user_id, row.entity, row.event_id)

    @property
    def due_at(self) -> datetime:
        return self.entry.due[self.step.name]

    @property
    def expires_at(self) -> datetime:
        return self.due_at + duration(self.journey.expires_after)

    def message_id(self, channel: str) -> str:
        row = self.entry.row
        return identity(row.journey, self.step.name, row.user_id, row.entity, row.event_id, channel)


def identity(*parts: str | None) -> str:
    return str(uuid5(NAMESPACE, "|".join(part or "" for part in parts)))


class Reading:
    """Remembers what it decided, as the warehouse does; `tick` decides what is due at `as_of`."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.entries: list[Entry] = []
        self.final: set[str] = set()  # candidates that ended in a suppress
        self.drawn: Lots = {}

    def tick(self, as_of: datetime, rows: dict[str, list[dict]], journal: list[dict]) -> list[Verdict]:
        people, books = People(rows, as_of), Books(journal)
        triggered = self.triggered(people, as_of)
        self._enter(triggered, people)
        due = [each for each in self._candidates() if each.due_at <= as_of and self._is_open(each, books)]
        look = Look(self.policy, as_of, people, books, triggered, self.drawn)
        by_person = defaultdict(list)
        for candidate in due:
            by_person[people.now(candidate.entry.row.user_id)].append(candidate)
        verdicts = [
            verdict
            for user_id, candidates in sorted(by_person.items())
            for verdict in judge_person(look, people.person(user_id), candidates)
        ]
        self.final |= {each.candidate_id for each in verdicts if each.outcome == "suppress"}
        return verdicts

    def triggered(self, people: People, as_of: datetime) -> set[TriggerRow]:
        """Whose condition holds now."""
        return {
            row
            for user_id, events in people.events_of.items()
            for journey in self.policy.journeys
            for row in _rows_of(journey, user_id, events, as_of)
        }

    def _enter(self, triggered: Iterable[TriggerRow], people: People) -> None:
        """Re-entry counts in exact seconds from entry, whichever of two landed first."""
        known = defaultdict(list)
        for entry in self.entries:
            known[_about(entry.row, people)].append(entry)
        for row in sorted(triggered, key=lambda row: (row.at, row.event_id)):
            earlier = known[_about(row, people)]
            if any(entry.row.event_id == row.event_id for entry in earlier):
                continue
            reentry = self.policy.journey(row.journey).reentry
            blocking = [
                entry for entry in earlier if not entry.blocked_by and _is_within(reentry, entry.row, row)
            ]
            due = _due(self.policy.journey(row.journey), row, people.person(people.now(row.user_id)))
            entry = Entry(row, frozenset(each.entry_id for each in blocking), due)
            earlier.append(entry)
            self.entries.append(entry)

    def _candidates(self) -> Iterable[Candidate]:
        for entry in self.entries:
            if not entry.blocked_by:
                journey = self.policy.journey(entry.row.journey)
                yield from (Candidate(entry, journey, step) for step in journey.steps)

    def _is_open(self, candidate: Candidate, books: Books) -> bool:
        """Nothing final was said, and no message of it is, was or may be on its way."""
        sent = books.of_candidate.get(candidate.candidate_id, [])
        return candidate.candidate_id not in self.final and all(each.is_refused for each in sent)


def _due(journey: Journey, row: TriggerRow, person: Person) -> dict[str, datetime]:
    waited = {step: row.at + duration(step.after) for step in journey.steps}
    zone = person.time_zone or "UTC"
    return {step.name: next_time(at, step.at, zone) if step.at else at for step, at in waited.items()}


def _about(row: TriggerRow, people: People) -> tuple[str, str, str]:
    return row.journey, people.now(row.user_id), row.entity or ""


def _is_within(reentry: str, first: TriggerRow, second: TriggerRow) -> bool:
    if reentry in (ALWAYS, NEVER):
        return reentry == NEVER
    return abs(second.at - first.at) < duration(reentry)


def entity_of(journey: Journey, event: dict) -> str | None:
    return event["properties"].get(ID_OF[journey.entity])


def _rows_of(journey: Journey, user_id: str, events: list[dict], as_of: datetime) -> Iterable[TriggerRow]:
    oldest = as_of - duration(f"{journey.looks_back}d")
    over = [event for event in events if event["event_name"] == f"over_{journey.name}"]
    for event in events:
        if event["event_name"] != f"began_{journey.name}" or event["occurred_at"] < oldest:
            continue
        entity = entity_of(journey, event)
        if not any(
            each["occurred_at"] >= event["occurred_at"] and entity_of(journey, each) == entity
            for each in over
        ):
            yield TriggerRow(journey.name, user_id, entity, event["event_id"], event["occurred_at"])
