"""The simulated providers: what each can do, how it answers, and what a seed lets go wrong."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from senders.contract import (
    Answer,
    Capabilities,
    Message,
    Outcome,
    ProviderEvent,
    RawWebhook,
    Request,
    Verdict,
)
from senders.deadline import Deadline, IsOver
from senders.transport import TOO_LATE, NoAnswer, NotSent

# What providers can do about an unknown outcome, one of each class.
CLASSES: dict[str, Capabilities] = {
    "ignores_repeated_ids": Capabilities(86_400, messages_per_second=1000),
    "ignores_and_reports": Capabilities(86_400, echoes_message_id=True, messages_per_second=1000),
    "tells_when_asked": Capabilities(can_look_up=True, messages_per_second=1000),
    "reports": Capabilities(echoes_message_id=True, messages_per_second=1000),
    "tells_nothing": Capabilities(has_receipts=False, messages_per_second=1000),
}
RULINGS = {
    201: (Outcome.ACCEPTED, "accepted"),
    400: (Outcome.REJECTED, "invalid_content"),
    401: (Outcome.ROUTE_BLOCKED, "credentials_refused"),
    410: (Outcome.SUPPRESSED, "invalid_address"),
    429: (Outcome.RETRY, "rate_limited"),
}
AUTHORIZED_AFTER = 8.0  # seconds
LATEST = 40.0  # seconds after our deadline that a provider may still take a message: within receipt_seconds


class SimulatedProvider:
    """A `senders.contract.Provider` without a network; the channel has its name."""

    base_url = "http://127.0.0.1:9"

    def __init__(self, name: str) -> None:
        self.name = self.channel = name
        self.capabilities = CLASSES[name]

    def request(self, message: Message) -> Request:
        body = {"id": message.message_id, "to": message.address, "says": message.content["text"]}
        return Request("POST", f"/{self.name}", json.dumps(body).encode())

    async def authorize(self, client: Any) -> Mapping[str, str]:
        await asyncio.sleep(AUTHORIZED_AFTER)  # long enough for somebody to opt out between claim and intent
        return {}

    def judge(self, answer: Answer) -> Verdict:
        outcome, reason = RULINGS.get(answer.status, (Outcome.UNKNOWN, "unclear_answer"))
        after = answer.headers.get("retry-after")
        their_id = json.loads(answer.body)["id"] if outcome is Outcome.ACCEPTED else None
        return Verdict(outcome, reason, their_id, float(after) if after else None)

    def look_up(self, message_id: str, address: str, provider_message_id: str | None) -> Request | None:
        return Request("GET", f"/{self.name}/{message_id}", b"")

    def judge_look_up(self, message_id: str, answer: Answer) -> Verdict | None:
        if answer.status == 201:
            return Verdict(Outcome.ACCEPTED, "accepted", json.loads(answer.body)["id"])
        return Verdict(Outcome.RETRY, "no_record") if answer.status == 404 else None

    def verify(self, webhook: RawWebhook) -> bool:
        return False

    def events(self, webhook: RawWebhook) -> Sequence[ProviderEvent]:
        return []


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What becomes of one call. `answers`: a status, or what is raised; None: nothing before the deadline."""

    weight: int
    is_taken: bool
    answers: int | Exception | None
    body: str = "whole"  # whole | cut | noise
    delay: tuple[float, float] = (0.02, 0.5)  # seconds until the answer
    is_late: bool = False  # taken only after the deadline
    sleeps: tuple[float, float] | None = None  # the worker is frozen so long before its first byte


BEHAVIOURS: dict[str, Behaviour] = {
    "accept": Behaviour(4, True, 201),
    "accept slowly": Behaviour(2, True, 201, delay=(2, 14)),
    "refused": Behaviour(2, False, NotSent("connection_failed")),
    "reset before": Behaviour(2, False, NoAnswer("connection_lost")),
    "reset after": Behaviour(3, True, NoAnswer("connection_lost")),
    "busy": Behaviour(2, False, 429),
    "error before": Behaviour(2, False, 500),
    "error after": Behaviour(3, True, 500),
    "truncated": Behaviour(2, True, 201, body="cut"),
    "garbage": Behaviour(1, True, 201, body="noise"),
    "hang before": Behaviour(2, False, None),
    "hang after": Behaviour(2, True, None),
    "taken after the deadline": Behaviour(2, True, None, is_late=True),
    "frozen past the lease, taken": Behaviour(2, True, 201, delay=(70, 400)),
    "frozen past the lease, busy": Behaviour(1, False, 429, delay=(70, 400)),
    "frozen past the lease, error": Behaviour(1, True, 500, delay=(70, 400)),
    "frozen before the first byte": Behaviour(6, True, 201, sleeps=(200, 900)),
    "bad content": Behaviour(1, False, 400),
    "gone": Behaviour(1, False, 410),
    "key revoked": Behaviour(1, False, 401),
}  # fmt: skip
WELL = BEHAVIOURS["accept"]
_NAMES, _WEIGHTS = list(BEHAVIOURS), [each.weight for each in BEHAVIOURS.values()]


def _look(seconds: float, is_over: IsOver) -> None:
    """What the socket does before the first byte."""
    try:
        Deadline(seconds, is_over).look()
    except TimeoutError as error:
        raise NotSent(TOO_LATE) from error


class Carrier:
    """All providers' other side: takes messages, keeps an append-only journal, reports."""

    def __init__(self, chance: random.Random, trouble: float, note: Callable[[str], None]) -> None:
        self.journal: list[dict[str, Any]] = []
        self.said_no: set[str] = set()  # messages of which it refused content or address for good
        self.trouble = trouble  # share of calls that go wrong
        self.on_taken: Callable[[str, str], None] = lambda provider, message_id: None
        self._chance, self._note = chance, note
        self._has: set[tuple[str, str]] = set()

    async def call(self, request: Request, seconds: float, is_over: IsOver = lambda: False) -> Answer:
        _, provider, *rest = request.path.split("/")
        if rest:
            return await self._look_up(provider, rest[0], seconds)
        body = json.loads(request.body)
        behaviour = self._behaviour(provider, body["id"])
        if behaviour.sleeps:
            await asyncio.sleep(self._chance.uniform(*behaviour.sleeps))
            _look(seconds, is_over)
        return await self._behave(behaviour, provider, body, request.body, seconds)

    def _behaviour(self, provider: str, message_id: str) -> Behaviour:
        if self._chance.random() >= self.trouble:
            return WELL
        name = self._chance.choices(_NAMES, _WEIGHTS)[0]
        behaviour = BEHAVIOURS[name]
        # Whoever ignores repeated ids knows this one, so it has no new opinion about the content.
        if (
            CLASSES[provider].dedupe_seconds
            and (provider, message_id) in self._has
            and behaviour.answers in (400, 410)
        ):
            behaviour = WELL
        self._note(f"{provider} {message_id[:8]}: {name}")
        if behaviour.answers in (400, 410):
            self.said_no.add(message_id)
        return behaviour

    async def _behave(
        self, how: Behaviour, provider: str, body: Mapping[str, Any], raw: bytes, seconds: float
    ) -> Answer:
        loop = asyncio.get_running_loop()
        if how.is_late:
            loop.call_later(seconds + self._chance.uniform(0, LATEST), self._take, provider, body, raw)
        elif how.is_taken:
            self._take(provider, body, raw)
        if how.answers is None:
            await asyncio.sleep(seconds)
            raise NoAnswer("deadline")
        await asyncio.sleep(self._chance.uniform(*how.delay))
        if isinstance(how.answers, Exception):
            raise type(how.answers)(*how.answers.args)
        return self._answer(how.answers, body["id"], how.body)

    def _answer(self, status: int, message_id: str, body: str = "whole") -> Answer:
        whole = json.dumps({"id": f"theirs-{message_id}"}).encode()
        text = {"whole": whole, "cut": whole[:7], "noise": b"\x00{"}[body]
        waits = {"retry-after": str(self._chance.choice([1, 5, 60, 600]))}
        return Answer(
            status, waits if status == 429 and self._chance.random() < 0.7 else {}, text, body != "cut"
        )

    def _take(self, provider: str, body: Mapping[str, Any], raw: bytes) -> None:
        message_id = body["id"]
        if CLASSES[provider].dedupe_seconds and (provider, message_id) in self._has:
            return
        self._has.add((provider, message_id))
        digest = sha256(raw).hexdigest()
        self.journal.append({"message_id": message_id, "recipient": body["to"], "body_sha256": digest})
        self._note(f"{provider} {message_id[:8]}: taken")
        self.on_taken(provider, message_id)

    async def _look_up(self, provider: str, message_id: str, seconds: float) -> Answer:
        await asyncio.sleep(self._chance.uniform(0.02, 0.5))
        if self._chance.random() < self.trouble / 2:
            raise NoAnswer("connection_lost")
        return self._answer(201 if (provider, message_id) in self._has else 404, message_id)
