"""Entries, what they are owed, and the ids of both."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid5

from oracle.policy import Journey, Step

NAMESPACE = UUID("5e1f0b2c-9a55-5d0e-8a6f-0d0ec07e0001")


@dataclass(frozen=True)
class TriggerRow:
    journey: str
    user_id: str
    entity: str | None
    event_id: str
    at: datetime


@dataclass(frozen=True)
class Owed:
    """A step as the policy had it at entry: computed once and kept, whatever the policy says later."""

    step: str
    due_at: datetime
    expires_at: datetime
    message_class: str
    priority: int


@dataclass
class Entry:
    row: TriggerRow
    blocked_by: frozenset[str]  # the entries that each stand in the way
    owed: list[Owed]

    @property
    def entry_id(self) -> str:
        return identity(self.row.journey, self.row.user_id, self.row.entity, self.row.event_id)


@dataclass(frozen=True)
class Candidate:
    """`journey` as the policy has it now; `step` None: it has that step no more."""

    entry: Entry
    owed: Owed
    journey: Journey

    @property
    def step(self) -> Step | None:
        return next((step for step in self.journey.steps if step.name == self.owed.step), None)

    @property
    def candidate_id(self) -> str:
        return self._id(self.owed.step)

    def message_id(self, channel: str) -> str:
        return self._id(self.owed.step, channel)

    def of_step(self, step: str) -> str:
        """The candidate_id of another step of the same entry."""
        return self._id(step)

    def _id(self, step: str, *channel: str) -> str:
        row = self.entry.row
        return identity(row.journey, step, row.user_id, row.entity, row.event_id, *channel)


def identity(*parts: str | None) -> str:
    return str(uuid5(NAMESPACE, "|".join(part or "" for part in parts)))


def id_of(journey: Journey) -> str:
    """The property of an event that names what a journey is about."""
    return journey.entity or "about"


def entity_of(journey: Journey, event: dict) -> str | None:
    return event["properties"].get(id_of(journey))
