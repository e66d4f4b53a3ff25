"""Everything Dagster knows of this project. `workspace.yaml` names this module."""

import dagster as dg

from dagster_project import assets, audit, home, manifest
from dagster_project.sensor import minute_sensor
from senders import settings as environment

# A line for each of a tick's 300 events is in the event log; the terminal gets what somebody says.
QUIET = {"loggers": {"console": {"config": {"log_level": "INFO"}}}}


def definitions(settings: environment.Settings) -> dg.Definitions:
    """Raises DbtProjectError when dbt cannot parse the project: the UI shows it, word for word."""
    home.prepare(settings)
    project = manifest.project(settings)
    tick_assets = assets.build(project)
    checks, hourly_assets = audit.build(project)
    tick = dg.define_asset_job(
        "tick",
        selection=dg.AssetSelection.assets(*tick_assets) - dg.AssetSelection.checks(*checks),
        executor_def=dg.in_process_executor,
        config=QUIET,
        description="One minute: land, decide, plan, send, tell.",
    )
    hourly = dg.define_asset_job(
        "audit",
        selection=dg.AssetSelection.checks(*checks) | dg.AssetSelection.assets(*hourly_assets),
        executor_def=dg.in_process_executor,
        config=QUIET,
        description="Once an hour: what changes slowly, tests over whole tables, Great Expectations.",
    )
    return dg.Definitions(
        assets=[*tick_assets, *hourly_assets],
        asset_checks=checks,
        jobs=[tick, hourly],
        sensors=[minute_sensor(settings)],
        schedules=[
            dg.ScheduleDefinition(
                job=hourly, cron_schedule="17 * * * *", default_status=dg.DefaultScheduleStatus.RUNNING
            )
        ],
        resources={"tick": assets.tick_resource},
        executor=dg.in_process_executor,
    )


defs = definitions(environment.load())
