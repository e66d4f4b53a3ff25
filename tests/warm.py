"""Processes of their own that begin warm: forked from one that has imported what they need, and no more.

A fresh `dovecote tick` spends more than half of its CPU on imports. Where a test asks what a command does,
and not how it starts, the command runs here instead: environment, folder and arguments are the caller's, and
it ends like any other process, or by the signal that kills it. How commands start is tried by test_cli,
test_doctor, test_tick_job and test_sensor_daemon.
"""

import atexit
import gc
import importlib
import json
import os
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Mapping
from pathlib import Path

IMPORTED = (
    *("dagster", "dagster._core.execution.api", "dbt.adapters.duckdb", "dbt.cli.main"),
    *("duckdb", "httpx", "jinja2", "matplotlib.figure", "polars"),
    *("dagster_project.assets", "dagster_project.event_log", "dagster_project.phases", "receivers.landing"),
    *("senders.delivery", "senders.lane", "senders.providers", "senders.rendering"),
)
COMMANDS = {
    "dovecote": "from dagster_project.cli import app; app(prog_name='dovecote')",
    "dbt": "from dbt.cli.main import cli; cli(prog_name='dbt')",
}


def dovecote(*arguments: str) -> subprocess.CompletedProcess:
    """As `dovecote ARGUMENTS` on the command line."""
    return python(COMMANDS["dovecote"], *arguments)


def dbt(*arguments: str, environment: Mapping[str, str] | None = None) -> subprocess.CompletedProcess:
    """As `dbt ARGUMENTS` on the command line."""
    return python(COMMANDS["dbt"], *arguments, environment=environment)


def python(
    script: str,
    *arguments: str,
    environment: Mapping[str, str] | None = None,
    imported: tuple[str, ...] = (),
) -> subprocess.CompletedProcess:
    """As `python -c SCRIPT ARGUMENTS`; modules that are `imported` stay so for whoever comes later."""
    with tempfile.TemporaryDirectory(prefix="warm-") as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        given = [str(each) for each in arguments]
        asked = {
            "script": script, "arguments": given, "imported": imported, "folder": str(Path.cwd()),
            "environment": dict(os.environ if environment is None else environment),
            "out": str(out), "err": str(err),
        }  # fmt: skip
        code = _Server.running().ask(asked)
        return subprocess.CompletedProcess([script, *given], code, out.read_text(), err.read_text())


class _Server:
    """The process that all of them are forked from."""

    _running: "_Server | None" = None

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-P", __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        atexit.register(self.end)

    @classmethod
    def running(cls) -> "_Server":
        cls._running = cls._running or cls()
        return cls._running

    def ask(self, asked: dict) -> int:
        try:
            self._process.stdin.write(json.dumps(asked) + "\n")
            self._process.stdin.flush()
            return json.loads(self._process.stdout.readline())
        except BaseException:  # a test's time is up: the next answer would be this one's
            self.end()
            raise

    def end(self) -> None:
        type(self)._running = None
        self._process.kill()
        self._process.wait()


def _serve() -> None:
    _import(IMPORTED)
    for line in sys.stdin:
        asked = json.loads(line)
        _import(asked["imported"])
        if (pid := os.fork()) == 0:
            _begin(asked)
        _, status = os.waitpid(pid, 0)
        print(json.dumps(os.waitstatus_to_exitcode(status)), flush=True)


def _import(names: tuple[str, ...]) -> None:
    for name in names:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()  # what all share is looked through by none of them


def _begin(asked: dict) -> None:
    """Be the asked process, to its end."""
    code = 1
    try:
        os.environ.clear()
        os.environ.update(asked["environment"])
        os.chdir(asked["folder"])
        for number, name in enumerate((os.devnull, asked["out"], asked["err"])):
            os.dup2(os.open(name, os.O_RDWR | os.O_CREAT), number)
        sys.argv = ["-c", *asked["arguments"]]
        exec(asked["script"], {"__name__": "__main__"})
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    _serve()
