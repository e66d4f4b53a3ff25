"""What befalls one generated person."""

from datetime import datetime, timedelta
from random import Random
from typing import TYPE_CHECKING

from oracle.entries import id_of
from oracle.policy import ALWAYS, NEVER, Journey, duration

if TYPE_CHECKING:
    from oracle.world import World

ZONES = (
    *("Europe/London", "Europe/Athens", "America/New_York", "Asia/Kathmandu", "Pacific/Auckland"),
    *(
        "America/St_Johns",
        "Australia/Lord_Howe",
        "Pacific/Kiritimati",
        "Europe/London",
        "UTC",
        "Mars/Olympus",
        None,
        None,
    ),
)
# Numbers that may be real, of one zone and of many.
PHONES = (
    "+4915112{:06}",
    "+447400{:06}",
    "+1202555{:04}",
    "+79161{:06}",
    "+614120{:05}",
    "+447400{:06}",
    None,
)
COUNTRIES = ("FR", "de", "US", None, None, None)
EDGES = [
    timedelta(0),
    timedelta(seconds=1),
    timedelta(seconds=-1),
    timedelta(microseconds=1),
    timedelta(microseconds=-1),
]
DAY = timedelta(days=1)


class Fate:
    """What befalls one person."""

    def __init__(
        self, world: "World", rng: Random, name: str, number: int, household: list[tuple[str, str | None]]
    ) -> None:
        self.world, self.rng, self.name, self.number = world, rng, name, number
        self.household = household
        self.kind = rng.choices(("plain", "device", "renamed"), (80, 12, 8))[0]
        self.known_at = self.moment()  # when the device or the renaming became known
        self.count = 0

    def befall(self) -> None:
        self._profiles()
        self._consents()
        self._opt_outs()
        self._segments()
        if self.kind == "device":
            self._event("identify", self.known_at, user_id=self.name, anonymous_id=f"d-{self.name}")
            if self.rng.random() < 0.3:  # somebody else uses the device later
                guest = {"user_id": f"{self.name}-guest", "anonymous_id": f"d-{self.name}"}
                self._event("identify", self.moment(), **guest)
        if self.kind == "renamed":
            self._event("alias", self.known_at, user_id=self.name, previous_id=f"{self.name}-before")
        journeys = [journey for journey in self.world.policy.journeys if not journey.schedule]
        for journey in self.rng.sample(journeys, k=min(self.rng.randint(1, 5), len(journeys))):
            self._journey(journey)

    # Times ------------------------------------------------------------------------------------

    def moment(self) -> datetime:
        """Any time from a day before the first tick to the last."""
        first, last = self.world.ticks[0] - DAY, self.world.ticks[-1]
        return first + timedelta(seconds=self.rng.randrange(int((last - first).total_seconds())))

    def near(self, moment: datetime) -> datetime:
        """At the moment, a hair beside it, or some hours off."""
        if self.rng.random() < 0.5:
            return moment + self.rng.choice(EDGES)
        return moment + timedelta(seconds=self.rng.randint(-14_400, 14_400))

    def lands(self, moment: datetime) -> int:
        """The tick that a row lands in: mostly the next, at times a late one or one before it happened."""
        ticks = self.world.ticks
        next_one = min((place for place, tick in enumerate(ticks) if tick >= moment), default=len(ticks) - 1)
        place = next_one + self.rng.choices((0, 1, 2, -1), (80, 8, 4, 8))[0]
        return min(max(place, 0), len(ticks) - 1)

    # People -----------------------------------------------------------------------------------

    def _profiles(self) -> None:
        rng = self.rng
        number = rng.choice(PHONES)
        phone = number.format(self.number) if number else None
        email = f"{self.name}@example.com"
        if self.household and rng.random() < 0.12:  # they share an inbox, a telephone or both
            other_email, other_phone = rng.choice(self.household)
            email, phone = rng.choice(
                ((other_email, phone), (email, other_phone), (other_email, other_phone))
            )
        self.household.append((email, phone))
        first = {
            "email": email if rng.random() < 0.92 else None,
            "phone": phone,
            "time_zone": rng.choice(ZONES),
            "country": rng.choice(COUNTRIES),
            "region": rng.choice(("GES", "idf", None)),
            "preferred_channel": rng.choice(("sms", "email", "rcs", "push", None, None)),
        }
        self.reached_at = [address for address in (first["email"], first["phone"]) if address]
        self._row(
            "profiles",
            self.world.ticks[0] - 9 * DAY,
            "updated_at",
            0,
            {"user_id": self._early_name(), **first},
        )
        for _ in range(rng.choices((0, 1, 2), (70, 20, 10))[0]):
            at = self.near(rng.choice(self.world.ticks)).replace(microsecond=rng.randrange(1_000_000))
            change = rng.choice((
                {"email": f"{self.name}.new@example.com"}, {"email": ""}, {"phone": ""},
                {"time_zone": rng.choice(ZONES) or ""},
                {"preferred_channel": rng.choice(("sms", "email", "rcs"))}, {"country": "FR"},
            ))  # fmt: skip
            self._row("profiles", at, "updated_at", self.lands(at), {"user_id": self.name, **change})

    def _early_name(self) -> str:
        return f"{self.name}-before" if self.kind == "renamed" else self.name

    def _consents(self) -> None:
        for channel in ("rcs", "sms", "email"):
            for purpose in ("marketing", "transactional"):
                usual = ("given", "withdrawn", None)
                weights = (75, 10, 15) if purpose == "marketing" else (10, 8, 82)
                status = self.rng.choices(usual, weights)[0]
                if status:
                    at = self.world.ticks[0] - self.rng.randint(2, 8) * DAY
                    self._consent(channel, purpose, status, at, 0)
                    if self.rng.random() < 0.06:  # two words at one moment
                        self._consent(channel, purpose, "withdrawn" if status == "given" else "given", at, 0)
                if self.rng.random() < 0.12:
                    at = self.near(self.rng.choice(self.world.ticks))
                    self._consent(
                        channel, purpose, self.rng.choice(("given", "withdrawn")), at, self.lands(at)
                    )

    def _consent(self, channel: str, purpose: str, status: str, at: datetime, tick: int) -> None:
        said = {
            "channel": channel,
            "purpose": purpose,
            "status": status,
            "consent_source": "form",
            "wording_version": "1",
        }
        name = self._early_name() if self.rng.random() < 0.5 else self.name
        self._row("consents", at, "occurred_at", tick, {"user_id": name, **said})

    def _opt_outs(self) -> None:
        """At the ledger: addresses that must not be written to, some of them freed again."""
        for address in self.reached_at:
            if self.rng.random() < 0.08:
                scope = self.rng.choice(("all", "marketing"))
                tick = self.rng.randrange(len(self.world.ticks) - 1)
                self.world.opt_outs.append({"address": address, "scope": scope, "tick": tick, "is_on": True})
                if self.rng.random() < 0.4:
                    freed = {"address": address, "scope": scope, "tick": tick + 1, "is_on": False}
                    self.world.opt_outs.append(freed)

    def _segments(self) -> None:
        nobody_before = dict(self.world.policy.nobody_before)
        for segment in self.world.policy.segments:
            for move in self.rng.choices(
                ((), ("joined",), ("joined", "left"), ("left", "joined")), (30, 40, 15, 15)
            )[0]:
                at = max(self.near(self.moment()), nobody_before.get(segment, datetime.min))
                self._event(f"{move}_{segment}", at, **self._self())

    # Journeys ---------------------------------------------------------------------------------

    def _journey(self, journey: Journey) -> None:
        began = [self._beginning(journey)]
        if self.rng.random() < 0.5:
            again = (
                duration(journey.reentry) if journey.reentry not in (ALWAYS, NEVER) else timedelta(hours=5)
            )
            began.append(self.near(began[0] + self.rng.choice((-1, 1, 1)) * again))
        entities = [self._entity(journey) for _ in range(2)]
        for at in began:
            entity = entities[0] if self.rng.random() < 0.7 else entities[1]
            self._event(f"began_{journey.name}", at, **self._self(at), **self._about(journey, entity))
            if self.rng.random() < 0.08:
                over_at = self.near(self.rng.choice((at, self.rng.choice(self.world.ticks))))
                self._event(
                    f"over_{journey.name}", over_at, **self._self(over_at), **self._about(journey, entity)
                )
            for name in journey.exit_on:
                if self.rng.random() < 0.12:
                    left_at = self.near(self.rng.choice((at, self.rng.choice(self.world.ticks))))
                    which = self.rng.choice((entity, entity, entities[1], None))
                    self._event(name, left_at, **self._self(left_at), **self._about(journey, which))

    def _beginning(self, journey: Journey) -> datetime:
        """So that a step falls due, or its time runs out, near a tick; or any time."""
        step, tick = self.rng.choice(journey.steps), self.rng.choice(self.world.ticks)
        wait, expiry = duration(step.after), duration(journey.expires_after)
        to_the_edge = (wait, wait + expiry, timedelta(days=journey.looks_back))
        return self.near(tick - self.rng.choices(to_the_edge, (85, 10, 5))[0])

    def _entity(self, journey: Journey) -> str | None:
        if journey.entity == "order_id" and self.number and self.rng.random() < 0.15:
            return f"{journey.name}-p{self.number - 1}-0"  # the neighbour's
        if journey.entity and self.rng.random() < 0.8:
            return f"{journey.name}-{self.name}-{self.rng.randrange(3)}"
        return None

    def _about(self, journey: Journey, entity: str | None) -> dict:
        return {id_of(journey): entity} if entity else {}

    def _self(self, at: datetime | None = None) -> dict:
        if self.kind == "device" and at and at < self.known_at:
            return {"anonymous_id": f"d-{self.name}"}
        if self.kind == "renamed" and at and at < self.known_at:
            return {"user_id": f"{self.name}-before"}
        return {"user_id": self.name}

    # Rows -------------------------------------------------------------------------------------

    def _event(
        self,
        name: str,
        at: datetime,
        user_id: str | None = None,
        anonymous_id: str | None = None,
        **properties,
    ) -> None:
        self.count += 1
        row = {
            "event_id": f"{self.name}-{self.count}", "event_name": name, "user_id": user_id,
            "anonymous_id": anonymous_id, "properties": properties,
        }  # fmt: skip
        self._row("events", at, "occurred_at", self.lands(at), row)
        if self.rng.random() < 0.04:  # the same event, landed once more
            self._row("events", at, "occurred_at", self.rng.randrange(len(self.world.ticks)), row)

    def _row(self, feed: str, at: datetime, time_name: str, tick: int, row: dict) -> None:
        self.world.rows[feed].append({time_name: at, "tick": tick, **row})
