"""A tick in this process, in front of whoever asked for it: the same job on the same instance."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from dagster_project import home, state
from senders.settings import Settings


def tick(
    settings: Settings, as_of: str | None, asked_at: datetime, *, is_quiet: bool = False
) -> dict[str, Any]:
    """Run the job `tick` to its end and return its summary (`Tick.summary`).

    `as_of` is ISO 8601. Whatever goes wrong is told in the summary's `failure`.
    """
    home.prepare(settings)
    import dagster as dg

    from dagster_project import assets, definitions

    job = definitions.defs.resolve_job_def("tick")
    run_id, failure = str(uuid.uuid4()), None
    with dg.DagsterInstance.get() as instance:
        try:
            job.execute_in_process(
                instance=instance,
                run_id=run_id,
                run_config={
                    "resources": {"tick": {"config": {"as_of": as_of}}},
                    # What failed is in the summary too.
                    "loggers": {"console": {"config": {"log_level": "CRITICAL" if is_quiet else "INFO"}}},
                },
                tags={
                    assets.ASKED_AT_TAG: asked_at.isoformat(),
                    "dovecote/because": "asked for on the command line",
                },
            )
        except Exception as error:
            failure = " ".join(
                str(cause) for cause in _causes(error) if not isinstance(cause, dg.DagsterError)
            )
            failure = failure or str(error)
    summary = state.tick_of_run(settings.home, run_id) or {"run_id": run_id, "failure": failure}
    return summary | {"failure": summary["failure"] or failure}


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__
