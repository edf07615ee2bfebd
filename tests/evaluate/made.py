"""An evaluation made by hand: its cases, samples and figures are known."""

from __future__ import annotations

import datetime as dt

from pipeline.evaluate.compare import averages, comparisons
from pipeline.evaluate.regime import regime
from pipeline.evaluate.results import (
    Attempt,
    Case,
    CaseSet,
    Evaluation,
    Reference,
    Sample,
    System,
)
from pipeline.records import Paper, Reply, Section

AT = dt.datetime(2026, 1, 8, 9, tzinfo=dt.UTC)
LINE = "该论文属于语音识别任务，旨在解决噪声问题。提出{0}方法，提升鲁棒性。"


def case(number: int, title: str = "A Title", day: int = 7, year: int = 2026) -> Case:
    return Case(
        paper=Paper(
            arxiv_id=f"2601.{number:05d}",
            version=1,
            title=f"{title} {number}",
            abstract=f"Abstract {number}.",
            authors=("A. Author",),
            categories=("cs.SD",),
        ),
        line=LINE.format(f"Method{number}"),
        tags=("cs.SD", "eess.AS"),
        date=dt.date(year, 1, day),
        field="音频",
        section=Section.NEW,
        file="20260107-audio.md",
    )


def attempt(
    line: str | None,
    reasons: tuple[str, ...] = (),
    tags: tuple[str, ...] = ("cs.SD",),
    cost: float = 0.0,
) -> Attempt:
    reply = Reply(
        text="x", model="m-1", tokens_in=100, tokens_out=10, cost=cost, seconds=1.0, at=AT
    )
    return Attempt(reply=reply, line=line, tags=tags, reasons=reasons, warnings=())


def sample(system: str, of: Case, value: float, *attempts: Attempt, **scores: float) -> Sample:
    tried = attempts or (attempt(of.line),)
    return Sample(
        system=system,
        case=of.id,
        number=0,
        attempts=tried,
        scores={
            "content-chrf": value,
            "tags-f1": 50.0,
            "tokens-in": 100.0 * len(tried),
            "tokens-out": 10.0 * len(tried),
            "cost": sum(one.reply.cost or 0.0 for one in tried),
            **scores,
        },
        saw={"content-chrf": "lacks Method"},
    )


def system(name: str) -> System:
    return System(
        name=name,
        variant=name,
        prompt_hash="0123456789abcdef",
        description="what it tries",
        profile="standin",
        model="m-1",
        temperature=0.0,
    )


def evaluation(
    cases: list[Case], samples: list[Sample], references: tuple[Reference, ...] = ()
) -> Evaluation:
    systems = tuple(system(name) for name in dict.fromkeys(one.system for one in samples))
    return Evaluation(
        name="x",
        at=AT,
        version="0.1.0",
        cases=CaseSet(
            count=len(cases),
            days=tuple(sorted({one.date for one in cases})),
            fields=("音频",),
            sections=(Section.NEW,),
            files=("20260107-audio.md",),
            regime=regime(cases),
            left_out={"2601.09999": "few-shot shows it"},
            text="abstract",
        ),
        systems=systems,
        repeat=1,
        averages=averages(systems, cases, samples),
        comparisons=comparisons(systems, samples),
        references=references,
    )
