"""Policies that no shop would want, and ticks to meet them: hypothesis draws them."""

from datetime import datetime, timedelta

from hypothesis import strategies as st
from oracle.policy import ALWAYS, NEVER, Cap, Journey, Policy, Quiet, Step, Variant
from oracle.town import ALL
from oracle.world import World, generate

# The night in which Europe's clocks are set back (26 October 2025, 01:00 UTC) lies in the middle.
BEGINS = datetime(2025, 10, 25, 9)
WAITS = ("45m", "0s", "2h", "11h", "1d", "90s")
CONDITIONS = ("sent", "delivered", "opened", "clicked", "replied")
CLOCKS = ("07:30", "20:00", "01:30", "00:00", "12:15", "22:45")
KINDS = ("rolling", "rolling", "calendar_day", "calendar_week", "calendar_month")
SHARES = (0.1, 0.0, 0.5, 0.9)


@st.composite
def steps(draw) -> tuple[Step, ...]:
    made: list[Step] = []
    for number in range(draw(st.integers(1, 3))):
        operands = [
            "seg_early",
            "seg_loyal",
            *(f"{what}.s{earlier}" for earlier in range(number) for what in CONDITIONS),
        ]
        conditions = st.lists(st.sampled_from(operands), max_size=1).map(tuple)
        made.append(
            Step(
                f"s{number}",
                draw(st.sampled_from(WAITS)),
                tuple(draw(st.lists(st.sampled_from(ALL), min_size=1, unique=True))),
                only_if=draw(conditions) if draw(st.integers(0, 3)) == 1 else (),
                skip_if=draw(conditions) if draw(st.integers(0, 3)) == 1 else (),
                at=draw(st.sampled_from((None, None, *CLOCKS))),
            )
        )
    return tuple(made)


@st.composite
def journeys(draw, name: str) -> Journey:
    exits = st.lists(st.sampled_from(("order_completed", "gave_up")), max_size=2, unique=True)
    return Journey(
        name,
        draw(steps()),
        message_class=draw(st.sampled_from(("marketing", "marketing", "transactional"))),
        priority=draw(st.sampled_from((50, 50, 0, 100))),
        reentry=draw(st.sampled_from((ALWAYS, NEVER, "30m", "5h", "1d"))),
        entity=draw(st.sampled_from((None, "cart_id", "product_id", "order_id", "booking_id"))),
        exit_on=tuple(draw(exits)),
        expires_after=draw(st.sampled_from(("12h", "2d", "1h", "1s"))),
        holdout=draw(st.sampled_from(SHARES)),
        rollout=draw(st.sampled_from((1, 1, 0.6))),
        variants=draw(st.sampled_from(((), (Variant("a", 1), Variant("b", 3)), (Variant("only", 1),)))),
    )


@st.composite
def caps(draw, names: list[str]) -> tuple[Cap, ...]:
    made = []
    for number in range(draw(st.integers(1, 4))):
        scope = draw(st.sampled_from(("class", "channel", "journey")))
        values = {"class": ("marketing",), "channel": ALL, "journey": names}[scope]
        kind = draw(st.sampled_from(KINDS))
        seconds = draw(st.sampled_from((3600, 43_200, 172_800))) if kind == "rolling" else None
        most = draw(st.sampled_from((1, 2, 1, 3)))
        made.append(Cap(f"c{number}", scope, draw(st.sampled_from(values)), most, kind, seconds))
    return tuple(made)


@st.composite
def quiet(draw) -> tuple[Quiet, ...]:
    made = []
    for number in range(draw(st.integers(1, 3))):
        begins, ends = draw(st.lists(st.sampled_from(CLOCKS), min_size=2, max_size=2, unique=True))
        country, region = draw(st.sampled_from((("*", "*"), ("FR", "*"), ("FR", "GES"), ("*", "IDF"))))
        weekdays = draw(st.sampled_from(("*", "*", "sat,sun", "mon")))
        made.append(Quiet(f"q{number}", "marketing", country, begins, ends, region, weekdays))
    return tuple(made)


@st.composite
def worlds(draw, people: int, ticks: int) -> World:
    names = [f"j{number}" for number in range(draw(st.integers(4, 7)))]
    policy = Policy(
        tuple(draw(journeys(name)) for name in names),
        draw(caps(names)),
        draw(quiet()),
        global_holdout=draw(st.sampled_from((0.05, 0.0))),
    )
    moments = [BEGINS]
    for _ in range(ticks - 1):
        moments.append(moments[-1] + timedelta(seconds=draw(st.integers(60, 50_000))))
    return generate(draw(st.integers(0, 10**9)), people, policy, moments)
