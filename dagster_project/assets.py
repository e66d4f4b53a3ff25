"""The tick as Dagster assets: what landed, every dbt model with its tests, what was planned and sent.

They run in one process, in this order. Nothing here holds a message back on an asset check: a
failing model or test fails the run before anything is planned.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from dagster_project import phases, route_health, tick
from dagster_project.dbt_assets import (
    AUDIT_TAG,
    HOURLY_TAG,
    Told,
    as_metadata,
    check_specs,
    key_of,
    model_specs,
    published_spec,
    tests_of_a_tick,
)
from dagster_project.dbt_run import Run
from dagster_project.kpis import BOARD
from senders import settings
from senders.ledger import Ledger

POOL = "warehouse"
SENT = ["delivery", "sent"]
LANDED_SCHEMA, PUBLISHED_SCHEMA, MART_SCHEMA, KPI_SCHEMA = "raw", "policy", "marts", "kpis"
# Unit tests prove the models before they ship; tests tagged `audit` look at whole tables, once an hour.
IN_EVERY_TICK = (
    "build", "--exclude-resource-type", "unit_test", "--exclude", f"tag:{AUDIT_TAG}", f"tag:{HOURLY_TAG}",
)  # fmt: skip
WITHOUT_KPIS = (*IN_EVERY_TICK, f"path:models/{MART_SCHEMA}", f"path:models/{KPI_SCHEMA}")
ASKED_AT_TAG = "dovecote/asked_at"


@dg.resource(
    config_schema={
        "as_of": dg.Field(
            dg.Noneable(str),
            default_value=None,
            is_required=False,
            description="The tick's one clock, ISO 8601, UTC unless it names a zone; else the wall clock.",
        )
    },
)
def tick_resource(context: dg.InitResourceContext) -> Iterator[tick.Tick]:
    run = context.run
    assert run is not None, "a tick is a run"
    asked = context.resource_config["as_of"]
    as_of = moment(asked) if asked else None
    with tick.running(settings.load(), run.run_id, as_of, _asked_at(context, run)) as running:
        yield running


def moment(text: str) -> datetime:
    """ISO 8601 → aware UTC; raises ValueError with an example."""
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is no time such as 2022-10-14T18:30:00") from error
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)


def _asked_at(context: dg.InitResourceContext, run: dg.DagsterRun) -> datetime:
    """When somebody wanted this run: the command line says so, else when the run was queued."""
    if tagged := run.tags.get(ASKED_AT_TAG):
        return datetime.fromisoformat(tagged)
    record = context.instance.get_run_record_by_id(run.run_id) if context.instance else None
    return record.create_timestamp.replace(tzinfo=UTC) if record else datetime.now(UTC)


def build(project: Mapping[str, Any]) -> list[dg.AssetsDefinition]:
    """All assets of a tick, from `manifest.project`'s description of the dbt project."""
    return [_landing(project), _dbt(project), planned, sent, _kpis(project)]


def _landing(project: Mapping[str, Any]) -> dg.AssetsDefinition:
    tables = [source for source in project["sources"] if source["schema"] == LANDED_SCHEMA]
    specs = [
        dg.AssetSpec(
            key_of(table),
            description=table["description"],
            group_name=LANDED_SCHEMA,
            kinds={project["adapter"]},
        )
        for table in tables
    ]

    @dg.multi_asset(name="landing", specs=specs, required_resource_keys={"tick"}, pool=POOL)
    def landing(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult]:
        """Take what landed, each file once, and copy the ledger's journal."""
        counts = phases.land(context.resources.tick)
        facts = context.resources.tick.facts["landed"]
        for table in tables:
            metadata = {"dagster/row_count": counts[table["name"]]} | {
                f"landed/{name}": value for name, value in facts.items()
            }
            yield dg.MaterializeResult(asset_key=key_of(table), metadata=metadata)

    return landing


def _dbt(project: Mapping[str, Any]) -> dg.AssetsDefinition:
    """One op that tells of each model and test as dbt finishes it. The KPIs' are told by `_kpis`, the hourly
    ones by the audit."""
    models = [
        model
        for model in project["models"]
        if model["schema"] != KPI_SCHEMA and HOURLY_TAG not in model["tags"]
    ]
    published = [source for source in project["sources"] if source["schema"] == PUBLISHED_SCHEMA]

    @dg.multi_asset(
        name="dbt",
        specs=model_specs(project, models) + [published_spec(source) for source in published],
        check_specs=check_specs(project, models, tests_of_a_tick(project)),
        required_resource_keys={"tick"},
        pool=POOL,
    )
    def dbt(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
        """`dbt build` of everything, once, in this process."""
        running = context.resources.tick
        told = Told(project, models)
        command = IN_EVERY_TICK if running.tells_kpis else WITHOUT_KPIS
        nodes = phases.transform(running, Run(running.settings, running.as_of, command))
        for place, node in enumerate(nodes):
            if place == 0:  # what runs before the first node has published these
                yield from (dg.MaterializeResult(asset_key=key_of(source)) for source in published)
            yield from told.of(node)

    return dbt


def _kpis(project: Mapping[str, Any]) -> dg.AssetsDefinition:
    """The KPI models, which dbt has built before anything was sent, with what they say now; and the board.
    Skipped by Dagster where dbt has left out what they stand on."""
    models = [model for model in project["models"] if model["schema"] == KPI_SCHEMA]
    behind = {model["id"] for model in project["models"] if model["schema"] in (MART_SCHEMA, KPI_SCHEMA)}
    behind |= {test["id"] for test in project["tests"] if test["model"] in behind}
    board = dg.AssetSpec(
        ["kpis", "board"],
        deps=[sent],
        group_name="kpis",
        kinds={"python"},
        description="All key figures on one page, and the summary of the tick.",
    )

    @dg.multi_asset(
        name="kpis",
        specs=[*model_specs(project, models), board],
        check_specs=check_specs(project, models, tests_of_a_tick(project)),
        required_resource_keys={"tick"},
        pool=POOL,
    )
    def kpis(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
        """Tell what came of it: numbers over time, tables and pictures."""
        running = context.resources.tick
        figures = phases.tell(
            running, sum(node.seconds for node in running.nodes if node.unique_id in behind)
        )
        told = Told(project, models, figures)
        for node in running.nodes:
            yield from told.of(node)
        summary = {"tick": dg.MetadataValue.json(running.summary())}
        yield dg.MaterializeResult(
            asset_key=board.key, metadata=as_metadata(figures.get(BOARD, {})) | summary
        )

    return kpis


@dg.asset(
    key=["delivery", "planned"],
    deps=[["decisions", name] for name in ("fct_outbox", "fct_cancellations", "fct_postponements")],
    group_name="delivery",
    kinds={"python", "sqlite"},
    required_resource_keys={"tick"},
    pool=POOL,
)
def planned(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    """Messages written into the ledger with the bytes that every attempt will send."""
    return dg.MaterializeResult(metadata=phases.plan(context.resources.tick))


@dg.asset(
    key=SENT,
    deps=[planned],
    check_specs=route_health.specs(SENT),
    group_name="delivery",
    kinds={"python", "sqlite"},
    required_resource_keys={"tick"},
    pool=POOL,
)
def sent(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    """Messages handed to their providers, by channel and outcome."""
    running = context.resources.tick
    figures = phases.send(running)
    with Ledger(running.settings.ledger) as ledger:
        health = route_health.look(ledger, running.begun.last_journal_seq, running.clock())
    if not running.tells_kpis:
        context.log.info(f"The KPIs take long: they stay as they are until {running.begun.kpis_due_at}.")
        phases.leave_kpis(running)
    return dg.MaterializeResult(
        metadata={**figures, **route_health.metadata(health)},
        check_results=list(route_health.verdicts(health, running.settings)),
    )
