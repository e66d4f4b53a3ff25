"""The ledger of what was sent: the only thing that knows it, and the one door to it for every room.

Senders use what `outbound.py` adds; receivers hand in receipts and opt-outs; the tick copies the
journal and asks whether there is work; a person blocks, stops and decides what nobody can tell.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from senders import receipts
from senders.breaker import as_of
from senders.contract import ProviderEvent, State
from senders.entries import JOURNAL_COLUMNS, Applied
from senders.outbound import Outbound
from senders.receipts import address_key
from senders.store import Beside, LedgerError, to_moment, to_text

__all__ = ["JOURNAL_COLUMNS", "Ledger", "LedgerError", "address_key"]

# Far longer than the tick that runs when somebody says no; the next one knows the consent that landed.
REFUSAL_HOLDS = timedelta(days=1)
_IS_MACHINE = JOURNAL_COLUMNS.index("is_machine")


class Ledger(Outbound):
    """One connection to the ledger's file or server, for one thread; a context manager.

    `now` is an aware datetime. Raises LedgerError when it cannot be opened, sqlite3.IntegrityError
    naming the constraint when a change would break a rule of the ledger, sqlite3.OperationalError
    when another process keeps it locked for longer than BUSY_SECONDS, or the server is away.
    """

    # What receivers hand in ------------------------------------------------------------------

    def apply_receipts(self, events: Iterable[ProviderEvent], now: datetime | None = None) -> Applied:
        """Store what providers said, each thing once, and move messages forward. Without `now`,
        the wall clock: receipts come in real time."""
        with self.transaction():
            return receipts.apply(self, events, now or datetime.now(UTC))

    def suppress(self, address: str, scope: str, reason: str, now: datetime) -> bool:
        """Send nothing (`all`) or no marketing (`marketing`) to an address; False: it was so already."""
        values = {"address_key": address_key(address), "scope": scope, "reason": reason, "message_no": None}
        with self.transaction():
            return self.change("suppress", {**values, "now": to_text(now)}) > 0

    def unsuppress(self, address: str, scope: str, reason: str, now: datetime) -> bool:
        """Lift a suppression; False: there was none."""
        values = {"address_key": address_key(address), "scope": scope, "reason": reason, "now": to_text(now)}
        with self.transaction():
            return self.change("unsuppress", values) > 0

    def refuse(self, user_id: str, channel: str, message_class: str, reason: str, now: datetime) -> None:
        """A person's "no" to a channel for one class; stops what was decided before it was a consent."""
        values = {"user_id": user_id, "channel": channel, "message_class": message_class, "reason": reason}
        until = to_text(now + REFUSAL_HOLDS)
        with self.transaction():
            self.run("refuse", {**values, "now": to_text(now), "holds_until": until})

    def lift_refusal(
        self, user_id: str, channel: str, message_class: str, reason: str, now: datetime
    ) -> bool:
        """The same person's "yes"; False: there was no refusal."""
        values = {"user_id": user_id, "channel": channel, "message_class": message_class, "reason": reason}
        with self.transaction():
            return self.change("lift_refusal", {**values, "now": to_text(now)}) > 0

    # What a person or a configuration error decides ------------------------------------------

    def block_route(self, provider: str, channel: str, reason: str, now: datetime) -> bool:
        """Send nothing through a provider until `free_route`; False: it was blocked already."""
        values = {"provider": provider, "channel": channel, "reason": reason, "now": to_text(now)}
        with self.transaction(Beside.SENDERS):  # a sender blocks its route while it records
            return self.change("block_route", values) > 0

    def pause_route(self, provider: str, until: datetime) -> bool:
        """Send nothing through a provider before `until`; False: it is paused for longer."""
        values = {"provider": provider, "until": to_text(until)}
        with self.transaction(Beside.SENDERS):
            return self.change("pause_route", values) > 0

    def free_route(self, provider: str, reason: str, now: datetime) -> bool:
        """Neither blocked nor paused any more, whatever paused it; False: it was neither."""
        values = {"provider": provider, "reason": reason, "now": to_text(now)}
        with self.transaction():
            was_open = self.breaker(provider).openings > 0
            self.close_breaker(provider)
            was_paused = self.change("end_pause", {"provider": provider, "now": values["now"]}) > 0
            return self.change("free_route", values) > 0 or was_open or was_paused

    def blocked_routes(self) -> dict[str, str]:
        """provider → why its route is blocked."""
        return {row["provider"]: row["reason"] for row in self.run("blocked_routes")}

    def routes(self) -> list[dict[str, Any]]:
        """provider, channel, is_blocked, reason, changed_at (text), backlog (messages) of each route that
        ever had a message; where its breaker is open, or half open, open_until and first_failed_at (text),
        failures (in a row) and failing_because; paused_until (text) where its provider ever asked."""
        rows = [dict(row) for row in self.run("routes")]
        return [{**row, "is_blocked": bool(row["is_blocked"])} for row in rows]

    def stop(self, scope: str, name: str, reason: str, now: datetime) -> None:
        """The kill switch: scope `all` (name empty), `route` (a provider) or `journey`."""
        self._turn_switch(scope, name, True, reason, now)

    def start(self, scope: str, name: str, reason: str, now: datetime) -> None:
        """Undo `stop` of the same scope and name."""
        self._turn_switch(scope, name, False, reason, now)

    def _turn_switch(self, scope: str, name: str, is_stopped: bool, reason: str, now: datetime) -> None:
        values = {"scope": scope, "name": name, "is_stopped": int(is_stopped), "reason": reason}
        with self.transaction():
            self.run("turn_switch", {**values, "now": to_text(now)})

    def stopped_switches(self) -> list[tuple[str, str, str]]:
        """(scope, name, reason) of every switch that stops something."""
        return [tuple(row) for row in self.run("stopped_switches")]

    def started_at(self, scope: str, name: str) -> datetime | None:
        """When what was stopped was started again; None: it is stopped, or never was."""
        text = self.value("started_at", {"scope": scope, "name": name})
        return None if text is None else to_moment(text)

    def held(self, limit: int) -> list[dict[str, Any]]:
        """The newest messages that wait for a person's decision: message_id, user_id, journey, step,
        channel, provider, reason, held_at and expires_at (text)."""
        return [dict(row) for row in self.run("held", {"limit": limit})]

    def decide_held(self, message_id: str, *, is_sent_again: bool, reason: str, now: datetime) -> bool:
        """A person decides about a HELD message: send it once more, or give it up; False: not held."""
        state = State.RETRY_WAIT if is_sent_again else State.CANCELLED
        values = {"message_id": message_id, "state": state, "reason": reason, "now": to_text(now)}
        with self.transaction():
            return (
                self.change("decide_held", {**values, "wake_at": values["now"] if is_sent_again else None})
                > 0
            )

    def held_by_rule(self, journey: str = "", provider: str = "", reason: str = "") -> list[str]:
        """The held messages of a journey, a provider, a reason; of all where none is named."""
        values = {"journey": journey, "provider": provider, "reason": reason}
        return [row["message_id"] for row in self.run("held_by_rule", values)]

    def scrub(self) -> list[str]:
        """Write the ledger anew without what was deleted or overwritten; says what could not be done."""
        return self._base.scrub()

    def clock_is_off_by(self) -> float:
        """Seconds that this machine's clock is ahead of the one of the ledger's server; 0 for a file."""
        if not self.is_shared:
            return 0.0
        asked_at = time.time()
        server = float(self.value("server_time"))
        return (asked_at + time.time()) / 2 - server

    # What the tick asks ----------------------------------------------------------------------

    def has_work(self, now: datetime, providers: Iterable[str] | None = None) -> bool:
        """Is there anything to send, to sweep, to expire or to look into at `now`? A few index seeks.
        `providers`: those that a route uses; without it, any."""
        routed = None if providers is None else json.dumps(sorted(providers))
        return bool(self.value("has_work", {**as_of(now), "providers": routed}))

    def next_attempt_at(self, now: datetime) -> datetime | None:
        """When, after `now`, the ledger has work next by itself; None: not before something is planned."""
        text = self.value("next_attempt_at", as_of(now))
        return None if text is None else to_moment(text)

    def next_retry_at(self, provider: str, now: datetime, until: datetime) -> datetime | None:
        """When a provider's next retry is due, or was; None: not before `until`."""
        values = {"provider": provider, "now": to_text(now), "until": to_text(until)}
        text = self.value("next_retry_at", values)
        return None if text is None else to_moment(text)

    def journal_since(self, seq: int, limit: int) -> Iterator[tuple[Any, ...]]:
        """The next `limit` journal rows after `seq`, as tuples of JOURNAL_COLUMNS (`happened_at` as text,
        `is_machine` as a boolean or None). The rows are read at once: no reader is left open.
        No row before the last one is still to come, whoever else is writing."""
        until = self.settled("last_seq")
        if until <= seq:  # most often there is no news
            return
        for row in self.run("journal_since", {"seq": seq, "until": until, "limit": limit}).fetchall():
            values = list(row)
            values[_IS_MACHINE] = None if values[_IS_MACHINE] is None else bool(values[_IS_MACHINE])
            yield tuple(values)

    def refused_since(self, seq: int) -> int:
        """How many messages came to a terminal no after `seq`: another channel may take their place."""
        return int(self.value("refused_since", {"seq": seq}))

    def last_seq(self) -> int:
        """The journal's last number; 0 while it is empty."""
        return int(self.value("last_seq"))

    def counts(self) -> dict[State, int]:
        """How many messages stand in each state that has any. Reads every message: not for a tick."""
        return {State(row[0]): row[1] for row in self.run("counts")}
