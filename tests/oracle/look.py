"""What a tick's candidates are judged with, and what comes out of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from oracle.draws import Lots, experiments
from oracle.entries import Candidate, TriggerRow
from oracle.people import People, Person
from oracle.policy import Journey, Policy
from oracle.sent import Books, Sent

ORDER = (
    *("suppressed", "no_address", "undeliverable", "no_consent", "exited", "condition_not_met", "expired"),
    *("holdout", "quiet_hours", "outranked", "capped", "route_blocked"),
)
WAITS = {"quiet_hours", "outranked", "route_blocked"}


@dataclass
class Look:
    """What everybody's candidates of one tick are judged with."""

    policy: Policy
    as_of: datetime
    people: People
    books: Books
    lots: Lots
    kept_back: Sequence["Verdict"] = ()  # earlier, by a holdout and nothing else
    triggered: set[TriggerRow] = field(default_factory=set)

    def arms(self, person: Person, journey: Journey) -> dict[str, str]:
        """Experiment → arm."""
        return {
            each.name: self.lots.arm(each, self.people, person) for each in experiments(self.policy, journey)
        }

    @cached_property
    def holding(self) -> set[tuple[str, str, str | None]]:
        return {(row.journey, row.user_id, row.entity) for row in self.triggered}

    @cached_property
    def sent_to(self) -> dict[str, list[Sent]]:
        found: dict[str, list[Sent]] = {}
        for sent in self.books.messages.values():
            found.setdefault(self.people.now(sent.row["user_id"]), []).append(sent)
        for user_id, _, sent in self._as_if_sent:
            found.setdefault(user_id, []).append(sent)
        return found

    @cached_property
    def sent_to_address(self) -> dict[str, list[Sent]]:
        found: dict[str, list[Sent]] = {}
        for sent in self.books.messages.values():
            found.setdefault(sent.row["address_key"], []).append(sent)
        for _, address, sent in self._as_if_sent:
            found.setdefault(address, []).append(sent)
        return found

    @cached_property
    def _as_if_sent(self) -> list[tuple[str, str | None, Sent]]:
        """To whom and where it would go now: nothing of it is in the ledger."""
        found = []
        for verdict in self.kept_back:
            user_id = self.people.now(verdict.person.user_id)
            address = self.people.person(user_id).address(verdict.channel)
            found.append((user_id, address, Sent(verdict.row, verdict.decided_at, ["planned"])))
        return found

    def count(self, verdict: "Verdict") -> None:
        """A message of this very tick, beside those that the ledger knows."""
        sent = Sent(verdict.row, self.as_of, ["planned"])
        self.sent_to.setdefault(verdict.person.user_id, []).append(sent)
        self.sent_to_address.setdefault(verdict.address, []).append(sent)

    @cached_property
    def said(self) -> set[tuple[str, str | None]]:
        """(journey, entity) of what went out, is on its way or may have been sent."""
        standing = (sent.row for sent in self.books.messages.values() if not sent.gives_slot_back)
        return {(row["journey"], row["entity_key"]) for row in standing if row["entity_key"]}

    @cached_property
    def members(self) -> dict[str, set[str]]:
        """segment → who is in it: the last move was a joining."""
        last: dict[tuple[str, str], tuple] = {}
        for event in self.people.events:
            move, _, segment = event["event_name"].partition("_")
            if move in ("joined", "left"):
                key = segment, self.people.doer(event)
                word = event["occurred_at"], event["event_id"], move
                last[key] = max(last.get(key, word), word)
        members: dict[str, set[str]] = {}
        for (segment, user_id), (_, _, move) in last.items():
            if move == "joined":
                members.setdefault(f"seg_{segment}", set()).add(user_id)
        return members


@dataclass
class Verdict:
    """`blocking`: by gate, whatever may be named as standing in the way."""

    candidate: Candidate
    person: Person
    channel: str | None
    failing: dict[str, set[str]] = field(default_factory=dict)
    arms: dict[str, str] = field(default_factory=dict)
    decided_at: datetime = datetime.min

    @property
    def row(self) -> dict:
        """What caps ask of a message."""
        return {
            "message_class": self.candidate.owed.message_class,
            "channel": self.channel,
            "journey": self.candidate.journey.name,
        }

    @property
    def candidate_id(self) -> str:
        return self.candidate.candidate_id

    @property
    def is_holdout(self) -> bool:
        return "holdout" in self.failing

    @property
    def variant(self) -> str | None:
        return self.arms.get("variant")

    @property
    def template(self) -> str:
        of_variant = {each.name: dict(each.templates) for each in self.candidate.journey.variants}
        return of_variant.get(self.variant, {}).get(self.candidate.owed.step, "letter")

    @property
    def what(self) -> str:
        return f"{self.candidate.journey.name}.{self.candidate.owed.step}"

    @property
    def gates(self) -> list[str]:
        return [gate for gate in ORDER if gate in self.failing]

    @property
    def reason(self) -> str:
        """The first failing gate; a held-out person waits exactly when everybody else does."""
        others = [gate for gate in self.gates if gate != "holdout"]
        if "holdout" in self.failing and others and others[0] in WAITS:
            return others[0]
        return self.gates[0] if self.gates else "due"

    @property
    def outcome(self) -> str:
        return {"due": "send"}.get(self.reason, "hold" if self.reason in WAITS else "suppress")

    @property
    def is_exposed(self) -> bool:
        return self.gates in ([], ["holdout"])

    @property
    def address(self) -> str | None:
        return self.person.address(self.channel) if self.channel else None

    @property
    def message_id(self) -> str | None:
        return self.candidate.message_id(self.channel) if self.channel else None
