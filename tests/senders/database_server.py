"""A PostgreSQL server for the tests: the system's programs, a folder of its own, a socket and no port."""

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

import psycopg

from senders.ledger import Ledger
from senders.ledger_server import LedgerServer

HOW = (
    "the ledger's tests need PostgreSQL 14 or newer on this machine: apt-get install postgresql, "
    "brew install postgresql@17, or its `bin` folder on the PATH"
)
# It lives for the tests: nothing survives the machine, and nobody waits for its disk.
OPTIONS = "-c listen_addresses= -c fsync=off -c max_connections=60 -c shared_buffers=64MB"
_numbers = count(1)
EMPTY = """
    select pg_terminate_backend(pid, 5000) from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid();
    set session_replication_role = replica;  -- no trigger and no foreign key
    delete from journal; delete from attempts; delete from requests; delete from receipts;
    delete from suppressions; delete from refusals; delete from discount_codes; delete from routes;
    delete from switches; delete from messages; delete from route_pace; delete from route_days;
    select setval(pg_get_serial_sequence(name, of), 1, false)
    from (values ('messages', 'message_no'), ('attempts', 'attempt_id'), ('receipts', 'receipt_no'),
        ('journal', 'seq')) as numbered (name, of);
"""


class DatabaseServer:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def place(self, database: str) -> LedgerServer:
        return LedgerServer(f"postgresql://dovecote@/{database}?host={self._folder}")

    def run(self, text: str) -> None:
        with psycopg.connect(self.place("postgres").url, autocommit=True) as connection:
            connection.execute(text)

    def empty(self) -> LedgerServer:
        """A database without a ledger."""
        name = f"test_{next(_numbers)}"
        self.run(f"create database {name} template template0")
        return self.place(name)

    def fresh(self) -> LedgerServer:
        """A ledger that nothing has happened in. Always the same one, emptied: whoever still has it open
        loses it. (A database for each test is 300 files for each test.)"""
        place = self.place("ledger")
        with psycopg.connect(place.url, autocommit=True) as connection:
            connection.execute(EMPTY)
        return place


def _programs() -> Path:
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
def open_database_server() -> Iterator[DatabaseServer]:
    """Started and stopped; as another user where we are root, which PostgreSQL refuses to be."""
    programs = _programs()
    folder = Path(tempfile.mkdtemp(prefix="dovecote-pg-", dir="/tmp"))  # a socket's path must be short
    user = "nobody" if os.geteuid() == 0 else None
    if user:
        os.chown(folder, pwd.getpwnam(user).pw_uid, -1)
    data, socket = folder / "data", f"{OPTIONS} -k {folder}"
    try:
        made = ("-D", data, "-U", "dovecote", "-A", "trust", "-E", "UTF8", "--no-sync", "--locale=C")
        _run(user, programs / "initdb", *made)
        control = (programs / "pg_ctl", "-D", data, "-l", folder / "log", "-w")
        _run(user, *control, "-o", socket, "start")
        try:
            server = DatabaseServer(folder)
            server.run("create database ledger")
            Ledger(server.place("ledger")).close()
            yield server
        finally:
            _run(user, *control, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder)
