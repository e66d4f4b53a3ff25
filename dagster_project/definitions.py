"""Everything Dagster knows of this project. `workspace.yaml` names this module."""

import dagster as dg

from dagster_project import assets, home, manifest
from dagster_project.sensor import minute_sensor
from senders import settings as environment


def definitions(settings: environment.Settings) -> dg.Definitions:
    """Raises DbtProjectError when dbt cannot parse the project: the UI shows it, word for word."""
    home.prepare(settings)
    project = manifest.project(settings)
    tick_assets = assets.build(project)
    tick_job = dg.define_asset_job(
        "tick",
        selection=dg.AssetSelection.assets(*tick_assets),
        executor_def=dg.in_process_executor,
        description="One minute: land, decide, plan, send, tell.",
    )
    return dg.Definitions(
        assets=tick_assets,
        jobs=[tick_job],
        sensors=[minute_sensor(settings)],
        resources={"tick": assets.tick_resource},
        executor=dg.in_process_executor,
    )


defs = definitions(environment.load())
