from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.text.affiliations import affiliations


@pytest.mark.parametrize(
    ("page", "names"),
    [
        ("Anna Li1,2, Bo Chen2\n1Tsinghua University, Beijing  2ByteDance\n{a,b}@tsinghua.edu.cn",
         ["Tsinghua University", "ByteDance"]),
        ("1 Department of Physics, Stanford University 2Tencent AI Lab, Shenzhen",
         ["Stanford University", "Tencent AI Lab"]),
        ("1 Max-Planck-Institut für Radioastronomie, Auf dem Hügel 69, 53121 Bonn",
         ["Max-Planck-Institut für Radioastronomie"]),
        ("ruochen@brown.edu 3 Harvard University", ["Harvard University"]),
        ("Allen Institute for Arti\ufb01cial Intelligence, Seattle",
         ["Allen Institute for Artificial Intelligence"]),
        ("清华大学 自动化系，北京\n中国科学院声学研究所", ["清华大学", "中国科学院声学研究所"]),
        ("University of A\nUniversity of A", ["University of A"]),
        ("A Title\nAbstract—We thank the University of B\nUniversity of C", []),
        ("1 Introduction\nUniversity of C", []),
    ],
)  # fmt: skip
def test_names_are_told_above_the_abstract(page: str, names: list[str]) -> None:
    assert list(affiliations(page)) == names


@pytest.mark.parametrize(
    "line",
    [
        "Research shows that this University is cheap",
        "MA Candidate at the Hebrew University",
        "Visit https://evil.example/University now",
        "University of <script>alert(1)</script>",
        "University of 13800138000",
        "Supported by Grant 42 of the Research Foundation",
        "This Research was funded",
        "Department of Computer Science",
        "university of nothing",
        "Universities are the best of all the Places That One Could Ever Think Of and More",
        "University of " + "A" * 80,
        "University",
        "",
    ],
)
def test_what_is_no_name_is_none(line: str) -> None:
    assert affiliations(line) == ()


def test_no_more_than_six() -> None:
    assert len(affiliations("\n".join(f"University of {name}" for name in "ABCDEFGHIJ"))) == 6


@given(st.text(alphabet="AaZ ,;@1\n\u4e00大学(University of)<>&|·-", max_size=300))
def test_any_page_can_be_read_and_gives_short_plain_names(page: str) -> None:
    assert all(0 < len(name) <= 70 and "@" not in name and "<" not in name
               for name in affiliations(page))  # fmt: skip


@pytest.mark.parametrize(
    "page",
    [
        "University of " * 50_000,
        ("A" * 390 + "\n") * 90,
        (" , " * 130 + "\n") * 90,
        "1 2 3 " * 50_000,
    ],
    ids=range(4),
)
def test_a_page_that_is_made_to_take_long_has_none(page: str) -> None:
    assert affiliations(page) == ()
