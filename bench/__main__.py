"""`python -m bench [NAME …]`: measure and write bench/RESULTS.md."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from bench import (
    backtest,
    beside,
    crash,
    latency,
    ledger,
    pace,
    predictions,
    receipts,
    results,
    scale,
    throughput,
    ticks,
)

BENCHES = {
    "throughput": throughput,
    "beside": beside,
    "pace": pace,
    "receipts": receipts,
    "ledger": ledger,
    "ticks": ticks,
    "latency": latency,
    "predictions": predictions,
    "scale": scale,
    "backtest": backtest,
    "crash": crash,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*BENCHES, []], help="all of them by default")
    parser.add_argument("--quick", action="store_true", help="a tenth of everything, and nothing is written")
    given = parser.parse_args()
    for name in given.names or BENCHES:
        with tempfile.TemporaryDirectory(prefix=f"dovecote-{name}-") as folder:
            section = BENCHES[name].run(Path(folder), scale=0.1 if given.quick else 1.0)
        print(f"\n{section}\n")
        if not given.quick:
            results.write(name, section)


if __name__ == "__main__":
    main()
