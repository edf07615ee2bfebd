"""The stand-in model in a process of its own, for benchmarks.

    python -m tests.standins.model_process --latency 0.5

Writes {"url": …} and serves until its standard input ends. What it counted so far it writes for
each line that comes in, and at the end.
"""

from __future__ import annotations

import argparse
import json
import sys

from tests.standins.model import StandInModel
from tests.standins.model_faults import slow


def main() -> None:
    """Serve good answers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds that an answer takes")
    arguments = parser.parse_args()
    with StandInModel(slow(arguments.latency)) as model:
        _write({"url": model.url})
        for _ in sys.stdin:
            _write(counts(model))
        _write(counts(model))


def counts(model: StandInModel) -> dict[str, float | None]:
    """Requests, connections, and first and last time by this machine's monotonic clock.

    Processes of one machine can compare these times where the system has one such clock, as Linux.
    """
    return {
        "requests": len(model.requests),
        "connections": model.connections,
        "most_at_once": model.most_at_once,
        "first_at": model.log[0].at if model.log else None,
        "last_at": model.last_at if model.log else None,
        "answering_s": model.answering_s,
    }


def _write(told: dict[str, float | None] | dict[str, str]) -> None:
    print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
