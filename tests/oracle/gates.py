"""The gates, in their order, for all that one person is due in one tick."""

from collections.abc import Callable, Iterable
from datetime import datetime, time, timedelta

from oracle.clock import local
from oracle.draws import CLOSED, HELD_OUT
from oracle.entries import Candidate, entity_of
from oracle.look import Look, Verdict
from oracle.people import Person
from oracle.policy import Cap, Quiet

# How far a channel got; without an address it is no option at all.
FURTHEST = ("no_address", "suppressed", "undeliverable", "no_consent", "route_blocked")
TRANSACTIONAL_SKIP = {"holdout", "quiet_hours", "outranked", "capped"}


def judge_person(look: Look, person: Person, candidates: list[Candidate]) -> list[Verdict]:
    """Decided together: of the marketing messages that may go one goes, the rest gives way to it."""
    verdicts = [_judge(look, person, candidate) for candidate in candidates]
    rivals = sorted((each for each in verdicts if _is_marketing(each)), key=_rank)
    winner = next((each for each in rivals if not each.failing), None)
    if winner:
        for each in rivals[rivals.index(winner) + 1 :]:
            each.failing["outranked"] = {winner.message_id or ""}
    return verdicts


def _is_marketing(verdict: Verdict) -> bool:
    return verdict.candidate.owed.message_class == "marketing"


def _rank(verdict: Verdict) -> tuple:
    candidate = verdict.candidate
    return -candidate.owed.priority, candidate.owed.due_at, verdict.message_id or ""


def _judge(look: Look, person: Person, candidate: Candidate) -> Verdict:
    channel, failing = _channel(look, person, candidate)
    arms = look.arms(person, candidate.journey)
    verdict = Verdict(candidate, person, channel, {gate: set() for gate in failing}, arms)
    for gate, meet in GATES.items():
        if not _is_marketing(verdict) and gate in TRANSACTIONAL_SKIP:
            continue
        in_the_way = meet(look, verdict)
        if in_the_way is not None:
            verdict.failing[gate] = in_the_way
    return verdict


# The channel ---------------------------------------------------------------------------------------


def _channel(look: Look, person: Person, candidate: Candidate) -> tuple[str | None, list[str]]:
    """The preferred channel if it passes, else the step's first that does, else the one that got furthest."""
    if candidate.step is None:  # the policy names it no more, and so no channel
        return None, ["no_address", *(["no_consent"] if candidate.owed.message_class == "marketing" else [])]
    channels = candidate.step.channels
    if person.preferred_channel in channels:
        channels = (
            person.preferred_channel,
            *(each for each in channels if each != person.preferred_channel),
        )
    met = {channel: list(_met_by(look, person, candidate, channel)) for channel in channels}
    best = max(channels, key=lambda channel: _furthest(met[channel]))
    return best, met[best]


def _furthest(failing: list[str]) -> int:
    return min((FURTHEST.index(gate) for gate in failing), default=len(FURTHEST))


def _met_by(look: Look, person: Person, candidate: Candidate, channel: str) -> Iterable[str]:
    purpose = candidate.owed.message_class
    address = person.address(channel)
    if address is None:
        yield "no_address"
    elif look.books.is_suppressed(address, purpose):
        yield "suppressed"
    sent = look.books.of_candidate.get(candidate.candidate_id, [])
    if any(each.row["channel"] == channel and each.is_refused for each in sent):
        yield "undeliverable"
    said = person.said(channel, purpose)
    if said is False or (said is None and purpose == "marketing"):
        yield "no_consent"
    if look.books.is_route_blocked(channel):
        yield "route_blocked"


# The other gates: None when passed, else what may be named as standing in the way ------------------


def _exited(look: Look, verdict: Verdict) -> set[str] | None:
    journey, entry = verdict.candidate.journey, verdict.candidate.entry.row
    ways_out = {
        event["event_id"]
        for event in look.people.events_of.get(verdict.person.user_id, [])
        if event["event_name"] in journey.exit_on
        and event["occurred_at"] >= entry.at
        and (
            journey.entity is None
            or entry.entity is None
            or entity_of(journey, event) in (None, entry.entity)
        )
    }
    return ways_out or None


def _condition(look: Look, verdict: Verdict) -> set[str] | None:
    candidate, user_id = verdict.candidate, verdict.person.user_id
    wrong = set()
    if (candidate.journey.name, user_id, candidate.entry.row.entity) not in look.holding:
        wrong.add("trigger")
    if verdict.arms.get("rollout") == CLOSED:
        wrong.add("rollout")
    if candidate.step is None:
        return wrong | {"step retired"}
    for kind, operands, wanted in (
        ("only_if", candidate.step.only_if, True),
        ("skip_if", candidate.step.skip_if, False),
    ):
        wrong |= {f"{kind}: {each}" for each in operands if _is_true(look, verdict, each) != wanted}
    return wrong or None


def _is_true(look: Look, verdict: Verdict, operand: str) -> bool:
    if operand.startswith("seg_"):
        return verdict.person.user_id in look.members.get(operand, set())
    what, _, step_name = operand.partition(".")
    earlier = verdict.candidate.of_step(step_name)
    return any(sent.came_to(what) for sent in look.books.of_candidate.get(earlier, []))


def _expired(look: Look, verdict: Verdict) -> set[str] | None:
    return set() if look.as_of > verdict.candidate.owed.expires_at else None


def _holdout(look: Look, verdict: Verdict) -> set[str] | None:
    if verdict.arms.get("global_holdout") == HELD_OUT:
        return {"global"}
    return {verdict.person.cluster_id} if verdict.arms.get("holdout") == HELD_OUT else None


def _zones(look: Look, person: Person) -> tuple[str, ...]:
    """Their own; else all that their number may be in; else all we serve: not knowing never wakes anybody."""
    if person.time_zone:
        return (person.time_zone,)
    return person.phone_zones or look.policy.served_zones


def _is_quiet(rule: Quiet, moment: datetime) -> bool:
    begins, ends, clock = (
        time.fromisoformat(rule.quiet_from),
        time.fromisoformat(rule.quiet_until),
        moment.time(),
    )
    if begins <= ends:
        return begins <= clock < ends
    return clock >= begins or clock < ends


def _quiet(look: Look, verdict: Verdict) -> set[str] | None:
    person = verdict.person
    rules = {
        rule.rule_id
        for rule in look.policy.quiet
        if rule.message_class == verdict.candidate.owed.message_class
        and rule.country in ("*", person.country)
        and any(_is_quiet(rule, local(look.as_of, zone)) for zone in _zones(look, person))
    }
    return rules or None


def _capped(look: Look, verdict: Verdict) -> set[str] | None:
    owed = verdict.candidate.owed
    full = {
        cap.cap_id
        for cap in look.policy.caps
        if _fits(cap, owed.message_class, verdict.channel, verdict.candidate.journey.name)
        and _counted(look, verdict.person, cap) >= cap.max_messages
    }
    return full or None


def _fits(cap: Cap, message_class: str, channel: str | None, journey: str) -> bool:
    return {"class": message_class, "channel": channel, "journey": journey}[cap.scope] == cap.scope_value


def _counted(look: Look, person: Person, cap: Cap) -> int:
    return sum(
        not sent.gives_slot_back
        and _fits(cap, sent.row["message_class"], sent.row["channel"], sent.row["journey"])
        and _is_in_window(look, person, cap, sent.planned_at)
        for sent in look.sent_to.get(person.user_id, [])
    )


def _is_in_window(look: Look, person: Person, cap: Cap, moment: datetime) -> bool:
    if cap.kind == "rolling":
        return moment > look.as_of - timedelta(seconds=cap.window_seconds or 0)
    zone = person.time_zone or "UTC"
    return local(moment, zone).date() == local(look.as_of, zone).date()


GATES: dict[str, Callable[[Look, Verdict], set[str] | None]] = {
    "exited": _exited,
    "condition_not_met": _condition,
    "expired": _expired,
    "holdout": _holdout,
    "quiet_hours": _quiet,
    "capped": _capped,
}
