"""One tick of Dovecote's protocol in a process of its own: plan what there is, deliver what is due; prints
the messages that wait for a person's decision."""

import gc
import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.throughput import messages
from senders import delivery
from senders.ledger import Ledger
from senders.providers import load_provider
from senders.settings import load

gc.disable()  # as a tick does
home, later = Path(sys.argv[1]), timedelta(seconds=float(sys.argv[2]))
way = json.loads((home / "way.json").read_text())
provider = load_provider(load(way["environment"]), way["provider"])
with Ledger(home / "ledger.db") as ledger:
    delivery.plan(ledger, {"email": provider}, messages(way["count"], way["number"]), datetime.now(UTC))
    delivery.deliver(ledger, {"email": provider}, lambda: datetime.now(UTC) + later, 30)
    print(json.dumps([held["message_id"] for held in ledger.held(way["count"])]))
