"""The band of a canary: what it calls a change, and how often it is wrong."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from pipeline.digest.drift import NIGHTS, CanaryLine, canary_of
from pipeline.records import Canary, CanaryScore

TONIGHT = dt.date(2026, 3, 31)
PAPERS = ("2601.00001", "2601.00002", "2601.00003", "2601.00004", "2601.00005")


def line(ago: int = 0, paper: str = PAPERS[0], **update: object) -> CanaryLine:
    """A paper's line so many nights ago; what the test is about is given by name."""
    fields: dict[str, object] = {
        "date": TONIGHT - dt.timedelta(days=ago),
        "prompt_hash": "h",
        "model": "m",
        "arxiv_id": paper,
        "line": "该论文……。",
        "valid_first": True,
        "content_chrf": 40.0,
        "chrf": 50.0,
        "length": 80,
        "sameness": 90.0,
    }
    return CanaryLine.model_validate(fields | update)


def night(ago: int = 0, papers: Sequence[str] = PAPERS, **update: object) -> list[CanaryLine]:
    return [line(ago, paper, **update) for paper in papers]


def nights(*lists: list[CanaryLine]) -> list[CanaryLine]:
    return [line for lines in lists for line in lines]


def steady(first: int = 1, count: int = NIGHTS) -> list[CanaryLine]:
    """The same lines on `count` nights, the last of them `first` nights ago."""
    return nights(*(night(ago) for ago in range(first, first + count)))


def verdict(lines: Sequence[CanaryLine]) -> Canary:
    canary = canary_of(lines)
    assert canary is not None
    return canary


def score(canary: Canary, name: str) -> CanaryScore:
    return next(one for one in canary.scores if one.name == name)


def test_a_night_like_those_before_is_in_the_band() -> None:
    canary = verdict(steady() + night(chrf=52.9, content_chrf=37.1, length=87, sameness=87.1))
    assert (canary.date, canary.model, canary.prompt_hash) == (TONIGHT, "m", "h")
    assert (canary.papers, canary.nights, canary.drift) == (5, NIGHTS, ())
    chrf = score(canary, "chrf")
    assert (chrf.value, chrf.low, chrf.high) == (52.9, 47.0, 53.0)


@pytest.mark.parametrize(
    ("update", "drift"),
    [
        ({"chrf": 46.9}, ("chrf",)),
        ({"chrf": 53.1}, ("chrf",)),
        ({"content_chrf": 43.1}, ("content-chrf",)),
        ({"length": 89}, ("length",)),
        ({"length": 71}, ("length",)),
        ({"sameness": 86.9}, ("sameness",)),
        ({"sameness": 100.0}, ()),  # a model that repeats itself more is no worry
        ({"valid_first": False}, ("valid-first",)),
        ({"chrf": 20.0, "length": 40}, ("chrf", "length")),
    ],
)
def test_what_leaves_the_band_is_named(update: dict[str, Any], drift: tuple[str, ...]) -> None:
    assert verdict(steady() + night(**update)).drift == drift


def test_too_few_nights_are_no_band(count: int = NIGHTS - 1) -> None:
    canary = verdict(steady(count=count) + night(chrf=0.0, content_chrf=0.0, length=500))
    assert (canary.nights, canary.drift) == (count, ())
    assert {one.low for one in canary.scores} == {None}


def test_sameness_has_no_value_on_the_first_night_and_its_band_comes_a_night_later() -> None:
    first = night(NIGHTS, sameness=None)
    assert "sameness" not in {one.name for one in verdict(first).scores}
    canary = verdict(first + steady(count=NIGHTS - 1) + night(sameness=0.0))
    assert score(canary, "sameness").low is None
    assert score(canary, "chrf").low is not None


def test_valid_replies_that_come_back_are_no_drift() -> None:
    before = nights(*(night(ago, valid_first=False) for ago in range(1, NIGHTS + 1)))
    assert verdict(before + night()).drift == ()


def test_one_reply_without_a_line_is_no_drift_and_two_are() -> None:
    failed: dict[str, Any] = {
        "line": None,
        "valid_first": False,
        "chrf": 0.0,
        "content_chrf": 0.0,
        "length": 0,
    }
    one = verdict(steady() + night(papers=PAPERS[1:]) + [line(**failed)])
    assert one.drift == ()
    assert (score(one, "chrf").value, score(one, "valid-first").value) == (50.0, 80.0)
    two = night(papers=PAPERS[2:]) + night(papers=PAPERS[:2], **failed)
    assert verdict(steady() + two).drift == ("valid-first",)
    assert set(verdict(steady() + night(**failed)).drift) >= {"chrf", "valid-first", "length"}


def test_a_bad_night_does_not_hide_the_next() -> None:
    bad = night(1, chrf=10.0)
    assert verdict(steady(first=2) + bad + night(chrf=40.0)).drift == ("chrf",)
    assert verdict(steady(first=2) + bad + night()).drift == ()


def test_a_new_level_becomes_the_usual_one() -> None:
    new = nights(*(night(ago, chrf=30.0) for ago in range(1, NIGHTS + 2)))
    assert verdict(steady(first=NIGHTS + 2) + new + night(chrf=30.0)).drift == ()


def test_nights_with_other_papers_and_nights_of_long_ago_are_not_compared() -> None:
    other = nights(*(night(ago, papers=PAPERS[:4]) for ago in range(1, NIGHTS + 1)))
    assert verdict(other + night(chrf=0.0)).nights == 0
    assert verdict(steady(first=22) + night(chrf=0.0)).drift == ("chrf",)  # 22 to 28 nights ago
    assert verdict(steady(first=23) + night(chrf=0.0)).nights == NIGHTS - 1


# How often it is wrong


def drawn(chance: random.Random, spread: float, ago: int, shift: float = 0.0) -> list[CanaryLine]:
    """A night of a model whose scores of one paper differ by `spread` points from night to night.

    The two chrF go together, a line's length differs one and a half times as much, and one reply
    in two hundred has not the form.
    """
    lines = []
    for at, paper in enumerate(PAPERS):
        common = chance.gauss(0, 0.8)
        chrf, content, length = (common + chance.gauss(0, 0.6) for _ in range(3))
        failed = chance.random() < 0.005
        lines.append(
            line(
                ago,
                paper,
                chrf=30 + 5 * at + spread * chrf + shift,
                content_chrf=25 + 5 * at + 1.2 * spread * content + shift,
                length=round(80 + 1.5 * spread * length),
                sameness=min(100.0, 88 - abs(chance.gauss(0, 2.2 * spread))),
                valid_first=not failed,
                **({"line": None} if failed else {}),
            )
        )
    return lines


def told(spread: float, before: int, shift: float = 0.0, histories: int = 500) -> Iterator[bool]:
    """Whether drift is told of the last night of so many histories."""
    for seed in range(histories):
        chance = random.Random(f"{spread} {before} {seed}")
        lists = [drawn(chance, spread, ago) for ago in range(before, 0, -1)]
        yield bool(verdict(nights(*lists, drawn(chance, spread, 0, shift))).drift)


@pytest.mark.parametrize(
    ("spread", "before", "alarms", "found"),
    [(2.0, 7, 0.04, 0.97), (2.0, 14, 0.04, 0.97), (3.0, 7, 0.08, 0.9), (3.0, 28, 0.04, 0.97)],
)
def test_false_alarms_are_rare_and_a_real_fall_is_seen_at_once(
    spread: float, before: int, alarms: float, found: float
) -> None:
    assert sum(told(spread, before)) / 500 <= alarms
    assert sum(told(spread, before, shift=-8.0)) / 500 >= found
