"""The receivers' own process, killed in the midst of receipts: what it answered 200 is never told again."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Sequence
from functools import partial

import httpx

from dagster_project.demo import servers
from dagster_project.drill import reports
from dagster_project.drill.mailbag import Post
from dagster_project.drill.network import FLEETS
from dagster_project.drill.oracle import Findings
from dagster_project.drill.rig import Bench, Drill, Rig
from senders.settings import exported

KILLS = 3
AT_ONCE = 3  # posts under way when it dies


def drills() -> dict[str, Drill]:
    return {_name(fleet): partial(_killed, number) for number, fleet in enumerate(FLEETS)}


def _name(fleet: Sequence[str]) -> str:
    return f"receipts to receivers that are killed {KILLS} times: {'+'.join(fleet)}"


SHORTEST = _name(min(FLEETS, key=len))


def _killed(number: int, rig: Rig) -> Findings:
    """A provider repeats what was not answered, and nothing else."""
    bag = reports.mailbag(rig, number)
    wanted = reports.reference(bag)
    bench = bag.copy(bag.bench.path, "killed")
    left: Sequence[Post] = bag.posts
    for _ in range(KILLS):
        left = _handed_in(bench, left, dies_after=max(1, len(bag.posts) // (2 * KILLS + 2)))
    left = _handed_in(bench, left)
    findings = bench.at_rest()
    if left:
        findings.lost.append(f"{len(left)} receipts were not taken by receivers that nobody killed")
    if (known := reports.standing(bench)) != wanted:
        findings.lost.append(f"the receipts came to {known}, and without a kill to {wanted}")
    return findings


def _handed_in(bench: Bench, posts: Sequence[Post], dies_after: int | None = None) -> list[Post]:
    """What the process did not answer with 200. Raises RuntimeError when it was to die and did not."""
    port = servers.free_port(8460)
    url = f"http://127.0.0.1:{port}"
    environment = {**reports.settings_of(bench).environment, "DOVECOTE_RECEIVERS_PORT": str(port)}
    server = servers.Server("receivers", ["-m", "receivers.http"], f"{url}/healthz")
    logs = bench.path.parent / "logs"
    logs.mkdir(exist_ok=True)
    with exported(environment), servers.Process(server, logs) as process:
        process.wait_until_up()
        left = asyncio.run(_post_all(url, posts, process.pid, dies_after))
    if dies_after is not None and len(posts) - len(left) < dies_after:
        raise RuntimeError(f"the receivers were to die after {dies_after} receipts, and did not take so many")
    return left


async def _post_all(url: str, posts: Sequence[Post], pid: int, dies_after: int | None) -> list[Post]:
    room, taken, left = asyncio.Semaphore(AT_ONCE), 0, []

    async def post(client: httpx.AsyncClient, each: Post) -> None:
        nonlocal taken
        async with room:
            try:
                answer = await client.post(each.path, content=each.body, headers=dict(each.headers))
            except httpx.TransportError:
                left.append(each)
                return
            if answer.status_code != 200:
                left.append(each)
                return
            taken += 1
            if taken == dies_after:
                os.kill(pid, signal.SIGKILL)

    async with httpx.AsyncClient(base_url=url, timeout=20) as client:
        await asyncio.gather(*(post(client, each) for each in posts))
    return left
