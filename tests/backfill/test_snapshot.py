"""The metadata snapshot: plain and packed, whole and cut, with lines that are no papers."""

from __future__ import annotations

import datetime as dt
import gzip
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from pipeline.backfill.snapshot import Told, snapshot_papers
from pipeline.errors import UsageError
from tests.standins.archive import archive_papers, snapshot_line, write_snapshot

FIELD = ("cs.SD", "eess.AS")


def read(path: Path) -> tuple[list[Told], Counter[str]]:
    left_out: Counter[str] = Counter()
    return list(snapshot_papers(path, FIELD, left_out)), left_out


def test_papers_are_read_as_they_were_written(tmp_path: Path) -> None:
    papers = archive_papers(50)
    told, left_out = read(write_snapshot(tmp_path / "arxiv.json", papers))
    assert [one.paper for one in told] == papers
    assert not left_out
    second = next(one for one in told if one.paper.version == 2)
    assert [version.number for version in second.versions] == [1, 2]
    assert second.versions[1].submitted == second.paper.submitted


@pytest.mark.parametrize("suffix", [".json.gz", ".json.zst"])
def test_packed_files_give_the_same(tmp_path: Path, suffix: str) -> None:
    plain = write_snapshot(tmp_path / "arxiv.json", archive_papers(50))
    packed = tmp_path / f"arxiv{suffix}"
    packed.write_bytes(packed_bytes(plain.read_bytes(), suffix))
    assert read(packed) == read(plain)


def packed_bytes(content: bytes, suffix: str) -> bytes:
    if suffix.endswith(".gz"):
        return gzip.compress(content)
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(content)
    packed: bytes = sink.getvalue().to_pybytes()
    return packed


@pytest.mark.parametrize("suffix", [".json", ".json.gz", ".json.zst"])
@pytest.mark.parametrize("share", [0.3, 0.7, 0.99])
def test_a_file_that_is_cut_is_an_error_and_no_smaller_snapshot(
    tmp_path: Path, suffix: str, share: float
) -> None:
    plain = write_snapshot(tmp_path / "whole", archive_papers(3000)).read_bytes()
    content = plain if suffix == ".json" else packed_bytes(plain, suffix)
    path = tmp_path / f"arxiv{suffix}"
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(UsageError, match="ends in the middle"):
        read(path)


def test_other_categories_lines_are_not_even_parsed(tmp_path: Path) -> None:
    path = write_snapshot(tmp_path / "arxiv.json", archive_papers(5), '{"no json and no category')
    told, left_out = read(path)
    assert len(told) == 5
    assert not left_out


def test_lines_that_are_no_papers_are_counted_in_our_own_words(tmp_path: Path) -> None:
    good = snapshot_line(archive_papers(1)[0])
    path = write_snapshot(
        tmp_path / "arxiv.json",
        archive_papers(5),
        '{"id": "2503.00009", "categories": "cs.SD", <script>',
        good.replace('"id": "2503.00001"', '"id": "<script>"'),
        good.replace('"title"', '"titel"'),
        good.replace("GMT", "").replace('"created": "', '"created": "nonsense '),
        "[" * 100_000 + '"cs.SD"',
        '"cs.SD"',
        good.replace('"v1"', '"first"'),
    )
    told, left_out = read(path)
    assert len(told) == 5
    assert sum(left_out.values()) == 7
    assert not any("script" in why or "nonsense" in why for why in left_out)


def test_a_line_without_an_end_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "arxiv.json"
    path.write_bytes(b'{"cs.SD": "' + b"a" * 12_000_000)
    with pytest.raises(UsageError, match="a line of more than"):
        read(path)


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda path: path.mkdir(), "is a folder"),
        (lambda path: path.touch(), "has no line"),
        (lambda path: None, "no such file"),
    ],
)
def test_what_is_no_file_says_so(
    tmp_path: Path, make: Callable[[Path], None], problem: str
) -> None:
    path = tmp_path / "arxiv.json"
    make(path)
    with pytest.raises(UsageError, match=problem):
        read(path)


def test_names_and_dates_are_the_papers_own(tmp_path: Path) -> None:
    line = snapshot_line(archive_papers(1)[0]).replace(
        '"authors_parsed": [["Lovelace", "Ada", ""], ["Hopper", "Grace", ""]]',
        '"authors_parsed": [["M\\\\\\"uller", "J", "Jr."], ["Team", "", ""]]',
    )
    told, _ = read(write_snapshot(tmp_path / "arxiv.json", [], line))
    assert told[0].paper.authors == ("J Müller, Jr.", "Team")
    assert told[0].versions[0].submitted.tzinfo is dt.UTC
