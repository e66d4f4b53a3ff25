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
    run_id, failure = str(uuid.uuid4()), None
    try:
        _run(run_id, as_of, asked_at, "CRITICAL" if is_quiet else "INFO")
    except Exception as error:
        failure = _in_words(error)
    summary = state.tick_of_run(settings.home, run_id) or {"run_id": run_id, "failure": failure}
    return summary | {"failure": summary["failure"] or failure}


def _run(run_id: str, as_of: str | None, asked_at: datetime, log_level: str) -> None:
    import dagster as dg

    from dagster_project import assets, definitions

    job = definitions.defs.resolve_job_def("tick")
    with dg.DagsterInstance.get() as instance:
        job.execute_in_process(
            instance=instance,
            run_id=run_id,
            run_config={
                "resources": {"tick": {"config": {"as_of": as_of}}},
                "loggers": {"console": {"config": {"log_level": log_level}}},
            },
            tags={
                assets.ASKED_AT_TAG: asked_at.isoformat(),
                "dovecote/because": "asked for on the command line",
            },
        )


def _in_words(error: Exception) -> str:
    """Our own words out of what Dagster has wrapped around them."""
    causes = [str(cause) for cause in _causes(error)]
    ours = [str(cause) for cause in _causes(error) if not type(cause).__module__.startswith("dagster.")]
    return (ours or causes)[0]


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__
