"""Run by the peers' own Python: the messages of a JSON Lines file through dlt's custom destination.

As dlt's documentation of it advises: one request a batch, where the remote does not tolerate duplicates;
incremental extraction; the pipeline's folder kept, so that a second run resumes what the first one left.
"""

import json
import os
import sys
from pathlib import Path

import dlt
from dlt.sources.helpers import requests

home, batch_size = Path(sys.argv[1]), int(sys.argv[2])
strategy = sys.argv[3] if len(sys.argv) > 3 else "sequential"
way = json.loads((home / "way.json").read_text())


@dlt.destination(batch_size=batch_size, name="provider", loader_parallelism_strategy=strategy)
def provider(items, table):
    for item in items:
        headers = dict(way["headers"])
        if way["key_header"]:
            headers[way["key_header"]] = item["message_id"]
        answer = requests.post(way["url"], data=item["body"].encode(), headers=headers)
        answer.raise_for_status()


@dlt.resource(name="messages")
def messages(number=dlt.sources.incremental("number", initial_value=-1)):  # noqa: B008  dlt's own way
    for line in (home / "messages.jsonl").read_text().splitlines():
        yield json.loads(line)


os.environ["DLT_TELEMETRY"] = "false"
pipeline = dlt.pipeline("messages", destination=provider(), pipelines_dir=str(home / "pipelines"))
pipeline.run(messages())
pipeline.run(messages())  # a run that found unfinished work only finishes that
