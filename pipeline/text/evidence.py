"""The rules of evidence: each part of a line points to a sentence that the paper has.

What is published is the paper's own words where they stand, never the model's copy of them. A quote
can still say something else than the part of the line: a reader sees both, and so does a second
look (stages/verify.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import pairwise
from typing import Literal, NamedTuple, final

from pipeline.records import Claim, Draft, Evidence, LinePart, Paper, PaperText, SectionKind
from pipeline.text.diction.address import no_contact, speaks_to_nobody
from pipeline.text.diction.rules import WORDS
from pipeline.text.markup import no_address, no_markup
from pipeline.text.quotes import Quotable, folded
from pipeline.text.reasons import Quoted, Rule
from pipeline.text.reply import EVIDENCE
from pipeline.text.untrusted import as_data

MOST = 6
"""Pieces of evidence; a line has three parts, and some have two halves."""
WANTED = (LinePart.TASK, LinePart.METHOD)
"""Parts that every line has; the problem may be the task itself."""
_SHORTEST = 12
"""Letters and digits of a quote: less stands in any paper."""
LONGEST = 500
"""Characters of a quote; sentences of abstracts are shorter."""
_SHORTEST_WORDS = 2
_NO_EVIDENCE: tuple[SectionKind, ...] = ("references", "acknowledgements")
"""Of a paper's text: what others wrote, and thanks."""
_WORD_SIGN = re.compile(r"[^\W_]")
_ORDER = re.compile(
    r"\b(?:ignor|disregard|forget|overrid|bypass)\w*\b[^.]{0,40}\b(?:instruction|prompt|rule|guideline"
    r"|above|previous|prior|earlier)"
    r"|\b(?:system|developer) (?:prompt|message|override|note)|\bas an? (?:ai|language model)"
    r"|\b(?:ai|llm|language model|summari[sz]er|editor|assistant|model|reviewer)s?\b[^.]{0,30}"
    r"\b(?:must|should|shall|please|has to|have to|are to|is to)\b[^.]{0,30}"
    r"\b(?:write|reply|say|output|recommend|respond|answer|accept|praise|print|include|mention|rate)"
    r"|\b(?:positive review|strong accept|only positive|do not (?:mention|highlight))"
    r"|(?:忽略|无视)[^。]{0,12}(?:指令|指示|提示|要求|规则|内容)|(?:必须|请)(?:只)?(?:输出|回复|写上|注明)",
    re.IGNORECASE,
)
"""What is said to whoever reads, and not of research."""

_HAN = re.compile(r"[\u4e00-\u9fff]")
_IN_ANY_LANGUAGE: tuple[Rule, ...] = (no_contact,)
_IN_CHINESE: tuple[Rule, ...] = (speaks_to_nobody, *WORDS)


class Place(NamedTuple):
    """A text of a paper, and what to call it."""

    where: Literal["title", "abstract", "text"]
    section: SectionKind | None
    text: Quotable


class Carried(NamedTuple):
    """The evidence for a draft's line in the line's order, or what is wrong with it."""

    evidence: tuple[Evidence, ...]
    problems: tuple[Quoted, ...]


@final
class Places:
    """A paper's texts in the order in which they are looked through; never changes."""

    def __init__(self, paper: Paper, text: PaperText) -> None:
        self._paper = paper
        self._text = text

    @cached_property
    def all(self) -> tuple[Place, ...]:
        """Title and abstract as arXiv has them, then the PDF's sections."""
        own = (
            Place("title", None, Quotable(self._paper.title)),
            Place("abstract", None, Quotable(self._paper.abstract)),
        )
        sections = (
            Place("text", section.kind, Quotable(section.text))
            for section in self._text.sections
            if section.kind not in _NO_EVIDENCE
        )
        return (*own, *sections)

    @cached_property
    def _pages(self) -> tuple[Quotable, ...]:
        return tuple(map(Quotable, self._text.page_texts))

    def page_of(self, quote: str) -> int | None:
        """The first page of the PDF that has it, from 1; None where it runs over two."""
        found = (number for number, page in enumerate(self._pages, 1) if page.find(quote))
        return next(found, None)

    def evidence(self, claim: Claim) -> Evidence | None:
        """Where the claim's quote stands; None: nowhere."""
        for place in self.all:
            if (span := place.text.find(claim.quote)) is not None:
                quote = " ".join(place.text.text[span.start : span.end].split())
                page = self.page_of(quote) if place.where == "text" else None
                return Evidence(
                    part=claim.part,
                    words=claim.words,
                    quote=quote,
                    where=place.where,
                    section=place.section,
                    page=page,
                )
        return None


def carried(draft: Draft, places: Places) -> Carried:
    """Hold a draft's claims against the paper."""
    problems = list(_form(draft))
    evidence: list[Evidence] = []
    for claim in draft.claims[:MOST] if not problems else ():
        found = places.evidence(claim)
        if found is None:
            problems.append(
                Quoted(f"the quote for {claim.part.chinese} is not in the paper", (claim.quote,))
            )
        elif problem := _unfit(found):
            problems.append(Quoted(f"the quote for {claim.part.chinese} {problem}", (claim.words,)))
        else:
            evidence.append(found)
    ordered = sorted(evidence, key=lambda one: draft.line.index(one.words))
    return Carried(tuple(ordered) if not problems else (), tuple(problems))


def _form(draft: Draft) -> Iterator[Quoted]:
    """What is wrong without a look at the paper."""
    claims = draft.claims
    if len(claims) > MOST:
        yield Quoted(f"{EVIDENCE} has {len(claims)} entries, at most {MOST} are allowed", ())
    there = {claim.part for claim in claims}
    for part in WANTED:
        if part not in there:
            yield Quoted(f"{EVIDENCE} has nothing for {part.chinese}", ())
    for claim in claims[:MOST]:
        name = claim.part.chinese
        if len(claim.words) < _SHORTEST_WORDS or claim.words not in draft.line:
            yield Quoted(f"the words for {name} do not stand in the line", (claim.words,))
        if len(_WORD_SIGN.findall(claim.quote[: LONGEST + 1])) < _SHORTEST:
            yield Quoted(f"the quote for {name} is too short: a sentence is wanted", ())
        elif len(claim.quote) > LONGEST:
            yield Quoted(f"the quote for {name} has more than {LONGEST} characters", ())
    if _overlap(draft.line, claims[:MOST]):
        yield Quoted("two parts of the line overlap", ())
    if len(claims) > 1 and len({folded(claim.quote[:LONGEST]) for claim in claims[:MOST]}) == 1:
        yield Quoted("all parts have the same quote", ())


def _overlap(line: str, claims: Sequence[Claim]) -> bool:
    """Whether a place of the line is said to be of two parts."""
    starts = sorted((line.find(claim.words), len(claim.words)) for claim in claims)
    return any(at + size > after for (at, size), (after, _) in pairwise(starts) if at >= 0)


def _unfit(found: Evidence) -> str | None:
    """Why it may not be published though the paper says so; the words are not repeated.

    Title and abstract are published as they are anyway; the text's markup is not.
    """
    quote = found.quote
    if no_address(quote):
        return "has an address"
    if as_data(quote) != quote or not quote.isprintable():
        return "has signs that nobody sees or a chat's control tokens"
    if found.where == "text" and (problem := no_markup(quote)):
        return problem
    if _ORDER.search(quote):
        return "gives orders"
    broken = _IN_ANY_LANGUAGE + (_IN_CHINESE if _HAN.search(quote) else ())
    return "is nothing of research" if any(rule(quote) for rule in broken) else None
