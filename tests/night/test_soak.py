"""200 nights of a made-up arXiv with faults in a fifth of its answers, on a simulated clock.

After every night: announced = done + owed, nothing twice, nothing lost in silence, no paper with
another's metadata, and never more requests in a minute than allowed.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.standins.faults import RandomFaults
from tests.standins.soak import (
    Soak,
    check_day,
    check_end,
    check_ledger,
    check_manners,
    days_of,
)

NIGHTS = 200
MOST_MOVED = 6
"""Of some 350 announcements: crosses whose day cannot be known, each in another listing, once."""


@pytest.mark.long
@pytest.mark.parametrize("seed", [3])
def test_nights_without_end(tmp_path: Path, seed: int) -> None:
    soak = Soak(tmp_path, seed, NIGHTS)
    with soak.opened() as config:
        soak.arxiv.fault_for = RandomFaults(seed=seed, rate=0.2)
        for _ in soak.nights(NIGHTS):
            before = len(soak.arxiv.requests)
            night = soak.run(config)["audio"]
            days = days_of(config).get("audio", {})
            for day in night.days if night else ():
                check_day(soak, day, days, config.paths.outputs)
            check_manners(soak, before)
            if days and night:
                check_ledger(soak, "audio", night, min(days), days)
        soak.arxiv.fault_for = None
        soak.clock.sleep(86_400)
        last = soak.run(config)["audio"]
        assert last is not None
        assert last.complete
        soak.moved.clear()
        found = days_of(config)
        for day in found["audio"].values():
            check_day(soak, day, found["audio"], config.paths.outputs)
        check_end(soak, found)
        assert len(soak.moved) <= MOST_MOVED, soak.moved
