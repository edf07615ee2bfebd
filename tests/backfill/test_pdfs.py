"""PDFs of an archive's papers: out of arXiv's bulk tars, or from arXiv where that is wanted."""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.backfill.order import JobFolder
from pipeline.backfill.parts import read_part
from pipeline.backfill.tars import MANIFEST
from pipeline.demo.standin import demo_pdfs
from pipeline.digest.markdown import load
from pipeline.records import Done, Provenance
from tests.standins.house import EXAMPLE, PAPERS, House, open_house


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with open_house(tmp_path) as opened:
        yield opened


def lines(house: House) -> dict[str, Provenance]:
    """Where each paper's line is from, by versioned id."""
    folder = JobFolder(house.folder / "outputs" / "backfill" / "audio")
    rows = [row for file in folder.parts.glob("*.parquet") for row in read_part(file)]
    assert len(rows) == PAPERS
    return {
        row.planned.paper.versioned: row.outcome.summary.provenance
        for row in rows
        if isinstance(row.outcome, Done)
    }


def new_papers() -> list[Path]:
    """The PDFs of the example day's papers of that month."""
    day = {entry.versioned for entry in load(EXAMPLE).entries}
    return sorted(file for file in demo_pdfs().glob("2601.*.pdf") if file.stem in day)


def bulk_tar(folder: Path, but: int) -> Path:
    """One tar of a month with all of the example day's PDFs but the last ones."""
    folder.mkdir()
    files = new_papers()[:-but]
    path = folder / "arXiv_pdf_2601_001.tar"
    with tarfile.open(path, "w") as tar:
        for file in files:
            tar.add(file, f"2601/{file.name}")
    md5 = hashlib.md5(path.read_bytes()).hexdigest()
    first, last = (file.stem.partition("v")[0] for file in (files[0], files[-1]))
    (folder / MANIFEST).write_text(
        f"<arXivPDF><file><filename>pdf/{path.name}</filename><first_item>{first}</first_item>"
        f"<last_item>{last}</last_item><md5sum>{md5}</md5sum><yymm>2601</yymm></file></arXivPDF>"
    )
    return folder


def test_what_tars_have_is_read_from_them_and_the_rest_from_abstracts(
    house: House, tmp_path: Path
) -> None:
    tars = bulk_tar(tmp_path / "pdf", but=3)
    sources = [f"digest:{EXAMPLE}", f"pdf-tar:{tars}"]
    run = house.run("backfill", "run", *sources, "--local", "--workers", "2", "--shard", "10")
    assert run.returncode == 0, run.stderr
    made = lines(house)
    assert len(made) == PAPERS
    in_tar = {file.stem for file in new_papers()[:-3]}
    assert {versioned for versioned, one in made.items() if one.text_source == "pdf"} == in_tar
    rest = next(one for versioned, one in made.items() if versioned not in in_tar)
    assert rest.fallback == "download: none of the job's sources has the PDF"
    assert house.pdfs_asked() == 0
    job = JobFolder(house.folder / "outputs" / "backfill" / "audio")
    assert list(job.pdfs.glob("*.pdf")) == [], "they are there again when they are needed"


def test_arxiv_is_asked_only_where_that_is_wanted(house: House) -> None:
    sources = [f"digest:{EXAMPLE}", "--local", "--workers", "2", "--shard", "10"]
    run = house.run("backfill", "run", *sources, "--download")
    assert run.returncode == 0, run.stderr
    assert {one.text_source for one in lines(house).values()} == {"pdf"}
    assert house.pdfs_asked() == PAPERS
