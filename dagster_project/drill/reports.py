"""Receipts as they come on a bad day, over HTTP, through the receivers' own app: early, late, reversed,
again and again, in a burst, about nobody, and forged."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import httpx

from dagster_project.drill.mailbag import Mailbag, Post, filled
from dagster_project.drill.network import FLEETS
from dagster_project.drill.oracle import Findings
from dagster_project.drill.rig import Bench, Drill, Rig
from senders.contract import State
from senders.sandbox.credentials import sandbox_classes
from senders.settings import Settings, load

TIMES = 46
# Whose forgeries prove nothing: a password vouches for no byte of a receipt, a proof in the body stays there.
FORGERIES_OF = {"about another message": {"postmark"}, "without their proof": {"amazon_ses"}}
HOUR = 3_600.0
TOGETHER = 40  # posts at once, in a burst


@dataclass(frozen=True, slots=True)
class Play:
    """What comes in, in which order, and which ledger it finds."""

    order: Callable[[Sequence[Post]], Sequence[Post]] = tuple
    finds: str = "sent"  # sent | under way | before: a ledger of the mailbag
    waits_seconds: float = 0.0  # of ticks without a receipt
    at_once: int = 1


PLAYS = {
    "a week late": Play(),
    "before the answer to the call": Play(finds="under way"),
    "reversed": Play(order=lambda posts: posts[::-1]),
    "reversed, before the answer": Play(order=lambda posts: posts[::-1], finds="under way"),
    f"{TIMES} times each": Play(order=lambda posts: [*posts] * TIMES, at_once=TOGETHER),
    "in a burst after an hour without": Play(waits_seconds=HOUR, at_once=TOGETHER),
    "in a burst after an hour, calls under way": Play(
        finds="under way", waits_seconds=HOUR, at_once=TOGETHER
    ),
    "about nobody, then planned": Play(finds="before"),
}


def drills() -> dict[str, Drill]:
    found: dict[str, Drill] = {}
    for number, fleet in enumerate(FLEETS):
        where = "+".join(fleet)
        found |= {f"receipts {name}: {where}": partial(_play, number, name) for name in PLAYS}
        found |= {
            f"receipts {name}: {where}": partial(_forged, number, name)
            for name, none_can in FORGERIES_OF.items()
            if not set(fleet) & none_can
        }
        found[f"receipts after the secret was changed: {where}"] = partial(_rotated, number)
    return found


def mailbag(rig: Rig, number: int) -> Mailbag:
    """Filled once for all drills."""
    if not rig.mailbags:
        rig.mailbags = rig.stack.enter_context(filled(rig.home / "mailbags", FLEETS))
    bag: Mailbag = rig.mailbags[number]
    return bag


# Handing in ------------------------------------------------------------------------------------


def settings_of(bench: Bench, changes: Mapping[str, str] | None = None) -> Settings:
    routes = ",".join(f"{channel}={each.name}" for channel, each in bench.providers.items())
    own = {"HOME": str(bench.path.parent), "ROUTES": routes}
    own |= dict.fromkeys(("WRITE_KEY", "LINK_SECRET", "SHOPIFY_SECRET"), "drill")
    named = {f"DOVECOTE_{name}": value for name, value in own.items()}
    return load({**bench.rig.environment, **named, **(changes or {})})


def _hand_in(settings: Settings, posts: Sequence[Post], at_once: int = 1) -> Counter[int]:
    """Post each to the receivers of these settings; how often they answered what."""
    # Imported late: a drill of something else needs no receivers.
    from receivers.http.app import create_app

    async def post_all() -> Counter[int]:
        app = create_app(settings)
        transport = httpx.ASGITransport(app)
        room = asyncio.Semaphore(at_once)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url=settings.public_url) as client,
        ):

            async def post(each: Post) -> int:
                async with room:
                    answer = await client.post(each.path, content=each.body, headers=dict(each.headers))
                    return answer.status_code

            return Counter(await asyncio.gather(*map(post, posts)))

    return asyncio.run(post_all())


def _play(number: int, name: str, rig: Rig) -> Findings:
    bag, play = mailbag(rig, number), PLAYS[name]
    wanted = reference(bag)
    ledgers = {"sent": bag.bench.path, "under way": bag.under_way, "before": bag.before}
    bench = bag.copy(ledgers[play.finds], name)
    bench.has_forgotten = play.finds == "before"
    if play.waits_seconds:
        _ticks_for(bench, play.waits_seconds)
    answers = _hand_in(settings_of(bench), play.order(bag.posts), play.at_once)
    findings = bench.at_rest()
    if set(answers) != {200}:
        findings.lost.append(f"receipts were answered {dict(answers)}")
    if (known := standing(bench)) != wanted:
        findings.lost.append(f"the receipts came to {known}, and in their order to {wanted}")
    return findings


def _ticks_for(bench: Bench, seconds: float) -> None:
    for _ in range(3):
        bench.clock.turn(seconds / 3)
        bench.tick()


def reference(bag: Mailbag) -> tuple[Counter[State], int]:
    """What the receipts come to when each comes once and in order."""
    if bag.came_to is None:
        bench = bag.copy(bag.bench.path, "in order")
        _hand_in(settings_of(bench), bag.posts)
        bag.came_to = standing(bench)
    return bag.came_to


def standing(bench: Bench) -> tuple[Counter[State], int]:
    with bench.ledger() as ledger:
        return Counter(ledger.counts()), int(ledger.value("drill_receipts"))


# Forging ---------------------------------------------------------------------------------------


def _about_another(bag: Mailbag, post: Post) -> Post:
    """The same receipt about another message; where no id can be read, with another byte in its midst."""
    mine, other, *_ = (message.message_id for message in bag.bench.messages)
    for message in bag.bench.messages:
        there = message.message_id
        instead = other if there == mine else mine
        if there in post.path or there.encode() in post.body:
            path = post.path.replace(there, instead)
            return replace(post, path=path, body=post.body.replace(there.encode(), instead.encode()))
    middle = len(post.body) // 2
    changed = bytes([post.body[middle] ^ 1])
    return replace(post, body=post.body[:middle] + changed + post.body[middle + 1 :])


def _without_proof(bag: Mailbag, post: Post) -> Post:
    kept = {name: value for name, value in post.headers.items() if name.lower() == "content-type"}
    return replace(post, headers=kept)


FORGERIES: dict[str, Callable[[Mailbag, Post], Post]] = {
    "about another message": _about_another,
    "without their proof": _without_proof,
}


def _forged(number: int, name: str, rig: Rig) -> Findings:
    """Nothing of it is believed: the ledger knows what it knew before."""
    bag = mailbag(rig, number)
    bench = bag.copy(bag.bench.path, name)
    before = standing(bench)
    posts = [FORGERIES[name](bag, post) for post in bag.posts]
    return _refused(bench, before, _hand_in(settings_of(bench), posts))


def _refused(bench: Bench, before: tuple[Counter[State], int], answers: Counter[int]) -> Findings:
    findings = bench.judge()
    if standing(bench) != before or any(status < 400 for status in answers):
        findings.unexpected.append(
            f"forgeries were answered {dict(answers)}, and the ledger went from {before} to {standing(bench)}"
        )
    return findings


def _rotated(number: int, rig: Rig) -> Findings:
    """What was signed with the old secret is refused; when that one is back, it is all taken."""
    bag = mailbag(rig, number)
    bench = bag.copy(bag.bench.path, "rotated")
    before = standing(bench)
    other = _other_secrets(bench)
    findings = _refused(bench, before, _hand_in(settings_of(bench, other), bag.posts))
    _hand_in(settings_of(bench), bag.posts)
    if (known := standing(bench)) != (wanted := reference(bag)):
        findings.lost.append(f"with the right secret the receipts came to {known} instead of {wanted}")
    return findings


def _other_secrets(bench: Bench) -> dict[str, str]:
    """The providers' settings as they would be with other accounts."""
    home = bench.path.parent
    return {
        f"DOVECOTE_{each.name.upper()}_{option}": value
        for each in bench.providers.values()
        for option, value in sandbox_classes()[each.name]
        .environment(sandbox_classes()[each.name].new_secrets(), bench.rig.url, home)
        .items()
    }
