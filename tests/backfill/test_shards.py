"""A plan: every paper once, the same shards each time, and files that are what was planned."""

from __future__ import annotations

import datetime as dt
import gzip
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.backfill.order import JobFolder, Order, Plan, Planned
from pipeline.backfill.shards import keep_plan, plan_job, read_shard
from pipeline.errors import OutputError, UsageError
from pipeline.records import AnnounceType
from tests.standins.archive import archive_papers
from tests.standins.records import NOW

ORDER = Order(sources=("snapshot:x",), field="audio", name="音频", categories=("cs.SD",))


def planned(count: int = 130) -> list[Planned]:
    return [
        Planned(date=(p.submitted or NOW).date(), announce=AnnounceType.NEW, paper=p)
        for p in archive_papers(count)
    ]


def plan(folder: Path, papers: list[Planned], size: int = 25) -> Plan:
    order = ORDER.model_copy(update={"shard_papers": size})
    return plan_job(order, papers, JobFolder(folder), NOW)


def test_every_paper_is_in_one_shard_in_the_order_of_days(tmp_path: Path) -> None:
    papers = planned()
    made = plan(tmp_path, papers)
    read = [one for shard in made.shards for one in read_shard(JobFolder(tmp_path), shard)]
    assert read == sorted(papers, key=lambda one: one.order)
    assert [shard.papers for shard in made.shards] == [25] * 5 + [5]
    assert sum(made.days.values()) == made.papers == 130
    assert not (tmp_path / "planning").exists()


def test_the_same_papers_in_any_order_give_the_same_shards(tmp_path: Path) -> None:
    papers = planned()
    first = plan(tmp_path / "one", papers)
    random.Random(1).shuffle(papers)
    again = plan(tmp_path / "two", papers)
    assert first.shards == again.shards
    for shard in first.shards:
        files = (JobFolder(tmp_path / name).papers(shard.name) for name in ("one", "two"))
        assert len({file.read_bytes() for file in files}) == 1


def test_a_paper_that_comes_twice_stands_once_in_its_newest_version(tmp_path: Path) -> None:
    papers = planned(30)
    moved = papers[3].paper.model_copy(update={"version": 5, "title": "Newer"})
    later = papers[3].date + dt.timedelta(days=90)
    newer = Planned(date=later, announce=AnnounceType.REPLACE, paper=moved)
    made = plan(tmp_path, [papers[3], newer, *papers, newer, papers[3]])
    read = [one for shard in made.shards for one in read_shard(JobFolder(tmp_path), shard)]
    assert len(read) == made.papers == 30
    assert [one for one in read if one.paper.arxiv_id == moved.arxiv_id] == [newer]


def test_a_plan_that_was_kept_is_read_as_it_was(tmp_path: Path) -> None:
    made = plan(tmp_path, planned())
    folder = JobFolder(tmp_path)
    assert folder.plan() is None
    keep_plan(made, folder)
    assert folder.plan() == made


@pytest.mark.parametrize("content", [b"", b"{}", b"no json", b'{"format": 2}'])
def test_a_plan_that_cannot_be_read_says_what_to_do(tmp_path: Path, content: bytes) -> None:
    folder = JobFolder(tmp_path)
    folder.plan_file.write_bytes(content)
    with pytest.raises(OutputError, match="give the sources again"):
        folder.plan()


def test_where_nothing_is_left_there_is_no_plan(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no paper is left"):
        plan(tmp_path, [])


def other_papers(content: bytes) -> bytes:
    lines = gzip.decompress(content).splitlines(keepends=True)
    return gzip.compress(b"".join(lines[1:] + lines[:1]))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda content: content[: len(content) // 2],
        lambda content: b"",
        lambda content: b"no gzip",
        lambda content: gzip.compress(b'{"date": 1}\n'),
        other_papers,
        lambda content: gzip.compress(b"".join(gzip.decompress(content).splitlines(True)[:-1])),
    ],
)
def test_a_shards_file_that_is_not_what_was_planned_is_damaged(
    tmp_path: Path, spoil: Callable[[bytes], bytes]
) -> None:
    made = plan(tmp_path, planned())
    folder = JobFolder(tmp_path)
    file = folder.papers(made.shards[1].name)
    file.write_bytes(spoil(file.read_bytes()))
    with pytest.raises(OutputError, match="is damaged"):
        read_shard(folder, made.shards[1])
    assert read_shard(folder, made.shards[0])
