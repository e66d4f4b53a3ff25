"""The command line: what it prints, where, and how it ends."""

import subprocess
import sys
from pathlib import Path

import pytest

DOVECOTE = Path(sys.executable).with_name("dovecote")


@pytest.fixture
def run(tmp_path):
    def run(*arguments, **environment):
        variables = {"PATH": "/usr/bin:/bin", "DOVECOTE_HOME": str(tmp_path / "home"), **environment}
        return subprocess.run([DOVECOTE, *arguments], capture_output=True, text=True, env=variables)

    return run


def test_init_makes_a_home_and_does_it_again_without_harm(run, tmp_path):
    for _ in range(2):
        done = run("init")
        assert done.returncode == 0, done.stderr
    made = {path.relative_to(tmp_path / "home").as_posix() for path in (tmp_path / "home").rglob("*")}
    assert made >= {"warehouse.duckdb", "ledger.db", "landing", "archive", "dagster/dagster.yaml"}


@pytest.mark.parametrize("command", ["init", "tick", "explain"])
def test_a_wrong_setting_ends_a_command_with_words_and_no_traceback(run, command):
    arguments = [command, "ann"] if command == "explain" else [command]
    done = run(*arguments, DOVECOTE_TICK_SECONDS="soon")
    assert done.returncode == 1
    assert "DOVECOTE_TICK_SECONDS" in done.stderr
    assert "Traceback" not in done.stderr


def test_help_names_the_commands(run):
    done = run("--help")
    assert done.returncode == 0
    assert all(command in done.stdout for command in ("init", "tick", "doctor", "explain", "demo"))


def test_what_every_command_imports_first_is_light(run):
    """`dovecote doctor` or a wrong option answers at once; each command fetches its own tools."""
    script = (
        "import sys; import dagster_project.cli; "
        "print({'dagster', 'dbt', 'duckdb', 'httpx', 'great_expectations'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout == "set()\n"
