"""The command line: what it prints, where, and how it ends."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from dagster_project.demo.servers import free_port

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


@pytest.mark.slow
def test_the_ui_starts_on_a_fresh_home_with_nothing_but_the_environment(run, tmp_path):
    port = free_port(3060)
    variables = {
        "PATH": "/usr/bin:/bin",
        "DOVECOTE_HOME": str(tmp_path / "home"),
        "DOVECOTE_UI_PORT": str(port),
    }
    with (tmp_path / "ui.log").open("wb") as log:
        ui = subprocess.Popen([DOVECOTE, "ui"], env=variables, stdout=log, stderr=log, start_new_session=True)
    try:
        ends_at = time.monotonic() + 90
        while not answers(f"http://127.0.0.1:{port}/server_info"):
            assert ui.poll() is None, (tmp_path / "ui.log").read_text()
            assert time.monotonic() < ends_at, "it did not answer in time"
            time.sleep(0.2)
    finally:
        os.killpg(ui.pid, signal.SIGKILL)
        ui.wait()
    assert (tmp_path / "home" / "dagster" / "history").exists()


def answers(url):
    try:
        return httpx.get(url, timeout=2).status_code == 200
    except httpx.HTTPError:
        return False


def test_help_names_the_commands(run):
    done = run("--help")
    assert done.returncode == 0
    looks = ("init", "tick", "daemon", "ui", "doctor", "explain", "demo")
    assert all(command in done.stdout for command in (*looks, "routes", "stop", "start", "held"))


def test_what_every_command_imports_first_is_light(run):
    """`dovecote doctor` or a wrong option answers at once; each command fetches its own tools."""
    script = (
        "import sys; import dagster_project.cli; "
        "print({'dagster', 'dbt', 'duckdb', 'httpx', 'great_expectations'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout == "set()\n"
