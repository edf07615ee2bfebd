"""A day's entries as the digest has them: in arXiv's order, numbered in each section."""

from __future__ import annotations

from typing import Literal

from pipeline.digest.markdown import Digest, Entry
from pipeline.records import Day, Done, Outcome, Paper, Section, Summary

TagChoice = Literal["listing", "model"]
RECONSTRUCTED = "（重建）"
"""Behind the field's name in a digest that no listing of arXiv's stands behind."""


def published_tags(paper: Paper, summary: Summary | None, tags: TagChoice) -> tuple[str, ...]:
    """arXiv's own categories in their order; the model's where there are none or on request."""
    if summary is not None and (tags == "model" or not paper.categories):
        return summary.tags
    return paper.categories


def digest_of(day: Day, tags: TagChoice) -> Digest:
    """The digest of a day, in arXiv's order, numbered from 1 in each section."""
    return Digest(
        name=day.name + (RECONSTRUCTED if day.reconstructed else ""),
        categories_text=";  ".join(day.categories),  # two spaces, as in the series
        new=_entries(day, Section.NEW, tags),
        replaced=_entries(day, Section.REPLACED, tags),
    )


def in_section(day: Day, section: Section) -> list[Outcome]:
    """What became of the papers of a section, in arXiv's order."""
    return [o for o in day.outcomes if o.announcement.announce.section is section]


def _entries(day: Day, section: Section, tags: TagChoice) -> tuple[Entry, ...]:
    return tuple(
        _entry(outcome, section, number, tags)
        for number, outcome in enumerate(in_section(day, section), start=1)
    )


def _entry(outcome: Outcome, section: Section, number: int, tags: TagChoice) -> Entry:
    paper = outcome.announcement.paper
    summary = outcome.summary if isinstance(outcome, Done) else None
    return Entry(
        section=section,
        number=number,
        title=paper.title,
        tags_text="; ".join(published_tags(paper, summary, tags)),
        line=summary.line if summary else None,
        link=f"https://arxiv.org/pdf/{paper.versioned}",
        authors_text="; ".join(paper.authors),
        comment=paper.comment,
        abstract=paper.abstract,
    )
