from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.text.links import author_links, work_links


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Code: https://github.com/a/b.", "代码"),
        (r"at \url{https://gitlab.com/a/b}", "代码"),
        ("https://www.github.com/a/b", "代码"),
        ("https://huggingface.co/org/model", "权重"),
        ("https://huggingface.co/datasets/org/data", "数据"),
        ("https://huggingface.co/spaces/org/demo", "演示"),
        ("https://huggingface.co", "权重"),
        ("Samples: https://name.github.io/demo/", "主页"),
        ("https://zenodo.org/records/1", "数据"),
        ("https://example.org/x", "example.org"),
        ("https://github.com.example.org/x", "github.com.example.org"),
        ("https://github.com@example.org/x", "example.org"),
        ("https://evilgithub.io/x", "evilgithub.io"),
    ],
)
def test_a_link_has_the_name_of_what_it_leads_to(text: str, name: str) -> None:
    (link,) = author_links((text,))
    assert link.name == name
    assert link.address in text


@pytest.mark.parametrize(
    "text", ["", "github.com/a/b", "https://arxiv.org/abs/1", "https://export.arxiv.org/abs/1",
             "http://[bad/x", "ftp://github.com/a", "javascript:alert(1)"]
)  # fmt: skip
def test_what_is_none(text: str) -> None:
    assert author_links((text,)) == ()


def test_each_name_once_and_few_in_all() -> None:
    texts = [
        "https://github.com/a/b https://github.com/c/d",
        *(f"https://h{n}.example/x" for n in range(9)),
    ]
    found = author_links(texts)
    assert len(found) == 4
    assert found[0].address == "https://github.com/a/b"


def test_of_a_first_page_only_what_is_known_for_works_is_kept() -> None:
    page = (
        "https://doi.org/10.1/x",
        "mail us, https://orcid.org/0000, https://creativecommons.org/licenses/by/4.0/",
        "Code at https://github.com/a/b.\nDemo: https://a.github.io/b/ and https://github.com/a/b",
        f"https://github.com/{'x' * 400}",
        "https://github.com.example.org/x",
    )
    assert work_links(page) == ("https://github.com/a/b", "https://a.github.io/b/")
    assert work_links(f"https://github.com/{n}" for n in range(9)) == tuple(
        f"https://github.com/{n}" for n in range(4)
    )


@given(st.text(alphabet="htps:/@[].a%\\u0000\u202e#?", max_size=60))
def test_any_text_can_be_read(text: str) -> None:
    assert len(author_links((f"https://{text}", text))) <= 2
