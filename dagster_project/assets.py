"""The tick as Dagster assets: what landed, every dbt model with its tests, what was planned and sent.

They run in one process, in this order. Nothing here holds a message back on an asset check: a
failing model or test fails the run before anything is planned.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from dagster_project import phases, tick
from dagster_project.dbt_run import Build, Node
from senders import settings

POOL = "warehouse"
LANDED_SCHEMA, PUBLISHED_SCHEMA = "raw", "policy"
# Unit tests prove the models before they ship; tests tagged `audit` look at whole tables, once an hour.
IN_EVERY_TICK = ("--exclude-resource-type", "unit_test", "--exclude", "tag:audit")
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
    with tick.running(settings.load(), run.run_id, moment(asked) if asked else None) as running:
        running.launched(_asked_at(context, run))
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
    return [_landing(project), _dbt(project), planned, sent, kpi_board]


def key_of(thing: Mapping[str, Any]) -> dg.AssetKey:
    return dg.AssetKey([thing["schema"], thing["name"]])


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
    """One op that tells of each model and test as dbt finishes it."""
    models = {model["id"]: model for model in project["models"]}
    published = [source for source in project["sources"] if source["schema"] == PUBLISHED_SCHEMA]
    tests = {test["id"]: test for test in project["tests"] if "audit" not in test["tags"]}

    @dg.multi_asset(
        name="dbt",
        specs=model_specs(project) + [_published_spec(source) for source in published],
        check_specs=check_specs(tests.values(), models),
        required_resource_keys={"tick"},
        pool=POOL,
    )
    def dbt(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
        """`dbt build` of everything, once, in this process."""
        running = context.resources.tick
        nodes = phases.transform(running, Build(running.settings, running.as_of, IN_EVERY_TICK))
        for place, node in enumerate(nodes):
            if place == 0:  # what runs before the first node has published these
                yield from (dg.MaterializeResult(asset_key=key_of(source)) for source in published)
            if node.unique_id in models:
                yield materialized(models[node.unique_id], node)
            elif node.unique_id in tests:
                yield from checked(tests[node.unique_id], models, node)

    return dbt


def model_specs(project: Mapping[str, Any]) -> list[dg.AssetSpec]:
    places = {thing["id"]: key_of(thing) for thing in (*project["sources"], *project["models"])}
    built = {key_of(model) for model in project["models"]}
    sources = {source["id"] for source in project["sources"]}

    def upstream(model: Mapping[str, Any]) -> Iterable[dg.AssetKey]:
        # A source that is a model of ours is read back from earlier ticks: no edge, or there'd be a loop.
        return (places[each] for each in model["upstream"] if not (each in sources and places[each] in built))

    return [
        dg.AssetSpec(
            key_of(model),
            deps=list(upstream(model)),
            description=model["description"],
            group_name=model["schema"],
            kinds={"dbt", project["adapter"], model["kind"]},
            skippable=True,  # a model behind a failed one is skipped; the run fails by itself
            metadata={"dagster/column_schema": _columns(model), "path": f"dbt/{model['path']}"},
        )
        for model in project["models"]
    ]


def _published_spec(source: Mapping[str, Any]) -> dg.AssetSpec:
    return dg.AssetSpec(
        key_of(source), description=source["description"], group_name=PUBLISHED_SCHEMA, kinds={"dbt", "yaml"}
    )


def _columns(model: Mapping[str, Any]) -> dg.TableSchema:
    return dg.TableSchema(
        columns=[
            dg.TableColumn(name, type=kind or "unknown", description=about or None)
            for name, kind, about in model["columns"]
        ]
    )


def check_specs(
    tests: Iterable[Mapping[str, Any]], models: Mapping[str, Mapping[str, Any]]
) -> Sequence[dg.AssetCheckSpec]:
    return [
        dg.AssetCheckSpec(test["name"], asset=key_of(models[test["model"]]), description=test["description"])
        for test in tests
    ]


def materialized(model: Mapping[str, Any], node: Node) -> dg.MaterializeResult:
    metadata: dict[str, Any] = {"seconds": round(node.seconds, 3)}
    if node.rows is not None:
        metadata["dagster/row_count"] = node.rows
    return dg.MaterializeResult(asset_key=key_of(model), metadata=metadata)


def checked(
    test: Mapping[str, Any], models: Mapping[str, Mapping[str, Any]], node: Node
) -> Iterator[dg.AssetCheckResult]:
    """A test that was skipped says nothing; its model's failure says it all."""
    if node.status == "skipped":
        return
    yield dg.AssetCheckResult(
        passed=node.status == "pass",
        asset_key=key_of(models[test["model"]]),
        check_name=test["name"],
        severity=dg.AssetCheckSeverity.WARN if node.status == "warn" else dg.AssetCheckSeverity.ERROR,
        metadata={
            "rows that fail": node.failures or 0,
            "seconds": round(node.seconds, 3),
            "dbt says": node.message,
        },
    )


@dg.asset(
    key=["delivery", "planned"],
    deps=[["decisions", "fct_outbox"], ["decisions", "fct_cancellations"]],
    group_name="delivery",
    kinds={"python", "sqlite"},
    required_resource_keys={"tick"},
    pool=POOL,
)
def planned(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    """Messages written into the ledger with the bytes that every attempt will send."""
    return dg.MaterializeResult(metadata=phases.plan(context.resources.tick))


@dg.asset(
    key=["delivery", "sent"],
    deps=[planned],
    group_name="delivery",
    kinds={"python", "sqlite"},
    required_resource_keys={"tick"},
    pool=POOL,
)
def sent(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    """Messages handed to their providers, by channel and outcome."""
    return dg.MaterializeResult(metadata=phases.send(context.resources.tick))


@dg.asset(
    key=["kpis", "board"],
    deps=[sent],
    group_name="kpis",
    kinds={"python"},
    required_resource_keys={"tick"},
    pool=POOL,
)
def kpi_board(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    """The key figures as numbers, tables and pictures, and the summary of this tick."""
    return dg.MaterializeResult(metadata=phases.tell(context.resources.tick))
