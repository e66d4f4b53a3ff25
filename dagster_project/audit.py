"""Once an hour: the models that change slowly, the tests that look at whole tables, and Great Expectations
over what landed.

They take seconds that a tick has not got, and no message waits for them. The audit takes the same lock
as a tick, because one process owns the warehouse.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg

from dagster_project import lock, warehouse
from dagster_project.assets import LANDED_SCHEMA
from dagster_project.dbt_assets import AUDIT_TAG, HOURLY_TAG, Told, check_specs, checked, key_of, model_specs
from dagster_project.dbt_run import Node, Run
from senders import settings as environment
from senders.settings import Settings

HOURLY_MODELS = ("run", "--select", f"tag:{HOURLY_TAG}")
DBT_TESTS = ("test", "--exclude-resource-type", "unit_test", "--select", f"tag:{AUDIT_TAG}")
# Each audit looks a little further back than the one before it ended, so that no file is missed.
LOOKS_BACK = timedelta(hours=2)
GATE_CHECK = "gate_agrees_with_great_expectations"
LOCK_WAIT_SECONDS = 300
KEPT_RUNS = {
    dg.DagsterRunStatus.SUCCESS: timedelta(days=2),
    dg.DagsterRunStatus.FAILURE: timedelta(days=14),
    dg.DagsterRunStatus.CANCELED: timedelta(days=14),
}
FORGOTTEN_AT_ONCE = 500


def build(project: Mapping[str, Any]) -> tuple[list[dg.AssetChecksDefinition], list[dg.AssetsDefinition]]:
    """The audit's checks; the hourly models and the asset that stands for the history of runs."""
    return [_dbt_tests(project), _landing(project)], [_hourly(project), run_history]


def _hourly(project: Mapping[str, Any]) -> dg.AssetsDefinition:
    models = [model for model in project["models"] if HOURLY_TAG in model["tags"]]

    @dg.multi_asset(name="hourly", specs=model_specs(project, models), can_subset=False)
    def hourly(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
        """The models with the tag `hourly`, at the time of the last tick; without one, there is nothing."""
        told, built = Told(project, models), set()
        with _warehouse_to_itself() as settings:
            for node in _at_the_last_tick(context, settings, HOURLY_MODELS):
                built.add(node.unique_id)
                yield from told.of(node)
        # Before the first tick they are empty: that is what a tick would find.
        yield from (dg.MaterializeResult(key_of(each)) for each in models if each["id"] not in built)

    return hourly


def _at_the_last_tick(context: Any, settings: Settings, command: tuple[str, ...]) -> Iterator[Node]:
    with warehouse.opened(settings) as connection:
        as_of = warehouse.last_as_of(connection)
    if as_of is None:
        context.log.info("No tick has run yet: there is nothing to build and nothing to audit.")
        return
    yield from Run(settings, as_of, command)


def _dbt_tests(project: Mapping[str, Any]) -> dg.AssetChecksDefinition:
    models = {model["id"]: model for model in project["models"]}
    tests = {test["id"]: test for test in project["tests"] if AUDIT_TAG in test["tags"]}

    @dg.multi_asset_check(name="audit_tests", specs=check_specs(project, models.values(), tests.values()))
    def audit_tests(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        """Every dbt test with the tag `audit`, at the time of the last tick."""
        with _warehouse_to_itself() as settings:
            for node in _at_the_last_tick(context, settings, DBT_TESTS):
                if test := tests.get(node.unique_id):
                    yield from checked(test, key_of(models[test["model"]]), node)

    return audit_tests


def _landing(project: Mapping[str, Any]) -> dg.AssetChecksDefinition:
    tables = {
        f"{source['schema']}.{source['name']}": key_of(source)
        for source in project["sources"]
        if source["schema"] == LANDED_SCHEMA
    }

    @dg.multi_asset_check(
        name="audit_landing",
        specs=[dg.AssetCheckSpec(GATE_CHECK, asset=key, description=GATE_ABOUT) for key in tables.values()],
    )
    def audit_landing(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        """Great Expectations over the files of the last hours: was the gate right?"""
        import great_expectations  # noqa: F401 takes seconds, so before anybody waits for the lock

        from receivers import landing_audit
        from receivers.feed import load_feed

        with _warehouse_to_itself() as settings:
            results = landing_audit.audit(settings, datetime.now(UTC) - LOOKS_BACK)
        by_table: dict[str, list[landing_audit.AuditResult]] = {}
        for result in results:
            by_table.setdefault(load_feed(result.feed).table, []).append(result)
        for table, key in tables.items():
            yield _verdict(key, by_table.get(table, []))

    return audit_landing


GATE_ABOUT = (
    "The gate judges in SQL what the feeds declare as Great Expectations suites; here the suites themselves "
    "judge the same rows, and manifest and quarantine are held against the archive."
)


def _verdict(key: dg.AssetKey, results: list[Any]) -> dg.AssetCheckResult:
    words = [line for result in results for line in (*result.disagreements, *result.strays)]
    return dg.AssetCheckResult(
        passed=all(result.is_good for result in results),
        asset_key=key,
        check_name=GATE_CHECK,
        metadata={
            "files": sum(result.files for result in results),
            "rows": sum(result.rows for result in results),
            "disagreements": dg.MetadataValue.md("\n".join(f"- {line}" for line in words[:100]) or "none"),
        },
    )


@contextmanager
def _warehouse_to_itself() -> Iterator[Settings]:
    settings = environment.load()
    with lock.held(settings.home, "an audit", LOCK_WAIT_SECONDS):
        yield settings


@dg.asset(key=["dagster", "run_history"], group_name="house", kinds={"dagster"})
def run_history(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    """What Dagster remembers of runs; a tick a minute leaves 1 GB of it a day, so old runs go."""
    forgotten = 0
    for status, kept in KEPT_RUNS.items():
        old = dg.RunsFilter(statuses=[status], updated_before=datetime.now(UTC) - kept)
        for run in context.instance.get_runs(old, limit=FORGOTTEN_AT_ONCE):
            context.instance.delete_run(run.run_id)
            forgotten += 1
    return dg.MaterializeResult(metadata={"forgotten": forgotten})
