from __future__ import annotations

import datetime as dt

import pytest

from pipeline.errors import ArxivUnreachable, BudgetReached, ModelForbidden, UsageError
from pipeline.listing.find import NothingAnnounced
from pipeline.night.account import complaints, exit_status, note, outcome
from pipeline.night.result import Night, Trouble
from pipeline.records import Announcement, AnnounceType, Cause, Check, Day, Owed, Stage
from pipeline.store.runs import Count
from tests.standins.records import paper

DATE = dt.date(2026, 1, 7)
GOOD = Check(pages=("a",), counted=1)
BAD = Check(pages=(), counted=0, problems=("https://arxiv.org/list: HTTP 503",))
QUIET = NothingAnnounced(date=DATE, reason="a weekend")
UNSURE = NothingAnnounced(date=DATE, reason="empty, but HTTP 503", verified=False)

LATER = "because: later; see: jianjie status"


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
            ["2026-01-07 音频: 2 announced = 0 done + 2 owed, because: later; see: jianjie status"],
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
            ["2026-01-06 音频: 1 announced = 0 done + 1 owed, because: later; see: jianjie status"],
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


# What the owed papers' reasons say of the exit status


def owed_for(*causes: Cause) -> Day:
    """A day whose papers are owed for these causes, each in its own words."""
    items = [
        Announcement(announce=AnnounceType.NEW, paper=paper(arxiv_id=f"2601.{number:05d}"))
        for number, _ in enumerate(causes)
    ]
    debts = [
        Owed(announcement=item, stage=Stage.SUMMARIZE, cause=cause, reason=f"words of {cause}")
        for item, cause in zip(items, causes, strict=True)
    ]
    return day().model_copy(update={"outcomes": tuple(debts)})


def tried(found: Day, papers: int | None = None) -> Night:
    """A night that tried the first so many of the day's papers."""
    ids = [owed.announcement.paper.versioned for owed in found.owed[:papers]]
    return Night(day=found, tried=frozenset(ids))


GONE, KEY, RULES, BUDGET = Cause.OUT_OF_REACH, Cause.FORBIDDEN, Cause.RULES, Cause.BUDGET


@pytest.mark.parametrize(
    ("causes", "status"),
    [
        ((GONE,), 3),
        ((KEY, KEY), 3),
        ((BUDGET,), 4),
        ((RULES,), 1),
        ((Cause.DECLINED, Cause.REFUSED, Cause.IN_BATCH, Cause.OTHER), 1),
        ((GONE, RULES, RULES), 1),
        ((GONE, GONE, RULES), 3),
        ((GONE, RULES), 3),
        ((BUDGET, GONE), 3),
    ],
)
def test_what_most_of_the_tried_papers_met_decides(causes: tuple[Cause, ...], status: int) -> None:
    assert exit_status(tried(owed_for(*causes)), None) == status


def test_what_was_not_tried_says_nothing() -> None:
    yesterday = owed_for(RULES, GONE, GONE)
    assert exit_status(tried(yesterday, 1), None) == 1
    assert exit_status(tried(yesterday, 0), None) == 1
    assert exit_status(tried(yesterday, 0), BudgetReached("reached")) == 4


@pytest.mark.parametrize(
    ("night", "said"),
    [
        (tried(owed_for(GONE, GONE)), "2 owed, because: words of model-out-of-reach; see"),
        (tried(owed_for(GONE, RULES, RULES)), "3 owed, 2 of them because: words of rules; see"),
        (tried(owed_for(GONE, RULES, RULES), 1), "3 owed, 1 of them because: words of model-out"),
        (tried(owed_for(RULES, RULES), 0), "2 owed, because: words of rules; see"),
    ],
)
def test_the_commonest_reason_is_told(night: Night, said: str) -> None:
    (complaint,) = complaints(night)
    assert said in complaint


def test_what_stopped_the_model_is_not_told_twice() -> None:
    error = ModelForbidden("words of model-forbidden")
    (complaint,) = complaints(tried(owed_for(KEY, KEY)), error)
    assert complaint == "2026-01-07 音频: 2 announced = 0 done + 2 owed; see: jianjie status"


def test_the_words_of_others_do_nothing_to_a_terminal() -> None:
    found = owed_for(RULES)
    evil = found.owed[0].model_copy(update={"reason": "not arXiv categories: \x1b[2J\x07"})
    (complaint,) = complaints(tried(found.model_copy(update={"outcomes": (evil,)})))
    assert "categories: [2J; see" in complaint


def test_a_fields_trouble_has_its_own_status_and_its_name() -> None:
    trouble = Trouble("视觉", ArxivUnreachable("HTTP 503", where="rss.arxiv.org"))
    found = outcome(trouble, None)
    assert (found.exit_status, found.note) == (3, "视觉: rss.arxiv.org: HTTP 503")
    assert list(complaints(trouble)) == ["视觉: rss.arxiv.org: HTTP 503"]


def test_parts_of_a_run_come_together() -> None:
    first = outcome(Night(day=owed_for(GONE)), None)
    both = first.and_then(outcome(Trouble("视觉", UsageError("no such date")), None))
    assert both.exit_status == 2
    assert both.note == "2026-01-07 音频: 1 announced = 0 done + 1 owed; 视觉: no such date"
    assert both.counts == (Count(date=DATE, field="audio", announced=1, done=0, owed=1),)
