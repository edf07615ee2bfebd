"""Quotes: what is forgiven between a paper and a copy of its words, and nothing else."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.text.quotes import Quotable, folded

TEXT = (
    "We are unable to separate the sources. The pro-\nposed ﬁlter is state-of-the-art (“best”),"
    " gains −5 dB on $\\alpha$-divergence\\emph{ of 10-20\\%} and uses GPT-\n4 with 4-bit weights;"
    " Schr\\\"odinger's na\u00efve caf\u00e9 — 10^3 tokens. 我们提出一种新的语音识别方法。"
)


def found(quote: str, text: str = TEXT) -> str | None:
    span = Quotable(text).find(quote)
    return None if span is None else text[span.start : span.end]


@pytest.mark.parametrize(
    "quote",
    [
        "unable to separate",
        "UNABLE  to\nSeparate",
        "The proposed filter is state-of-the-art",
        "state of the art",
        'state-of-the-art ("best")',
        "state-of-the-art ''best''".replace("''best''", "(``best'')"),
        "gains -5 dB",
        "α-divergence of 10-20%",
        "alpha divergence of 10–20%",
        "uses GPT-4 with 4-bit",
        "Schrödinger’s naive cafe - 103 tokens",
        "新的语音识别方法",
    ],
)
def test_how_it_is_written_is_forgiven(quote: str) -> None:
    assert found(quote) is not None


@pytest.mark.parametrize(
    "quote",
    [
        "able to separate the sources",
        "unable to separate sources",
        "unable to separate the source",
        "gains 5 dB",
        "gains -6 dB",
        "of 1020%",
        "the proposed method",
        "uses GPT-4 without 4-bit",
        "separate the sources, The",
        "我们提出一种语音识别方法",
        "",
        " \n ",
        "$ {} ~",
    ],
)
def test_what_is_said_is_not(quote: str) -> None:
    assert found(quote) is None


def test_the_words_are_given_as_they_stand_there_whole() -> None:
    assert found("the proposed filter") == "The pro-\nposed ﬁlter"
    assert found('"best"') == "(“best”),"


def test_the_first_place_with_whole_words_counts() -> None:
    assert Quotable("unable, able").find("able") == (8, 12)


@given(st.text(max_size=200))
def test_any_text_is_found_in_itself(text: str) -> None:
    span = Quotable(text).find(text)

    assert (span is None) == (folded(text) == "")


@pytest.mark.parametrize("text", ["a " * 300_000, "a" * 600_000, "-" * 600_000, "\\a{" * 200_000])
def test_a_long_text_takes_a_moment(text: str) -> None:
    start = time.monotonic()

    assert Quotable(text).find("b" + text[:5000]) is None
    Quotable(text).find(text[:5000])
    assert time.monotonic() - start < 30  # an hour, where it was quadratic
