"""A second look at a line: another call says of each part whether the paper says so.

It gets the line, and of the paper the sentences that were quoted with those around them, or title
and abstract where the prompt asks for no quotes; nothing of how the line came about, nor by which
model. What is contradicted is refused and told to the writer, what is not told is a warning.

It is a model's opinion: scripts/measure_verify.py plants errors and counts what it finds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from pipeline.llm import tokens
from pipeline.llm.model import Model
from pipeline.llm.question import KeptReplies, Question, answers, question_to
from pipeline.records import Evidence, Paper, PartFinding, Reply, Sampling, SecondLook
from pipeline.settings import EndpointProfile, Profile
from pipeline.text.evidence import Places
from pipeline.text.looked import Look, parse_look
from pipeline.text.reasons import Quoted
from pipeline.text.reply import ReplyMalformed
from pipeline.text.untrusted import as_data

RULE = "second_look"
"""What its reasons and warnings begin with."""
MAX_TOKENS = 700
_SYSTEM = Path(__file__).with_name("second-look.md").read_text(encoding="utf-8").strip()
_AGAIN = "上一条回复不是所要求的 JSON 对象。请只回复该对象，task、problem、method 三项都要有。"
_SENTENCE = re.compile(r"[^.!?。！？]*(?:[.!?](?!\s|$)[^.!?。！？]*)*(?:[.!?。！？]+|$)\s*")
_LONGEST = 1200
"""Characters of an excerpt, and of an abstract that stands for all of them three times as many."""
_NAMES = {"title": "标题", "abstract": "摘要", "text": "正文"}


class Looked(NamedTuple):
    """What came of a look: the findings, what is wrong, what is only to be told, and its cost."""

    look: SecondLook
    problems: tuple[Quoted, ...]
    warnings: tuple[str, ...]
    replies: tuple[Reply, ...]


class Looker(NamedTuple):
    """Who looks, and where the replies are kept."""

    model: Model
    profile: Profile
    kept: KeptReplies

    def __call__(
        self, paper: Paper, line: str, evidence: Sequence[Evidence], places: Places
    ) -> Looked:
        """Raises ModelError, BudgetReached."""
        asked = look_at(self.model, self.profile, paper, line, excerpts(paper, evidence, places))
        replies = answers(asked, self.model, self.kept, _can_be_read, lambda _: _AGAIN)
        look = _read(replies[-1])
        model = self.model.identity
        if look is None:
            told = f"{RULE}: no finding, in {len(replies)} replies"
            return Looked(SecondLook(model=model), (), (told,), tuple(replies))
        return Looked(
            SecondLook(model=model, parts=look.findings),
            tuple(_contradicted(look)),
            tuple(_not_told(look.findings)),
            tuple(replies),
        )


def look_at(
    model: Model, profile: Profile, paper: Paper, line: str, shown: Sequence[str]
) -> Question:
    """The question about a line, with these excerpts."""
    sampling = Sampling(
        temperature=profile.temperature or 0.0,
        max_tokens=look_limit(profile),
        form="looked",
    )
    pieces = "\n".join(as_data(" ".join(one.split())) for one in shown)
    title = as_data(" ".join(paper.title.split()))
    user = f"<paper>\n标题：{title}\n{pieces}\n</paper>\n简介：{as_data(line)}"
    return question_to(model, _SYSTEM, user, sampling, profile.reply_settings)


def look_limit(profile: Profile) -> int:
    """The most tokens that a reply may have."""
    own = profile.max_tokens if isinstance(profile, EndpointProfile) else None
    return max(MAX_TOKENS, own or 0)


def tokens_of_look(model: Model, profile: Profile, paper: Paper, line: str) -> int:
    """About how many go in: by title and abstract; quotes with their neighbours are shorter."""
    asked = look_at(model, profile, paper, line, _whole_abstract(paper))
    form = asked.sampling.json_form
    return tokens.of_messages(asked.messages, profile.counting_factor, form=form)


def excerpts(paper: Paper, evidence: Sequence[Evidence], places: Places) -> list[str]:
    """The quoted sentences with those before and after, each once; the abstract where none is."""
    found: dict[tuple[int, int, int], str] = {}
    for one in evidence:
        for at, place in enumerate(places.all):
            if place.where == one.where and (span := place.text.find(one.quote)) is not None:
                start, end = _around(place.text.text, span.start, span.end)
                found[at, start, end] = f"{_NAMES[place.where]}：{place.text.text[start:end]}"
                break
    return list(found.values()) or _whole_abstract(paper)


def _whole_abstract(paper: Paper) -> list[str]:
    return [f"{_NAMES['abstract']}：{paper.abstract[: 3 * _LONGEST]}"]


def _around(text: str, start: int, end: int) -> tuple[int, int]:
    """From the sentence before up to the one after."""
    borders = [match.end() for match in _SENTENCE.finditer(text)]
    before = [0, 0, *(border for border in borders if border <= start)]
    after = [*(border for border in borders if border >= end), len(text), len(text)]
    return max(before[-2], end - _LONGEST, 0), min(after[1], start + _LONGEST)


def _can_be_read(reply: Reply) -> bool:
    return _read(reply) is not None


def _read(reply: Reply) -> Look | None:
    try:
        return None if reply.declined else parse_look(reply.text)
    except ReplyMalformed:
        return None


def _contradicted(look: Look) -> Iterator[Quoted]:
    for one, words in zip(look.findings, look.words, strict=True):
        if one.finding == "contradicted":
            yield Quoted(f"the paper says otherwise about {one.part.chinese}", (words[:200],))


def _not_told(findings: Sequence[PartFinding]) -> Iterator[str]:
    parts = [one.part.chinese for one in findings if one.finding == "not told"]
    if parts:
        yield f"{RULE}: the excerpts do not tell {'、'.join(parts)}"
