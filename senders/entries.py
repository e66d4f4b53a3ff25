"""What goes into the ledger and what comes out: the values its methods take and return."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime

from senders.contract import Request, State, Verdict

JOURNAL_COLUMNS = (
    "seq", "happened_at", "kind", "message_id", "from_state", "to_state", "is_machine",
    "candidate_id", "decision_id", "journey", "journey_version", "step", "message_class", "channel",
    "provider", "user_id", "entity_key", "event_id", "variant", "address_key", "scope", "reason",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why no request could be made of a message; it goes on record as rejected."""

    reason: str


@dataclass(slots=True)
class Planned:
    """What became of a batch; the numbers add up to how many were handed in."""

    planned: int = 0
    refused: int = 0  # no request could be made of it: rejected
    already_planned: int = 0
    candidate_taken: int = 0  # another message of the candidate was, may be or may still be sent
    without_route: int = 0  # no provider for its channel: not in the ledger

    def add(self, other: Planned) -> None:
        for item in fields(self):
            setattr(self, item.name, getattr(self, item.name) + getattr(other, item.name))


@dataclass(frozen=True, slots=True)
class Claim:
    """A message leased to one sender until `lease_until`, with the bytes that were frozen for it."""

    message_no: int
    message_id: str
    channel: str
    address: str
    attempts: int  # burnt before this claim
    expires_at: datetime
    request: Request
    token: str
    lease_until: datetime


@dataclass(frozen=True, slots=True)
class Picked:
    claims: list[Claim]
    suppressed: int = 0  # taken out of the line instead: the address was suppressed since the plan
    put_off: int = 0  # they wait because another one goes to the same person now
    unreachable: int = 0  # rejected: the provider said so of the address a short while ago
    is_day_full: bool = False  # the route warms up, and its marketing has had what it may today
    is_open: bool = False  # the route's breaker: nothing may be claimed now
    is_half_open: bool = False  # or one message, to see how the provider is

    @property
    def rows(self) -> int:
        return len(self.claims) + self.suppressed + self.put_off + self.unreachable


@dataclass(frozen=True, slots=True)
class Attempt:
    """A call that may now be made: its row is on the disk."""

    claim: Claim


@dataclass(frozen=True, slots=True)
class Recorded:
    """How an attempt ended. `wake_at`: the next attempt (RETRY) or the first look-up (UNKNOWN).
    `learns_id`: what comes later may name the message by the provider's id alone."""

    attempt: Attempt
    verdict: Verdict
    wake_at: datetime | None = None
    learns_id: bool = True


@dataclass(frozen=True, slots=True)
class Unknown:
    """A message that may have been sent and whose turn to be looked into has come."""

    message_no: int
    message_id: str
    address: str
    attempts: int
    provider_message_id: str | None
    on_unknown: str
    unknown_since: datetime
    expires_at: datetime
    first_sent_at: datetime


@dataclass(frozen=True, slots=True)
class Settlement:
    """What becomes of an unknown outcome. State UNKNOWN with a later `wake_at`: look again then.

    `resend_until`: it is sent again because a repetition is harmless, which ends then.
    `has_lost_attempt`: nobody will ever know how the attempt ended, so a copy may be out there.
    """

    unknown: Unknown
    state: State
    reason: str
    wake_at: datetime | None = None
    provider_message_id: str | None = None
    resend_until: datetime | None = None
    has_lost_attempt: bool = False


@dataclass(frozen=True, slots=True)
class Swept:
    released: int  # claimed and never sent: planned again
    unknown: int  # in flight, and nobody recorded the end; or an open attempt not repeated in time
    expired: int


@dataclass(slots=True)
class Applied:
    """What became of a batch of receipts; the three add up to how many were handed in."""

    taken: int = 0
    waiting: int = 0  # stored; the message they are about is not known yet
    repeated: int = 0
