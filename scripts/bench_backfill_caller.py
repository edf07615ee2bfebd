"""One process that asks a coordinator as a worker does: for scripts/bench_backfill.py."""

from __future__ import annotations

import sys

from pipeline.backfill.coordinator import Address
from scripts.bench_backfill import call_as_a_worker

if __name__ == "__main__":
    host, port, token = sys.argv[1:]
    print(call_as_a_worker(Address(host, int(port), token)))
