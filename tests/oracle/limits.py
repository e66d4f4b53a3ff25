"""Quiet hours and caps. What nobody knows counts as it would keep people in peace."""

from datetime import datetime, timedelta

from oracle.clock import local
from oracle.look import Look, Verdict
from oracle.people import Person
from oracle.policy import Cap, Quiet
from oracle.sent import Sent

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def zones(look: Look, person: Person) -> tuple[str, ...]:
    """Their own; else all that their number may be in; else all we serve."""
    if person.time_zone:
        return (person.time_zone,)
    return person.phone_zones or look.policy.served_zones


def quiet(look: Look, verdict: Verdict) -> set[str] | None:
    return quiet_rules(look, verdict.person, verdict.candidate.owed.message_class) or None


def postponed(look: Look) -> set[str]:
    """Messages that wait in the ledger while it has become quiet where they are going."""
    return {
        message_id
        for message_id, sent in look.books.messages.items()
        if sent.state in ("planned", "claimed", "retry_wait")
        and quiet_rules(
            look, look.people.person(look.people.now(sent.row["user_id"])), sent.row["message_class"]
        )
    }


def quiet_rules(look: Look, person: Person, message_class: str) -> set[str]:
    """Those that may apply to them now, as far as anybody knows."""
    return {
        rule.rule_id
        for rule in look.policy.quiet
        if rule.message_class == message_class
        and (rule.country == "*" or person.country in (None, rule.country))
        and (rule.region == "*" or person.region in (None, rule.region))
        and any(is_quiet(rule, local(look.as_of, zone)) for zone in zones(look, person))
    }


def is_quiet(rule: Quiet, clock: datetime) -> bool:
    """On the weekday it begins on, from then until, maybe past midnight."""
    for day in (clock, clock - timedelta(days=1)):
        midnight = day.replace(hour=0, minute=0, second=0, microsecond=0)
        begins, ends = midnight + _hours(rule.quiet_from), midnight + _hours(rule.quiet_until)
        if ends <= begins:
            ends += timedelta(days=1)
        is_its_day = rule.weekdays == "*" or DAYS[day.weekday()] in rule.weekdays.split(",")
        if is_its_day and begins <= clock < ends:
            return True
    return False


def _hours(clock: str) -> timedelta:
    hours, minutes = clock.split(":")
    return timedelta(hours=int(hours), minutes=int(minutes))


def capped(look: Look, verdict: Verdict) -> set[str] | None:
    """Caps hold for the person, and as well for the address that the step would go to."""
    person = look.sent_to.get(verdict.person.user_id, [])
    address = look.sent_to_address.get(verdict.address, []) if verdict.address else []
    full = {
        cap.cap_id
        for cap in look.policy.caps
        if fits(cap, verdict.candidate.owed.message_class, verdict.channel, verdict.candidate.journey.name)
        and max(_counted(look, verdict.person, cap, each) for each in (person, address)) >= cap.max_messages
    }
    return full or None


def fits(cap: Cap, message_class: str, channel: str | None, journey: str) -> bool:
    return {"class": message_class, "channel": channel, "journey": journey}[cap.scope] == cap.scope_value


def _counted(look: Look, person: Person, cap: Cap, messages: list[Sent]) -> int:
    return sum(
        not sent.gives_slot_back
        and fits(cap, sent.row["message_class"], sent.row["channel"], sent.row["journey"])
        and _is_in_window(look, person, cap, sent.planned_at)
        for sent in messages
    )


def _is_in_window(look: Look, person: Person, cap: Cap, moment: datetime) -> bool:
    if cap.kind == "rolling":
        return moment > look.as_of - timedelta(seconds=cap.window_seconds or 0)
    return any(
        _period(cap.kind, local(moment, zone)) == _period(cap.kind, local(look.as_of, zone))
        for zone in zones(look, person)
    )


def _period(kind: str, clock: datetime) -> tuple[int, ...]:
    return {
        "calendar_day": (clock.year, clock.month, clock.day),
        "calendar_week": clock.isocalendar()[:2],
        "calendar_month": (clock.year, clock.month),
    }[kind]
