"""Nightly drift: the same example papers are asked every night, since models change in silence.

The papers are entries of the human-written digests in prompts/examples that the prompt does not
show, the oldest first. They are asked after the night's own, through the same budget and pace,
from their abstracts and never by batch. Only first replies count, so nothing hides a change.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from pipeline.arxiv.ids import parse_id
from pipeline.digest.drift import CanaryLine, canary_of
from pipeline.edges import Edges
from pipeline.errors import (
    BudgetReached,
    DigestFormatError,
    ModelError,
    ModelRefused,
    PromptError,
    UsageError,
)
from pipeline.evaluate.cases import Filters, find_cases
from pipeline.evaluate.metrics import chrf, line_scores
from pipeline.evaluate.results import Case
from pipeline.night.digests import publish_day
from pipeline.night.paper import key_of, kit_of, prompt_for
from pipeline.prompt.variant import Variant
from pipeline.records import Canary, Reply
from pipeline.stages.extract import from_abstract
from pipeline.stages.summarize import Judge, first_sampling

EXAMPLES = "examples"


def watch(edges: Edges, date: dt.date, fields: Iterable[str]) -> Canary | str | None:
    """Ask the canary papers of the night of `date`: the verdict, or why there is none.

    None where that night's were asked before. What was answered before an error is kept for the
    next run of the same night. The digests of that date get the verdict into their JSON. Raises
    OutputError only.
    """
    if edges.store.canary.asked(date, edges.variant.hash, edges.model.identity):
        return None
    try:
        if edges.model.halted is not None:
            raise edges.model.halted
        lines = _lines(edges, date, canaries(edges))
    except (UsageError, DigestFormatError, PromptError, ModelError, BudgetReached) as error:
        edges.events.emit("canary_skipped", date, reason=str(error))
        return str(error)
    edges.store.canary.add(lines)
    canary = canary_of(edges.store.canary.weeks(date, edges.variant.hash, edges.model.identity))
    if canary is None:
        raise AssertionError(f"the store lost the canary of {date}")
    _tell(edges, canary)
    for field in fields:
        if day := edges.store.days.get(date, field):
            publish_day(edges.store, edges.config, day)
    return canary


def canaries(edges: Edges) -> tuple[Case, ...]:
    """The first `canary` papers that the prompt does not show. Raises UsageError without any."""
    folder = edges.config.paths.prompts / EXAMPLES
    cases = find_cases([folder], Filters()).cases
    fit = [case for case in cases if case.paper.abstract and case.id not in _shown(edges.variant)]
    if not fit:
        raise UsageError(
            "no example is left for the canary: the prompt shows them all",
            where=folder,
            fix="Put another digest there, or set canary: 0",
        )
    return tuple(fit[: edges.config.canary])


def _shown(variant: Variant) -> frozenset[str]:
    return frozenset(parse_id(entry.versioned).base for entry in variant.shown)


def _lines(edges: Edges, date: dt.date, cases: Sequence[Case]) -> list[CanaryLine]:
    """Of all papers, or the first of the errors: what was answered till then is stored."""
    pool = ThreadPoolExecutor(edges.config.profile.concurrency)
    try:
        replies = list(pool.map(partial(_reply, edges, date), cases))
    except BaseException:
        edges.clock.stop()
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    pool.shutdown()
    lines = []
    for case, reply in zip(cases, replies, strict=True):
        if isinstance(reply, ModelError | BudgetReached):
            raise reply
        lines.append(_judged(edges, date, case, reply))
    return lines


def _reply(edges: Edges, date: dt.date, case: Case) -> Reply | ModelError | BudgetReached | None:
    """The first reply, from the store where this night has it; None where the endpoint refuses."""
    edges.clock.sleep(0)  # a stopped run starts nothing new
    key = _key(edges, date, case)
    kept = edges.store.replies.get(key, 0)
    if kept is not None:
        return kept
    prompt = prompt_for(case.paper, from_abstract(case.paper), kit_of(edges))
    try:
        reply = edges.model.for_one_paper().ask(prompt.messages, first_sampling(prompt))
    except ModelRefused:
        return None
    except (ModelError, BudgetReached) as error:
        return error
    edges.store.replies.add(key, 0, reply)
    return reply


def _key(edges: Edges, date: dt.date, case: Case) -> str:
    """With the date: a reply of another night, or of the paper's own, is never taken for it."""
    parts = ["canary", date.isoformat(), key_of(case.paper, kit_of(edges), edges.model)]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def _judged(edges: Edges, date: dt.date, case: Case, reply: Reply | None) -> CanaryLine:
    """By today's rules and metrics."""
    line, valid = None, False
    if reply is not None and not reply.declined:
        quotes = edges.variant.front.evidence == "quotes"
        one = Judge(case.paper, from_abstract(case.paper), evidence=quotes)(reply)
        line = one.draft.line if one.draft else None
        valid = not one.verdict.reasons
    scores = line_scores(line, case.line)
    by = (edges.variant.hash, edges.model.identity)
    before = edges.store.canary.line_before(case.id, *by, date)
    return CanaryLine(
        date=date,
        prompt_hash=by[0],
        model=by[1],
        arxiv_id=case.id,
        line=line,
        valid_first=valid,
        content_chrf=scores["content-chrf"].value,
        chrf=scores["chrf"].value,
        length=len(line or ""),
        sameness=None if before is None else chrf(line or "", before),
    )


def _tell(edges: Edges, canary: Canary) -> None:
    """The night's scores with their bands, and every score that left its band."""
    values: dict[str, float] = {"papers": canary.papers, "earlier_nights": canary.nights}
    for score in canary.scores:
        ends = {"": score.value, "_low": score.low, "_high": score.high}
        name = score.name.replace("-", "_")
        values |= {name + end: value for end, value in ends.items() if value is not None}
    learning = all(score.low is None for score in canary.scores)
    edges.events.emit("canary", canary.date, model=canary.model, learning=learning, **values)
    for score in canary.scores:
        if score.name in canary.drift:
            told = score.model_dump(exclude={"name"})
            edges.events.emit("canary_drift", canary.date, score=score.name, **told)
