"""A sender to be killed: `python delivering_process.py LEDGER URL CLOCK` delivers what is due."""

import sys
from datetime import datetime
from pathlib import Path

from letters import Clock
from post_office import Postal

from senders.delivery import Pace, deliver
from senders.ledger import Ledger
from senders.ledger_server import LedgerServer

if __name__ == "__main__":
    place, url, starts_at = sys.argv[1:]
    with Ledger(LedgerServer(place) if "://" in place else Path(place)) as ledger:
        deliver(
            ledger,
            {"sms": Postal(url, messages_per_second=100.0)},
            Clock(datetime.fromisoformat(starts_at)),
            60,
            pace=Pace(call_seconds=20.0, lease_seconds=60.0),
        )
