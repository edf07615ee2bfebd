"""Scores an adapter the way it is served: llama.cpp, the packaged prompt, the product's rules."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from pydantic import ValidationError

from pipeline.errors import UsageError, one_line
from pipeline.evaluate.metrics import chrf, content_chrf, micro_f1
from pipeline.evaluate.statistics import (
    IndexArray,
    Paired,
    holm,
    mean_interval,
    paired,
    statistic_interval,
)
from pipeline.llm.model import Model
from pipeline.records import ChatMessage, Draft, Paper, PaperText, Record, Sampling
from pipeline.stages.summarize import Judge
from pipeline.train.examples import Example

DOUBTED = 0.2
"""The share of held-out lines that the mark falls on."""
_TOKENS = 200
"""As in prompts/builtin.md."""


class WrittenLine(Record):
    """What the model wrote first for one held-out paper."""

    arxiv_id: str
    line: str
    tags: tuple[str, ...]
    reasons: tuple[str, ...]
    """Why it could not be published; empty: valid."""
    seconds: float
    certainty: float | None = None
    """As the model's reply has it."""


class Figure(Record):
    """A mean over papers, with its 95% interval."""

    value: float
    low: float
    high: float


class Scores(Record):
    """All in per cent or points but the seconds; a reply that is not valid counts in all of them.

    A reply without the asked form has no line and no tags: 0.
    """

    papers: int
    valid: Figure
    grounded: Figure
    chrf: Figure
    content_chrf: Figure
    tags_f1: Figure
    primary: Figure
    seconds: Figure


class Difference(Record):
    """Ours minus the other's, paper by paper, in the scores' units."""

    paired: Paired
    p_holm: float
    """Its p, corrected for all that were compared."""


class Against(Record):
    """The first replies of another adapter to the same papers, set beside."""

    name: str
    papers: int
    differences: dict[str, Difference]
    """By the scores' names; tags' F1 is a paper's own here."""


def write(
    model: Model, examples: Sequence[Example], done: Path, tick: Callable[[], None]
) -> tuple[WrittenLine, ...]:
    """The first reply for every example; what stands in `done` is not asked again."""
    earlier = _known(done)
    lines: list[WrittenLine] = []
    with done.open("a", encoding="utf-8") as file:
        for example in examples:
            written = earlier.get(example.arxiv_id) or _ask(model, example)
            if example.arxiv_id not in earlier:
                file.write(written.model_dump_json() + "\n")
                file.flush()
            lines.append(written)
            tick()
    return tuple(lines)


def scores(written: Sequence[WrittenLine], examples: Sequence[Example]) -> Scores:
    """Of replies and examples in the same order. Raises ValueError where they do not belong."""
    pairs = list(zip(written, examples, strict=True))
    if any(reply.arxiv_id != example.arxiv_id for reply, example in pairs):
        raise ValueError("the replies are those of other papers")
    tags = [(reply.tags, example.tags) for reply, example in pairs]
    means = {
        name: _mean(values)
        for name, values in _by_paper(written, examples).items()
        if name != "tags_f1"
    }

    def f1(indices: IndexArray) -> float:
        return micro_f1([tags[int(index)] for index in indices])

    return Scores(
        papers=len(pairs),
        **means,
        tags_f1=_figure(statistic_interval(len(pairs), f1)),
        seconds=_mean([reply.seconds for reply, _ in pairs]),
    )


def against(
    written: Sequence[WrittenLine], other: Sequence[WrittenLine], examples: Sequence[Example]
) -> dict[str, Difference]:
    """Each score but the seconds, of two sets of replies to the same papers.

    Raises ValueError where they are not.
    """
    ids = [example.arxiv_id for example in examples]
    if any([one.arxiv_id for one in side] != ids for side in (written, other)):
        raise ValueError("the replies are those of other papers")
    ours, theirs = _by_paper(written, examples), _by_paper(other, examples)
    found = {name: paired(ours[name], theirs[name]) for name in ours}
    corrected = holm([one.p for one in found.values()])
    return {
        name: Difference(paired=one, p_holm=p)
        for (name, one), p in zip(found.items(), corrected, strict=True)
    }


def lines_of(file: Path, examples: Sequence[Example]) -> tuple[WrittenLine, ...]:
    """What `distill` kept of another adapter, for these papers and in their order.

    Raises UsageError where it cannot be read or has not all of them.
    """
    try:
        kept = [WrittenLine.model_validate_json(line) for line in file.read_bytes().splitlines()]
    except (OSError, ValidationError) as error:
        raise UsageError(
            f"no lines of an adapter: {one_line(error)}", where=file, fix="NAME.lines.jsonl of one"
        ) from error
    by_id = {one.arxiv_id: one for one in kept}
    missing = sum(example.arxiv_id not in by_id for example in examples)
    if missing:
        raise UsageError(
            f"{missing} of the {len(examples)} held-out papers are not in it",
            where=file,
            fix="Compare adapters that were made with the same --focus, --held-out and digests",
        )
    return tuple(by_id[example.arxiv_id] for example in examples)


def doubtful_below(written: Sequence[WrittenLine]) -> float | None:
    """The certainty that a fifth of the lines that may be published falls short of.

    None where the model told none.
    """
    told = [one.certainty for one in written if one.certainty is not None and not one.reasons]
    return round(float(np.quantile(told, DOUBTED)), 4) if told else None


def _by_paper(
    written: Sequence[WrittenLine], examples: Sequence[Example]
) -> dict[str, list[float]]:
    """Score → one value a paper."""
    foreign = ("grounded", "reply_form")
    pairs = list(zip(written, examples, strict=True))
    return {
        "valid": [100.0 * (not reply.reasons) for reply, _ in pairs],
        "grounded": [
            100.0 * (not any(r.startswith(foreign) for r in reply.reasons)) for reply, _ in pairs
        ],
        "chrf": [chrf(reply.line, example.line) for reply, example in pairs],
        "content_chrf": [content_chrf(reply.line, example.line) for reply, example in pairs],
        "tags_f1": [micro_f1([(reply.tags, example.tags)]) for reply, example in pairs],
        "primary": [100.0 * (reply.tags[:1] == example.tags[:1]) for reply, example in pairs],
    }


def _ask(model: Model, example: Example) -> WrittenLine:
    reply = model.ask(
        (ChatMessage(role="user", content=example.prompt),),
        Sampling(temperature=0, max_tokens=_TOKENS, form="labelled"),
    )
    paper = Paper(
        arxiv_id=example.arxiv_id,
        version=1,
        title=example.title,
        abstract=example.abstract,
        authors=(),
        categories=example.tags,
    )
    judged = Judge(paper, PaperText(source="abstract", body=example.abstract))(reply)
    draft = judged.draft or Draft(line="", tags=())
    return WrittenLine(
        arxiv_id=example.arxiv_id,
        line=draft.line,
        tags=draft.tags,
        reasons=judged.verdict.reasons,
        seconds=reply.seconds,
        certainty=reply.certainty,
    )


def _known(done: Path) -> dict[str, WrittenLine]:
    """What an earlier run has written; a last line that a kill cut short is written anew."""
    by_id: dict[str, WrittenLine] = {}
    if not done.is_file():
        return by_id
    whole: list[str] = []
    for line in done.read_text(encoding="utf-8").split("\n"):
        try:
            one = WrittenLine.model_validate_json(line)
        except ValidationError:
            continue
        by_id[one.arxiv_id] = one
        whole.append(line)
    done.write_text("".join(f"{line}\n" for line in whole), encoding="utf-8")
    return by_id


def _mean(values: Sequence[float]) -> Figure:
    return _figure(mean_interval(values))


def _figure(ends: tuple[float, float, float]) -> Figure:
    value, low, high = ends
    return Figure(value=round(value, 2), low=round(low, 2), high=round(high, 2))
