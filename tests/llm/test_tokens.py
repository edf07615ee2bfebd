from __future__ import annotations

import socket
from typing import Any

import pytest
import tiktoken.registry
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.llm import tokens
from pipeline.llm.tokens import ENCODING, count, cut

TWO_SENTENCES = "The first sentence of this abstract ends here{} And the second one goes on and on."


def test_counting_needs_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: Any, **__: Any) -> None:
        raise AssertionError("a connection was tried")

    monkeypatch.setattr(socket, "socket", forbidden)
    monkeypatch.setattr(socket, "create_connection", forbidden)
    monkeypatch.setattr(socket, "getaddrinfo", forbidden)
    monkeypatch.delitem(tiktoken.registry.ENCODINGS, ENCODING, raising=False)
    tokens._encoding.cache_clear()

    assert count("Speech recognition") == 2


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("", 0),
        ("hello world", 2),
        ("tiktoken is great!", 6),  # OpenAI's own example for cl100k_base
        ("お誕生日おめでとう", 9),  # likewise
    ],
)
def test_counts_are_those_of_cl100k_base(text: str, number: int) -> None:
    assert count(text) == number


def test_what_looks_like_a_special_token_is_plain_text() -> None:
    assert count("<|endoftext|>") > 1
    assert cut("<|endoftext|> and more", 100) == "<|endoftext|> and more"


def test_a_text_that_fits_is_left_alone() -> None:
    text = "  One. Two.  \n"

    assert cut(text, count(text)) == text


@pytest.mark.parametrize("mark", [". ", "? ", "! ", ".\n"])
def test_a_cut_ends_after_a_whole_sentence(mark: str) -> None:
    text = TWO_SENTENCES.format(mark)

    assert cut(text, count(text) - 5) == text[: text.index(mark) + 1]


def test_a_decimal_point_is_no_end_of_a_sentence() -> None:
    text = "A gain of 2.1 dB is shown here. It goes on for 3.14 s"

    assert cut(text, count(text) - 3) == "A gain of 2.1 dB is shown here."


def test_a_cut_does_not_give_away_more_than_half_for_a_whole_sentence() -> None:
    text = "Short. " + "then a very long sentence follows without any end " * 10

    cut_text = cut(text, 60)

    assert len(cut_text) > 100
    assert 55 <= count(cut_text) <= 60
    assert cut_text == cut_text.rstrip()


def test_a_character_is_never_cut_in_two() -> None:
    text = "\N{FACE WITH TEARS OF JOY}\N{PILE OF POO}𠮷龘" * 5

    for budget in range(count(text)):
        assert text.startswith(cut(text, budget))
        assert "\ufffd" not in cut(text, budget)


@pytest.mark.parametrize("text", ["x", "语音识别", "\N{PILE OF POO}", ". . . "])
def test_a_budget_of_nothing_leaves_nothing(text: str) -> None:
    assert cut(text, 0) == ""


def test_lone_surrogates_do_not_break_the_count() -> None:
    """Texts out of PDFs may hold them."""
    assert count("a\ud800b") > 0
    assert count(cut("a\ud800b " * 50, 20)) <= 20


_WORDS = st.sampled_from(
    ["speech ", "end. ", "why? ", "so! ", "last.\n", '":{\n', "';\n\n", " }];\n", "--", "\n\n", " "]
)
_TEXTS = st.one_of(
    st.text(max_size=80),
    st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF), max_size=60),
    st.text(st.characters(min_codepoint=0x1F300, max_codepoint=0x1FAFF), max_size=30),
    st.lists(_WORDS | st.text(max_size=3), max_size=40).map("".join),
)


@settings(deadline=None)
@given(_TEXTS, st.integers(0, 60))
@example('":{\n":{\n', 1)  # without its line end the token is two
@example(" }];\n }];\n }];\n", 2)
@example(" ра\u0431\u0443" * 4, 3)
def test_a_cut_is_a_start_of_the_text_within_the_budget(text: str, budget: int) -> None:
    cut_text = cut(text, budget)

    assert count(cut_text) <= budget
    assert text.startswith(cut_text)
    assert count(text) > budget or cut_text == text
