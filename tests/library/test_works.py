"""Libraries as reference managers export them, and files that only look like some."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from pipeline.errors import ConfigError
from pipeline.library import works
from pipeline.library.works import Work, read_works

BIB = r"""
@string{nips = "Neural"}
@comment{who reads this}
@article{first,
  title = {{Neural} codec {\"o}f sp{\'e}ech with $x^2$},
  abstract = {We propose \emph{x} \& y.},
  author = {A, B and C, D}, eprint = {2601.02954}, archivePrefix = {arXiv}, year = 2026,
}
@misc{second, title = "Second, by note", note = {arXiv:2512.01234v2 [cs.SD]}}
@inproceedings{cut, title =
@article{first, title = {The key again}}
@book{none, author = {Nobody}}
"""
RIS = """TY  - JOUR
TI  - A study of recognition
AB  - We show more
AU  - Li, Wei
UR  - https://arxiv.org/abs/cs/0112017
ER  -

TY  - CONF
T1  - Another title
N2  - Its abstract
ZZ  - no such tag
ER  -
"""
CSV = """\ufeff"Key","Item Type","Title","Abstract Note","Url","Extra"
"K1","preprint","Zotero's own","With ""quotes"",
and a line","http://arxiv.org/abs/2601.00002","arXiv:2601.00002 [cs]"
"K2","note","","Nothing","",""
"""
CSL = [
    {"id": "a", "type": "article", "title": "In CSL", "abstract": "A <i>b</i>",
     "URL": "http://arxiv.org/abs/2601.00003", "author": [{"family": "Li"}]},
    3, {"title": None}, {"title": ["In a list"]},
]  # fmt: skip
BETTER = {
    "items": [{"title": "In Better BibTeX", "abstractNote": "Z", "extra": "arXiv: 2602.1111"}]
}


def written(folder: Path, name: str, text: str) -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


def test_bibtex_is_read_with_its_tex_and_around_what_is_broken(tmp_path: Path) -> None:
    found = read_works([written(tmp_path, "a.bib", BIB)])
    assert found[0] == Work(
        title="Neural codec öf spéech with x^2", abstract="We propose x & y.", arxiv_id="2601.02954"
    )
    assert found[1] == Work(title="Second, by note", arxiv_id="2512.01234")
    assert len(found) == 2


def test_ris_csv_and_both_kinds_of_json(tmp_path: Path) -> None:
    ris = read_works([written(tmp_path, "b.RIS", RIS)])
    assert ris == (
        Work(title="A study of recognition", abstract="We show more", arxiv_id="cs/0112017"),
        Work(title="Another title", abstract="Its abstract"),
    )
    assert read_works([written(tmp_path, "c.csv", CSV)]) == (
        Work(title="Zotero's own", abstract='With "quotes", and a line', arxiv_id="2601.00002"),
    )
    csl = read_works([written(tmp_path, "d.json", json.dumps(CSL))])
    assert [work.title for work in csl] == ["In CSL", "In a list"]
    assert csl[0].arxiv_id == "2601.00003"
    better = read_works([written(tmp_path, "e.json", json.dumps(BETTER))])
    assert better == (Work(title="In Better BibTeX", abstract="Z"),)


def test_a_work_that_stands_there_twice_is_one(tmp_path: Path) -> None:
    one = written(tmp_path, "one.bib", "@a{x, title = {On Björn's Codec}}")
    two = written(tmp_path, "two.bib", "@a{y, title = {On  Bjorn's codec}}\n@a{z, title = {Other}}")
    assert [work.title for work in read_works([one, two])] == ["On Björn's Codec", "Other"]


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("none.bib", None, "No such file"),
        ("a.docx", b"x", "its name has no ending that is known"),
        ("a.json", b"{", "cannot be read"),
        ("a.json", b'{"a": 1}', "no list of items"),
        ("a.json", b"[" * 100_000, "cannot be read"),
        ("a.csv", b"Name,Year\nx,1\n", "names no column Title"),
        ("a.csv", b"Title\n" + b"x" * 200_000, "cannot be read: field larger"),
        ("a.bib", b"", "has no work with a title"),
        ("a.ris", b"", "has no work with a title"),
        ("a.ris", b"TI  - no beginning\nER  -\n", "has no work"),
        ("a.bib", random.Random(1).randbytes(5000), "has no work with a title"),
    ],
)
def test_what_is_no_library_is_told_with_its_file(
    tmp_path: Path, name: str, content: bytes | None, told: str
) -> None:
    file = tmp_path / name
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigError, match=told) as raised:
        read_works([file])
    assert str(file) in str(raised.value) and "\n" not in str(raised.value)


def test_size_and_number_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = written(tmp_path, "a.bib", "@a{x, title = {One}}\n@a{y, title = {Two}}")
    monkeypatch.setattr(works, "MOST_WORKS", 1)
    with pytest.raises(ConfigError, match="more than 1 works"):
        read_works([file])
    monkeypatch.setattr(works, "MOST_BYTES", 10)
    with pytest.raises(ConfigError, match="is larger than"):
        read_works([file])
    long = written(tmp_path, "b.bib", f"@a{{x, title = {{{'T' * 50_000}}}}}")
    monkeypatch.undo()
    assert len(read_works([long])[0].title) == 20_000
