"""The tools that people would otherwise use, each set up as its own documentation advises where a repeated
message does harm, in a virtual environment of their own (`peers.txt`, exact versions)."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from dagster_project.drill.database import running_folder
from senders.settings import REPOSITORY

VENV = REPOSITORY / ".venv-peers"
HERE = Path(__file__).parent
PINS = HERE / "peers.txt"


def installed() -> Path:
    """Python of the peers' environment, made where it is not there or has other versions."""
    python, made_of = VENV / "bin" / "python", VENV / "made-of.txt"
    if not made_of.exists() or made_of.read_text() != PINS.read_text():
        subprocess.run([sys.executable, "-m", "venv", "--clear", VENV], check=True)
        pip = (python, "-m", "pip", "install", "--quiet", "--requirement", PINS)
        subprocess.run(pip, check=True)
        made_of.write_text(PINS.read_text())
    return python


@dataclass(frozen=True)
class Way:
    """Where the messages go: one provider, behind the proxy."""

    provider: str
    url: str
    path: str
    headers: Mapping[str, str]
    key_header: str  # of the provider's own protection against repetition; empty: it has none
    environment: Mapping[str, str]
    number: int  # of the batch

    def write(self, home: Path, bodies: Sequence[tuple[str, str]]) -> None:
        home.mkdir(parents=True)
        told = {
            **{"provider": self.provider, "url": self.url + self.path, "headers": dict(self.headers)},
            **{"key_header": self.key_header, "environment": dict(self.environment)},
            **{"count": len(bodies), "number": self.number},
        }
        (home / "way.json").write_text(json.dumps(told))
        rows = [
            {"number": number, "message_id": message_id, "body": body}
            for number, (message_id, body) in enumerate(bodies)
        ]
        (home / "messages.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


# drt -------------------------------------------------------------------------------------------

# The warehouse-backed ledger of delivered keys ("Idempotency ledger", drt/state/idempotency.py), an
# incremental cursor, failed rows kept for `drt retry`.
_PROJECT = """\
name: crash
profile: messages
state: {backend: warehouse, connection_profile: state, idempotency: true}
"""
_PROFILES = """\
messages: {{type: duckdb, database: {home}/messages.duckdb}}
state: {{type: postgres, host: {socket}, dbname: {database}, user: dovecote}}
"""
_SYNC = """\
name: messages
model: select * from messages order by number
destination:
  type: rest_api
  url: {url}
  method: POST
  headers: {headers}
  body_template: "{{{{ row.body }}}}"
{native}sync:
  mode: incremental
  cursor_field: number
  batch_size: {batch_size}
  idempotency_key: "{{{{ row.message_id }}}}"
  rate_limit: {{requests_per_second: 10000}}
  on_error: skip
  dlq: {{enabled: true}}
"""


@contextmanager
def state_server() -> Iterator[Path]:
    """drt keeps the keys of what it delivered in PostgreSQL."""
    with running_folder() as folder:
        yield folder


def set_up_drt(home: Path, way: Way, socket: Path, database: str, batch_size: int) -> None:
    (home / "syncs").mkdir()
    (home / ".drt").mkdir()
    native = '  native_idempotency_key: "{{ row.message_id }}"\n' if way.key_header else ""
    sync = _SYNC.format(
        url=way.url + way.path, headers=json.dumps(dict(way.headers)), native=native, batch_size=batch_size
    )
    (home / "drt_project.yml").write_text(_PROJECT)
    (home / "syncs" / "messages.yml").write_text(sync)
    profiles = _PROFILES.format(home=home, socket=socket, database=database)
    (home / ".drt" / "profiles.yml").write_text(profiles)
    with duckdb.connect(home / "messages.duckdb") as connection:
        connection.execute(
            "create table messages as select * from read_json(?, format = 'newline_delimited', "
            "columns = {number: 'bigint', message_id: 'varchar', body: 'varchar'})",
            [str(home / "messages.jsonl")],
        )
