"""What becomes of a mail, the same at every provider of mail: each tells it in its own words."""

from __future__ import annotations

import re
from collections.abc import Iterator

from senders.sandbox.journal import Accepted
from senders.sandbox.world import World

Happening = tuple[float, str]  # steps after acceptance, what happens

ADDRESS = re.compile(r"[^@\s<>]+@([^@\s<>]+\.[^@\s<>]+)")
MAILBOX = re.compile(rf'(?:(?:[^<>"]*|"(?:[^"\\]|\\.)*") <)?({ADDRESS.pattern})>?')
# Mailboxes for trying out: what the local part of an address does.
MAILBOXES = ("bounce", "blocked", "defer", "spam", "suppressed")


def fate(world: World, accepted: Accepted) -> list[Happening]:
    """Of `taken`, `suppressed`, `bounced`, `blocked`, `deferred`, `delivered`, `machine_opened`,
    `opened`, `complained`, in the order in which they happen."""
    return list(_happenings(world, accepted))


def _happenings(world: World, accepted: Accepted) -> Iterator[Happening]:
    address, key = accepted.recipient.lower(), accepted.message_id or accepted.provider_message_id
    local = re.split(r"[@+]", address)[0]
    kind = local if local in MAILBOXES else None
    if kind == "suppressed":
        yield 1, "suppressed"
        return
    yield 1, "taken"
    if kind == "bounce" or (kind is None and world.chance("bounce", address) < world.bounce_share):
        yield 2, "bounced"
        return
    if kind == "blocked":
        yield 2, "blocked"
        return
    if kind == "defer" or world.chance("defer", address) < world.deferred_share:
        yield 2, "deferred"
    yield 3, "delivered"
    if world.chance("machine", key) < world.machine_open_share:
        yield 4, "machine_opened"
    if world.chance("open", key) < world.open_share:
        yield 8, "opened"
    if kind == "spam" or world.chance("stop", accepted.recipient) < world.stop_share:
        yield 10, "complained"
