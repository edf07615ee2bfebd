"""Where papers come from, the day each stands on, and what the filters leave."""

from __future__ import annotations

import datetime as dt
import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from pipeline.backfill.order import JobFolder, Order, Planned
from pipeline.backfill.sources import papers, parse_source, read_ids
from pipeline.digest.markdown import load
from pipeline.errors import UsageError
from pipeline.records import AnnounceType
from tests.standins.archive import archive_papers, snapshot_line, write_snapshot
from tests.standins.house import EXAMPLE, PAPERS

NEW, CROSS, REPLACE, REPLACE_CROSS = AnnounceType


class NoArxiv:
    def oai_changes(self, set_spec: str, since: object, token: object = None) -> tuple[bytes, str]:
        raise AssertionError("asked arXiv")


def found(tmp_path: Path, source: str, **order: Any) -> list[Planned]:
    wanted = Order(
        sources=(source,),
        field="audio",
        name="音频",
        categories=("cs.SD", "eess.AS"),
        **order,
    )
    listed = papers(wanted, JobFolder(tmp_path / "job"), NoArxiv(), Counter(), print)
    return list(listed)


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("submitted", "listed"),
    [
        ("2025-03-03T18:59:00+00:00", "2025-03-04"),  # Monday 13:59 in New York
        ("2025-03-03T19:01:00+00:00", "2025-03-05"),
        ("2025-03-07T18:00:00+00:00", "2025-03-10"),  # Friday before the cut-off
        ("2025-03-07T20:00:00+00:00", "2025-03-11"),
        ("2025-03-09T12:00:00+00:00", "2025-03-11"),  # Sunday
        ("2025-07-01T17:59:00+00:00", "2025-07-02"),  # summer time
    ],
)
def test_a_paper_stands_on_the_first_listing_after_its_version(
    tmp_path: Path, submitted: str, listed: str
) -> None:
    paper = archive_papers(1)[0].model_copy(update={"submitted": at(submitted)})
    path = write_snapshot(tmp_path / "arxiv.json", [paper])
    assert [str(one.date) for one in found(tmp_path, f"snapshot:{path}")] == [listed]


def test_types_follow_version_and_primary_category(tmp_path: Path) -> None:
    wednesday = at("2025-03-05T15:00:00+00:00")
    one = archive_papers(2)[1].model_copy(update={"submitted": wednesday})
    several = [
        one.model_copy(update={"arxiv_id": "2503.00001", "version": 1}),
        one.model_copy(update={"arxiv_id": "2503.00002", "categories": ("cs.CL", "cs.SD")}),
        one.model_copy(update={"arxiv_id": "2503.00003", "version": 2}),
        one.model_copy(
            update={"arxiv_id": "2503.00004", "version": 2, "categories": ("cs.CL", "eess.AS")}
        ),
    ]
    path = write_snapshot(tmp_path / "arxiv.json", several)
    listed = found(tmp_path, f"snapshot:{path}")
    assert [one.announce for one in listed] == [NEW, CROSS, REPLACE, REPLACE_CROSS]
    first = found(tmp_path, f"snapshot:{path}", first=True)
    assert [one.announce for one in first] == [NEW, CROSS, NEW, CROSS]
    assert first[2].date == listed[2].date - dt.timedelta(days=1)
    assert first[2].paper.version == 2


def test_an_alias_is_its_category(tmp_path: Path) -> None:
    paper = archive_papers(1)[0].model_copy(update={"categories": ("cs.SY",)})
    path = write_snapshot(tmp_path / "arxiv.json", [paper])
    order = Order(sources=(f"snapshot:{path}",), field="x", name="系统", categories=("eess.SY",))
    listed = list(papers(order, JobFolder(tmp_path), NoArxiv(), Counter(), print))
    assert [one.announce for one in listed] == [NEW]


def test_filters_leave_what_is_wanted(tmp_path: Path) -> None:
    made = archive_papers(100)
    path = write_snapshot(tmp_path / "arxiv.json", made)
    source = f"snapshot:{path}"
    days = sorted({one.date for one in found(tmp_path, source)})
    some = found(tmp_path, source, since=days[1], until=days[2])
    assert {one.date for one in some} == set(days[1:3])
    ids = (made[3].arxiv_id, made[50].arxiv_id, "2501.00001")
    assert [one.paper.arxiv_id for one in found(tmp_path, source, ids=ids)] == list(ids[:2])


def test_a_digests_papers_come_with_their_own_day_and_section(tmp_path: Path) -> None:
    (tmp_path / "digests").mkdir()
    (tmp_path / "digests" / "20260107-audio.md").write_bytes(EXAMPLE.read_bytes())
    listed = found(tmp_path, f"digest:{tmp_path / 'digests'}")
    entries = load(EXAMPLE).entries
    assert len(listed) == len(entries) == PAPERS
    assert {one.date for one in listed} == {dt.date(2026, 1, 7)}
    assert [one.paper.versioned for one in listed] == [entry.versioned for entry in entries]
    assert [one.announce.section for one in listed] == [entry.section for entry in entries]
    assert found(tmp_path, f"digest:{EXAMPLE}") == listed


@pytest.mark.parametrize("suffix", [".jsonl", ".jsonl.gz"])
def test_a_series_in_lines_is_a_digest_too(tmp_path: Path, suffix: str) -> None:
    lines = [
        {
            "date": "20260107",
            "field": field,
            "kind": kind,
            "title": "T",
            "cats": ["cs.SD"],
            "zh": "行",
            "arxiv_id": f"2601.0000{number}",
            "version": number,
            "authors": ["A"],
            "comment": None,
            "abstract": "A.",
            "link": "x",
        }
        for number, (field, kind) in enumerate(
            [("audio", "new"), ("audio", "replaced"), ("video", "new")], 1
        )
    ]
    text = "".join(json.dumps(line) + "\n" for line in lines).encode()
    path = tmp_path / f"series{suffix}"
    path.write_bytes(gzip.compress(text) if suffix.endswith(".gz") else text)
    listed = found(tmp_path, f"digest:{path}")
    assert [(one.paper.versioned, one.announce) for one in listed] == [
        ("2601.00001v1", NEW),
        ("2601.00002v2", REPLACE),
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("arxiv.json", "is no source"),
        ("snapshot:", "is no source"),
        ("tar:x", "is no source"),
        ("snapshot:nowhere.json", "no such file"),
        ("oai:audio", "no set"),
    ],
)
def test_what_is_no_source_says_so(text: str, problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        parse_source(text)


def test_ids_come_in_any_form_one_a_line(tmp_path: Path) -> None:
    path = tmp_path / "ids.txt"
    path.write_text("2601.02954v2\n\nhttps://arxiv.org/abs/math.GT/0309136\n2601.02954\n")
    assert read_ids(path) == ("2601.02954", "math/0309136")
    path.write_text("2601.02954\nnonsense\n")
    with pytest.raises(UsageError, match=r"ids.txt:2: not an arXiv id"):
        read_ids(path)
    path.write_text("\n")
    with pytest.raises(UsageError, match="has no id"):
        read_ids(path)


def test_lines_of_the_snapshot_that_are_no_papers_are_counted(tmp_path: Path) -> None:
    bad = snapshot_line(archive_papers(1)[0]).replace('"title"', '"titel"')
    path = write_snapshot(tmp_path / "arxiv.json", archive_papers(3), bad)
    order = Order(sources=(f"snapshot:{path}",), field="a", name="音", categories=("cs.SD",))
    left_out: Counter[str] = Counter()
    assert len(list(papers(order, JobFolder(tmp_path), NoArxiv(), left_out, print))) == 3
    assert left_out == {"no paper in the line: title: missing": 1}
