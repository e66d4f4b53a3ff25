"""Who is in which arm of an experiment: by a hash of the contact address, kept from the first exposure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from hashlib import md5

from oracle.people import People, Person
from oracle.policy import Journey, Policy

HELD_OUT, OPEN, CLOSED = "held_out", "open", "closed"
BUCKETS = 10_000


@dataclass(frozen=True)
class Experiment:
    """`journey`: what it belongs to, empty for all of marketing. `arms`: with the bucket each ends before."""

    name: str
    journey: str
    salt: str
    arms: tuple[tuple[str, int], ...]

    def arm_of(self, cluster_id: str) -> str:
        bucket = int(md5(f"{self.salt}|{cluster_id}".encode()).hexdigest()[:8], 16) % BUCKETS
        return next(arm for arm, end in self.arms if bucket < end)


def experiments(policy: Policy, journey: Journey) -> list[Experiment]:
    """A share of nothing is no experiment, and neither is a ramp that is open to all."""
    name, found = journey.name, []
    if journey.holdout:
        found.append(Experiment("holdout", name, name, _arms((HELD_OUT, journey.holdout), (OPEN, 1))))
    if policy.global_holdout and journey.message_class == "marketing":
        arms = _arms((HELD_OUT, policy.global_holdout), (OPEN, 1))
        found.append(Experiment("global_holdout", "", "all marketing", arms))
    if journey.rollout < 1:
        arms = _arms((OPEN, journey.rollout), (CLOSED, 1))
        found.append(Experiment("rollout", name, f"rollout|{name}", arms))
    if journey.variants:
        total, weight, ends = sum(each.weight for each in journey.variants), 0, []
        for variant in journey.variants:
            weight += variant.weight
            ends.append((variant.name, weight / total))
        found.append(Experiment("variant", name, f"variant|{name}", _arms(*ends)))
    return found


def _arms(*shares: tuple[str, float]) -> tuple[tuple[str, int], ...]:
    return tuple((arm, round(share * BUCKETS)) for arm, share in shares)


@dataclass(frozen=True, order=True)
class Draw:
    """Once drawn; the older of two holds."""

    at: datetime
    user_id: str
    arm: str


class Lots:
    """What was drawn and kept: by person, who may change names, and by address."""

    def __init__(self) -> None:
        self._by_person: dict[tuple[str, str, str], list[Draw]] = {}
        self._by_address: dict[tuple[str, str, str], list[Draw]] = {}

    def arm(self, experiment: Experiment, people: People, person: Person) -> str:
        """Their own from before; else what was drawn for their address; else by the hash."""
        kept = self._own(experiment, people, person) or self._of_address(experiment, person)
        return min(kept).arm if kept else experiment.arm_of(person.cluster_id)

    def _own(self, experiment: Experiment, people: People, person: Person) -> list[Draw]:
        ids = (person.user_id, *people.former.get(person.user_id, ()))
        draws = (self._by_person.get((experiment.name, experiment.journey, each), []) for each in ids)
        return _still_there(experiment, (draw for of_id in draws for draw in of_id))

    def _of_address(self, experiment: Experiment, person: Person) -> list[Draw]:
        key = experiment.name, experiment.journey, person.cluster_id
        return _still_there(experiment, self._by_address.get(key, []))

    def keep(self, experiment: Experiment, people: People, person: Person, arm: str, at: datetime) -> None:
        """A ramp is no arm to stay in: it follows the policy of the day."""
        if experiment.name == "rollout" or self._own(experiment, people, person):
            return
        draw = Draw(at, person.user_id, arm)
        by_person = experiment.name, experiment.journey, person.user_id
        by_address = experiment.name, experiment.journey, person.cluster_id
        self._by_person.setdefault(by_person, []).append(draw)
        self._by_address.setdefault(by_address, []).append(draw)


def _still_there(experiment: Experiment, draws: Iterable[Draw]) -> list[Draw]:
    """An arm that the policy has no more is drawn anew."""
    arms = {arm for arm, _ in experiment.arms}
    return [draw for draw in draws if draw.arm in arms]
