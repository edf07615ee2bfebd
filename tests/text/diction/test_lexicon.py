from __future__ import annotations

import re
from importlib.resources import files

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.text.diction.lexicon import LEXICONS, find
from pipeline.text.diction.lexicon import words_of as whole_words
from pipeline.text.diction.reading import read_line, rows
from pipeline.text.diction.signs import needed, signs_of

SECTIONS = ["[anywhere]", "[apart]", "[astray]"]
NO_LEXICONS = {"parts", "research", "openings"}
NAMES = sorted(
    file.name.removesuffix(".txt")
    for file in files("pipeline.text.diction").joinpath("words").iterdir()
)
each_lexicon = pytest.mark.parametrize("name", LEXICONS)


def words_of(name: str) -> dict[str, list[str]]:
    words: dict[str, list[str]] = {}
    for row in rows(name):
        if row in SECTIONS:
            words[row] = []
        else:
            words[list(words)[-1]] += row.split()
    return words


def test_there_are_a_dozen_kinds() -> None:
    assert len(set(LEXICONS)) == 12
    assert set(NAMES) == {*LEXICONS, *NO_LEXICONS}


@each_lexicon
def test_a_lexicon_has_all_three_kinds_of_words_each_once(name: str) -> None:
    words = words_of(name)

    assert list(words) == SECTIONS
    assert all(words.values())
    assert [len(one) - len(set(one)) for one in words.values()] == [0, 0, 0]


@each_lexicon
def test_every_word_says_something(name: str) -> None:
    """A slip in a list must not refuse everything, nor be a word that nothing has."""
    for word in whole_words(name):
        assert re.search(word.pattern, "") is None
        assert re.search(r"<[a-z]+>", word.pattern) is None
        assert word.pattern


EVERY_WORD = [word for name in LEXICONS for word in whole_words(name)]


@given(st.data())
@settings(max_examples=300, derandomize=True, database=None, deadline=None)
def test_no_word_is_left_out_for_the_signs_that_it_needs(data: st.DataObject) -> None:
    """Whatever a word matches has a sign that it needs."""
    word = data.draw(st.sampled_from(EVERY_WORD))
    pattern = re.compile(word.pattern, re.IGNORECASE)
    match = pattern.search(data.draw(st.from_regex(pattern)))
    signs = needed(word.pattern)
    assert match is None or signs is None or signs & signs_of(match[0])


def test_nearly_every_word_needs_some_signs() -> None:
    assert sum(needed(word.pattern) is None for word in EVERY_WORD) <= 2


def test_a_word_of_research_makes_no_part_hostile() -> None:
    """A part that has one is no stray, so a word with one in it would never be found."""
    for name in LEXICONS:
        for word in words_of(name)["[astray]"]:
            if re.fullmatch(r"[\u4e00-\u9fff]+", word):
                assert read_line(word).astray == (word,), name


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("该论文提出方法，加微信领取。", "加微信"),  # anywhere
        ("该论文提出方法留言。", None),
        ("该论文提出方法，模型留言。", "留言"),  # opens as no part of a line does
        ("该论文提出方法，模型邮箱。", None),
        ("该论文提出方法，邮箱也如此。", "邮箱"),  # names nothing of research
    ],
)
def test_a_word_is_looked_for_where_it_belongs(line: str, word: str | None) -> None:
    assert find("account", line) == word


def test_of_several_words_the_leftmost_is_told() -> None:
    assert find("account", "该论文提出方法，私聊，加微信领取。") == "私聊"


@pytest.mark.parametrize(
    ("word", "signs"),
    [
        ("甲乙", "甲"),
        ("甲?乙", "乙"),
        ("(?:甲|乙)丙?", "甲乙"),
        ("(?:甲|乙?)丙", "丙"),
        ("[甲乙]+", "甲乙"),
        ("[甲-乙]", None),
        ("[^甲]", None),
        (r"\s甲{0,3}", None),
        (r"\.{2}", "."),
        ("(?<!甲)(?:乙(?!丙))*+丁{1,2}", "丁"),
        ("(?-i:[A-Z]x)", "x"),
        ("甲|乙", "甲乙"),
        ("(?<=甲)", None),
        ("QQ", "q"),
    ],
)
def test_the_signs_that_a_word_needs(word: str, signs: str | None) -> None:
    assert needed(word) == (None if signs is None else frozenset(signs))


def test_signs_that_are_common_are_taken_last() -> None:
    assert needed("甲乙", frozenset("甲")) == frozenset("乙")


def test_case_hides_no_sign() -> None:
    for sign in "Kſıİẞ":
        assert all(
            signs_of(sign) & signs_of(letter)
            for letter in "abcdefghijklmnopqrstuvwxyzß"
            if re.search(letter, sign, re.IGNORECASE)
        )
