from __future__ import annotations

import re
from importlib.resources import files

import pytest

from pipeline.text.diction.lexicon import Lexicon, lexicon
from pipeline.text.diction.reading import read_line, rows

SECTIONS = ["[anywhere]", "[apart]", "[astray]"]
NO_LEXICONS = {"parts", "research", "openings"}
NAMES = sorted(
    file.name.removesuffix(".txt")
    for file in files("pipeline.text.diction").joinpath("words").iterdir()
)
LEXICONS = [name for name in NAMES if name not in NO_LEXICONS]
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
    assert len(LEXICONS) == 12
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
    made: Lexicon = lexicon(name)

    for pattern in made:
        assert pattern.search("") is None
        assert re.search(r"<[a-z]+>", pattern.pattern) is None
        assert all(pattern.pattern.split("|"))


def test_a_word_of_research_makes_no_part_hostile() -> None:
    """A part that has one is no stray, so a word with one in it would never be found."""
    for name in LEXICONS:
        for word in words_of(name)["[astray]"]:
            if re.fullmatch(r"[\u4e00-\u9fff]+", word):
                assert read_line(word).astray == (word,), name


def test_a_word_is_looked_for_where_it_belongs() -> None:
    made = Lexicon(re.compile("甲"), re.compile("乙"), re.compile("丙"))

    assert made.find("该论文提出方法甲。") == "甲"
    assert made.find("该论文提出方法乙丙。") is None
    assert made.find("该论文提出方法，模型乙。") == "乙"  # opens as no part of a line does
    assert made.find("该论文提出方法，模型丙。") is None
    assert made.find("该论文提出方法，丙也如此。") == "丙"
