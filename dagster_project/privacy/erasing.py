"""`dovecote erase`: a person taken out of ledger, files and warehouse, with a receipt that stays.

The order is that of what does most harm. First the ledger, in one transaction: what waits is cancelled,
what was sent is emptied, marks are left. From then on nothing goes to them, whatever else still names them.
Then the files, then the warehouse, then whatever else repeats them; at the end both stores are written anew,
because neither clears what it deletes. Killed anywhere, it is gone on with by the next erasure or tick.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from dagster_project import lock, warehouse
from dagster_project.privacy import files, intent, record, traces
from dagster_project.privacy import person as persons
from dagster_project.privacy.intent import Intent
from senders import erased as erasure
from senders.erased import Erased
from senders.ledger import Ledger
from senders.receipts import address_key
from senders.settings import Settings
from senders.store import to_text

LOCK_WAIT_SECONDS = 600
ELSEWHERE = "backups, and what the providers keep: they are to be asked on their own"


def erase(settings: Settings, who: str, now: datetime | None = None) -> dict[str, Any]:
    """The receipt. A person who is erased already gets the one there is.

    Waits for a tick to end; the next one waits. Raises UnknownPersonError, ErasureSecretError, LockedError.
    """
    with lock.held(settings.home, "dovecote erase", LOCK_WAIT_SECONDS):
        finished = resume(settings)
        with warehouse.opened(settings) as connection, Ledger(settings.ledger) as ledger:
            erased = Erased(ledger, settings)
            erased.mark("key", "")  # there is a key
            try:
                person = persons.find(connection, ledger, who)
            except persons.UnknownPersonError:
                receipts = {each["erasure_id"]: each for each in [*all_receipts(ledger), *finished]}
                if before := receipts.get(erased.erasure_of(who) or ""):
                    return before
                raise
        return carry_out(settings, intent.begin(settings.home, person, now or datetime.now(UTC)))


def resume(settings: Settings) -> list[dict[str, Any]]:
    """Go on with what was killed, under the caller's lock; the receipts."""
    return [carry_out(settings, each) for each in intent.unfinished(settings.home)]


def receipts(settings: Settings, who: str | None = None) -> list[dict[str, Any]]:
    """Every receipt, or that of one person, whom nothing but the key can name."""
    with Ledger(settings.ledger) as ledger:
        erasure_id = Erased(ledger, settings).erasure_of(who) if who else None
        return [each for each in all_receipts(ledger) if who is None or each["erasure_id"] == erasure_id]


def lift(settings: Settings, who: str) -> bool:
    """They came back of their own will; False: they were not erased."""
    with Ledger(settings.ledger) as ledger:
        return erasure.lift(ledger, Erased(ledger, settings), who, datetime.now(UTC))


def all_receipts(ledger: Ledger) -> list[dict[str, Any]]:
    return [json.loads(row["receipt"]) for row in ledger.run("erasures").fetchall()]


def carry_out(settings: Settings, plan: Intent) -> dict[str, Any]:
    """Every part once, in order; each knows whether it was done."""
    if plan.only is not None:
        return _take_out_again(settings, plan)
    receipt = _from_ledger(settings, plan)
    with warehouse.opened(settings) as connection:
        record.remember(connection, plan)
        left = files.clean(settings, connection, plan)
        with Ledger(settings.ledger) as ledger:
            receipt["warehouse"] = record.forget(connection, plan, marks_of(ledger, plan.erasure_id))
    words = [text.removeprefix("anon:") for text in [*plan.ids, *plan.addresses]]
    receipt["files"] = _in_files(plan)
    receipt["logs"] = traces.mask(settings.home, words)
    record.compact(settings.warehouse)
    with Ledger(settings.ledger) as ledger:
        left += ledger.scrub()
        receipt |= {"left": [*left, ELSEWHERE], "finished_at": to_text(datetime.now(UTC))}
        _keep(ledger, receipt)
    plan.path.unlink()
    return receipt


def _take_out_again(settings: Settings, plan: Intent) -> dict[str, Any]:
    """What landed about somebody who was erased before: no models have seen it, nobody was written to."""
    with warehouse.opened(settings) as connection:
        record.remember(connection, plan)
        files.clean(settings, connection, plan, set(plan.only or ()))
        done = record.forget_again(connection, plan)
    plan.path.unlink()
    return {"erasure_id": plan.erasure_id, "rows": sum(done.values())}


def _from_ledger(settings: Settings, plan: Intent) -> dict[str, Any]:
    """The receipt begins in the transaction that it tells of."""
    with Ledger(settings.ledger) as ledger, ledger.transaction():
        if known := [each for each in all_receipts(ledger) if each["erasure_id"] == plan.erasure_id]:
            return known[0]
        erased = Erased(ledger, settings)
        receipt: dict[str, Any] = {
            "erasure_id": plan.erasure_id,
            "erased_at": plan.erased_at,
            "ids": len(plan.ids),
            "addresses": len(plan.addresses),
            "addresses_that_others_have_too": len(plan.shared),
            "providers": _providers(ledger, plan.ids),
        }
        own = [address_key(address) for address in plan.own_addresses]
        erasure.leave_marks(ledger, erased, plan.erasure_id, (plan.lasting_ids, own), plan.moment)
        receipt["ledger"] = erasure.erase(ledger, plan.ids, own, plan.as_name, plan.moment)
        _keep(ledger, receipt)
    return receipt


def _providers(ledger: Ledger, ids: list[str]) -> dict[str, int]:
    """Who else was told of them: provider → messages."""
    return dict(
        Counter(
            row["provider"]
            for user_id in ids
            for row in ledger.run("standing_of_person", {"user_id": user_id}).fetchall()
        )
    )


def marks_of(ledger: Ledger, erasure_id: str) -> list[dict[str, Any]]:
    """What the warehouse keeps beside the ledger, should that be lost."""
    rows = [dict(row) for row in ledger.run("erased_marks").fetchall()]
    return [row for row in rows if row["erasure_id"] == erasure_id or row["kind"] == "key"]


def _in_files(plan: Intent) -> dict[str, dict[str, int]]:
    counted: dict[str, dict[str, int]] = {}
    for name, file in plan.files.items():
        count = counted.setdefault(name.split("/")[0], {"files": 0, "rows": 0})
        count["files"] += 1
        count["rows"] += len(file["numbers"])
    return counted


def _keep(ledger: Ledger, receipt: Mapping[str, Any]) -> None:
    values = {"erasure_id": receipt["erasure_id"], "receipt": json.dumps(receipt)}
    with ledger.transaction():
        ledger.run("keep_erasure", {**values, "now": to_text(datetime.fromisoformat(receipt["erased_at"]))})
