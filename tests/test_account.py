from __future__ import annotations

import datetime as dt

import pytest

from pipeline.account import complaints, exit_status, note
from pipeline.errors import BudgetReached, ModelForbidden
from pipeline.flow import Night
from pipeline.nights import NothingAnnounced
from pipeline.records import Announcement, AnnounceType, Check, Day, Owed, Stage
from tests.standins.records import paper

DATE = dt.date(2026, 1, 7)
GOOD = Check(pages=("a",), counted=1)
BAD = Check(pages=(), counted=0, problems=("https://arxiv.org/list: HTTP 503",))
QUIET = NothingAnnounced(date=DATE, reason="a weekend")
UNSURE = NothingAnnounced(date=DATE, reason="empty, but HTTP 503", verified=False)


def day(check: Check | None = GOOD, owed: int = 0, date: dt.date = DATE) -> Day:
    item = Announcement(announce=AnnounceType.NEW, paper=paper())
    debts = (Owed(announcement=item, stage=Stage.SUMMARIZE, reason="later"),) * owed
    return Day(
        date=date,
        field="audio",
        name="音频",
        categories=("cs.SD",),
        source="rss",
        outcomes=debts,
        check=check,
    )


@pytest.mark.parametrize(
    ("night", "status", "said"),
    [
        (Night(day=day()), 0, []),
        (Night(day=QUIET), 0, []),
        (Night(day=UNSURE), 1, ["2026-01-07: nothing announced: empty, but HTTP 503"]),
        (
            Night(day=day(owed=2)),
            1,
            ["2026-01-07 音频: 2 announced = 0 done + 2 owed; see: jianjie status"],
        ),
        (Night(day=day(BAD)), 1, ["2026-01-07 音频: https://arxiv.org/list: HTTP 503"]),
        (
            Night(day=day(None)),
            1,
            ["2026-01-07 音频: not held against arXiv's list pages yet"],
        ),
        (
            Night(day=QUIET, earlier=(day(owed=1, date=dt.date(2026, 1, 6)),)),
            1,
            ["2026-01-06 音频: 1 announced = 0 done + 1 owed; see: jianjie status"],
        ),
        (Night(day=day(), problems=("2026-01-05: 503",)), 1, ["2026-01-05: 503"]),
    ],
)
def test_what_is_not_complete_is_told_and_gives_1(
    night: Night, status: int, said: list[str]
) -> None:
    assert exit_status(night, None) == status
    assert list(complaints(night)) == said


def test_what_stopped_the_model_gives_its_own_status() -> None:
    assert exit_status(Night(day=day()), ModelForbidden("no credit")) == 3
    assert exit_status(Night(day=QUIET), BudgetReached("reached")) == 4


def test_the_note_has_every_day_in_one_line() -> None:
    earlier = (day(date=dt.date(2026, 1, 6)),)
    assert note(Night(day=QUIET, earlier=earlier, problems=("2026-01-05: 503",))) == (
        "2026-01-07: nothing announced: a weekend; "
        "2026-01-06 音频: 0 announced = 0 done + 0 owed; 2026-01-05: 503"
    )
