"""What a model is taught with: papers and their human-written entries, out of digests.

Digests are Markdown files, or JSON lines with one entry a line (date, field, title, abstract,
cats, zh, arxiv_id; .jsonl or .jsonl.gz). The user's own nights are digests like any other.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import random
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from math import log
from pathlib import Path

from pipeline.arxiv.ids import parse_id
from pipeline.digest.before import EDITS
from pipeline.digest.markdown import load
from pipeline.errors import UsageError
from pipeline.evaluate.cases import Filters, find_cases
from pipeline.evaluate.lines import DigestLine, is_lines, read_lines
from pipeline.records import Draft, Record
from pipeline.stages.validate import validate
from pipeline.text.grounding import Source
from pipeline.text.reply import LINE, TAGS

_WORD = re.compile(r"[a-z]{3,}")


class Example(Record):
    """One paper and what a person wrote of it."""

    arxiv_id: str
    """Without a version."""
    date: dt.date
    field: str
    title: str
    abstract: str
    tags: tuple[str, ...]
    line: str

    @property
    def prompt(self) -> str:
        """What prompts/builtin.md makes of the paper, to the last line feed."""
        return f"Title: {self.title}\nAbstract: {self.abstract}\n"

    @property
    def reply(self) -> str:
        """The labelled reply."""
        return f"{TAGS}: {'; '.join(self.tags)}\n{LINE}: {self.line}"


class Lessons(Record):
    """The examples on both sides of the split, and what was left out of them."""

    train: tuple[Example, ...]
    held_out: tuple[Example, ...]
    """The newest papers of the field in focus, oldest first."""
    left_out: dict[str, int]
    """Why → how many entries."""


def read_examples(paths: Sequence[Path]) -> tuple[Example, ...]:
    """All entries of the files, one a paper: the earliest; in order of date and id.

    Raises UsageError where a file is not there or holds nothing, DigestFormatError with file and
    line where it breaks its format.
    """
    examples: dict[str, Example] = {}
    markdown = [path for path in paths if not is_lines(path)]
    for path in paths:
        if is_lines(path):
            for line in read_lines(path):
                _keep_earlier(examples, _from_line(line))
    if markdown:
        for case in find_cases(markdown, Filters()).cases:
            _keep_earlier(
                examples,
                Example(
                    arxiv_id=case.id,
                    date=case.date,
                    field=case.field,
                    title=case.paper.title,
                    abstract=case.paper.abstract,
                    tags=case.tags,
                    line=case.line,
                ),
            )
    if not examples:
        raise UsageError("no entry in the digests", where=", ".join(map(str, paths)))
    return tuple(sorted(examples.values(), key=lambda example: (example.date, example.arxiv_id)))


def kept_for_tests(prompts: Path) -> frozenset[str]:
    """The papers of the example digests: what is learned is judged by them.

    But not of corrected lines: those are lessons, and `evaluate` knows who had them.
    """
    files = sorted((prompts / "examples").glob("*.md"))
    digests = [load(file) for file in files if not file.name.endswith(EDITS)]
    return frozenset(parse_id(one.versioned).base for digest in digests for one in digest.entries)


def split(
    examples: Sequence[Example],
    *,
    focus: str,
    held_out: int,
    never: frozenset[str],
    seen: frozenset[str] = frozenset(),
) -> Lessons:
    """The newest `held_out` papers of the field `focus`, and what may be learned from before them.

    What is left for training is older than every held-out paper, keeps every hard rule, and has
    no name or number that title and abstract lack. `never` holds the papers that other tests
    need, `seen` those that the adapter begun with has learned: they are not held out. Raises
    UsageError where either side would be empty.
    """
    ours = [e for e in examples if e.field == focus and e.arxiv_id not in never | seen]
    kept = sum(e.arxiv_id in never for e in examples)
    learned = sum(e.field == focus and e.arxiv_id in seen for e in examples)
    if len(ours) <= held_out:
        raise UsageError(
            f"{len(ours)} papers of {focus}{' are new' if learned else ''}: too few to hold"
            f" {held_out} of them out",
            where="--held-out",
            fix=f"There are: {_told(e.field for e in examples)}"
            + (f"; {kept} of them are kept for the tests" if kept else "")
            + (f"; {learned} are learned already" if learned else ""),
        )
    aside = tuple(ours[len(ours) - held_out :])
    since = aside[0].date if aside else dt.date.max
    left: Counter[str] = Counter()
    train: list[Example] = []
    for example in examples:
        why = _why_not(example, since, never)
        if why is None:
            train.append(example)
        elif example not in aside:
            left[why] += 1
    if not train:
        raise UsageError("nothing is left to learn from", where="DIGESTS", fix=_told(left))
    return Lessons(
        train=tuple(train),
        held_out=tuple(e for e in aside if e.line),
        left_out=dict(left.most_common()),
    )


def course(
    train: Sequence[Example],
    *,
    focus: str,
    passes: int,
    size: int,
    seed: int,
    seen: frozenset[str] = frozenset(),
) -> tuple[Example, ...]:
    """`size` examples in the order of teaching: `passes` times the focus, the rest from the others.

    The other fields get equal shares, as far as they have papers; nothing of theirs comes twice,
    and what is in `seen` comes only where the rest is too little. Of a share one half speaks most
    like the focus (papers on audio-visual models, of 视频), the other is drawn.
    """
    chance = random.Random(seed)  # noqa: S311 - a shuffle, no secret
    ours = [e for e in train if e.field == focus]
    chosen = (ours * passes)[:size]
    others: dict[str, list[Example]] = {}
    for example in train:
        if example.field != focus:
            others.setdefault(example.field, []).append(example)
    nearness = _nearness(ours, [e for e in train if e.field != focus])
    for field in sorted(others, key=lambda name: (len(others[name]), name)):
        room = max(0, size - len(chosen)) // len(others)
        pool = others.pop(field)
        drawn = chance.sample(pool, len(pool))
        near = sorted(drawn, key=nearness, reverse=True)
        mixed = dict.fromkeys(chain.from_iterable(zip(near, drawn, strict=True)))
        chosen += sorted(mixed, key=lambda example: example.arxiv_id in seen)[:room]
    chance.shuffle(chosen)
    return tuple(chosen)


def _nearness(ours: Sequence[Example], others: Sequence[Example]) -> Callable[[Example], float]:
    """How much likelier a paper's words are in `ours` than in `others`: mean log odds a word.

    Words that hardly one in a hundred of `ours` has say nothing.
    """
    here, there = (
        Counter(word for example in group for word in _words(example)) for group in (ours, others)
    )
    odds = {
        word: log((here[word] + 1) / (len(ours) + 2) * (len(others) + 2) / (there[word] + 1))
        for word in here
        if here[word] * 100 >= len(ours)
    }

    def nearness(example: Example) -> float:
        words = _words(example)
        return sum(odds.get(word, 0.0) for word in words) / max(1, len(words))

    return nearness


def _words(example: Example) -> frozenset[str]:
    return frozenset(_WORD.findall(f"{example.title} {example.abstract}".lower()))


def ids_hash(examples: Iterable[Example]) -> str:
    """SHA-256 of the sorted ids, one a line: tells whether two sets of papers are the same."""
    ids = sorted({example.arxiv_id for example in examples})
    return hashlib.sha256("".join(f"{one}\n" for one in ids).encode()).hexdigest()


def _why_not(example: Example, since: dt.date, never: frozenset[str]) -> str | None:
    if example.arxiv_id in never:
        return "kept for the tests"
    if not example.line or not example.abstract or not example.tags:
        return "has no 简介, no abstract or no 分类"
    if example.date >= since:
        return "not older than the held-out papers"
    verdict = validate(
        Draft(line=example.line, tags=example.tags), Source((example.title, example.abstract))
    )
    return verdict.reasons[0].split(":")[0] if verdict.reasons else None


def _keep_earlier(examples: dict[str, Example], example: Example) -> None:
    other = examples.get(example.arxiv_id)
    if other is None or example.date < other.date:
        examples[example.arxiv_id] = example


def _from_line(line: DigestLine) -> Example:
    return Example(
        arxiv_id=line.id.base,
        date=line.date,
        field=line.field,
        title=line.title,
        abstract=line.abstract,
        tags=line.cats,
        line=line.zh or "",
    )


def _told(names: Iterable[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in Counter(names).most_common())
