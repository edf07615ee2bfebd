"""Each document as a whole, for a jianjie in /srv/jianjie on a machine in Berlin."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from pipeline.schedule import cron, github, systemd
from tests.schedule.conftest import make_job
from tests.schedule.test_github import in_clone

EXPECTED = Path(__file__).parent / "expected"
SRV = Path("/srv/jianjie")


def documents(clone: Path) -> dict[str, str]:
    zone = cron.Zone("Europe/Berlin", ZoneInfo("Europe/Berlin"))
    job = make_job(SRV)
    return {
        "crontab": cron.block(job, zone, dt.date(2026, 1, 5)),
        **systemd.units(job),
        "jianjie.yml": github.workflow(in_clone(clone), clone),
    }


@pytest.mark.parametrize("name", ["crontab", "jianjie.service", "jianjie.timer", "jianjie.yml"])
def test_the_document_is_as_reviewed(name: str, tmp_path: Path) -> None:
    assert documents(tmp_path)[name] == (EXPECTED / name).read_text(encoding="utf-8")
