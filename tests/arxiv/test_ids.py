from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.arxiv.ids import ArxivId, parse_id
from pipeline.errors import UsageError

NEW = ArxivId("2604.99001", None)
NEW_V2 = ArxivId("2604.99001", 2)
OLD = ArxivId("math/0309136", None)
OLD_V1 = ArxivId("math/0309136", 1)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2604.99001", NEW),
        ("  2604.99001\n", NEW),
        ("2604.99001v2", NEW_V2),
        ("2604.99001v12", ArxivId("2604.99001", 12)),
        ("0704.0001", ArxivId("0704.0001", None)),
        ("1412.9999v3", ArxivId("1412.9999", 3)),
        ("1501.00001", ArxivId("1501.00001", None)),
        ("arXiv:2604.99001", NEW),
        ("arxiv:2604.99001v2", NEW_V2),
        ("oai:arXiv.org:2604.99001v2", NEW_V2),
        ("http://arxiv.org/abs/2604.99001", NEW),
        ("https://arxiv.org/abs/2604.99001v2", NEW_V2),
        ("https://www.arxiv.org/abs/2604.99001", NEW),
        ("https://export.arxiv.org/abs/2604.99001", NEW),
        ("HTTPS://ArXiv.org/abs/2604.99001", NEW),
        ("https://arxiv.org/abs/2604.99001/", NEW),
        ("https://arxiv.org/pdf/2604.99001v2", NEW_V2),
        ("https://arxiv.org/pdf/2604.99001v2.pdf", NEW_V2),
        ("https://arxiv.org/pdf/2604.99001.PDF", NEW),
        ("https://arxiv.org/html/2604.99001v2", NEW_V2),
        ("https://arxiv.org/abs/2604.99001?context=cs.SD", NEW),
        ("https://arxiv.org/pdf/2604.99001v2.pdf#page=3", NEW_V2),
        ("https://arxiv.org/html/2604.99001v2?a=1#S2", NEW_V2),
        ("math/0309136", OLD),
        ("math/0309136v1", OLD_V1),
        ("math.GT/0309136", OLD),
        ("arXiv:math.GT/0309136v1", OLD_V1),
        ("https://arxiv.org/abs/math.GT/0309136v1", OLD_V1),
        ("https://arxiv.org/pdf/math/0309136v1.pdf", OLD_V1),
        ("hep-th/9901001", ArxivId("hep-th/9901001", None)),
        ("cond-mat.mtrl-sci/0106001v4", ArxivId("cond-mat/0106001", 4)),
        ("HTTPS://ARXIV.ORG/ABS/2604.99001V2", NEW_V2),
        ("https://browse.arxiv.org/pdf/2604.99001v2.pdf#page=3", NEW_V2),
        ("http://export.arxiv.org/abs/2604.99001?context=cs.SD", NEW),
        ("arxiv.org/abs/2604.99001", NEW),
        ("arXiv: 2604.99001", NEW),
        ("arXiv：2604.99001v2", NEW_V2),
        ("arXiv:2604.99001v2 [cs.SD]", NEW_V2),
        ("arXiv:2604.99001v2  [eess.AS]  6 Jan 2026", NEW_V2),
        ("[arXiv:2604.99001v2 [cs.SD]]", NEW_V2),
        ("arXiv:math/0309136v1 [math.GT]", OLD_V1),
        ("arXiv preprint arXiv:2604.99001, 2026.", NEW),
        ("10.48550/arXiv.2604.99001", NEW),
        ("doi:10.48550/ARXIV.2604.99001", NEW),
        ("https://doi.org/10.48550/arXiv.2604.99001", NEW),
        ("http://dx.doi.org/10.48550/arXiv.math/0309136", OLD),
        ("https://huggingface.co/papers/2604.99001", NEW),
        ("https://huggingface.co/papers/2604.99001#community", NEW),
        ("https://www.alphaxiv.org/abs/2604.99001v2", NEW_V2),
        ("https://ar5iv.org/abs/2604.99001", NEW),
        ("https://ar5iv.org/html/2604.99001", NEW),
        ("https://ar5iv.labs.arxiv.org/html/math/0309136", OLD),
    ],
)
def test_every_pasted_form_becomes_the_canonical_one(text: str, expected: ArxivId) -> None:
    assert parse_id(text) == expected


@pytest.mark.parametrize("id_text", ["2604.99001v2", "https://arxiv.org/abs/2604.99001v2"])
@pytest.mark.parametrize(
    "around",
    [
        "<{}>",
        "({})",
        "[{}]",
        '"{}"',
        "'{}'",
        "`{}`",
        "“{}”",
        "（{}）",
        "「{}」",
        "《{}》",
        "【{}】",
        "{}.",
        "{},",
        "{};",
        "{}。",
        "{}，",
        "（{}）。",
        "<{}>, ",
        "\u200b{}\u3000",
        "\ufeff{}\r\n",
    ],
)
def test_punctuation_around_an_id_is_nothing_of_it(around: str, id_text: str) -> None:
    assert parse_id(around.format(id_text)) == NEW_V2


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2604.9900",  # four digits after 2015
        "1501.0001",
        "1412.00001",  # five digits before
        "2604.990011",
        "2613.99001",  # month 13
        "2600.99001",
        "2604.99001v0",
        "2604.99001v01",
        "2604.99001v",
        "2604.99001 v2",
        "2604.99001.docx",
        "２６０４.９９００１",  # full-width digits, straight from a Chinese keyboard
        "2604.９９００１",
        "2604.99001v1０",
        "math/030913",
        "math/03091360",
        "/0309136",
        "speech recognition",
        "10.1109/ICASSP.2026.1",
        "https://example.org/abs/2604.99001",
        "https://arxiv.org.example.org/abs/2604.99001",
        "https://notarxiv.org/abs/2604.99001",
        "ftp://arxiv.org/abs/2604.99001",
        "https://arxiv.org/list/cs.SD/new",
        "https://arxiv.org/abs/",
        "arXiv:arXiv:2604.99001",
        "2604.99001\n2604.99002",
        "2604.99001 2604.99002",
        "2604.99001, 2604.99002",
        "2604.99001?2604.99002",
        "https://arxiv.org/abs/2604.99001 https://arxiv.org/abs/2604.99002",
        "https://arxiv.org/abs/2604.99001?x 2604.99002",
        "arXiv:2604.99001 [2604.99002]",
        "2604.99001/v1",
        "https://arxiv.org/abs/2604.99001/v1",
        "2604.99001v1v2",
        "0703.0001",  # the month before the first
        "2026-01-06",
        "2026.01.06",
        "20260106",
        "math/0313136",  # month 13
        "[cs.SD]",
        "10.48550/2604.99001",
        "https://doi.org/10.1000/arXiv.2604.99001",
        "https://doi.org/10.48550/arXiv./2604.99001",
        "https://huggingface.co/2604.99001",
        "https://huggingface.co/datasets/2604.99001",
        "https://huggingface.co.example.org/papers/2604.99001",
        "https://alphaxiv.org/list/2604.99001",
        "https://user@arxiv.org/abs/2604.99001",
    ],
)
def test_anything_else_is_refused_with_the_text_and_a_way_out(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_id(text)

    assert caught.value.where == " ".join(repr(text).split())
    assert "2601.02954" in caught.value.fix


def _digits(low: int, high: int, width: int) -> st.SearchStrategy[str]:
    return st.integers(low, high).map(lambda number: f"{number:0{width}d}")


_MONTHS = _digits(1, 12, 2)
_BASES = st.one_of(
    st.builds("{}{}.{}".format, _digits(15, 99, 2), _MONTHS, _digits(0, 99999, 5)),
    st.builds("{}{}.{}".format, _digits(8, 14, 2), _MONTHS, _digits(0, 9999, 4)),
    st.builds(
        "{}/{}{}{}".format,
        st.sampled_from(["math", "hep-th", "cond-mat", "q-alg", "cs"]),
        _digits(91, 99, 2),
        _MONTHS,
        _digits(0, 999, 3),
    ),
)
_IDS = st.builds(ArxivId, _BASES, st.none() | st.integers(1, 400))


@settings(deadline=None)
@given(_IDS)
def test_a_canonical_id_reads_back_as_itself(arxiv_id: ArxivId) -> None:
    assert parse_id(str(arxiv_id)) == arxiv_id


@settings(deadline=None)
@given(
    _IDS,
    st.sampled_from(
        [
            "{}",
            "arXiv:{}",
            "oai:arXiv.org:{}",
            "https://arxiv.org/abs/{}",
            "http://export.arxiv.org/pdf/{}.pdf",
            "https://www.arxiv.org/html/{}?x=1#y",
        ]
    ),
)
def test_every_form_of_every_id_reads_as_that_id(arxiv_id: ArxivId, form: str) -> None:
    assert str(parse_id(form.format(arxiv_id))) == str(arxiv_id)


@settings(deadline=None)
@given(st.text(max_size=40))
def test_any_text_is_an_id_that_reads_back_or_is_refused(text: str) -> None:
    try:
        arxiv_id = parse_id(text)
    except UsageError:
        return
    assert parse_id(str(arxiv_id)) == arxiv_id
    assert str(arxiv_id).isascii()
