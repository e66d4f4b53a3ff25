"""A PostgreSQL server for as long as a drill or a test lasts: the system's programs, a folder of its own, a
socket and no port."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from senders.ledger_server import LedgerServer

HOW = (
    "a ledger on a server needs PostgreSQL 14 or newer on this machine: apt-get install postgresql, "
    "brew install postgresql@17, or its `bin` folder on the PATH"
)
# Nothing of it survives the machine, and nobody waits for its disk.
OPTIONS = "-c listen_addresses= -c fsync=off -c max_connections=60 -c shared_buffers=64MB"
_numbers = count(1)


class DatabaseServer:
    def __init__(self, folder: Path) -> None:
        self.folder = folder  # of its socket

    def place(self, database: str) -> LedgerServer:
        return LedgerServer(f"postgresql://dovecote@/{database}?host={self.folder}")

    def run(self, text: str) -> None:
        # Imported late: a drill on a file needs no driver.
        import psycopg

        with psycopg.connect(self.place("postgres").url, autocommit=True) as connection:
            connection.execute(text)

    def empty(self) -> LedgerServer:
        """A database without a ledger."""
        name = f"test_{next(_numbers)}"
        self.run(f"create database {name} template template0")
        return self.place(name)


def programs() -> Path:
    """The folder of the server's programs; RuntimeError where there are none."""
    found = shutil.which("pg_ctl")
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    if not (found or installed):
        raise RuntimeError(HOW)
    return Path(found).parent if found else installed[-1]


def _run(user: str | None, *arguments: str | Path) -> None:
    done = subprocess.run(
        [str(argument) for argument in arguments], user=user, capture_output=True, text=True, cwd="/"
    )
    if done.returncode:
        raise RuntimeError(f"{Path(arguments[0]).name} failed: {done.stdout}{done.stderr}")


@contextmanager
def running_folder() -> Iterator[Path]:
    """The folder of a server's socket, while it runs; as another user where we are root, which PostgreSQL
    refuses to be."""
    folder = Path(tempfile.mkdtemp(prefix="dovecote-pg-", dir="/tmp"))  # the path of a socket must be short
    user = "nobody" if os.geteuid() == 0 else None
    if user:
        os.chown(folder, pwd.getpwnam(user).pw_uid, -1)
    data, socket = folder / "data", f"{OPTIONS} -k {folder}"
    try:
        made = ("-D", data, "-U", "dovecote", "-A", "trust", "-E", "UTF8", "--no-sync", "--locale=C")
        _run(user, programs() / "initdb", *made)
        control = (programs() / "pg_ctl", "-D", data, "-l", folder / "log", "-w")
        _run(user, *control, "-o", socket, "start")
        try:
            yield folder
        finally:
            _run(user, *control, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder)
