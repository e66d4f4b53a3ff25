"""What a message, a provider and an answer are: the words every sender shares.

A provider file answers five questions and owns nothing else: what is the request, what does
this answer mean, is this receipt genuine, what does it say, and what can this provider do.
The order of operations (plan, claim, intent, send, record) is `delivery.py`'s alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from senders.warm_up import WarmUp

CHANNELS = ("rcs", "sms", "email", "whatsapp", "push", "webhook")


class State(StrEnum):
    """Where a message stands; `sql/ledger/ddl/sqlite.sql` holds the allowed moves."""

    PLANNED = "planned"
    CLAIMED = "claimed"
    IN_FLIGHT = "in_flight"
    RETRY_WAIT = "retry_wait"  # known not sent; waits for its next attempt
    UNKNOWN = "unknown"  # may have been sent; never straight back to send
    ACCEPTED = "accepted"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    REJECTED = "rejected"
    SUPPRESSED = "suppressed"
    ROUTE_BLOCKED = "route_blocked"
    HELD = "held"  # outcome unknown and nobody can tell: a person decides
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    FAILED_LATE = "failed_late"  # accepted first, refused afterwards


class Outcome(StrEnum):
    """What one attempt came to, in our words."""

    ACCEPTED = "accepted"
    RETRY = "retry"  # the provider documents that it did not process the call
    REJECTED = "rejected"  # this message will never be taken
    SUPPRESSED = "suppressed"  # this address must not be tried again
    ROUTE_BLOCKED = "route_blocked"  # the account or configuration is wrong: no attempt burnt
    UNKNOWN = "unknown"  # no clear answer: it may have been sent


class EventKind(StrEnum):
    """What a receipt says. The first block moves the state, the second is engagement."""

    ACCEPTED = "accepted"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"  # terminal negative after acceptance
    DEFERRED = "deferred"
    OPENED = "opened"
    CLICKED = "clicked"
    REPLIED = "replied"
    BOUNCED = "bounced"  # hard: also suppresses the address
    COMPLAINED = "complained"  # also suppresses the address
    UNSUBSCRIBED = "unsubscribed"  # also suppresses for marketing; for all where it was an opt-out word


@dataclass(frozen=True, slots=True)
class Message:
    """One row of the outbox with its rendered content, ready to plan.

    `content` is what `rendering.render` made for the channel (see its docstring);
    times are aware UTC datetimes.
    """

    message_id: str
    candidate_id: str
    decision_id: str
    journey: str
    journey_version: str
    step: str
    message_class: str  # transactional | marketing
    channel: str
    user_id: str
    entity_key: str | None
    event_id: str
    variant: str | None
    priority: int
    address: str
    content: Mapping[str, Any]
    due_at: datetime
    expires_at: datetime
    on_unknown: str = "hold"  # hold | drop | resend


@dataclass(frozen=True, slots=True)
class Request:
    """The bytes that every attempt sends. No secret in it: `authorize` adds those per call."""

    method: str
    path: str  # below the provider's base URL
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes
    is_complete: bool = True  # False: the status came, the body was cut off


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an answer means. `reason` is one of our words, `raw` keeps the provider's."""

    outcome: Outcome
    reason: str
    provider_message_id: str | None = None
    retry_after_seconds: float | None = None
    raw: str = ""


@dataclass(frozen=True, slots=True)
class RawWebhook:
    """A receipt as it came in: `url` as the provider signed it, raw body bytes."""

    url: str
    headers: Mapping[str, str]  # names in lower case
    body: bytes


@dataclass(frozen=True, slots=True)
class ProviderEvent:
    """One thing a receipt said. `event_key` is the same for every repetition of it."""

    event_key: str
    provider: str
    kind: EventKind
    occurred_at: datetime
    message_id: str | None = None  # ours, where the provider echoes it
    provider_message_id: str | None = None
    address: str | None = None
    reason: str = ""
    is_machine: bool = False  # a scanner or a privacy proxy, not a person
    button: str = ""  # our word behind the button that a person touched; what they wrote stays in `raw`
    raw: str = ""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What the provider can do about a message whose outcome is unknown, and how fast."""

    dedupe_seconds: int = 0  # it ignores a repeated id for so long; 0 = it does not
    echoes_message_id: bool = False  # receipts carry our id
    names_ours_alone: bool = False  # no receipt, look-up or reply needs its own id: the attempt keeps it
    can_look_up: bool = False
    can_revoke: bool = False  # it takes back what waits for its person: see `Revoker`
    has_receipts: bool = True
    signs_receipts: bool = True  # False: a password proves who sends a receipt, nothing proves its bytes
    messages_per_second: float = 50.0
    pair_seconds: float = 0.0  # what it wants between two messages to the same person
    unreachable_seconds: float = 0.0  # so long a "not reachable on this channel" holds, without asking again
    warm_up: WarmUp | None = None  # of a new sender; never from a provider's file


class CredentialsRefused(Exception):
    """Raised by `authorize`: the account says no. The route is blocked, no attempt is burnt.

    Whatever else `authorize` raises happened before the message left: it is known not sent.
    """


class Provider(Protocol):
    """One provider, one file. Pure but for `authorize`, which may fetch a token.

    Where a provider asks for it, its file has besides:
    `sign(request) -> Mapping[str, str]`: headers of this very call, made anew for every attempt;
    `async prepare(webhook) -> bool`: fetch what verifying a receipt needs; False: not now; raises nothing;
    `challenge(webhook) -> bytes | None`: what to answer when it checks that the address is ours.
    """

    name: str
    channel: str
    base_url: str
    capabilities: Capabilities

    def request(self, message: Message) -> Request: ...

    async def authorize(self, client: Any) -> Mapping[str, str]:
        """Headers with the secret, added to each call; never stored or logged.

        `client` has httpx.AsyncClient's `post`. Raises CredentialsRefused, or what `post` raises.
        """
        ...

    def judge(self, answer: Answer) -> Verdict: ...

    def look_up(self, message_id: str, address: str, provider_message_id: str | None) -> Request | None:
        """The question "did you take this message?", or None where it cannot be asked."""
        ...

    def judge_look_up(self, message_id: str, answer: Answer) -> Verdict | None:
        """Verdict of a look-up; None when the provider cannot tell yet."""
        ...

    def verify(self, webhook: RawWebhook) -> bool: ...

    def events(self, webhook: RawWebhook) -> Sequence[ProviderEvent]: ...


class Revoker(Protocol):
    """What the file of a provider that `can_revoke` has besides. To take back twice harms nobody."""

    def revoke(self, message_id: str, address: str, provider_message_id: str | None) -> Request:
        """Take this message back, unless it was delivered."""
        ...

    def judge_revoke(self, answer: Answer) -> Verdict:
        """ACCEPTED: it is taken back. REJECTED: it is not and never will be. Anything else: ask again."""
        ...
