"""`python -m receivers.http`: the receivers on 127.0.0.1; a proxy with TLS stands before them."""

from __future__ import annotations

import logging
import sys

import uvicorn

from receivers.http.app import create_app
from senders.settings import SettingsError, load

HOST = "127.0.0.1"
SHUTDOWN_SECONDS = 10
KEEP_ALIVE_SECONDS = 65  # longer than proxies keep theirs, so that it is not us who hang up on a request
MAX_CONCURRENT = 2_000  # more are answered 503 at once instead of filling the memory


def main() -> int:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        settings = load()
        app = create_app(settings)
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    uvicorn.run(
        app,
        host=HOST,
        port=settings.receivers_port,
        access_log=False,  # it would write the tokens in paths; access.py writes ours
        log_config=None,
        server_header=False,
        proxy_headers=False,
        ws="none",
        limit_concurrency=MAX_CONCURRENT,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
