"""The people at the other end: they follow links in what the providers accepted, and some buy."""

from __future__ import annotations

import asyncio
import random
import re
import time
from typing import Any

import httpx

from dagster_project.demo.shop import Shop
from dagster_project.demo.town import Person

CLICK_SHARE = 0.4
BUY_SHARE = 0.5  # of those who clicked
UNSUBSCRIBE_SHARE = 0.02
LINK = re.compile(r"https?://[^\s\"'<>]+/([cu])/[\w.\-=]+")


class Recipients:
    """Reads the sandbox's journal, as people read their phones."""

    def __init__(self, shop: Shop, sandbox_url: str, client: httpx.AsyncClient) -> None:
        self.shop = shop
        self.sandbox_url = sandbox_url
        self.client = client
        self.dice = random.Random(11)  # noqa: S311  (a play, not a secret)
        self.seen = 0

    async def live(self, until: float) -> None:
        """Look for new messages every second until the monotonic second `until`."""
        reading: set[asyncio.Task[None]] = set()
        while time.monotonic() < until:
            for message in await self._new_messages():
                task = asyncio.create_task(self._read(message))
                reading.add(task)
                task.add_done_callback(reading.discard)
            await asyncio.sleep(1)
        for task in reading:
            task.cancel()
        await asyncio.gather(*reading, return_exceptions=True)

    async def _new_messages(self) -> list[dict[str, Any]]:
        answer = await self.client.get(f"{self.sandbox_url}/journal", params={"after": self.seen})
        answer.raise_for_status()
        rows: list[dict[str, Any]] = answer.json()["messages"]
        self.seen += len(rows)
        return rows

    async def _read(self, message: dict[str, Any]) -> None:
        await asyncio.sleep(self.dice.uniform(3, 12))
        text = " ".join([message["text"], message["html"], *message["links"]])
        links = {kind: match.group(0) for match in LINK.finditer(text) for kind in match.group(1)}
        if "c" in links and self.dice.random() < CLICK_SHARE:
            await self.client.get(links["c"], headers={"user-agent": "Mozilla/5.0 (demo)"})
            if self.dice.random() < BUY_SHARE:
                await self._buy(message["recipient"])
        elif "u" in links and self.dice.random() < UNSUBSCRIBE_SHARE:
            await self.client.post(links["u"], data={"List-Unsubscribe": "One-Click"})

    async def _buy(self, address: str) -> None:
        buyer = self._person_at(address)
        if buyer is None:
            return
        await asyncio.sleep(self.dice.uniform(2, 8))
        left = self.shop.carts.get(buyer.user_id)
        product = left[1] if left else self.dice.choice(self.shop.goods[:5])
        await self.shop.buy(buyer, left[0] if left else f"c-now-{buyer.user_id}", product)

    def _person_at(self, address: str) -> Person | None:
        return next((each for each in self.shop.people if address in (each.email, each.phone)), None)
