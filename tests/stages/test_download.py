from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from pipeline.errors import ArxivUnreachable, JianjieError, OutputError, PdfUnavailable
from pipeline.records import Paper, Pdf
from pipeline.stages.download import download

CONTENT = b"%PDF-1.5 a paper %%EOF"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
LONG_AGO = 1_000_000_000


class FakeArxiv:
    """Writes CONTENT to where it is told, or fails; `asked` has every request."""

    def __init__(self, failure: JianjieError | None = None) -> None:
        self.asked: list[tuple[str, Path]] = []
        self.not_these: list[frozenset[str]] = []
        self._failure = failure

    def pdf(self, versioned: str, target: Path, not_these: frozenset[str] = frozenset()) -> Pdf:
        self.asked.append((versioned, target))
        self.not_these.append(not_these)
        if self._failure:
            raise self._failure
        target.write_bytes(CONTENT)
        return Pdf(path=target, sha256=SHA256, size=len(CONTENT))


def paper(arxiv_id: str = "2601.00001", version: int = 1) -> Paper:
    return Paper(
        arxiv_id=arxiv_id,
        version=version,
        title="T",
        abstract="A",
        authors=("N",),
        categories=("cs.SD",),
    )


def test_a_file_in_the_cache_is_not_asked_for_again(tmp_path: Path) -> None:
    arxiv = FakeArxiv()

    first = download(paper(), arxiv, tmp_path)
    again = download(paper(), arxiv, tmp_path)

    assert arxiv.asked == [("2601.00001v1", tmp_path / "2601.00001v1.pdf")]
    assert again == first
    assert again == Pdf(path=tmp_path / "2601.00001v1.pdf", sha256=SHA256, size=len(CONTENT))


def test_a_big_file_is_the_same_from_the_cache(tmp_path: Path) -> None:
    content = b"%PDF" + bytes(range(256)) * 10_000 + b"%%EOF\n"
    (tmp_path / "2601.00001v1.pdf").write_bytes(content)

    pdf = download(paper(), FakeArxiv(), tmp_path)

    assert (pdf.size, pdf.sha256) == (len(content), hashlib.sha256(content).hexdigest())


def test_another_version_is_another_file(tmp_path: Path) -> None:
    arxiv = FakeArxiv()

    paths = {download(paper(version=version), arxiv, tmp_path).path for version in (1, 2, 12)}

    assert [versioned for versioned, _ in arxiv.asked] == [f"2601.00001v{n}" for n in (1, 2, 12)]
    assert len(paths) == 3


def test_an_old_id_is_one_file_in_the_cache_itself(tmp_path: Path) -> None:
    arxiv = FakeArxiv()

    pdf = download(paper("math/0309136", 2), arxiv, tmp_path)
    download(paper("math/0309136", 2), arxiv, tmp_path)

    assert arxiv.asked == [("math/0309136v2", pdf.path)]
    assert pdf.path == tmp_path / "math_0309136v2.pdf"


@pytest.mark.parametrize("failure", [PdfUnavailable("withdrawn"), ArxivUnreachable("no answer")])
def test_a_failed_download_leaves_nothing_to_be_taken_for_the_paper(
    failure: JianjieError, tmp_path: Path
) -> None:
    with pytest.raises(type(failure)):
        download(paper(), FakeArxiv(failure), tmp_path)

    assert list(tmp_path.iterdir()) == []
    assert download(paper(), FakeArxiv(), tmp_path).size == len(CONTENT)


@pytest.mark.parametrize("damage", [b"", b"%PDF-1.5 a pa", b"<html>%%EOF", b"\0" * 5000])
def test_a_damaged_file_in_the_cache_is_fetched_again(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "2601.00001v1.pdf").write_bytes(damage)
    arxiv = FakeArxiv()

    pdf = download(paper(), arxiv, tmp_path)

    assert len(arxiv.asked) == 1
    assert pdf.path.read_bytes() == CONTENT


def test_the_sums_of_earlier_versions_are_handed_on(tmp_path: Path) -> None:
    arxiv = FakeArxiv()

    download(paper(version=2), arxiv, tmp_path, frozenset({"0" * 64}))

    assert arxiv.not_these == [frozenset({"0" * 64})]


def test_an_earlier_versions_file_in_the_cache_is_fetched_again(tmp_path: Path) -> None:
    """It was stored before that version was known."""
    arxiv = FakeArxiv()
    download(paper(version=2), arxiv, tmp_path)

    download(paper(version=2), arxiv, tmp_path, not_these=frozenset({SHA256}))

    assert len(arxiv.asked) == 2


def test_a_use_is_marked(tmp_path: Path) -> None:
    pdf = download(paper(), FakeArxiv(), tmp_path)
    os.utime(pdf.path, (LONG_AGO, LONG_AGO))

    download(paper(), FakeArxiv(), tmp_path)

    assert pdf.path.stat().st_mtime > LONG_AGO


def test_a_cached_file_that_cannot_be_read_stops_the_run(tmp_path: Path) -> None:
    (tmp_path / "2601.00001v1.pdf").mkdir()  # no permission stops root

    with pytest.raises(OutputError, match=r"2601\.00001v1\.pdf: cannot be read.*Delete it"):
        download(paper(), FakeArxiv(), tmp_path)
