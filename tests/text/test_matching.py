from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.text.matching import fold, matches, stem, words

CASES = json.loads(Path(__file__).with_name("matching.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(("needle", "text", "found"), CASES["inflected"])
def test_words_are_found_in_their_inflections(needle: str, text: str, found: bool) -> None:
    assert matches(needle, text) is found


@pytest.mark.parametrize(("needle", "text", "found"), CASES["exact"])
def test_names_are_found_as_they_are_spelled(needle: str, text: str, found: bool) -> None:
    assert matches(needle, text, exact=True) is found


@pytest.mark.parametrize(
    ("plain", "inflected"),
    [
        ("model", "models model modeled modelled modeling modelling"),
        ("embed", "embeds embedded embedding embeddings"),
        ("denoise", "denoises denoised denoising"),
        ("code", "codes coded coding"),
        ("train", "trains trained training"),
        ("study", "studies studied studying"),
        ("speech", "speeches"),
        ("tag", "tags tagged tagging"),
        ("mix", "mixes mixed mixing"),
        ("feature", "features featured featuring"),
    ],
)
def test_all_inflections_have_one_stem(plain: str, inflected: str) -> None:
    assert {stem(word) for word in inflected.split()} == {stem(plain)}


@pytest.mark.parametrize("pair", ["bass base", "car care", "news new", "speed spe", "fall fal",
                                  "seed see", "red r", "use us", "sing s", "loss lo"])  # fmt: skip
def test_other_words_have_other_stems(pair: str) -> None:
    one, other = pair.split()
    assert stem(one) != stem(other)


def test_white_space_runs_to_one_space() -> None:
    assert fold("  A\u00a0\tB\n\nＣ é") == "a b c e"


@given(st.text(), st.text(), st.text())
def test_chinese_is_found_wherever_it_stands(before: str, needle: str, after: str) -> None:
    assert matches("语音", f"{before}语音{after}")
    assert not matches(needle, "")


@given(st.text(max_size=40))
def test_any_text_has_its_own_words(text: str) -> None:
    assert matches(text, text) is bool(words(text))
    assert matches(text, text, exact=True) is bool(words(text))


@given(st.text(alphabet="abeginsdy", max_size=12))
def test_a_stem_is_no_longer_than_its_word_and_an_e(word: str) -> None:
    assert len(stem(word)) <= len(word)


def test_long_needles_and_texts_end() -> None:
    assert not matches("a-" * 200 + "b", "a-" * 2000)
