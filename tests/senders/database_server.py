"""The PostgreSQL server of the tests, with a ledger that is emptied again and again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from dagster_project.drill.database import DatabaseServer as Bare
from dagster_project.drill.database import running_folder
from senders.ledger import Ledger
from senders.ledger_server import LedgerServer

EMPTY = """
    select pg_terminate_backend(pid, 5000) from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid();
    set session_replication_role = replica;  -- no trigger and no foreign key
    delete from journal; delete from attempts; delete from requests; delete from receipts;
    delete from revocations;
    delete from suppressions; delete from refusals; delete from discount_codes; delete from routes;
    delete from switches; delete from erased; delete from erasures; delete from timelines;
    delete from messages; delete from route_pace; delete from route_days; delete from route_pauses;
    delete from route_breakers;
    select setval(pg_get_serial_sequence(name, of), 1, false)
    from (values ('messages', 'message_no'), ('attempts', 'attempt_id'), ('receipts', 'receipt_no'),
        ('journal', 'seq')) as numbered (name, of);
"""


class DatabaseServer(Bare):
    def fresh(self) -> LedgerServer:
        """A ledger that nothing has happened in. Always the same one, emptied: whoever still has it open
        loses it. (A database for each test is 300 files for each test.)"""
        place = self.place("ledger")
        with psycopg.connect(place.url, autocommit=True) as connection:
            connection.execute(EMPTY)
        return place


@contextmanager
def open_database_server() -> Iterator[DatabaseServer]:
    with running_folder() as folder:
        server = DatabaseServer(folder)
        server.run("create database ledger")
        Ledger(server.place("ledger")).close()
        yield server
