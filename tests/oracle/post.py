"""The providers' part: what becomes of each planned message is drawn from its id, and the ledger is told.

The ledger is the real one and goes its own way of plan, claim, intent and record; no network is asked.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from hashlib import md5

from oracle.gates import REVOCABLE
from oracle.house import House, aware
from oracle.world import World

from dagster_project import warehouse
from senders.contract import EventKind, Message, Outcome, ProviderEvent, Request, State, Verdict
from senders.entries import Attempt, Recorded, Settlement
from senders.ledger import Ledger
from senders.revocations import Asked

FIELDS = [name for name in Message.__dataclass_fields__ if name != "content"]
# Of a hundred messages; what is left out stays planned.
ANSWERS = {
    Outcome.ACCEPTED: 68, Outcome.REJECTED: 12, Outcome.UNKNOWN: 6, Outcome.RETRY: 4, Outcome.SUPPRESSED: 3,
}  # fmt: skip
ENDS_OF_UNKNOWN = {State.ACCEPTED: 30, State.CANCELLED: 20, State.REJECTED: 20}
ENDS_OF_REVOKING = {Outcome.ACCEPTED: 70, Outcome.REJECTED: 15}
# Receipt → share of the accepted messages; each is drawn by itself.
RECEIPTS = {
    EventKind.FAILED: 5, EventKind.DELIVERED: 70, EventKind.READ: 15, EventKind.OPENED: 30,
    EventKind.CLICKED: 25, EventKind.REPLIED: 8, EventKind.BOUNCED: 3, EventKind.COMPLAINED: 2,
    EventKind.UNSUBSCRIBED: 3,
}  # fmt: skip
MACHINE_SHARE = 30
AFTER_ALL = 30  # of what failed late, before its fallback is planned; of the rest, before that goes out


def lot(*parts: str) -> int:
    """0 to 99, the same for the same words everywhere."""
    return int(md5("|".join(parts).encode()).hexdigest()[:8], 16) % 100


def drawn(shares: dict, number: int):
    for what, share in shares.items():
        number -= share
        if number < 0:
            return what
    return None


class Post:
    """Between two ticks: `deliver` after one, `hear` before the next."""

    def __init__(self, house: House, world: World) -> None:
        self.house, self.world = house, world
        self.accepted: list[tuple[str, str]] = []  # message, channel: not heard of yet
        self.taken_back: list[tuple[str, str]] = []  # said to have failed, since the last tick

    def deliver(self, as_of: datetime) -> None:
        now = aware(as_of) + timedelta(seconds=2)
        with Ledger(self.house.settings.ledger) as ledger, ledger.transaction():
            self._arrive_after_all(ledger, now, "decided")
            self._plan(ledger, aware(as_of), now)
            self._arrive_after_all(ledger, now, "planned")
            self.taken_back.clear()
            for channel in ("rcs", "sms", "email"):
                picked = ledger.claim(now, channel, 100_000, 600)
                taken = [claim for claim in picked.claims if self._answer(claim.message_id, claim.attempts)]
                left = [claim for claim in picked.claims if claim not in taken]
                ledger.release(now, left, "no time")
                ledger.record(now, [self._recorded(each, now) for each in ledger.intent(now, taken, 60)])

    def _plan(self, ledger: Ledger, as_of: datetime, now: datetime) -> None:
        with warehouse.opened(self.house.settings, read_only=True) as connection:
            rows = list(warehouse.unplanned(connection, as_of))
            stopped = warehouse.cancellations(connection)
            quiet = warehouse.postponements(connection)
        messages = [Message(**{name: row[name] for name in FIELDS}, content={}) for row in rows]
        ledger.plan(((each, each.channel, Request("POST", "/", b"{}")) for each in messages), now)
        ledger.cancel_many(sorted(stopped), now)
        ledger.ask_back_many(sorted(stopped), REVOCABLE, now)
        self._take_back(ledger, now)
        ledger.postpone_many(sorted(quiet), now + timedelta(minutes=2), now)

    def _take_back(self, ledger: Ledger, now: datetime) -> None:
        """Most are still there, some were delivered, and of some nobody hears how it went."""
        for channel in sorted(REVOCABLE):
            for each in ledger.revocations_due(now, channel, 100_000, timedelta(minutes=20)):
                outcome = drawn(ENDS_OF_REVOKING, lot(each.message_id, "taken back", str(each.attempts)))
                if outcome:
                    ledger.record_revocations(now, [Asked(each, Verdict(outcome, "drawn"))])
                if outcome is Outcome.ACCEPTED:
                    self.taken_back.append((each.message_id, channel))

    def _answer(self, message_id: str, attempts: int) -> Outcome | None:
        return drawn(ANSWERS, lot(message_id, "answer", str(attempts)))

    def _recorded(self, attempt: Attempt, now: datetime) -> Recorded:
        claim = attempt.claim
        outcome = self._answer(claim.message_id, claim.attempts) or Outcome.RETRY
        if outcome is Outcome.ACCEPTED:
            self.accepted.append((claim.message_id, claim.channel))
        waits = outcome in (Outcome.RETRY, Outcome.UNKNOWN)
        return Recorded(attempt, Verdict(outcome, "drawn"), now + timedelta(minutes=20) if waits else None)

    def hear(self, tick: int) -> None:
        """What providers and people said since the last tick, and what the ledger swept."""
        if tick == 0:
            self._opt_outs(tick)
            return
        before = self.world.ticks[tick - 1]
        now = aware(before + (self.world.ticks[tick] - before) * 0.9)
        with Ledger(self.house.settings.ledger) as ledger:
            ledger.sweep(now)
            for channel in ("rcs", "sms", "email"):
                unknown = ledger.unknown_due(now, channel, 100_000)
                ends = ((each, drawn(ENDS_OF_UNKNOWN, lot(each.message_id, "unknown"))) for each in unknown)
                ledger.settle(now, [Settlement(each, end, "found out") for each, end in ends if end])
            ledger.apply_receipts(self._receipts(before), now)
            self._routes(ledger, tick, now)
        self.accepted.clear()
        self._opt_outs(tick)

    def _arrive_after_all(self, ledger: Ledger, now: datetime, when: str) -> None:
        """While another channel's message is decided or planned already."""
        ledger.apply_receipts(
            [
                ProviderEvent(f"{each}|after all", channel, EventKind.DELIVERED, now, message_id=each)
                for each, channel in self.taken_back
                if lot(each, "after all", when) < AFTER_ALL
            ],
            now,
        )

    def _receipts(self, before: datetime) -> Iterable[ProviderEvent]:
        for message_id, channel in sorted(self.accepted):
            for place, (kind, share) in enumerate(RECEIPTS.items()):
                if lot(message_id, kind) < share:
                    if kind is EventKind.FAILED:
                        self.taken_back.append((message_id, channel))
                    yield ProviderEvent(
                        event_key=f"{message_id}|{kind}", provider=channel, kind=kind, message_id=message_id,
                        occurred_at=aware(before) + timedelta(minutes=3 + place),
                        is_machine=kind in (EventKind.OPENED, EventKind.CLICKED)
                        and lot(message_id, kind, "machine") < MACHINE_SHARE,
                    )  # fmt: skip

    def _routes(self, ledger: Ledger, tick: int, now: datetime) -> None:
        blocked = self.world.blocked_routes.get(tick)
        for provider in ledger.blocked_routes():
            if provider != blocked:
                ledger.free_route(provider, "mended", now)
        if blocked:
            ledger.block_route(blocked, blocked, "account suspended", now)

    def _opt_outs(self, tick: int) -> None:
        now = aware(self.world.ticks[tick]) - timedelta(seconds=1)
        with Ledger(self.house.settings.ledger) as ledger, ledger.transaction():
            for each in [each for each in self.world.opt_outs if each["tick"] == tick]:
                change = ledger.suppress if each["is_on"] else ledger.unsuppress
                change(each["address"], each["scope"], "asked us to", now)
