"""Which parts of a paper's text go into the prompt, within a budget of tokens."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Literal

from pipeline.llm import tokens
from pipeline.pdf.contributions import contributions
from pipeline.records import PaperText, Record, SectionKind

Context = Literal["abstract", "intro-conclusion", "full"]
"""`abstract` needs no PDF; `full` is the text from its beginning, up to the references."""

_CONCLUSION_SHARE = 0.4
"""Of the budget at the most, as long as the introduction needs the rest."""
_TOKENS_A_PAGE = 500
"""Few papers have fewer: so many pages are enough for a budget."""


class Chosen(Record):
    """The text for the prompt, and what of it was cut."""

    text: str
    cut: tuple[str, ...] = ()


class _Part(Record):
    name: str
    text: str


def pages_wanted(context: Context, budget: int) -> int | None:
    """How many pages from the first on are enough; None: all, for the conclusion is at the end."""
    return math.ceil(budget / _TOKENS_A_PAGE) + 1 if context == "full" else None


def choose(text: PaperText, context: Context, budget: int) -> Chosen:
    """The parts that `context` names, each cut at the end of a sentence, together in `budget`."""
    if context == "intro-conclusion" and text.sections:
        parts = list(_intro_conclusion(text))
        if parts:
            return _within(parts, budget)
    return _within([_Part(name="text", text=text.body)], budget)


def _intro_conclusion(text: PaperText) -> Iterator[_Part]:
    introduction = _of(text, "introduction")
    if introduction:
        yield _Part(name="Introduction", text=introduction)
        section = next(s for s in text.sections if s.kind == "introduction")
        if claimed := contributions(section):
            yield _Part(name="Contributions", text=claimed)
    if conclusion := _of(text, "conclusion"):
        yield _Part(name="Conclusion", text=conclusion)


def _of(text: PaperText, kind: SectionKind) -> str:
    return "\n".join(section.text for section in text.sections if section.kind == kind)


def _within(parts: Sequence[_Part], budget: int) -> Chosen:
    if len(parts) == 1 and parts[0].name == "text":
        return _joined([(parts[0], tokens.cut(parts[0].text, budget))], named=False)
    needed = {part.name: tokens.count(part.text) for part in parts}
    shares = _shares(needed, budget - 4 * len(parts))  # the names take some tokens too
    whole = needed.get("Introduction", 0) <= shares.get("Introduction", 0)
    kept = [
        (part, tokens.cut(part.text, shares[part.name]))
        for part in parts
        # What an uncut introduction says need not be said twice.
        if part.name != "Contributions" or not whole
    ]
    return _joined(kept, named=True)


def _shares(needed: dict[str, int], budget: int) -> dict[str, int]:
    """The conclusion and the contributions first, within bounds; the introduction has the rest."""
    shares: dict[str, int] = {}
    left = budget
    for name in ("Conclusion", "Contributions"):
        most = int(budget * _CONCLUSION_SHARE) if "Introduction" in needed else budget
        shares[name] = min(needed.get(name, 0), most, left)
        left -= shares[name]
    if needed.get("Introduction", 0) <= left + shares["Contributions"]:
        left += shares["Contributions"]
    shares["Introduction"] = max(left, 0)
    return shares


def _joined(kept: Sequence[tuple[_Part, str]], *, named: bool) -> Chosen:
    texts = [f"{part.name}: {text}" if named else text for part, text in kept if text]
    cut = tuple(
        f"{part.name}: {tokens.count(text):,} of {tokens.count(part.text):,} tokens"
        for part, text in kept
        if len(text) < len(part.text)
    )
    return Chosen(text="\n".join(texts), cut=cut)
