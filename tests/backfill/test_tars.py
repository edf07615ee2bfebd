"""arXiv's bulk tars: only those that are needed, and nothing unpacked but a paper's PDF."""

from __future__ import annotations

import hashlib
import io
import tarfile
from pathlib import Path

import pytest

from pipeline.backfill.tars import MANIFEST, Tars, check, needed, read_manifest
from pipeline.errors import PdfError, UsageError
from tests.standins.records import paper

PDF = b"%PDF-1.4 a paper %%EOF"


def add(
    tar: tarfile.TarFile, name: str, content: bytes = PDF, kind: bytes = tarfile.REGTYPE
) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.type = len(content), kind
    member.linkname = "/etc/passwd" if kind != tarfile.REGTYPE else ""
    tar.addfile(member, io.BytesIO(content))


def bucket(folder: Path, tars: dict[str, list[str]], md5: str | None = None) -> Path:
    """A copy of the bucket: tars by the number of their month, with their items."""
    folder.mkdir()
    files = []
    for name, items in tars.items():
        path = folder / f"arXiv_pdf_{name}.tar"
        with tarfile.open(path, "w") as tar:
            for item in items:
                add(tar, f"{name[:4]}/{item}.pdf", PDF + item.encode())
        files.append(
            f"<file><content_md5sum>x</content_md5sum><filename>pdf/{path.name}</filename>"
            f"<first_item>{items[0]}</first_item><last_item>{items[-1]}</last_item>"
            f"<md5sum>{md5 or hashlib.md5(path.read_bytes()).hexdigest()}</md5sum>"
            f"<num_items>{len(items)}</num_items><seq_num>1</seq_num><size>1</size>"
            f"<timestamp>2026-01-01</timestamp><yymm>{name[:4]}</yymm></file>"
        )
    text = f"<arXivPDF>{''.join(files)}<timestamp>Mon</timestamp></arXivPDF>"
    (folder / MANIFEST).write_text(text)
    return folder


TARS = {
    "2601_001": ["2601.00001", "2601.00007v2", "2601.00009"],
    "2601_002": ["2601.00010", "2601.00500"],
    "2602_001": ["2602.00001"],
    "0309_001": ["math0309136", "math0309140"],
}


def test_only_the_tars_that_have_a_paper_are_needed(tmp_path: Path) -> None:
    tars = read_manifest(bucket(tmp_path / "pdf", TARS))
    files = [tar.file for tar in needed(tars, ["2601.00011", "math/0309138"])]
    assert files == ["arXiv_pdf_2601_002.tar", "arXiv_pdf_0309_001.tar"]
    assert needed(tars, ["2512.00001", "2601.00501"]) == ()


def test_a_papers_pdf_comes_out_whole(tmp_path: Path) -> None:
    folder = bucket(tmp_path / "pdf", TARS)
    tars = Tars(folder, read_manifest(folder), tmp_path / "out", 60)
    for one, item in [
        (paper(arxiv_id="2601.00001", version=3), "2601.00001"),
        (paper(arxiv_id="2601.00007", version=2), "2601.00007v2"),
        (paper(arxiv_id="2602.00001", version=1), "2602.00001"),
        (paper(arxiv_id="math/0309136", version=1), "math0309136"),
    ]:
        pdf = tars.pdf(one)
        assert pdf is not None
        content = pdf.path.read_bytes()
        assert content == PDF + item.encode()
        assert (pdf.size, pdf.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert tars.pdf(paper(arxiv_id="2601.00007", version=1)) is None
    assert tars.pdf(paper(arxiv_id="2601.00002", version=1)) is None
    tars.close()


def test_a_tar_is_held_against_its_md5_once(tmp_path: Path) -> None:
    folder = bucket(tmp_path / "pdf", TARS)
    tars = read_manifest(folder)
    seen, told = tmp_path / "tars.txt", list[str]()
    (folder / tars[2].file).unlink()
    check(folder, tars, seen, told.append)
    assert len(seen.read_text().splitlines()) == 3
    assert told == ["arXiv_pdf_2602_001.tar: is not here; its papers are read from their abstracts"]
    path = folder / tars[0].file
    path.write_bytes(path.read_bytes()[:-512])
    with pytest.raises(UsageError, match="has not the md5"):
        check(folder, tars, seen, told.append)


def test_hostile_members_are_nothing(tmp_path: Path) -> None:
    folder = bucket(tmp_path / "pdf", {"2601_001": ["2601.00001", "2601.00099"]})
    with tarfile.open(folder / "arXiv_pdf_2601_001.tar", "w") as tar:
        add(tar, "2601/2601.00002.pdf", b"", tarfile.SYMTYPE)
        add(tar, "2601/2601.00003.pdf", b"", tarfile.LNKTYPE)
        add(tar, "/etc/2601.00004.pdf/../../passwd")
        add(tar, "2601/2601.00005.pdf", b"%PDF" + b"x" * 2_000_000)
        add(tar, "../../2601.00006.pdf")
    tars = Tars(folder, read_manifest(folder), tmp_path / "out", 1)
    for number in (2, 3, 4):
        assert tars.pdf(paper(arxiv_id=f"2601.0000{number}")) is None
    with pytest.raises(PdfError, match="is larger"):
        tars.pdf(paper(arxiv_id="2601.00005"))
    found = tars.pdf(paper(arxiv_id="2601.00006"))
    assert found is not None
    assert found.path.parent == tmp_path / "out"
    tars.close()


def test_a_tar_that_cannot_be_read_costs_its_papers_their_pdf(tmp_path: Path) -> None:
    folder = bucket(tmp_path / "pdf", TARS)
    tars = Tars(folder, read_manifest(folder), tmp_path / "out", 60)
    (folder / "arXiv_pdf_2602_001.tar").write_bytes(b"no tar" * 1000)
    with pytest.raises(PdfError, match="cannot be read"):
        tars.pdf(paper(arxiv_id="2602.00001"))
    tars.close()


@pytest.mark.parametrize(
    "content", [b"", b"no xml", b"<arXivPDF></arXivPDF>", b"<arXivPDF><file></file>"]
)
def test_what_is_no_manifest_says_so(tmp_path: Path, content: bytes) -> None:
    (tmp_path / MANIFEST).write_bytes(content)
    with pytest.raises(UsageError, match=r"manifest|names no tar"):
        read_manifest(tmp_path)


def test_a_folder_without_manifest_says_where_it_is_from(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Copy it from the bucket"):
        read_manifest(tmp_path)
