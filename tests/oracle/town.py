"""The policy and the ticks of the default test run: every rule has someone to meet it."""

from dataclasses import replace
from datetime import datetime

from oracle.policy import NEVER, Cap, Journey, Policy, Quiet, Step, Variant

ALL = ("rcs", "sms", "email")
JOURNEYS = (
    Journey(
        "cart",
        (
            Step("reminder", "1h", ALL),
            Step("support", "14h", ("rcs", "email"), skip_if=("clicked.reminder",)),
        ),
        priority=70,
        reentry="24h",
        entity="cart_id",
        exit_on=("order_completed",),
        holdout=0.15,
        expires_after="12h",
    ),
    Journey(
        "greeting",
        (
            Step("hello", "0s", ("email", "rcs")),
            Step("tips", "12h", ("email", "sms"), only_if=("opened.hello",)),
        ),
        priority=60,
        reentry=NEVER,
        expires_after="24h",
    ),
    Journey(
        "receipt",
        (
            Step("paid", "0s", ("email", "sms")),
            Step("shipped", "9h", ("sms", "email"), only_if=("delivered.paid",)),
        ),
        message_class="transactional",
        priority=90,
        entity="order_id",
        exit_on=("order_cancelled",),
        expires_after="12h",
    ),
    Journey(
        "offer",
        (
            Step("sale", "30m", ("sms", "rcs")),
            Step("last_call", "20h", ("sms",), only_if=("sent.sale",), skip_if=("replied.sale", "seg_loyal")),
        ),
        entity="product_id",
        reentry="6h",
        exit_on=("order_completed", "lost_interest"),
        holdout=0.5,
        expires_after="20h",
    ),
    Journey(
        "notice",
        (Step("note", "90s", ALL, only_if=("seg_early",)),),
        message_class="transactional",
        priority=10,
        expires_after="4h",
        exit_on=("lost_interest",),
    ),
    Journey(
        "hint",
        (
            Step("one", "0s", ("rcs", "sms")),
            Step("two", "45m", ("email",), skip_if=("seg_early",)),
            Step("three", "26h", ALL),
        ),
        reentry="90m",
        expires_after="10h",
        looks_back=2,
        holdout=0.05,
        rollout=0.9,
        variants=(
            Variant("plain", 1),
            Variant("emoji", 2, (("one", "letter_emoji"), ("three", "letter_emoji"))),
        ),
    ),
    # At 19:30 somebody looks; at 07:30 on Friday in time, on Sunday too late.
    Journey(
        "news",
        (
            Step("letter", "0s", ("email", "sms")),
            Step("again", "1h", ALL, at="10:00", skip_if=("opened.letter",)),
        ),
        priority=45,
        expires_after="3h",
        exit_on=("order_completed",),
        schedule="30 7,19 * * 5,7",
        segment="seg_loyal",
    ),
    # At 08:00 on Saturday nobody is in it yet, so it is nobody's.
    Journey(
        "latecomers",
        (Step("welcome", "0s", ALL),),
        message_class="transactional",
        expires_after="12h",
        schedule="0 8 * * 6",
        segment="seg_late",
    ),
    # The night in which clocks change skips one of these times in London and the other in Athens.
    Journey(
        "morning",
        (
            Step("london", "2h", ("email", "sms"), at="01:30"),
            Step("athens", "0s", ("sms", "email", "rcs"), at="03:30"),
            Step("breakfast", "8h", ALL, at="09:00"),
        ),
        priority=40,
        reentry="30m",
        expires_after="9h",
        looks_back=4,
    ),
)
TOWN = Policy(
    journeys=JOURNEYS,
    caps=(
        Cap("one_in_4_hours", "class", "marketing", 1, "rolling", 14_400),
        Cap("three_in_2_days", "class", "marketing", 3, "rolling", 172_800),
        Cap("sms_in_2_days", "channel", "sms", 1, "rolling", 172_800),
        Cap("hint_in_a_day", "journey", "hint", 1, "calendar_day"),
        Cap("greeting_in_a_month", "journey", "greeting", 1, "calendar_month"),
        Cap("offer_in_a_week", "journey", "offer", 1, "calendar_week"),
        Cap("email_in_a_day", "channel", "email", 2, "calendar_day"),
    ),
    quiet=(
        Quiet("night", "marketing", "*", "21:00", "08:00"),
        Quiet("night_fr", "marketing", "FR", "20:00", "10:00"),
        Quiet("weekend", "marketing", "*", "22:00", "09:00", weekdays="sat,sun"),
        Quiet("alsace", "marketing", "FR", "17:00", "24:00", region="GES", weekdays="fri"),
        Quiet("siesta", "marketing", "DE", "13:00", "15:00"),
    ),
    segments=("early", "loyal", "late"),
    nobody_before=(("late", datetime(2026, 3, 28, 8, 0, 1)),),
    global_holdout=0.04,
    served_zones=("Europe/London", "Europe/Athens", "America/New_York"),
)
# Over the night in which Europe's clocks spring forward (29 March 2026, 01:00 UTC).
TICKS = [
    datetime(2026, 3, 27, 10),
    datetime(2026, 3, 27, 19, 30),
    datetime(2026, 3, 28, 8),
    datetime(2026, 3, 28, 8, 1),
    datetime(
        2026, 3, 28, 12, 1, 2
    ),  # four hours after what the tick before planned: a cap frees to the second
    datetime(2026, 3, 29, 7),
    datetime(2026, 3, 29, 11, 30, 0, 1),
]


def revised() -> Policy:
    """The same town after somebody had second thoughts about everything, while people wait."""
    changes = {
        "cart": {
            "holdout": 0.4,
            "steps": (*_without("cart", "support"), Step("encore", "3h", ALL)),
            "priority": 5,
        },
        "greeting": {
            "exit_on": ("order_completed",),
            "expires_after": "1h",
            "variants": (Variant("warm", 1),),
        },
        "offer": {"holdout": 0.0, "reentry": NEVER, "message_class": "marketing"},
        "hint": {"rollout": 0.5, "variants": (Variant("emoji", 1), Variant("bold", 1)), "holdout": 0.6},
    }
    journeys = (replace(journey, **changes.get(journey.name, {})) for journey in JOURNEYS)
    caps = (*TOWN.caps[1:], Cap("no_hints", "journey", "hint", 0, "rolling", 60))
    return replace(TOWN, journeys=tuple(journeys), caps=caps, quiet=TOWN.quiet[1:], global_holdout=0.1)


def _without(journey: str, step: str) -> tuple[Step, ...]:
    return tuple(each for each in TOWN.journey(journey).steps if each.name != step)
