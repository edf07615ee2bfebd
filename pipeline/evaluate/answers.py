"""What every system writes for every case: asked once ever, kept, and judged anew each time.

A reply's key is made of all that was sent for it, so a renamed variant, another metric, another
rule or a second evaluation costs no call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from pipeline.errors import (
    BudgetReached,
    JianjieError,
    ModelError,
    ModelRefused,
)
from pipeline.evaluate.bench import Bench
from pipeline.evaluate.results import Attempt, Case, System
from pipeline.evaluate.together import Call, together
from pipeline.llm import tokens
from pipeline.llm.prices import cost
from pipeline.night.paper import Kit, Question, or_shorter, question_of
from pipeline.prompt.variant import Variant
from pipeline.records import PaperText, Reply, Summary
from pipeline.stages.summarize import DECLINED, TRIES, Judge, Judged, summarize
from pipeline.stages.verify import Looked, Looker, look_limit, tokens_of_look


class Writer(NamedTuple):
    """A system with what it needs to write."""

    system: System
    variant: Variant


class SampleOrder(NamedTuple):
    """One sample to be had: `number` counts the samples of a case from 0."""

    writer: Writer
    case: Case
    text: PaperText
    number: int

    @property
    def name(self) -> tuple[str, str, int]:
        """System, case and number."""
        return self.writer.system.name, self.case.id, self.number


class SampleAnswer(NamedTuple):
    """The replies to one order, judged by the rules of today."""

    order: SampleOrder
    attempts: tuple[Attempt, ...]
    error: str | None
    looked: Looked | None = None
    """What a second look at the first valid line found, where one is wanted."""


class Work(NamedTuple):
    """What an evaluation has still to ask for: at the most, but for replies that are refused."""

    calls: int
    tokens_in: int
    tokens_out: int
    cost: float | None


def orders(
    writers: Sequence[Writer], cases: Sequence[Case], texts: Mapping[str, PaperText], repeat: int
) -> Iterator[SampleOrder]:
    """Case by case, so that what a stopped evaluation has is the same for all systems."""
    for number in range(repeat):
        for case in cases:
            for writer in writers:
                yield SampleOrder(writer, case, texts[case.id], number)


def answers(
    bench: Bench, todo: Sequence[SampleOrder], tick: Callable[[], None], verify: str | None = None
) -> list[SampleAnswer]:
    """An answer to every order, in their sequence. `tick` is called after each.

    With `verify` the model of that profile looks at each valid line again.

    Raises Unfinished where a model is out of reach or the budget does not do: what came is kept.
    A model's final answer that it will not do one paper is a result: that sample has an `error`.
    """
    calls: list[Call[SampleAnswer]] = [
        (order.writer.system.profile, partial(_answered, bench, order, verify)) for order in todo
    ]
    return together(bench, calls, "answers", tick)


def work_left(bench: Bench, todo: Sequence[SampleOrder]) -> dict[str, Work]:
    """By system: the calls that are not paid for yet."""
    left = {order.writer.system.name: Work(0, 0, 0, 0.0) for order in todo}
    for order in todo:
        question = _asked(bench, order)
        if _settled(bench, question.inquiry.key):
            continue
        prompt = question.prompt
        done = left[order.writer.system.name]
        profile = bench.configs[order.writer.system.profile].profile
        tokens_in = done.tokens_in + round(tokens.of_prompt(prompt) * profile.counting_factor)
        tokens_out = done.tokens_out + prompt.max_tokens
        price = cost(profile, tokens_in, tokens_out)
        left[order.writer.system.name] = Work(done.calls + 1, tokens_in, tokens_out, price)
    return left


def _answered(bench: Bench, order: SampleOrder, verify: str | None) -> SampleAnswer | JianjieError:
    """The answer, or what keeps the evaluation from having one."""
    try:
        key = _ask(bench, order)
    except ModelRefused as error:
        return SampleAnswer(order, (), error.public)
    except (ModelError, BudgetReached) as error:
        return error
    evidence = order.writer.variant.front.evidence == "quotes"
    judge = Judge(order.case.paper, order.text, evidence=evidence)
    attempts = [judge(reply) for reply in _replies(bench, key)]
    try:
        looked = _looked(bench, order, judge, attempts, verify) if verify else None
    except (ModelError, BudgetReached) as error:
        return error
    return SampleAnswer(
        order,
        tuple(
            Attempt(
                reply=one.reply,
                line=one.draft.line if one.draft else None,
                tags=one.draft.tags if one.draft else (),
                reasons=_reasons(one.reply, one.verdict.reasons),
                warnings=one.verdict.warnings,
            )
            for one in attempts
        ),
        None,
        looked,
    )


def _looked(
    bench: Bench, order: SampleOrder, judge: Judge, attempts: Sequence[Judged], verify: str
) -> Looked | None:
    """What the model of the profile `verify` says of the line that would be published."""
    final = next((one for one in attempts if one.valid), None)
    if final is None or final.draft is None:
        return None
    profile = bench.configs[verify].profile
    looker = Looker(bench.models[verify].for_one_paper(), profile, bench.store.replies)
    paper, line = order.case.paper, final.draft.line
    with bench.turns(f"look {paper.arxiv_id} {line}"):
        return looker(paper, line, final.evidence, judge.places)


def look_work(bench: Bench, todo: Sequence[SampleOrder], verify: str) -> Work:
    """What the looks may take at the most, with the reference's line for each."""
    profile, model = bench.configs[verify].profile, bench.models[verify]
    tokens_in = 0
    for order in todo:
        paper, line = order.case.paper, order.case.line or "简介" * 40
        tokens_in += tokens_of_look(model, profile, paper, line)
    tokens_out = len(todo) * look_limit(profile)
    return Work(len(todo), tokens_in, tokens_out, cost(profile, tokens_in, tokens_out))


def _reasons(reply: Reply, reasons: tuple[str, ...]) -> tuple[str, ...]:
    return (DECLINED,) if reply.declined else reasons


def _ask(bench: Bench, order: SampleOrder) -> str:
    """See that all replies to an order are stored; their key. As on a night, half may do."""
    question, _ = or_shorter(
        _asked(bench, order),
        lambda: _asked(bench, order, share=0.5),
        lambda one: _see_settled(bench, order, one),
    )
    return question.inquiry.key


def _asked(bench: Bench, order: SampleOrder, *, share: float = 1.0) -> Question:
    """The prompt, and the key of its replies: everything that is sent, and nothing else."""
    profile = order.writer.system.profile
    config = bench.configs[profile]
    kit = Kit(order.writer.variant, config.profile, config.extract, bench.readers)
    key = f"sample {order.number}"
    return question_of(order.case.paper, order.text, kit, bench.models[profile], key, share=share)


def _see_settled(bench: Bench, order: SampleOrder, one: Question) -> None:
    """One at a time for a key: two prompts may send the same words for a paper."""
    inquiry = one.inquiry
    with bench.turns(inquiry.key):
        if _settled(bench, inquiry.key):
            return
        result = summarize(
            order.case.paper,
            order.text,
            one.prompt,
            inquiry,
            model=bench.models[order.writer.system.profile].for_one_paper(),
            log=bench.store.replies,
            now=bench.clock.now(),
        )
        if isinstance(result, Summary):
            bench.store.replies.add_reasons(inquiry.key, len(_replies(bench, inquiry.key)) - 1, ())


def _settled(bench: Bench, key: str) -> bool:
    """Whether there is nothing more to ask: a reply was accepted, declined, or the last of all.

    By the rules of the time: a reply that was accepted is not asked for again because a rule
    changed, it is only judged again.
    """
    judged = bench.store.replies.judged(key)
    if not judged:
        return False
    reply, reasons = judged[-1]
    return reasons == () or reply.declined or (len(judged) == TRIES and reasons is not None)


def _replies(bench: Bench, key: str) -> list[Reply]:
    return [reply for reply, _ in bench.store.replies.judged(key)]
