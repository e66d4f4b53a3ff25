"""One dbt invocation a tick, in this process, from a manifest that is kept between ticks."""

import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from dagster_project import home, manifest
from dagster_project.dbt_run import DbtRunError, Run
from senders import settings as environment

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)

FILES = {
    "dbt_project.yml": """
name: tiny
profile: dovecote
model-paths: [models]
macro-paths: [macros]
on-run-start: "{{ publish() }}"
models: {tiny: {+schema: nest, +materialized: table}}
""",
    "macros/publish.sql": """
{% macro publish() %}{% if execute %}
    {% for node in graph.nodes.values() if node.config.meta.get('said') %}
        {% do run_query("create or replace table said as select '" ~ node.config.meta.said ~ "' as word") %}
    {% endfor %}
{% endif %}{% endmacro %}
""",
    "models/eggs.sql": """
{{ config(meta={'said': 'coo'}) }}
select {{ as_of() }} as as_of, n from range(3) as t(n)
""",
    "models/eggs.yml": """
models:
  - name: eggs
    description: What lies in the nest.
    columns:
      - name: n
        data_type: bigint
        data_tests:
          - not_null
          - accepted_values: {arguments: {values: [0, 1], quote: false}, config: {severity: warn}}
""",
    "models/birds.sql": "{{ config(materialized='view') }} select * from {{ ref('young') }}",
    "models/young.sql": "{{ config(materialized='ephemeral') }} select * from {{ ref('eggs') }} where n > 0",
}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A dbt project of three models, with the real profile and macros."""
    folder = tmp_path_factory.mktemp("dbt")
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    shutil.copy(home.DBT_PROJECT / "profiles.yml", folder)
    for macro in ("clock", "schemas", "across_databases"):
        shutil.copy(home.DBT_PROJECT / "macros" / f"{macro}.sql", folder / "macros")
    return folder


@pytest.fixture(scope="module")
def whole(tiny):
    """A home with the project as it is, parsed once for all tests that change nothing."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        yield at_home(tiny.parent / "home", tiny, monkeypatch)


@pytest.fixture
def own(tmp_path, tiny, monkeypatch):
    """A home with a copy of the project, to change."""
    shutil.copytree(tiny, tmp_path / "dbt")
    return at_home(tmp_path / "home", tmp_path / "dbt", monkeypatch)


def at_home(folder, project, monkeypatch):
    for name in ("DOVECOTE_HOME", "DAGSTER_HOME", "DBT_SEND_ANONYMOUS_USAGE_STATS", "DO_NOT_TRACK"):
        monkeypatch.setenv(name, "")  # what `prepare` sets is undone after the test
    monkeypatch.setattr(home, "DBT_PROJECT", project)
    settings = environment.load({"DOVECOTE_HOME": str(folder)})
    home.prepare(settings)
    return settings


def change(name: str, text: str) -> None:
    Path(home.DBT_PROJECT / name).write_text(text)


LOOK = """
import duckdb, sys, time
warehouse = duckdb.connect(sys.argv[1], read_only=True)
print(1, flush=True)
time.sleep(3)
"""


def build(settings, as_of=NOON):
    return list(Run(settings, as_of, ["build"]))


def in_warehouse(settings, query):
    with duckdb.connect(str(settings.warehouse)) as connection:
        return connection.execute(query).fetchall()


def test_a_kept_manifest_still_lets_every_run_have_its_own_time(whole):
    for as_of in (NOON, NOON + timedelta(minutes=1)):
        build(whole, as_of)
        assert in_warehouse(whole, "select distinct as_of from nest.eggs") == [(as_of.replace(tzinfo=None),)]
    assert len(list((whole.home / "dbt" / "parsed").glob("*/project.json"))) == 1


@pytest.mark.parametrize("name", ["partial_parse.msgpack", "project.json"])
def test_a_kept_manifest_that_is_damaged_is_made_anew(whole, name):
    """As a power cut or a full disk leaves it; no tick could run until somebody cleared it away."""
    manifest.project(whole)
    (kept,) = (whole.home / "dbt" / "parsed").glob(f"*/{name}")
    kept.write_bytes(kept.read_bytes()[: kept.stat().st_size // 2])
    build(whole)
    assert {model["name"] for model in manifest.project(whole)["models"]} >= {"eggs", "birds"}


def test_a_macro_that_runs_first_sees_the_graph_of_a_kept_manifest(whole):
    build(whole)
    assert in_warehouse(whole, "select word from said") == [("coo",)]


def test_each_node_is_told_with_its_outcome_and_its_rows(whole):
    nodes = {node.unique_id.split(".")[2]: node for node in build(whole)}
    assert (nodes["eggs"].status, nodes["eggs"].rows) == ("success", 3)
    assert nodes["birds"].rows is None  # a view has no rows of its own
    assert nodes["not_null_eggs_n"].status == "pass"
    warned = nodes["accepted_values_eggs_n__False__0__1"]
    assert (warned.status, warned.failures) == ("warn", 1)


def test_the_description_of_the_project_is_plain_data(whole):
    project = manifest.project(whole)
    models = {model["name"]: model for model in project["models"]}
    assert set(models) == {"eggs", "birds"}
    assert models["birds"]["upstream"] == [models["eggs"]["id"]]  # through the ephemeral model
    assert models["eggs"]["columns"] == [["n", "bigint", ""]]
    assert {(test["model"], test["severity"]) for test in project["tests"]} == {
        (models["eggs"]["id"], "error"), (models["eggs"]["id"], "warn"),
    }  # fmt: skip


def test_the_manifest_is_parsed_again_when_a_file_changes_and_only_then(own):
    first = manifest.digest(own)
    manifest.project(own)
    stamp = (own.home / "dbt" / "parsed" / first / "project.json").stat().st_mtime_ns
    manifest.project(own)
    assert (own.home / "dbt" / "parsed" / first / "project.json").stat().st_mtime_ns == stamp
    change("models/feathers.sql", "select 1 as n")
    assert {model["name"] for model in manifest.project(own)["models"]} == {"eggs", "birds", "feathers"}
    assert not (own.home / "dbt" / "parsed" / first).exists()


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("models/eggs.sql", "select no_such_column as n", r"model\.tiny\.eggs .*no_such_column"),
        ("models/eggs.sql", "select cast(null as bigint) as n", r"not_null_eggs_n.*Got 1 result"),
        (
            "macros/publish.sql",
            "{% macro publish() %}{{ 'select no_such_thing' }}{% endmacro %}",
            "no_such_thing",
        ),
    ],
    ids=["a model", "a test", "what runs first"],
)
def test_what_fails_ends_the_build_with_its_name_and_reason(own, name, text, said):
    change(name, text)
    with pytest.raises(DbtRunError, match=rf"(?s){said}"):
        build(own)
    assert in_warehouse(own, "select 1") == [(1,)]  # and the warehouse is closed


def test_a_project_that_cannot_be_parsed_is_refused_with_the_file(own):
    change("models/eggs.sql", "select * from {{ ref('no_such_model') }}")
    with pytest.raises(manifest.DbtProjectError, match=r"(?s)models/eggs\.sql.*no_such_model"):
        manifest.project(own)


def test_who_looks_into_the_warehouse_for_a_moment_is_waited_for(whole):
    build(whole)
    reader = subprocess.Popen([sys.executable, "-c", LOOK, str(whole.warehouse)], stdout=subprocess.PIPE)
    assert reader.stdout.readline() == b"1\n"
    assert {node.status for node in build(whole)} == {"success", "pass", "warn"}
    reader.wait()
