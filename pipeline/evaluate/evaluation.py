"""Read first: one evaluation.

    digests ─► cases ─► split ─► texts ─► answers ─► scores ─► comparisons ─► report, history, gate

Before any call everything is checked that can be: the digests, the variants, leaks. A
*system* is a variant with a model; the first one is the baseline. Statistics are paired by case,
and below the detectable difference there is no winner.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from pipeline import __version__
from pipeline.config import Config
from pipeline.errors import UsageError, counted
from pipeline.evaluate.answers import (
    SampleAnswer,
    SampleOrder,
    Work,
    Writer,
    answers,
    look_work,
    orders,
    work_left,
)
from pipeline.evaluate.bench import Bench
from pipeline.evaluate.cases import Filters, select
from pipeline.evaluate.compare import averages, comparisons
from pipeline.evaluate.floors import ceilings, floors
from pipeline.evaluate.judge import JudgedPairs, judge, judge_work, questions_needed
from pipeline.evaluate.regime import regime
from pipeline.evaluate.results import (
    MAIN_METRIC,
    Case,
    CaseSet,
    Evaluation,
    JudgedPair,
    Sample,
    System,
)
from pipeline.evaluate.scores import score
from pipeline.evaluate.split import leaks, without_leaks
from pipeline.evaluate.spread import spreads
from pipeline.evaluate.texts import texts
from pipeline.prompt.variant import Variant
from pipeline.records import PaperText


class EvaluationOrder(NamedTuple):
    """What is to be compared, and on what."""

    variants: tuple[Variant, ...]
    configs: dict[str, Config]
    """By model profile, the judge's too."""
    writers: tuple[str, ...]
    """The profiles that write."""
    digests: tuple[Path, ...]
    own: tuple[Case, ...] = ()
    """Cases from one's own nights (production.py), in their place or beside them."""
    filters: Filters = Filters()
    limit: int | None = None
    """The first so many cases that do not leak."""
    leave_out_leaks: bool = False
    repeat: int = 1
    full_text: bool = False
    judge: str | None = None
    """The profile of the judge."""
    verify: str | None = None
    """The profile that looks at each line again."""


class Plan(NamedTuple):
    """What is wanted, checked; nothing was asked for yet."""

    order: EvaluationOrder
    cases: tuple[Case, ...]
    left_out: dict[str, str]
    """arXiv id → why."""


class Ready(NamedTuple):
    """A plan with the texts: what a dry run knows."""

    plan: Plan
    writers: tuple[Writer, ...]
    texts: dict[str, PaperText]
    orders: tuple[SampleOrder, ...]


class Finished(NamedTuple):
    """An evaluation with all that was written."""

    evaluation: Evaluation
    cases: tuple[Case, ...]
    samples: tuple[Sample, ...]
    judged: tuple[JudgedPair, ...] = ()


class Progress(Protocol):
    """Who watches."""

    def begin(self, name: str, total: int) -> None:
        """The next step, and how many ticks it has at the most."""

    def tick(self) -> None:
        """One more is done."""


def plan(order: EvaluationOrder) -> Plan:
    """Checked before any call.

    Raises UsageError (no case, a leak), DigestFormatError.
    """
    if order.judge is not None and len(order.writers) * len(order.variants) == 1:
        raise UsageError(
            "there is nothing to judge", where="--judge", fix="Name two variants, or two models"
        )
    selection = select(order.digests, order.own, order.filters)
    writing = [(name, order.configs[name]) for name in order.writers]
    leaking = leaks(selection.cases, order.variants, writing)
    cases = without_leaks(selection.cases, leaking, leave_out=order.leave_out_leaks)
    return Plan(order, cases[: order.limit], {**selection.left_out, **leaking})


def ready(bench: Bench, planned: Plan, progress: Progress) -> Ready:
    """Every sample that is wanted, with its text; PDFs are downloaded here."""
    if planned.order.full_text:
        progress.begin("PDFs", len(planned.cases))
    read = texts(bench, planned.cases, progress.tick)
    writers = _writers(bench, planned)
    todo = tuple(orders(writers, planned.cases, read, planned.order.repeat))
    return Ready(planned, writers, read, todo)


def work(bench: Bench, made: Ready) -> dict[str, Work]:
    """By system: what is not paid for yet; all that the judge may ask, for no line is known."""
    left = work_left(bench, made.orders)
    if (profile := made.plan.order.judge) is not None:
        systems = [writer.system for writer in made.writers]
        left[f"judge {profile}"] = judge_work(bench, profile, made.plan.cases, systems)
    if (profile := made.plan.order.verify) is not None:
        left[f"verify {profile}"] = look_work(bench, made.orders, profile)
    return left


def evaluate(bench: Bench, made: Ready, progress: Progress) -> Finished:
    """Ask, score, compare. Raises Unfinished where answers are missing; what came is kept."""
    progress.begin("answers", len(made.orders))
    answered = answers(bench, made.orders, progress.tick, made.plan.order.verify)
    progress.begin("scores", len(answered))
    samples = tuple(_scored(answer, progress) for answer in answered)
    systems = tuple(_with_temperature(writer.system, answered) for writer in made.writers)
    planned, now = made.plan, bench.clock.now()
    judged = _judged(bench, planned, systems, samples, progress)
    evaluation = Evaluation(
        name=f"{now:%Y-%m-%dT%H-%M-%SZ}-{_short(systems)}",
        at=now,
        version=__version__,
        cases=_case_set(planned),
        systems=systems,
        repeat=planned.order.repeat,
        averages=averages(systems, planned.cases, samples),
        comparisons=comparisons(systems, samples),
        references=(*floors(planned.cases), *ceilings(planned.cases)),
        judgement=judged.judgement if judged else None,
        spreads=tuple(spreads(systems, samples, MAIN_METRIC)),
        problems=_problems(made, samples),
    )
    return Finished(evaluation, planned.cases, samples, judged.pairs if judged else ())


def _writers(bench: Bench, planned: Plan) -> tuple[Writer, ...]:
    order = planned.order
    alone = len(order.writers) == 1
    return tuple(
        Writer(_system(bench, planned, variant, profile, alone=alone), variant)
        for profile in order.writers
        for variant in order.variants
    )


def _system(bench: Bench, planned: Plan, variant: Variant, profile: str, *, alone: bool) -> System:
    own = planned.order.configs[profile].profile.temperature
    return System(
        name=variant.name if alone else f"{variant.name}@{profile}",
        variant=variant.name,
        prompt_hash=variant.hash,
        description=" ".join(variant.front.description.split()),
        profile=profile,
        model=bench.models[profile].identity,
        temperature=variant.front.temperature if own is None else own,
    )


def _with_temperature(system: System, answered: Sequence[SampleAnswer]) -> System:
    """The temperature at which replies were drawn: some endpoints take none."""
    firsts = [a.attempts[0] for a in answered if a.order.name[0] == system.name and a.attempts]
    temperatures = {first.reply.temperature for first in firsts}
    return (
        system.model_copy(update={"temperature": temperatures.pop()})
        if len(temperatures) == 1
        else system
    )


def _scored(answer: SampleAnswer, progress: Progress) -> Sample:
    sample = score(answer)
    progress.tick()
    return sample


def _case_set(planned: Plan) -> CaseSet:
    cases = planned.cases
    return CaseSet(
        count=len(cases),
        days=tuple(sorted({case.date for case in cases})),
        fields=tuple(dict.fromkeys(case.field for case in cases)),
        sections=tuple(dict.fromkeys(case.section for case in cases)),
        files=tuple(dict.fromkeys(case.file for case in cases)),
        regime=regime(cases),
        left_out=planned.left_out,
        text="full-text" if planned.order.full_text else "abstract",
    )


def _judged(
    bench: Bench,
    planned: Plan,
    systems: Sequence[System],
    samples: Sequence[Sample],
    progress: Progress,
) -> JudgedPairs | None:
    profile = planned.order.judge
    if profile is None:
        return None
    progress.begin("judgements", questions_needed(planned.cases, samples, systems))
    return judge(bench, profile, planned.cases, samples, systems, progress.tick)


def _problems(made: Ready, samples: Sequence[Sample]) -> tuple[str, ...]:
    """What a reader has to know before believing the figures."""
    problems = []
    if failed := [sample for sample in samples if sample.error]:
        first = failed[0]
        problems.append(
            f"{len(failed)} of {len(samples)} samples have no reply and count as 0; the first,"
            f" {first.case} by {first.system}: {first.error}"
        )
    if fallen := [text for text in made.texts.values() if text.fallback]:
        problems.append(
            f"{len(fallen)} of {counted(len(made.texts), 'paper')} read from the abstract alone:"
            f" {fallen[0].fallback}"
        )
    if made.plan.order.repeat > 1 and any(w.system.temperature == 0 for w in made.writers):
        problems.append("samples at temperature 0 differ by the endpoint's chance alone")
    return tuple(problems)


def _short(systems: Sequence[System]) -> str:
    """A name for a folder."""
    names = "-".join(dict.fromkeys(system.variant for system in systems))
    return "".join(c if c.isascii() and (c.isalnum() or c in "-_.") else "_" for c in names)[:60]
