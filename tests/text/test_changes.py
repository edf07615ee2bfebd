from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.records import Change, Metadata, Paper, Replaced
from pipeline.text.changes import replaced, word_diff


def paper(version: int = 1, **changes: object) -> Paper:
    fields: dict[str, object] = {
        "arxiv_id": "2601.00001",
        "version": version,
        "title": "A Title",
        "abstract": "We study speech with three models and find nothing at all.",
        "authors": ("Ann A", "Ben B"),
        "comment": "5 pages",
        "categories": ("cs.SD",),
    }
    return Paper.model_validate(fields | changes)


@pytest.mark.parametrize(
    ("before", "after", "diff"),
    [
        ("", "5 pages", "{+5 pages+}"),
        ("5 pages", "", "[-5 pages-]"),
        ("5 pages", "6 pages", "[-5-] {+6+} pages"),
        ("a b c d e f X", "a b c d e f Y", "… d e f [-X-] {+Y+}"),
        ("X a b c d e f", "Y a b c d e f", "[-X-] {+Y+} a b c …"),
        ("X a b c d e f g Z", "Y a b c d e f g W", "[-X-] {+Y+} a b c … e f g [-Z-] {+W+}"),
        ("X a b Z", "Y a b W", "[-X-] {+Y+} a b [-Z-] {+W+}"),
    ],
)
def test_a_diff_shows_what_went_and_what_came(before: str, after: str, diff: str) -> None:
    assert word_diff(before, after) == diff


def since(old: Paper, new: Paper) -> Replaced:
    told = replaced(old, new)
    assert told is not None
    return told


def test_a_rewritten_abstract_is_told_by_its_beginning() -> None:
    diff = word_diff("old " * 500, "new " * 500)
    assert len(diff) == 600
    assert diff.endswith("…")


WORDS = st.text(alphabet="ab \n", max_size=60)


@given(WORDS, WORDS)
def test_equal_words_give_no_marks_and_others_do(before: str, after: str) -> None:
    diff = word_diff(before, after)
    assert ("[-" in diff or "{+" in diff) == (before.split() != after.split())


def test_every_changed_field_is_told_and_no_other() -> None:
    new = paper(2, title="A New Title", authors=("Ann A", "Ben B", "Cem C"), comment=None)
    told = since(paper(), new)
    assert told.version == 1
    assert told.changes == (
        Change(field="title", diff="A {+New+} Title"),
        Change(field="authors", diff="Ann A; Ben [-B-] {+B; Cem C+}"),
        Change(field="comment", diff="[-5 pages-]"),
    )


def test_white_space_is_no_change() -> None:
    assert since(paper(), paper(2, title="A  Title")).changes == ()


@pytest.mark.parametrize(
    ("source", "fields"),
    [
        ("api", {"title", "abstract", "authors", "comment"}),
        ("oai", {"title", "abstract", "comment"}),
        ("page", {"title", "comment"}),
        ("feed", {"title", "abstract"}),
    ],
)
def test_a_field_that_a_source_does_not_have_faithfully_is_not_compared(
    source: Metadata, fields: set[str]
) -> None:
    new = paper(2, title="T", abstract="A", authors=("X",), comment="C", metadata=source)
    assert {change.field for change in since(paper(), new).changes} == fields


def test_a_field_without_end_is_told_by_its_first_thousand_words() -> None:
    draw = random.Random(1)
    before, after = (" ".join(draw.choices("ab", k=50_000)) for _ in range(2))
    assert len(word_diff(before, after)) == 600
    assert word_diff(f"{before} end", f"{before} other end") == "…"


def test_nothing_is_said_of_a_paper_whose_metadata_is_lost() -> None:
    found = since(paper(), paper(2, title="2601.00001v2", abstract="", metadata="lost"))
    assert (found.version, found.changes, found.paper) == (1, (), paper())


def test_without_an_earlier_version_nothing_is_told() -> None:
    assert replaced(None, paper()) is None
