"""A model that judges pairs of lines, blinded: an opinion beside the metrics, never one of them.

It sees title, abstract and two lines, A and B, without names, and never a system's line beside
the reference. Every pair is shown in both orders; where the two verdicts differ it is a tie.
Aspects are asked about one by one in one reply, each with evidence before the verdict. How far it
can be believed is measured beside: planted errors, identical pairs, agreement of the two orders.

Replies are kept by key before they are read, so to judge again costs no call.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError, field_validator

from pipeline.errors import BudgetReached, ModelError, ModelRefused, one_line
from pipeline.evaluate.answers import Work
from pipeline.evaluate.bench import Bench
from pipeline.evaluate.pairs import LinePair, known, of_systems
from pipeline.evaluate.results import (
    ASPECTS,
    Aspect,
    Case,
    JudgedPair,
    Judgement,
    Preference,
    Sample,
    System,
)
from pipeline.evaluate.statistics import holm, paired
from pipeline.evaluate.together import Call, together
from pipeline.llm import tokens
from pipeline.llm.prices import cost
from pipeline.llm.question import Question, answers, question_to
from pipeline.records import Reply, Sampling
from pipeline.settings import EndpointProfile
from pipeline.stages.summarize import DECLINED
from pipeline.text.reply import ReplyMalformed, json_objects
from pipeline.text.untrusted import as_data

_SYSTEM = Path(__file__).with_name("judge-prompt.md").read_text(encoding="utf-8").strip()
_AGAIN = "上一条回复不是所要求的 JSON 对象。请只回复该 JSON 对象，六个方面都要有。"
_MAX_TOKENS = 1500
_TIES = {"tie", "平", "平局", "平手", "相同", "相当", "equal", "same", "both", "neither"}
_ORDERS = 2


class JudgedPairs(NamedTuple):
    """The judgement, and what it is made of."""

    judgement: Judgement
    pairs: tuple[JudgedPair, ...]


class _JudgeAnswer(BaseModel):
    """One aspect of a reply."""

    model_config = ConfigDict(extra="ignore")

    evidence: str = ""
    better: Literal["A", "B", "tie"]

    @field_validator("better", mode="before")
    @classmethod
    def _spelled(cls, value: object) -> object:
        text = str(value).strip().strip("\"'“”。.")
        return "tie" if text.lower() in _TIES else text.upper()


_VERDICTS = TypeAdapter(dict[str, _JudgeAnswer])


def judge(
    bench: Bench,
    profile: str,
    cases: Sequence[Case],
    samples: Sequence[Sample],
    systems: Sequence[System],
    tick: Callable[[], None],
) -> JudgedPairs:
    """Every system against the first one, by the model of `profile`.

    Raises Unfinished where the model is out of reach or the budget does not do. A pair that it
    will not judge, or judges in no form that can be read, has no verdict and is told.
    """
    pairs = [*of_systems(cases, samples, systems), *known(cases)]
    by_pair = {pair: _questions(bench, profile, pair) for pair in pairs}
    questions = list({one.key: one for both in by_pair.values() for one in both}.values())
    calls: list[Call[str | None]] = [
        (profile, partial(_answered, bench, profile, question)) for question in questions
    ]
    problems = dict(
        zip([one.key for one in questions], together(bench, calls, "judgements", tick), strict=True)
    )
    judged = tuple(_judged(bench, pair, by_pair[pair], problems) for pair in pairs)
    replies = [reply for question in questions for reply in _replies(bench, question.key)]
    return JudgedPairs(_judgement(bench, profile, systems, judged, replies), judged)


def questions_needed(
    cases: Sequence[Case], samples: Sequence[Sample], systems: Sequence[System]
) -> int:
    """How many ticks there are at the most."""
    pairs = [*of_systems(cases, samples, systems), *known(cases)]
    return sum(_orders(pair) for pair in pairs)


def judge_work(
    bench: Bench, profile: str, cases: Sequence[Case], systems: Sequence[System]
) -> Work:
    """What the judge will ask at the most, with the references' lengths for the lines'."""
    settings = bench.configs[profile].profile
    pairs = [
        *(
            LinePair("systems", system.name, case, _long(case), _long(case)[::-1])
            for system in systems[1:]
            for case in cases
        ),
        *known(cases),
    ]
    calls = tokens_in = tokens_out = 0
    for pair in pairs:
        for question in _questions(bench, profile, pair):
            calls += 1
            tokens_in += tokens.of_messages(question.messages, settings.counting_factor)
            tokens_out += question.sampling.max_tokens
    return Work(calls, tokens_in, tokens_out, cost(settings, tokens_in, tokens_out))


def _long(case: Case) -> str:
    """A line as long as those of this paper will be."""
    return case.line or "简介" * 40


def _orders(pair: LinePair) -> int:
    """Identical lines have only one order."""
    return 1 if pair.line == pair.other else _ORDERS


def _questions(bench: Bench, profile: str, pair: LinePair) -> tuple[Question, ...]:
    lines = (pair.line, pair.other)
    orders = (lines, lines[::-1])[: _orders(pair)]
    return tuple(_question(bench, profile, pair.case, order) for order in orders)


def _question(bench: Bench, profile: str, case: Case, lines: tuple[str, str]) -> Question:
    settings = bench.configs[profile].profile
    own = settings.max_tokens if isinstance(settings, EndpointProfile) else None
    paper = case.paper
    shown = [as_data(one_line(text)) for text in (paper.title, paper.abstract, *lines)]
    user = "<paper>\n标题：{}\n摘要：{}\n</paper>\nA：{}\nB：{}".format(*shown)
    sampling = Sampling(
        temperature=settings.temperature or 0.0,
        max_tokens=max(_MAX_TOKENS, own or 0),
    )
    return question_to(bench.models[profile], _SYSTEM, user, sampling, settings.reply_settings)


def _answered(
    bench: Bench, profile: str, asked: Question
) -> str | ModelError | BudgetReached | None:
    """See that the replies are stored; why there is none where the model will not judge this."""
    model = bench.models[profile].for_one_paper()
    try:
        with bench.turns(asked.key):
            answers(asked, model, bench.store.replies, _can_be_read, lambda _: _AGAIN)
    except ModelRefused as error:
        return error.public
    except (ModelError, BudgetReached) as error:
        return error
    return None


def _replies(bench: Bench, key: str) -> list[Reply]:
    return [reply for reply, _ in bench.store.replies.judged(key)]


def _can_be_read(reply: Reply) -> bool:
    return isinstance(_read(reply), dict)


def _read(reply: Reply) -> dict[str, Aspect] | str:
    """The verdicts by aspect, or what is wrong with the reply."""
    if reply.declined:
        return DECLINED
    try:
        objects = json_objects(reply.text)
    except ReplyMalformed as error:
        return str(error)
    problem = "the reply has no JSON object"
    for candidate in reversed(objects):
        try:
            read = _VERDICTS.validate_python({aspect: candidate.get(aspect) for aspect in ASPECTS})
        except ValidationError as error:
            first = error.errors()[0]
            problem = f"{'.'.join(map(str, first['loc']))}: {one_line(first['msg'])}"
        else:
            return {aspect: Aspect(**verdict.model_dump()) for aspect, verdict in read.items()}
    return problem


def _judged(
    bench: Bench,
    pair: LinePair,
    questions: Sequence[Question],
    problems: Mapping[str, str | None],
) -> JudgedPair:
    """What was said in each order; in the second one A is the other line."""
    orders: list[dict[str, Aspect]] = []
    problem = None
    for question in questions:
        replies = _replies(bench, question.key)
        verdicts = _read(replies[-1]) if replies else str(problems[question.key])
        if isinstance(verdicts, str):
            problem = verdicts
        else:
            orders.append(verdicts)
    return JudgedPair(
        kind=pair.kind,
        about=pair.about,
        case=pair.case.id,
        line=pair.line,
        other=pair.other,
        orders=tuple(orders) if problem is None else (),
        problem=problem,
    )


def _judgement(
    bench: Bench,
    profile: str,
    systems: Sequence[System],
    judged: Sequence[JudgedPair],
    replies: Sequence[Reply],
) -> Judgement:
    between = [pair for pair in judged if pair.kind == "systems" and pair.orders]
    costs = [reply.cost for reply in replies]
    return Judgement(
        judge=bench.models[profile].identity,
        preferences=tuple(
            one for aspect in ASPECTS for one in _preferences(aspect, systems, between)
        ),
        order_agreement=_share([pair.agrees("overall") for pair in between]),
        planted_caught=_share([pair.preferred("overall") == 1 for pair in _of(judged, "planted")]),
        identical_ties=_share(
            [pair.preferred("overall") == 0 for pair in _of(judged, "identical")]
        ),
        pairs=len(between),
        tokens_in=sum(reply.tokens_in for reply in replies),
        tokens_out=sum(reply.tokens_out for reply in replies),
        cost=None if None in costs else sum(one or 0.0 for one in costs),
        notes=tuple(_notes(bench.models[profile].identity, systems, judged)),
    )


def _of(judged: Sequence[JudgedPair], kind: str) -> list[JudgedPair]:
    return [pair for pair in judged if pair.kind == kind and pair.orders]


def _share(verdicts: Sequence[bool]) -> float | None:
    return sum(verdicts) / len(verdicts) if verdicts else None


def _preferences(
    aspect: str, systems: Sequence[System], between: Sequence[JudgedPair]
) -> list[Preference]:
    """Of one aspect; Holm over the systems."""
    values: dict[str, list[float]] = {}
    for pair in between:
        values.setdefault(pair.about, []).append(float(pair.preferred(aspect)))
    results = [paired(wins, [0.0] * len(wins)) for wins in values.values()]
    adjusted = holm([result.p for result in results])
    return [
        Preference(
            system=name,
            baseline=systems[0].name,
            aspect=aspect,
            wins=result.wins,
            ties=result.ties,
            losses=result.losses,
            p=result.p,
            p_holm=p_holm,
        )
        for name, result, p_holm in zip(values, results, adjusted, strict=True)
    ]


def _notes(identity: str, systems: Sequence[System], judged: Sequence[JudgedPair]) -> list[str]:
    notes = []
    if related := sorted({one.name for one in systems if _family(one.model) == _family(identity)}):
        notes.append(
            f"the judge is of the same family as the model of {', '.join(related)}:"
            " models prefer their own kind's lines"
        )
    if failed := [pair for pair in judged if pair.problem]:
        notes.append(
            f"{len(failed)} of {len(judged)} pairs have no verdict; the first,"
            f" {failed[0].case}: {failed[0].problem}"
        )
    return notes


def _family(identity: str) -> str:
    """`deepseek` of `deepseek-chat`, `qwen` of `Qwen/Qwen3-8B`."""
    name = identity.rsplit("/", 1)[-1].lower()
    match = re.match(r"[a-z]+", name)
    return match[0] if match else name
