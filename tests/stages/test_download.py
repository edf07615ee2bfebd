from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from pipeline.errors import ArxivUnreachable, JianjieError, OutputError, PdfUnavailable
from pipeline.records import Paper, Pdf
from pipeline.stages.download import download

CONTENT = b"%PDF-1.5 a paper %%EOF"


class FakeArxiv:
    """Writes CONTENT to where it is told, or fails; `asked` has every request."""

    def __init__(self, failure: JianjieError | None = None) -> None:
        self.asked: list[tuple[str, Path]] = []
        self._failure = failure

    def pdf(self, versioned: str, target: Path) -> Pdf:
        self.asked.append((versioned, target))
        if self._failure:
            raise self._failure
        target.write_bytes(CONTENT)
        return Pdf(path=target, sha256=hashlib.sha256(CONTENT).hexdigest(), size=len(CONTENT))


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
    assert again == Pdf(
        path=tmp_path / "2601.00001v1.pdf",
        sha256=hashlib.sha256(CONTENT).hexdigest(),
        size=len(CONTENT),
    )


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


def test_a_cached_file_that_cannot_be_read_stops_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    download(paper(), FakeArxiv(), tmp_path)

    def broken_disk(_: Path) -> bytes:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Path, "read_bytes", broken_disk)  # no permission stops root
    with pytest.raises(OutputError, match=r"2601\.00001v1\.pdf: cannot be read.*Delete it"):
        download(paper(), FakeArxiv(), tmp_path)
