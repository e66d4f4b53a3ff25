"""How the people behind the addresses behave: decided by a seed, the same in every run."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b


@dataclass(frozen=True, slots=True)
class World:
    """Shares are 0..1, times are seconds. What an address is hangs on the address (a phone without
    RCS has none tomorrow either); what a person does hangs on the message.
    """

    seed: int = 1
    latency_seconds: float = 0.0  # before any answer
    calls_per_second: float = 10_000.0  # of one provider, above which it answers 429
    receipt_seconds: float = 0.5  # until the first receipt, about
    unreachable_share: float = 0.35  # phones without RCS
    offline_share: float = 0.02  # phones that are off until the message expires
    late_share: float = 0.0  # RCS messages that are said to be taken back, and are delivered all the same
    undelivered_share: float = 0.02  # SMS the carrier gives back
    bounce_share: float = 0.01  # mailboxes that are not there
    deferred_share: float = 0.03  # mail that is taken at the second try
    read_share: float = 0.6  # RCS messages that are read
    open_share: float = 0.4  # mails that are opened
    machine_open_share: float = 0.15  # mails that a privacy proxy opens
    reply_share: float = 0.02  # RCS messages answered with a suggested reply
    stop_share: float = 0.003  # messages answered with STOP
    complaint_share: float = 0.0005  # mail reported as spam; mailbox providers ask for less than 0.001

    def chance(self, *key: str) -> float:
        """A number in [0, 1) that is the same for the same key and seed."""
        digest = blake2b("|".join((str(self.seed), *key)).encode(), digest_size=8).digest()
        return int.from_bytes(digest) / 2**64

    def delay(self, steps: float, *key: str) -> float:
        """Seconds until the receipt that comes `steps` steps after acceptance, spread by half."""
        return self.receipt_seconds * steps * (0.75 + 0.5 * self.chance("delay", *key))
