"""What must never happen, whatever the policy: looked for in the ledger and the tables.

Plainer than the reading and blind to how a decision is made: each promise is checked on what came of it.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import datetime, time, timedelta
from itertools import pairwise

from oracle.clock import local
from oracle.draws import HELD_OUT, Experiment, experiments
from oracle.entries import entity_of
from oracle.people import is_zone
from oracle.play import Play
from oracle.policy import ALWAYS, NEVER, duration
from oracle.sent import Sent

Promise = Callable[[Play], Iterator[str]]


def broken(done: Play) -> list[str]:
    """A sentence for each promise that was not kept."""
    return [f"{promise.__name__}: {each}" for promise in PROMISES for each in promise(done)]


def decided_at(done: Play, sent: Sent) -> datetime:
    """The tick that decided a message: it was planned right after."""
    return max(tick for tick in done.world.ticks if tick <= sent.planned_at)


def written(done: Play) -> list[Sent]:
    return list(done.books.messages.values())


def plain(done: Play) -> dict[str, dict[str, list[dict]]]:
    """Feed by feed what landed of people who never had another name."""
    events = done.world.rows["events"]
    others = {row.get("anonymous_id") or row["properties"].get("previous_id") for row in events}
    of: dict[str, dict[str, list[dict]]] = defaultdict(lambda: {"events": [], "profiles": [], "consents": []})
    for feed, rows in done.world.landed_by(len(done.world.ticks) - 1).items():
        for row in rows:
            name = row.get("user_id")
            if name and not {name, f"d-{name}", f"{name}-before"} & others:
                of[name][feed].append(row)
    return of


def every_due_step_leaves_as_send_hold_or_suppress(done: Play) -> Iterator[str]:
    for number, (due, decided) in enumerate(zip(done.due, done.decided, strict=True)):
        left = Counter(row["outcome"] for row in decided)
        if set(left) - {"send", "hold", "suppress"} or sum(left.values()) != len(due):
            yield f"tick {number}: {len(due)} in, {left} out"
        if {row["candidate_id"] for row in decided} != set(due):
            yield f"tick {number}: what comes out is not what went in"


def no_cap_is_ever_exceeded(done: Play) -> Iterator[str]:
    """For a person, and for an inbox that several share."""
    sent_to = defaultdict(list)
    for sent in written(done):
        if not sent.gives_slot_back:
            sent_to[f"person {sent.row['user_id']}"].append(sent)
            sent_to[f"address {sent.row['address_key']}"].append(sent)
    for cap in [cap for cap in done.world.policy.caps if cap.kind == "rolling"]:
        window = timedelta(seconds=cap.window_seconds or 0)
        for place, messages in sent_to.items():
            fitting = [each for each in messages if each.row[SCOPES[cap.scope]] == cap.scope_value]
            for last in fitting:
                now = last.planned_at
                count = sum(now - window < each.planned_at <= now for each in fitting)
                if last.row["message_class"] == "marketing" and count > cap.max_messages:
                    yield f"{place} got {count} of {cap} up to {now}"


SCOPES = {"class": "message_class", "channel": "channel", "journey": "journey"}


def the_held_out_are_exposed_to_no_more_than_a_cap_allows(done: Play) -> Iterator[str]:
    """What a holdout alone kept back fills the caps of its person like what was sent."""
    exposed = defaultdict(list)
    for sent in written(done):
        if not sent.gives_slot_back:
            exposed[sent.row["user_id"]].append((sent.planned_at, sent.row, False))
    for row in done.house.rows("decisions.fct_decisions"):
        if row["is_holdout"] and row["is_exposed"]:
            exposed[row["user_id"]].append((row["decided_at"], row, True))
    for cap in [cap for cap in done.world.policy.caps if cap.kind == "rolling"]:
        window = timedelta(seconds=cap.window_seconds or 0)
        for user_id, steps in exposed.items():
            fitting = [each for each in steps if each[1][SCOPES[cap.scope]] == cap.scope_value]
            for now, _, is_kept_back in fitting:
                count = sum(now - window < at <= now for at, _, _ in fitting)
                if is_kept_back and count > cap.max_messages:
                    yield f"{user_id} was exposed to {count} of {cap} up to {now}"


def nobody_is_written_to_without_consent(done: Play) -> Iterator[str]:
    people = plain(done)
    for sent in written(done):
        now, purpose = decided_at(done, sent), sent.row["message_class"]
        words = [
            (row["occurred_at"], row["status"] == "given")
            for row in people.get(sent.row["user_id"], {"consents": []})["consents"]
            if (row["channel"], row["purpose"]) == (sent.row["channel"], purpose)
            and max(row["landed_at"], row["occurred_at"]) <= now
        ]
        is_no = not max(words)[1] if words else purpose == "marketing"
        if sent.row["user_id"] in people and is_no:
            yield f"{sent.row['user_id']} got {purpose} by {sent.row['channel']} at {now}: {sorted(words)}"


def nobody_is_disturbed_in_quiet_hours(done: Play) -> Iterator[str]:
    """Neither when it is decided nor at any attempt: of those who told their zone once and for all, by the
    rules for everybody."""
    people = plain(done)
    rules = [rule for rule in done.world.policy.quiet if rule.country == rule.region == rule.weekdays == "*"]
    marketing = [sent for sent in written(done) if sent.row["message_class"] == "marketing"]
    attempts = [(sent, moment) for sent in marketing for moment in (sent.planned_at, *sent.left_at)]
    for sent, moment in attempts:
        now = max(tick for tick in done.world.ticks if tick <= moment)
        profiles = people.get(sent.row["user_id"], {"profiles": []})["profiles"]
        told = [row for row in profiles if row.get("time_zone") is not None]
        is_known = len(told) == 1 and max(told[0]["landed_at"], told[0]["updated_at"]) <= now
        if not is_known or not is_zone(told[0]["time_zone"]):
            continue
        clock = local(now, told[0]["time_zone"])
        for rule in rules:
            begins = _seconds(time.fromisoformat(rule.quiet_from))
            length = _seconds(time.fromisoformat(rule.quiet_until)) - begins
            if (_seconds(clock.time()) - begins) % 86_400 < length % 86_400:
                yield f"{sent.row['user_id']} was written to at {clock}, quiet by {rule}"


def _seconds(clock: time) -> float:
    return clock.hour * 3600 + clock.minute * 60 + clock.second + clock.microsecond / 1e6


def nothing_goes_out_after_expiry_or_exit(done: Play) -> Iterator[str]:
    people = plain(done)
    steps = {row["candidate_id"]: row for row in done.house.rows("decisions.fct_entry_steps")}
    for sent in written(done):
        now, step = decided_at(done, sent), steps[sent.row["candidate_id"]]
        if not step["due_at"] <= now <= step["expires_at"]:
            yield f"{step} was sent at {now}"
        journey = done.world.policy.journey(step["journey"])
        for event in people.get(step["user_id"], {"events": []})["events"]:
            is_seen = max(event["landed_at"], event["occurred_at"]) <= now
            is_after = event["event_name"] in journey.exit_on and event["occurred_at"] >= step["entered_at"]
            entity = entity_of(journey, event)
            is_about_it = not (journey.entity and step["entity_key"]) or entity in (step["entity_key"], None)
            if is_seen and is_after and is_about_it:
                yield f"{step} was sent at {now} although {event}"


def nobody_enters_twice(done: Play) -> Iterator[str]:
    people, entries = plain(done), defaultdict(list)
    for row in done.house.rows("decisions.fct_entries"):
        if row["user_id"] in people:
            entries[row["journey"], row["user_id"], row["entity_key"]].append(row)
    for (name, user_id, entity), rows in entries.items():
        if len({row["event_id"] for row in rows}) < len(rows):
            yield f"{user_id} entered {name} twice by one event"
        reentry = done.world.policy.journey(name).reentry
        times = sorted(row["entered_at"] for row in rows if row["status"] == "entered")
        if (reentry == NEVER and len(times) > 1) or (
            reentry not in (ALWAYS, NEVER)
            and any(later - earlier < duration(reentry) for earlier, later in pairwise(times))
        ):
            yield f"{user_id} entered {name} about {entity} at {times}"


def nobody_held_out_is_written_to(done: Play) -> Iterator[str]:
    """Of those who had one address from the beginning and share it with nobody."""
    homes = Counter(row.get("email") for row in done.world.rows["profiles"])
    people = {
        name: rows["profiles"][0]["email"]
        for name, rows in plain(done).items()
        if len(rows["profiles"]) == 1 and homes[rows["profiles"][0].get("email")] == 1
    }
    for sent in written(done):
        address = people.get(sent.row["user_id"])
        journey = done.world.policy.journey(sent.row["journey"])
        out = [each for each in _holdouts(done, sent) if address and each.arm_of(address) == HELD_OUT]
        if out and journey.message_class == "marketing":
            yield f"{sent.row['user_id']} got {journey.name} but is in {out}"


def _holdouts(done: Play, sent: Sent) -> list[Experiment]:
    found = experiments(done.world.policy, done.world.policy.journey(sent.row["journey"]))
    return [each for each in found if each.name in ("holdout", "global_holdout")]


def nobody_gets_a_message_twice(done: Play) -> Iterator[str]:
    for candidate_id, messages in done.books.of_candidate.items():
        standing = [sent.row["message_id"] for sent in messages if not sent.gives_slot_back]
        if len(standing) > 1:
            yield f"{candidate_id} was sent as {standing}"


def what_was_taken_back_is_replaced_by_nothing(done: Play) -> Iterator[str]:
    """Its person left or said no: another channel is not meant either."""
    for candidate_id, messages in done.books.of_candidate.items():
        for place, sent in enumerate(messages):
            if "cancelled" not in sent.states:
                continue
            before = sent.states[: sent.states.index("cancelled")]
            if {"accepted", "sent"} & set(before) and messages[place + 1 :]:
                yield f"{candidate_id} was taken back and then sent by {messages[place + 1].row['channel']}"


def one_marketing_message_a_person_an_inbox_and_minute(done: Play) -> Iterator[str]:
    marketing = [sent for sent in written(done) if sent.row["message_class"] == "marketing"]
    for place in ("user_id", "address_key"):
        counts = Counter((sent.row[place], sent.planned_at) for sent in marketing)
        yield from (f"{who} got {count} at {at}" for (who, at), count in counts.items() if count > 1)


PROMISES: tuple[Promise, ...] = (
    every_due_step_leaves_as_send_hold_or_suppress,
    no_cap_is_ever_exceeded,
    the_held_out_are_exposed_to_no_more_than_a_cap_allows,
    nobody_is_written_to_without_consent,
    nobody_is_disturbed_in_quiet_hours,
    nothing_goes_out_after_expiry_or_exit,
    nobody_enters_twice,
    nobody_held_out_is_written_to,
    nobody_gets_a_message_twice,
    what_was_taken_back_is_replaced_by_nothing,
    one_marketing_message_a_person_an_inbox_and_minute,
)
