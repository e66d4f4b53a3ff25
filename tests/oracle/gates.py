"""The gates, in their order, for all that one person is due in one tick."""

from collections.abc import Callable, Iterable

from oracle.draws import CLOSED, HELD_OUT
from oracle.entries import Candidate, entity_of
from oracle.limits import capped, quiet
from oracle.look import Look, Verdict
from oracle.people import Person

# How far a channel got; without an address it is no option at all.
FURTHEST = ("no_address", "suppressed", "undeliverable", "no_consent", "route_blocked")
REVOCABLE = {"rcs", "sms"}  # channels whose provider takes back what was not delivered
TRANSACTIONAL_SKIP = {"holdout", "quiet_hours", "outranked", "capped"}


def judge(look: Look, due: Iterable[tuple[Person, Candidate]]) -> list[Verdict]:
    """Decided together, in a total order: of one person's marketing messages that may go in a tick the first
    does and the rest waits; of several people's first ones to one address likewise. Who is held out passes
    through all of this like everybody else, as if their message went."""
    due = sorted(due, key=lambda each: each[1].owed.message_class == "marketing")
    verdicts = []
    for person, candidate in due:  # what is transactional goes first, and then counts like what went before
        verdict = _judge(look, person, candidate)
        verdicts.append(verdict)
        if not verdict.failing and not _is_marketing(verdict):
            look.count(verdict)
    rivals = sorted((each for each in verdicts if _is_marketing(each)), key=_rank)
    of_person: dict[str, Verdict] = {}
    of_address: dict[str | None, Verdict] = {}
    for each in rivals:
        if not each.failing.keys() - {"holdout"}:
            of_person.setdefault(each.person.user_id, each)
    for first in sorted(of_person.values(), key=_rank):
        of_address.setdefault(first.address, first)
    for each in rivals:
        firsts = (of_person.get(each.person.user_id), of_address.get(each.address))
        before = {first.message_id or "" for first in firsts if first and _rank(first) < _rank(each)}
        if before:
            each.failing["outranked"] = before
    return verdicts


def _is_marketing(verdict: Verdict) -> bool:
    return verdict.candidate.owed.message_class == "marketing"


def _rank(verdict: Verdict) -> tuple:
    candidate = verdict.candidate
    return -candidate.owed.priority, candidate.owed.due_at, verdict.message_id or ""


def _judge(look: Look, person: Person, candidate: Candidate) -> Verdict:
    channel, failing = _channel(look, person, candidate)
    arms = look.arms(person, candidate.journey)
    verdict = Verdict(candidate, person, channel, {gate: set() for gate in failing}, arms, look.as_of)
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
        return None, []
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
    return ways_out(look, verdict.candidate, verdict.person) or None


def ways_out(look: Look, candidate: Candidate, person: Person) -> set[str]:
    """The events that took the person out of the journey: about the same entity where both name one."""
    journey, entry = candidate.journey, candidate.entry.row
    return {
        event["event_id"]
        for event in look.people.events_of.get(person.user_id, [])
        if event["event_name"] in journey.exit_on
        and event["occurred_at"] >= entry.at
        and (
            journey.entity is None
            or entry.entity is None
            or entity_of(journey, event) in (None, entry.entity)
        )
    }


def cancelled(look: Look, candidates: Iterable[Candidate]) -> set[str]:
    """Messages that wait, or whose outcome is unknown, or that wait for a phone where they can be taken back
    until they expire, while their person has left or taken back consent."""
    found = set()
    for candidate in candidates:
        for sent in look.books.of_candidate.get(candidate.candidate_id, []):
            is_at_provider = sent.state in ("accepted", "sent") and sent.row["channel"] in REVOCABLE
            may_be_taken_back = is_at_provider and look.as_of <= candidate.owed.expires_at
            if sent.state in ("planned", "claimed", "retry_wait", "unknown") or may_be_taken_back:
                person = look.people.person(look.people.now(candidate.entry.row.user_id))
                is_refused = "no_consent" in _met_by(look, person, candidate, sent.row["channel"])
                if is_refused or ways_out(look, candidate, person):
                    found.add(sent.row["message_id"])
    return found


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
    if what == "sent" and any(kept.candidate.candidate_id == earlier for kept in look.kept_back):
        return True
    return any(sent.came_to(what) for sent in look.books.of_candidate.get(earlier, []))


def _expired(look: Look, verdict: Verdict) -> set[str] | None:
    return set() if look.as_of > verdict.candidate.owed.expires_at else None


def _holdout(look: Look, verdict: Verdict) -> set[str] | None:
    if verdict.arms.get("global_holdout") == HELD_OUT:
        return {"global"}
    return {verdict.person.cluster_id} if verdict.arms.get("holdout") == HELD_OUT else None


GATES: dict[str, Callable[[Look, Verdict], set[str] | None]] = {
    "exited": _exited,
    "condition_not_met": _condition,
    "expired": _expired,
    "holdout": _holdout,
    "quiet_hours": quiet,
    "capped": capped,
}
