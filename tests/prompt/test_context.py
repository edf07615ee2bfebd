from __future__ import annotations

import pytest

from pipeline.llm import tokens
from pipeline.prompt.context import Context, choose, pages_wanted
from pipeline.records import PaperText, SectionKind, TextSection

WORDS = "the model learns to tell speech from noise in a room with echoes"


def sentences(count: int, about: str) -> str:
    return " ".join(f"Sentence {n} of the {about}: {WORDS}." for n in range(count))


def section(kind: SectionKind, text: str) -> TextSection:
    return TextSection(heading=kind.title(), kind=kind, text=text)


def paper(*sections: TextSection) -> PaperText:
    return PaperText(source="pdf", body=" ".join(s.text for s in sections), sections=sections)


INTRODUCTION = section("introduction", sentences(20, "introduction"))
METHOD = section("method", sentences(40, "method"))
CONCLUSION = section("conclusion", sentences(10, "conclusion"))


def test_full_is_the_text_from_its_beginning() -> None:
    text = paper(INTRODUCTION, METHOD)
    chosen = choose(text, "full", 200)
    assert text.body.startswith(chosen.text)
    assert chosen.text.endswith(".")
    total, kept = tokens.count(text.body), tokens.count(chosen.text)
    assert chosen.cut == (f"text: {kept:,} of {total:,} tokens",)
    assert 150 < kept <= 200


def test_what_fits_is_not_cut() -> None:
    text = paper(INTRODUCTION, CONCLUSION)
    assert choose(text, "full", 10_000).text == text.body
    assert choose(text, "full", 10_000).cut == ()
    chosen = choose(text, "intro-conclusion", 10_000)
    assert chosen.text == f"Introduction: {INTRODUCTION.text}\nConclusion: {CONCLUSION.text}"
    assert chosen.cut == ()


@pytest.mark.parametrize("budget", [150, 300, 500])
def test_introduction_and_conclusion_share_the_budget(budget: int) -> None:
    chosen = choose(paper(INTRODUCTION, METHOD, CONCLUSION), "intro-conclusion", budget)
    assert tokens.count(chosen.text) <= budget
    assert "of the method" not in chosen.text
    introduction, conclusion = chosen.text.split("\nConclusion: ")
    assert introduction.endswith(".")
    assert conclusion.endswith(".")
    assert any(part.startswith("Introduction: ") for part in chosen.cut)


def test_a_short_conclusion_leaves_its_share_to_the_introduction() -> None:
    short = section("conclusion", "We conclude.")
    chosen = choose(paper(INTRODUCTION, short), "intro-conclusion", 300)
    assert tokens.count(chosen.text) > 250
    assert "We conclude." in chosen.text


def test_contributions_that_the_cut_would_lose_are_kept() -> None:
    claimed = "Our contributions are as follows: we build a codec and we measure it."
    long = section("introduction", f"{sentences(40, 'introduction')} {claimed}")
    chosen = choose(paper(long, CONCLUSION), "intro-conclusion", 300)
    assert "we build a codec" in chosen.text
    assert tokens.count(chosen.text) <= 300


def test_contributions_are_not_said_twice() -> None:
    claimed = "In this paper, we propose a codec."
    whole = section("introduction", f"{sentences(2, 'introduction')} {claimed}")
    chosen = choose(paper(whole, CONCLUSION), "intro-conclusion", 2000)
    assert chosen.text.count("we propose a codec") == 1


@pytest.mark.parametrize("sections", [(), (METHOD,)])
def test_without_such_sections_the_beginning_stands_in(sections: tuple[TextSection, ...]) -> None:
    text = PaperText(source="pdf", body=METHOD.text, sections=sections)
    chosen = choose(text, "intro-conclusion", 100)
    assert METHOD.text.startswith(chosen.text)
    assert chosen.text


@pytest.mark.parametrize("one", [INTRODUCTION, CONCLUSION])
def test_one_of_the_two_alone_has_the_whole_budget(one: TextSection) -> None:
    chosen = choose(paper(one, METHOD), "intro-conclusion", 150)
    assert 90 < tokens.count(chosen.text) <= 150


def test_an_abstract_is_taken_as_it_is() -> None:
    text = PaperText(source="abstract", body=sentences(3, "abstract"))
    contexts: tuple[Context, ...] = ("abstract", "intro-conclusion", "full")
    for context in contexts:
        assert choose(text, context, 1000).text == text.body


def test_only_full_text_can_do_with_the_first_pages() -> None:
    assert pages_wanted("full", 6000) == 13
    assert pages_wanted("full", 400) == 2
    assert pages_wanted("intro-conclusion", 400) is None
