"""The shipped dbt project as dbt parsed it: once in a run of the tests, and not once in every home."""

import json
import os
import shutil
from pathlib import Path

import warm

from dagster_project import manifest
from senders.settings import Settings, load

PARSE = """
from dagster_project import home, manifest
from senders.settings import load
settings = load()
home.prepare(settings)
manifest.project(settings)
"""
RUN = """
import json, sys
from dbt.cli.main import dbtRunner
from dagster_project import manifest
from senders.settings import load
settings = load()
options = [*manifest.arguments(settings, settings.home / "dbt" / "target"), "--no-write-json"]
done = dbtRunner(manifest.manifest(settings)).invoke([*sys.argv[1:], *options])
for each in getattr(done.result, "results", []):
    told = each.node.unique_id, str(each.status), each.message, getattr(each.node, "compiled_code", None)
    print(json.dumps(told))
if done.exception:
    print(done.exception, file=sys.stderr)
sys.exit(not done.success)
"""


class _Shared:
    """A home that all tests share, and all workers."""

    folder: Path


def share(folder: Path) -> None:
    _Shared.folder = folder


def lend(settings: Settings) -> None:
    """A copy for a new home, as if its first tick had parsed the project."""
    shared = load({"DOVECOTE_HOME": str(_Shared.folder)})
    parsed = shared.home / "dbt" / "parsed" / manifest.digest(shared)
    if not (parsed / "project.json").exists():
        done = warm.python(PARSE, environment={**os.environ, "DOVECOTE_HOME": str(shared.home)})
        assert done.returncode == 0, done.stderr[-3000:]
    shutil.copytree(parsed, settings.home / "dbt" / "parsed" / manifest.digest(settings))


def dbt(folder: Path, *arguments: str) -> list[list[str]]:
    """As `dbt ARGUMENTS` at home in `folder`: [unique id, status, message, compiled code] of each node."""
    settings = load({"DOVECOTE_HOME": str(folder)})
    if not (settings.home / "dbt" / "parsed").exists():
        lend(settings)
    done = warm.python(RUN, *arguments, environment={**os.environ, "DOVECOTE_HOME": str(settings.home)})
    results = [json.loads(line) for line in done.stdout.splitlines()]
    broken = [each[:3] for each in results if each[1] in ("error", "fail", "runtime error")]
    assert done.returncode == 0, broken or done.stderr[-3000:]
    return results
