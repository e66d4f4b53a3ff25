"""What a tick does, phase by phase. Each adds its facts to the tick's summary.

`landed` {files, files_quarantined, rows, duplicates, quarantined, left: files that stay for another tick,
erased: rows about somebody who is erased, taken out again},
`events` (new to the models),
`dbt` {models, tests, warnings, failures}, `decisions` by reason and `outcomes` by outcome,
`guardrails` {journey: why it was stopped},
`planned` {planned, refused, unrenderable, already_planned, candidate_taken, without_route, cancelled,
asked_back, postponed, and where a message wanted a discount code: codes_granted, without_code,
waiting_for_code},
`sent` by channel and `delivery` (`senders.summary.Summary`), `delivered` and `converted` (so far).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, replace
from datetime import timedelta
from functools import partial
from typing import Any

from dagster_project import guardrails, lost_time, warehouse
from dagster_project.dbt_run import Node
from dagster_project.state import State
from dagster_project.tick import Tick
from senders import delivery
from senders.contract import Message
from senders.discounts import Granted, with_codes
from senders.entries import Refusal
from senders.erased import Erased
from senders.ledger import Ledger
from senders.providers import providers_for

MESSAGE_FIELDS = Message.__dataclass_fields__


def land(tick: Tick) -> Mapping[str, int]:
    """Files and the ledger's journal into `raw.*`; returns the rows of each raw table."""
    from dagster_project.privacy import erasing, returned
    from receivers import landing

    with tick.phase("ingest"):
        erasing.resume(tick.settings)
        with Ledger(tick.settings.ledger) as ledger, warehouse.opened(tick.settings) as connection:
            tick.journal_seq = warehouse.copy_news(connection, ledger, tick.as_of)
            tick.events_before = warehouse.events_seen(connection)
        summary = landing.ingest(tick.settings, tick.as_of)
        total = summary.total
        tick.facts["landed"] = {
            "files": total.files_taken,
            "files_quarantined": total.files_quarantined,
            "rows": total.rows_taken,
            "duplicates": total.rows_duplicate,
            "quarantined": total.rows_quarantined,
            "left": len(summary.left),
            "erased": returned.keep_out(tick.settings, tick.as_of),
        }
        with warehouse.opened(tick.settings, read_only=True) as connection:
            return warehouse.row_counts(connection, "raw")


def transform(tick: Tick, nodes: Iterable[Node]) -> Iterator[Node]:
    """Hand on each finished node; raises DbtRunError at the end when one failed."""
    counts = tick.facts["dbt"] = {"models": 0, "tests": 0, "warnings": 0, "failures": 0}
    with tick.phase("dbt"):
        for node in nodes:
            counts["tests" if node.kind == "test" else "models"] += 1
            counts["warnings"] += node.status == "warn"
            counts["failures"] += node.status in ("error", "fail")
            tick.nodes.append(node)
            yield node


def plan(tick: Tick) -> Mapping[str, Any]:
    """Render what was decided and write it into the ledger; stop what must not go any more."""
    from senders.rendering import Renderer

    with tick.phase("plan"), Ledger(tick.settings.ledger) as ledger:
        providers = providers_for(tick.settings)
        refused: list[tuple[Message, str, Refusal]] = []
        codes = Granted()
        with warehouse.opened(tick.settings, read_only=True) as connection:
            tick.facts["guardrails"] = guardrails.stop_what_breaks(connection, ledger, tick.as_of)
            rows = with_codes(
                ledger, warehouse.unplanned(connection, tick.as_of),
                partial(warehouse.discount_codes, connection, tick.as_of), providers, tick.clock(), codes,
            )  # fmt: skip
            erased = Erased(ledger, tick.settings)
            doubtful = lost_time.Doubtful(connection, ledger, _not_erased(rows, erased))
            messages = _rendered(doubtful.rows(), Renderer(tick.settings), refused)
            with doubtful.held_together(tick.clock()):
                planned = asdict(delivery.plan(ledger, providers, messages, tick.clock()))
            stopped = warehouse.cancellations(connection)
            quiet = warehouse.postponements(connection)
        routed = [
            (message, providers[channel].name, why)
            for message, channel, why in refused
            if channel in providers
        ]
        ledger.plan(routed, tick.clock())
        cancelled = sum(state is not None for state in ledger.cancel_many(stopped, tick.clock()))
        revokers = {each.name for each in providers.values() if each.capabilities.can_revoke}
        revoked = ledger.ask_back_many(stopped, revokers, tick.clock())
        postponed = ledger.postpone_many(quiet, tick.clock() + 2 * _turn(tick), tick.clock())
        tick.facts["planned"] = (
            planned
            | codes.facts()
            | {"unrenderable": len(refused), "cancelled": cancelled}
            | {"asked_back": revoked, "postponed": postponed}
            | doubtful.facts()
        )
        return tick.facts["planned"] | _first_reasons(refused)


def _not_erased(rows: Iterable[Mapping[str, Any]], erased: Erased) -> Iterator[Mapping[str, Any]]:
    """The last look, should anything of somebody have come past all others: nothing of it is written down."""
    return (row for row in rows if not (erased.has_id(row["user_id"]) or erased.has_address(row["address"])))


def _turn(tick: Tick) -> timedelta:
    """From one tick to the next: what is quiet at two looks is judged at both."""
    return timedelta(seconds=tick.settings.tick_seconds)


def _rendered(
    rows: Iterable[Mapping[str, Any]], renderer: Any, refused: list[tuple[Message, str, Refusal]]
) -> Iterator[Message]:
    """The message of each row; a row that cannot be rendered goes to `refused` with the reason."""
    from senders.rendering import RenderError

    for row in rows:
        try:
            yield renderer.render(row)
        except RenderError as error:
            bare = {name: row[name] for name in MESSAGE_FIELDS if name != "content"}
            refused.append((Message(**bare, content={}), row["channel"], Refusal(f"unrenderable: {error}")))


def _first_reasons(refused: Iterable[tuple[Message, str, Refusal]]) -> dict[str, str]:
    """The most frequent reasons, for the UI; every one is in the ledger."""
    reasons = Counter(refusal.reason for _, _, refusal in refused)
    return {f"unrenderable/{number}": reason for number, (reason, _) in enumerate(reasons.most_common(5), 1)}


def send(tick: Tick) -> Mapping[str, Any]:
    """Hand what is due to the providers, for `settings.send_seconds` at most."""
    with tick.phase("send"), Ledger(tick.settings.ledger) as ledger:
        providers = providers_for(tick.settings)
        summary = delivery.deliver(ledger, providers, tick.clock, tick.settings.send_seconds)
        tick.facts["sent"] = dict(summary.accepted)
        tick.facts["delivery"] = summary.as_dict()
        return {name: value for name, value in summary.as_dict().items() if value not in ({}, 0)}


def tell(tick: Tick, seconds: float) -> Mapping[str, Mapping[str, Any]]:
    """What came of it all: the KPIs by model and on the `board`. `seconds`: what dbt took for them."""
    from dagster_project.kpis import kpi_metadata

    with tick.phase("kpis"):
        with warehouse.opened(tick.settings, read_only=True) as connection:
            figures = kpi_metadata(connection, tick.settings.home / "pictures")
        tick.next_state = replace(_finished(tick), kpis_due_at=tick.kpis_due_at(seconds))
        return figures


def leave_kpis(tick: Tick) -> None:
    """The end of a tick that leaves the KPIs as they are; another one comes to tell of it all."""
    with tick.phase("kpis"):
        left = _finished(tick)
        tick.next_state = replace(left, next_due_at=min(filter(None, (left.next_due_at, left.kpis_due_at))))


def _finished(tick: Tick) -> State:
    """Count what was decided; the state with when something is due next."""
    with warehouse.opened(tick.settings, read_only=True) as connection:
        decided = warehouse.decided(connection, tick.as_of)
        tick.facts["decisions"] = _totals((reason, count) for _, reason, count in decided)
        tick.facts["outcomes"] = _totals((outcome, count) for outcome, _, count in decided)
        tick.facts["events"] = warehouse.events_seen(connection) - tick.events_before
        tick.facts["delivered"], tick.facts["converted"] = warehouse.came_of_it(connection)
        next_due_at = warehouse.next_due_at(connection, tick.as_of, tick.settings.tick_seconds)
    warehouse.tidy(tick.settings)
    return replace(tick.begun, next_due_at=next_due_at, last_journal_seq=tick.journal_seq)


def _totals(counted: Iterable[tuple[str, int]]) -> dict[str, int]:
    totals: Counter[str] = Counter()
    for name, count in counted:
        totals[name] += count
    return dict(totals)
