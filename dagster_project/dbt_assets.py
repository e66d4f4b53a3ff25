"""dbt's models, sources and tests in Dagster's words."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import dagster as dg

from dagster_project.dbt_run import Node
from dagster_project.kpis import Markdown

AUDIT_TAG = "audit"
# Models that change slowly and cost seconds: built by the hourly audit, read by every tick.
HOURLY_TAG = "hourly"

Thing = Mapping[str, Any]  # a model, source or test as `manifest.project` describes it


def key_of(thing: Thing) -> dg.AssetKey:
    return dg.AssetKey([thing["schema"], thing["name"]])


def published_spec(source: Thing) -> dg.AssetSpec:
    about = source["description"] or "Published from the journeys' YAML before every run."
    return dg.AssetSpec(key_of(source), description=about, group_name=source["schema"], kinds={"dbt", "yaml"})


def _columns(model: Thing) -> dg.TableSchema:
    return dg.TableSchema(
        columns=[
            dg.TableColumn(name, type=kind or "unknown", description=about or None)
            for name, kind, about in model["columns"]
        ]
    )


def check_specs(
    project: Mapping[str, Any], models: Iterable[Thing], tests: Iterable[Thing]
) -> list[dg.AssetCheckSpec]:
    """A check for each of the tests that looks at one of the models."""
    keys = {model["id"]: key_of(model) for model in models}
    return [
        dg.AssetCheckSpec(test["name"], asset=keys[test["model"]], description=test["description"])
        for test in tests
        if test["model"] in keys
    ]


def facts_of(node: Node) -> dict[str, Any]:
    rows = {} if node.rows is None else {"dagster/row_count": node.rows}
    return {"seconds": round(node.seconds, 3), **rows}


def as_metadata(figures: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: dg.MetadataValue.md(value) if isinstance(value, Markdown) else value
        for name, value in figures.items()
    }


def checked(test: Thing, asset: dg.AssetKey, node: Node) -> Iterator[dg.AssetCheckResult]:
    """A test that was skipped says nothing; its model's failure says it all."""
    if node.status == "skipped":
        return
    yield dg.AssetCheckResult(
        passed=node.status == "pass",
        asset_key=asset,
        check_name=test["name"],
        severity=dg.AssetCheckSeverity.WARN if node.status == "warn" else dg.AssetCheckSeverity.ERROR,
        metadata={
            "rows that fail": node.failures or 0,
            "seconds": round(node.seconds, 3),
            "dbt says": node.message,
        },
    )


class Told:
    """Dagster's results of dbt's nodes, for some of the models."""

    def __init__(
        self,
        project: Mapping[str, Any],
        models: Iterable[Thing],
        figures: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        self.models = {model["id"]: model for model in models}
        self.tests = {test["id"]: test for test in tests_of_a_tick(project) if test["model"] in self.models}
        self.figures = figures or {}

    def of(self, node: Node) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
        if model := self.models.get(node.unique_id):
            metadata = as_metadata(self.figures.get(model["name"], {}))
            yield dg.MaterializeResult(asset_key=key_of(model), metadata=metadata | facts_of(node))
        elif test := self.tests.get(node.unique_id):
            yield from checked(test, key_of(self.models[test["model"]]), node)


def tests_of_a_tick(project: Mapping[str, Any]) -> list[Thing]:
    return [test for test in project["tests"] if AUDIT_TAG not in test["tags"]]


def model_specs(project: Mapping[str, Any], models: Iterable[Thing]) -> list[dg.AssetSpec]:
    places = {thing["id"]: key_of(thing) for thing in (*project["sources"], *project["models"])}
    built = {key_of(model) for model in project["models"]}
    sources = {source["id"] for source in project["sources"]}
    hourly = {model["id"] for model in project["models"] if HOURLY_TAG in model["tags"]}

    def upstream(model: Thing) -> list[dg.AssetKey]:
        # A source that is a model of ours is read back from earlier ticks, and so is in a tick what the audit
        # built: no edge, or there'd be a loop.
        read_back = hourly if model["id"] not in hourly else set()
        return [
            places[each]
            for each in model["upstream"]
            if each not in read_back and not (each in sources and places[each] in built)
        ]

    return [
        dg.AssetSpec(
            key_of(model),
            deps=upstream(model),
            description=model["description"],
            group_name=model["schema"],
            kinds={"dbt", project["adapter"], model["kind"]},
            skippable=True,  # a model behind a failed one is skipped; the run fails by itself
            metadata={"dagster/column_schema": _columns(model), "path": f"dbt/{model['path']}"},
        )
        for model in models
    ]
