"""`python -m senders.sandbox`: see `--help`."""

from __future__ import annotations

import argparse
from dataclasses import fields
from pathlib import Path

import uvicorn

from senders.sandbox.app import build
from senders.sandbox.credentials import write_credentials
from senders.sandbox.world import World

HOST = "127.0.0.1"  # never another: the credentials are demo credentials


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m senders.sandbox", description=__doc__)
    parser.add_argument("--port", type=int, default=8400)
    parser.add_argument("--home", type=Path, default=Path(".dovecote"), help="folder of its journal and keys")
    parser.add_argument("--receivers", default="http://127.0.0.1:8300", help="address that gets the receipts")
    parser.add_argument("--latency-ms", type=float, default=0.0, help="before every answer")
    parser.add_argument("--credentials-only", action="store_true", help="write sandbox.env and end")
    for item in fields(World):
        if item.name != "latency_seconds":
            parser.add_argument(
                f"--{item.name.replace('_', '-')}", type=type(item.default), default=item.default
            )
    return parser.parse_args()


def main() -> None:
    given = _arguments()
    home = given.home.expanduser().resolve()
    environment = write_credentials(home, f"http://{HOST}:{given.port}")
    print(f"settings that reach the sandbox: {environment}", flush=True)
    if given.credentials_only:
        return
    world = World(
        latency_seconds=given.latency_ms / 1000,
        **{item.name: getattr(given, item.name) for item in fields(World) if item.name != "latency_seconds"},
    )
    app = build(home, given.receivers, world)
    # Errors of the log are the faults at work: a call that was reset has no answer on purpose.
    uvicorn.run(
        app, host=HOST, port=given.port, log_level="critical", access_log=False, timeout_keep_alive=75
    )


if __name__ == "__main__":
    main()
