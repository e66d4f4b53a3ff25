"""The parsed dbt project, kept between ticks.

Parsing takes 2 to 7 s and `--vars` with a new `as_of` throws dbt's own partial parse away each
time, so the parsed manifest is kept below DOVECOTE_HOME/dbt under a digest of all it depends on
and handed to `dbtRunner`. Beside it lies `project.json`, the little that Dagster's definitions need,
so that whoever only looks (code server, sensor) never imports dbt.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from dagster_project import home, lock
from senders.settings import Settings

SKIPPED_FOLDERS = {"target", "logs", "dbt_packages"}
PARSE_WAIT_SECONDS = 120


class DbtProjectError(RuntimeError):
    """dbt cannot make sense of the project; the text is dbt's own, with file and line."""


def project(settings: Settings) -> dict[str, Any]:
    """Models, seeds, sources and tests as plain data (see `_describe`); parses when it must.

    Raises DbtProjectError, and JourneyError when a journey's YAML is wrong.
    """
    return _read(settings, lambda parsed: json.loads((parsed / "project.json").read_text()))


def manifest(settings: Settings) -> Any:
    """dbt's Manifest, ready for `dbtRunner(manifest=…)`. Imports dbt."""
    from dbt.contracts.graph.manifest import Manifest

    loaded = _read(
        settings, lambda parsed: Manifest.from_msgpack((parsed / "partial_parse.msgpack").read_bytes())
    )
    loaded.build_flat_graph()  # what `graph` is to the on-run-start macros
    return loaded


def digest(settings: Settings) -> str:
    """Changes with any file of dbt/, with the versions that parse it, and with nothing else."""
    lines = [f"{name} {version(name)}" for name in ("dbt-core", "dbt-duckdb", "dovecote")]
    lines += [sys.version, str(settings.home), str(home.DBT_PROJECT)]
    for path in files(home.DBT_PROJECT):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        lines.append(f"{path.relative_to(home.DBT_PROJECT)} {content}")
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def files(folder: Path) -> Iterator[Path]:
    """The files of a dbt project, without what dbt writes beside them; always in the same order."""
    for path in sorted(folder.iterdir()):
        if path.is_dir() and path.name not in SKIPPED_FOLDERS:
            yield from files(path)
        elif path.is_file() and not path.name.startswith("."):
            yield path


def _read(settings: Settings, read: Callable[[Path], Any]) -> Any:
    """What `read` makes of the parsed project. Where it can make nothing of it (a power cut or a full disk
    left half a file), the project is parsed anew: no tick could run until somebody cleared it away."""
    parsed = _parsed(settings)
    try:
        return read(parsed)
    except Exception:
        with lock.held(parsed.parent, "dbt parse", PARSE_WAIT_SECONDS):
            _parse(settings, parsed)
        return read(parsed)


def _parsed(settings: Settings) -> Path:
    """The folder of the current digest, parsed by whoever comes first."""
    cached = settings.home / "dbt" / "parsed" / digest(settings)
    if (cached / "project.json").exists():
        return cached
    with lock.held(cached.parent, "dbt parse", PARSE_WAIT_SECONDS):
        if not (cached / "project.json").exists():
            _parse(settings, cached)
    return cached


def _parse(settings: Settings, cached: Path) -> None:
    from dbt.cli.main import dbtRunner

    from dagster_project.journeys import load_journeys

    load_journeys()  # dbt would take a typo in a journey's YAML for a word of its own
    part = cached.with_name(f".{cached.name}")
    shutil.rmtree(part, ignore_errors=True)
    result = dbtRunner().invoke(["parse", "--no-partial-parse", *arguments(settings, part)])
    if not result.success:
        raise DbtProjectError(f"dbt cannot parse {home.DBT_PROJECT}: {result.exception or result.result}")
    (part / "project.json").write_text(
        json.dumps(_describe(json.loads((part / "manifest.json").read_text())))
    )
    shutil.rmtree(cached, ignore_errors=True)
    part.rename(cached)
    for old in cached.parent.iterdir():
        if old.is_dir() and old != cached:
            shutil.rmtree(old, ignore_errors=True)


def arguments(settings: Settings, target: Path) -> list[str]:
    """The flags of every dbt call of ours: quiet, no call home, nothing written below the repository."""
    return [
        *("--project-dir", str(home.DBT_PROJECT), "--profiles-dir", str(home.DBT_PROJECT)),
        *("--target-path", str(target), "--log-path", str(settings.home / "dbt" / "logs")),
        # A log file that keeps warnings only still has every debug line written out and thrown away:
        # 3,000 a tick. What fails is told by the run itself.
        *("--log-level", "none", "--log-level-file", "none"),
        *("--no-send-anonymous-usage-stats", "--no-print", "--no-version-check"),
    ]


def _describe(parsed: Mapping[str, Any]) -> dict[str, Any]:
    """`{"models": [...], "sources": [...], "tests": [...], "adapter": "duckdb"}`.

    A model (seeds too): id, name, schema, kind (its materialization), description, path, columns
    ([name, type, description]), upstream (ids of models and sources; ephemeral ones seen through),
    meta, tags. A source: id, name, schema, description. A test: id, name, model (id), severity, tags,
    description.
    """
    nodes = parsed["nodes"]
    tests = [_test(node) for node in nodes.values() if node["resource_type"] == "test"]
    models = [_model(node, nodes) for node in nodes.values() if _is_relation(node)]
    sources = [
        {
            "id": source["unique_id"],
            "name": source["identifier"],
            "schema": source["schema"],
            "description": source["description"],
        }
        for source in parsed["sources"].values()
    ]
    return {
        "models": models,
        "sources": sources,
        "tests": [test for test in tests if test["model"]],
        "adapter": parsed["metadata"]["adapter_type"],
    }


def _is_relation(node: Mapping[str, Any]) -> bool:
    is_kind = node["resource_type"] in ("model", "seed", "snapshot")
    return is_kind and node["config"]["materialized"] != "ephemeral"


def _model(node: Mapping[str, Any], nodes: Mapping[str, Any]) -> dict[str, Any]:
    @cache
    def seen_through(unique_id: str) -> tuple[str, ...]:
        upstream = nodes.get(unique_id)
        if upstream is None or _is_relation(upstream):
            return (unique_id,)
        return tuple(found for each in upstream["depends_on"]["nodes"] for found in seen_through(each))

    upstream = [found for each in node["depends_on"].get("nodes", []) for found in seen_through(each)]
    return {
        "id": node["unique_id"],
        "name": node["alias"],
        "schema": node["schema"],
        "kind": node["config"]["materialized"],
        "description": node["description"],
        "path": node["original_file_path"],
        "columns": [
            [column["name"], column.get("data_type") or "", column.get("description", "")]
            for column in node["columns"].values()
        ],
        "upstream": sorted(set(upstream)),
        "meta": node["config"].get("meta", {}),
        "tags": node["tags"],
    }


def _test(node: Mapping[str, Any]) -> dict[str, Any]:
    upstream = [each for each in node["depends_on"]["nodes"] if each.startswith(("model.", "seed."))]
    return {
        "id": node["unique_id"],
        "name": node["name"],
        "model": node.get("attached_node") or (upstream[0] if upstream else None),
        "severity": node["config"]["severity"].lower(),
        "tags": node["tags"],
        "description": node["description"],
    }
