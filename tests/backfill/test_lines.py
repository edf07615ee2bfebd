"""No two papers of a month have all but the same line, wherever the other one is."""

from __future__ import annotations

import datetime as dt

from pipeline.backfill.lines import JobLines

LINE = "该论文属于语音识别任务，旨在解决低资源语言的数据不足问题。提出自监督预训练方法。"
OTHER = "针对音乐生成中的长程结构问题，作者用分层扩散模型先生成旋律骨架，再补全和声与配器细节。"
DAY = dt.date(2025, 3, 4)


def lines(stored: list[tuple[dt.date, str, str]] | None = None) -> JobLines:
    rows = stored or []
    return JobLines(
        lambda since, until: [(one, line) for day, one, line in rows if since <= day <= until],
        [("shown", OTHER)],
    )


def test_the_same_line_belongs_to_the_first() -> None:
    book = lines()
    assert book.claim("2503.00001", LINE, DAY) is None
    assert book.claim("2503.00002", LINE, DAY) == "2503.00001"
    assert book.claim("2503.00001", LINE, DAY) is None
    assert book.claim("2503.00003", OTHER, DAY) == "shown"


def test_lines_of_the_weeks_before_count_across_the_stretches() -> None:
    for days in range(1, 29):
        book = lines()
        assert book.claim("2503.00001", LINE, DAY) is None
        later = DAY + dt.timedelta(days=days)
        assert book.claim("2503.00002", LINE, later) == "2503.00001", days


def test_where_the_next_weeks_are_in_use_already_they_learn_it_too() -> None:
    book = lines()
    later = DAY + dt.timedelta(days=28)
    assert book.claim("2503.00009", "另外一行，讲的是别的事情。", later) is None
    assert book.claim("2503.00001", LINE, DAY) is None
    assert book.claim("2503.00002", LINE, later) == "2503.00001"


def test_a_year_later_a_line_may_come_again() -> None:
    book = lines()
    assert book.claim("2503.00001", LINE, DAY) is None
    assert book.claim("2603.00001", LINE, DAY + dt.timedelta(days=365)) is None


def test_finished_shards_lines_count_when_a_job_goes_on() -> None:
    book = lines([(DAY, "2503.00001", LINE)])
    assert book.claim("2503.00002", LINE, DAY + dt.timedelta(days=10)) == "2503.00001"
    assert book.claim("2603.00002", LINE, DAY + dt.timedelta(days=365)) is None


def test_what_is_in_memory_does_not_grow_with_the_years() -> None:
    book = lines()
    for week in range(400):
        day = DAY + dt.timedelta(weeks=week)
        book.claim(f"p{week}", f"第{week}周的论文研究{week}号问题并提出{week}号方法。", day)
    assert len(book._lines) <= 4
    assert len(book._claimed) <= 8
