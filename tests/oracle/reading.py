"""An independent reading of DESIGN §4 and docs/journeys.md: what each person is owed, one at a time.

Written from the documents and not from the SQL: where both agree they do not share a mistake.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from oracle.clock import next_time
from oracle.draws import Lots, experiments
from oracle.entries import Candidate, Entry, Owed, TriggerRow, entity_of
from oracle.gates import judge
from oracle.look import Look, Verdict
from oracle.people import People
from oracle.policy import ALWAYS, NEVER, Journey, Policy, duration
from oracle.sent import Books


class Reading:
    """Remembers what it decided, as the warehouse does; `tick` decides what is due at `as_of`."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.entries: list[Entry] = []
        self.final: set[str] = set()  # candidates that ended in a suppress
        self.lots = Lots()

    def tick(self, as_of: datetime, rows: dict[str, list[dict]], journal: list[dict]) -> list[Verdict]:
        people, books = People(rows, as_of), Books(journal)
        triggered = self.triggered(people, as_of)
        self._enter(triggered, people)
        due = [
            each for each in self._candidates() if each.owed.due_at <= as_of and self._is_open(each, books)
        ]
        look = Look(self.policy, as_of, people, books, triggered, self.lots)
        whose = ((people.person(people.now(each.entry.row.user_id)), each) for each in due)
        verdicts = judge(look, whose)
        self._keep_lots(verdicts, people, as_of)
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
            owed = [] if blocking else _owed(self.policy.journey(row.journey), row, people)
            entry = Entry(row, frozenset(each.entry_id for each in blocking), owed)
            earlier.append(entry)
            self.entries.append(entry)

    def _keep_lots(self, verdicts: list[Verdict], people: People, as_of: datetime) -> None:
        """From the first exposure on."""
        for verdict in verdicts:
            if verdict.is_exposed:
                for each in experiments(self.policy, verdict.candidate.journey):
                    self.lots.keep(each, people, verdict.person, verdict.arms[each.name], as_of)

    def _candidates(self) -> Iterable[Candidate]:
        for entry in self.entries:
            journey = self.policy.journey(entry.row.journey)
            yield from (Candidate(entry, owed, journey) for owed in entry.owed)

    def _is_open(self, candidate: Candidate, books: Books) -> bool:
        """Nothing final was said, and no message of it is, was or may be on its way."""
        sent = books.of_candidate.get(candidate.candidate_id, [])
        return candidate.candidate_id not in self.final and all(each.is_refused for each in sent)


def _owed(journey: Journey, row: TriggerRow, people: People) -> list[Owed]:
    zone, owed = people.person(people.now(row.user_id)).time_zone or "UTC", []
    for step in journey.steps:
        waited = row.at + duration(step.after)
        due_at = next_time(waited, step.at, zone) if step.at else waited
        expires_at = due_at + duration(journey.expires_after)
        owed.append(Owed(step.name, due_at, expires_at, journey.message_class, journey.priority))
    return owed


def _about(row: TriggerRow, people: People) -> tuple[str, str, str]:
    return row.journey, people.now(row.user_id), row.entity or ""


def _is_within(reentry: str, first: TriggerRow, second: TriggerRow) -> bool:
    if reentry in (ALWAYS, NEVER):
        return reentry == NEVER
    return abs(second.at - first.at) < duration(reentry)


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
