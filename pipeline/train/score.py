"""Scores an adapter the way it is served: llama.cpp, the packaged prompt, the product's rules."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from pydantic import ValidationError

from pipeline.evaluate.metrics import chrf, content_chrf, micro_f1
from pipeline.evaluate.statistics import IndexArray, mean_interval, statistic_interval
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

    def f1(indices: IndexArray) -> float:
        return micro_f1([tags[int(index)] for index in indices])

    foreign = ("grounded", "reply_form")
    return Scores(
        papers=len(pairs),
        valid=_mean([100.0 * (not reply.reasons) for reply, _ in pairs]),
        grounded=_mean(
            [100.0 * (not any(r.startswith(foreign) for r in reply.reasons)) for reply, _ in pairs]
        ),
        chrf=_mean([chrf(reply.line, example.line) for reply, example in pairs]),
        content_chrf=_mean([content_chrf(reply.line, example.line) for reply, example in pairs]),
        tags_f1=_figure(statistic_interval(len(pairs), f1)),
        primary=_mean([100.0 * (ours[:1] == theirs[:1]) for ours, theirs in tags]),
        seconds=_mean([reply.seconds for reply, _ in pairs]),
    )


def doubtful_below(written: Sequence[WrittenLine]) -> float | None:
    """The certainty that a fifth of the lines that may be published falls short of.

    None where the model told none.
    """
    told = [one.certainty for one in written if one.certainty is not None and not one.reasons]
    return round(float(np.quantile(told, DOUBTED)), 4) if told else None


def _ask(model: Model, example: Example) -> WrittenLine:
    reply = model.ask(
        (ChatMessage(role="user", content=example.prompt),),
        Sampling(temperature=0, max_tokens=_TOKENS),
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
