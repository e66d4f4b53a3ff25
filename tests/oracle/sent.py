"""What the ledger's journal says of messages, addresses and routes."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

# Refused for good, so that another channel may be tried.
REFUSED = {"rejected", "suppressed", "failed_late"}
# Certainly never sent, beside those.
NEVER_SENT = {"expired", "cancelled"}
PROVEN_BY = {
    "sent": {"accepted", "sent", "delivered", "read"},
    "delivered": {"delivered", "read"},
    "opened": {"read"},
}
MAYBE_SENT = {"unknown", "held"}


@dataclass
class Sent:
    """One message of the ledger."""

    row: dict
    planned_at: datetime
    states: list[str] = field(default_factory=list)
    left_at: list[datetime] = field(default_factory=list)  # attempts
    did: set[str] = field(default_factory=set)  # what the person did; a machine's doing does not count

    @property
    def state(self) -> str:
        return self.states[-1]

    @property
    def is_refused(self) -> bool:
        return self.state in REFUSED

    @property
    def gives_slot_back(self) -> bool:
        """A permanent failure; what may have been sent is none."""
        never = self.state in NEVER_SENT and not MAYBE_SENT & set(self.states)
        return self.is_refused or never

    def came_to(self, what: str) -> bool:
        """sent | delivered | opened | clicked | replied. What is reached stays; a read is an opening."""
        if what in PROVEN_BY:
            return bool(PROVEN_BY[what] & set(self.states)) or what in self.did
        return what in self.did


class Books:
    """The journal, read up to now."""

    def __init__(self, journal: Iterable[dict]) -> None:
        self.messages: dict[str, Sent] = {}
        self.of_candidate: dict[str, list[Sent]] = defaultdict(list)
        self._suppressions: dict[tuple[str, str], bool] = {}
        self._routes: dict[str, dict[str, bool]] = defaultdict(dict)
        for row in journal:
            getattr(self, f"_{row['kind']}")(row)

    def _state(self, row: dict) -> None:
        if row["message_id"] not in self.messages:
            sent = self.messages[row["message_id"]] = Sent(row, row["happened_at"])
            self.of_candidate[row["candidate_id"]].append(sent)
        sent = self.messages[row["message_id"]]
        sent.states.append(row["to_state"])
        if row["to_state"] == "in_flight":
            sent.left_at.append(row["happened_at"])

    def _engagement(self, row: dict) -> None:
        if not row["is_machine"]:
            self.messages[row["message_id"]].did.add(row["to_state"])

    def _suppression(self, row: dict) -> None:
        self._suppressions[row["address_key"], row["scope"]] = row["to_state"] == "suppressed"

    def _route(self, row: dict) -> None:
        self._routes[row["channel"]][row["provider"]] = row["to_state"] == "blocked"

    def is_suppressed(self, address: str, message_class: str) -> bool:
        scopes = ("all", "marketing") if message_class == "marketing" else ("all",)
        return any(self._suppressions.get((address, scope), False) for scope in scopes)

    def is_route_blocked(self, channel: str) -> bool:
        return any(self._routes[channel].values())
