"""An independent reading of DESIGN §4 and docs/journeys.md: what each person is owed, one at a time.

Written from the documents and not from the SQL: where both agree they do not share a mistake.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from oracle.campaigns import runs
from oracle.clock import next_time
from oracle.draws import Lots, experiments
from oracle.entries import Candidate, Entry, Owed, TriggerRow, entity_of
from oracle.gates import cancelled, judge
from oracle.limits import postponed
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
        self.kept_back: list[
            Verdict
        ] = []  # what a holdout alone stopped: it fills caps as if it had been sent
        self.looked_at: datetime | None = None
        self.postponed: set[str] = set()  # messages that the last look let wait on
        self.cancelled: set[str] = set()  # and those that it stopped

    def tick(self, as_of: datetime, rows: dict[str, list[dict]], journal: list[dict]) -> list[Verdict]:
        people, books = People(rows, as_of), Books(journal)
        look = Look(self.policy, as_of, people, books, self.lots, self.kept_back)
        look.triggered = self.triggered(look)
        self._enter(look)
        due = [
            each for each in self._candidates() if each.owed.due_at <= as_of and self._is_open(each, books)
        ]
        whose = ((people.person(people.now(each.entry.row.user_id)), each) for each in due)
        verdicts = judge(look, whose)
        self.looked_at = as_of
        self.postponed = postponed(look)
        self.cancelled = cancelled(look, self._candidates())
        self._keep_lots(verdicts, people, as_of)
        self.kept_back += [each for each in verdicts if each.is_holdout and each.is_exposed]
        self.final |= {each.candidate_id for each in verdicts if each.outcome == "suppress"}
        return verdicts

    def triggered(self, look: Look) -> set[TriggerRow]:
        """Whose condition holds now."""
        found = {
            row
            for user_id, events in look.people.events_of.items()
            for journey in self.policy.journeys
            for row in _rows_of(journey, user_id, events, look.as_of)
        }
        for journey in [journey for journey in self.policy.journeys if journey.schedule]:
            for run in runs(journey, look.as_of):
                event_id = f"schedule:{run:%Y-%m-%dT%H:%M:%SZ}"
                for user_id in look.members.get(journey.segment or "", ()):
                    found.add(TriggerRow(journey.name, user_id, None, event_id, run))
        return found

    def _is_first_look(self, row: TriggerRow, as_of: datetime) -> bool:
        """Who is in the segment at the first look after a run enters, and nobody later or too late."""
        journey = self.policy.journey(row.journey)
        is_new = self.looked_at is None or self.looked_at < row.at
        return not journey.schedule or (is_new and as_of <= row.at + duration(journey.expires_after))

    def _enter(self, look: Look) -> None:
        """Re-entry counts in exact seconds from entry, whichever of two landed first."""
        people, made, known = look.people, [], defaultdict(list)
        for entry in self.entries:
            known[_about(entry.row, people)].append(entry)
        for row in sorted(look.triggered, key=lambda row: (row.at, row.event_id)):
            earlier = known[_about(row, people)]
            is_known = any(entry.row.event_id == row.event_id for entry in earlier)
            if is_known or not self._is_first_look(row, look.as_of):
                continue
            reentry = self.policy.journey(row.journey).reentry
            entered = [entry for entry in earlier if not entry.blocked_by]
            blocking = [entry for entry in entered if _is_within(reentry, entry.row, row)]
            blocking += self._told_of_the_order(row, look)
            owed = [] if blocking else _owed(self.policy.journey(row.journey), row, people)
            entry = Entry(row, frozenset(each.entry_id for each in blocking), owed)
            earlier.append(entry)
            made.append(entry)
        self.entries += made

    def _keep_lots(self, verdicts: list[Verdict], people: People, as_of: datetime) -> None:
        """From the first exposure on."""
        for verdict in verdicts:
            if verdict.is_exposed:
                for each in experiments(self.policy, verdict.candidate.journey):
                    self.lots.keep(each, people, verdict.person, verdict.arms[each.name], as_of)

    def _told_of_the_order(self, row: TriggerRow, look: Look) -> list[Entry]:
        """What is about an order is said once, whoever the order turns out to belong to."""
        journey, people = self.policy.journey(row.journey), look.people
        if journey.entity != "order_id" or (row.journey, row.entity) not in look.said:
            return []
        about_it = (each for each in self.entries if not each.blocked_by)
        of_others = (
            each for each in about_it if (each.row.journey, each.row.entity) == (row.journey, row.entity)
        )
        return [each for each in of_others if people.now(each.row.user_id) != row.user_id]

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
