"""Read first: a prompt made better, or the honest answer that none better was found.

    cases ─► learn · choose · sealed          prompt ─► frozen · free pieces
    learn: lines ─► feedback ─► a model reflects ─► a new text ─► better on these cases?
    choose: the best of all that were
    sealed: the best against the prompt as it was, paired, once ─► better by …, or no winner

Nothing that the search saw decides: the sealed papers come after the others, and their test is the
one that `evaluate` makes.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from pipeline.errors import UsageError
from pipeline.evaluate import evaluation, history
from pipeline.evaluate.bench import Bench
from pipeline.evaluate.evaluation import EvaluationOrder, Plan, Progress, Ready
from pipeline.evaluate.regime import STABLE_SINCE
from pipeline.evaluate.results import METRICS, Case, Comparison
from pipeline.optimize.few_shot import Choices, present_choice, with_all_shown
from pipeline.optimize.objections import Known
from pipeline.optimize.parts import Parts, parts_of
from pipeline.optimize.pieces import EXAMPLES, Pieces, pieces_of
from pipeline.optimize.reflect import Proposal, Reflection
from pipeline.optimize.search import Found, Limits, Seen, Texts, search
from pipeline.optimize.trial import Trial
from pipeline.prompt.variant import read_source, variant_of


class OptimizeOrder(NamedTuple):
    """What is to be made better, and how far to go."""

    evaluation: EvaluationOrder
    """One variant, one writer: as `evaluate` would have it."""
    path: Path
    """The prompt's file."""
    prompts: Path
    """The folder of prompts."""
    reflect: str
    """The profile of the model that proposes."""
    metric: str | None
    """What is to be higher; None: what decides in `evaluate`."""
    limits: Limits
    max_calls: int | None
    """Samples at the most, the sealed part's among them."""
    few_shot: bool = False
    """Search for the choice of examples too."""


class Prepared(NamedTuple):
    """Checked; nothing was asked for yet."""

    order: OptimizeOrder
    plan: Plan
    pieces: Pieces
    parts: Parts
    metric: str
    known: Known
    first: Texts
    """Where the search begins: each piece as it is."""

    @property
    def batch(self) -> int:
        """Cases that a proposal is made from."""
        return min(self.order.limits.minibatch, len(self.parts.learn))

    @property
    def most_samples(self) -> int:
        """At the most: each proposal is tried on its cases and then on all to choose by."""
        choose, sealed = len(self.parts.choose), 2 * len(self.parts.sealed)
        most = choose + self.order.limits.proposals * (2 * self.batch + choose) + sealed
        allowed = self.order.max_calls
        return most if allowed is None else min(most, allowed)


class Outcome(NamedTuple):
    """How it ended."""

    prepared: Prepared
    found: Found
    proposals: tuple[Proposal, ...]
    samples: int
    """That the search took."""
    sealed: evaluation.Finished | None
    """The best against the prompt as it was; None where the search found nothing better."""
    report: Path | None

    @property
    def texts(self) -> Texts:
        """The best one's."""
        return self.found.candidates[self.found.best].texts

    @property
    def decided(self) -> Comparison | None:
        """In the metric, on the sealed cases."""
        if self.sealed is None:
            return None
        told = self.sealed.evaluation.comparisons
        return next(one for one in told if one.metric == self.prepared.metric)

    @property
    def winner(self) -> bool:
        """Whether there is one."""
        return self.decided is not None and self.decided.verdict == "better"


def prepare(order: OptimizeOrder) -> Prepared:
    """Raises UsageError (too few cases, a metric that means nothing here), PromptError."""
    source = read_source(order.path, order.prompts)
    pieces = pieces_of(source, order.path)
    first, asked = dict(pieces.free), order.evaluation
    if order.few_shot:
        first[EXAMPLES] = present_choice(asked.variants[0])
        showing = with_all_shown(pieces, order.path, order.prompts)
        asked = asked._replace(variants=(*asked.variants, showing))
    planned = evaluation.plan(asked)._replace(order=order.evaluation)
    metric = order.metric or _metric(planned.cases, order.evaluation.verify)
    if metric == "supported" and order.evaluation.verify is None:
        raise UsageError(
            "has no value without a second look", where=f"--metric {metric}", fix="Add --verify"
        )
    if METRICS[metric].kind in ("line", "tags"):
        planned = planned._replace(cases=tuple(case for case in planned.cases if case.line))
    parts = parts_of(planned.cases)
    prepared = Prepared(order, planned, pieces, parts, metric, Known(planned.cases, source), first)
    least = len(parts.choose) + 2 * prepared.batch + len(parts.choose) + 2 * len(parts.sealed)
    if order.max_calls is not None and order.max_calls < least:
        raise UsageError(
            f"buys no proposal: {least} samples are the least for {len(planned.cases)} cases",
            where=f"--max-calls {order.max_calls}",
            fix="Allow more, or give --limit",
        )
    return prepared


def optimize(bench: Bench, made: Ready, prepared: Prepared, progress: Progress) -> Outcome:
    """Search, then decide. Raises Unfinished where answers are missing; what came is kept."""
    order, parts = prepared.order, prepared.parts
    system = made.writers[0].system
    trial = Trial(
        bench,
        system,
        prepared.pieces,
        (order.path, order.prompts),
        made.texts,
        prepared.metric,
        order.evaluation.verify,
    )
    reflection = Reflection(bench, order.reflect, prepared.pieces, prepared.known)
    progress.begin("proposals", order.limits.proposals)

    choices = _choices(prepared)

    def propose(texts: Texts, piece: str, seen: Sequence[Seen], number: int) -> str:
        progress.tick()
        if piece == EXAMPLES:
            text = choices(texts[piece])
            reflection.proposals.append(Proposal(number=number, piece=piece, text=text))
            return text
        return reflection(texts, piece, seen, number)

    found = search(
        prepared.first,
        parts.learn,
        parts.choose,
        trial,
        propose,
        order.limits,
        lambda: _spent(trial, prepared),
    )
    outcome = Outcome(prepared, found, tuple(reflection.proposals), trial.asked, None, None)
    if found.best == 0:
        return outcome
    return _decided(bench, outcome, progress)


def _choices(prepared: Prepared) -> Choices:
    """Of examples: where they are of two styles, the newer alone is one."""
    variant, seed = prepared.order.evaluation.variants[0], prepared.order.limits.seed
    days = variant.examples_days if prepared.order.few_shot else ()
    regimes = len({day >= STABLE_SINCE for day in days}) > 1
    return Choices(prepared.first.get(EXAMPLES, ""), seed, regimes=regimes)


def _decided(bench: Bench, outcome: Outcome, progress: Progress) -> Outcome:
    """The sealed part, opened once."""
    order = outcome.prepared.order
    before = order.evaluation.variants[0]
    best = variant_of(
        outcome.prepared.pieces.with_texts(outcome.texts),
        order.path.with_name(f"{before.name}-found.md"),
        order.prompts,
    )
    planned = outcome.prepared.plan
    compared = order.evaluation._replace(variants=(before, best))
    sealed = Plan(compared, outcome.prepared.parts.sealed, planned.left_out)
    finished = evaluation.evaluate(bench, evaluation.ready(bench, sealed, progress), progress)
    written = history.write(bench.folder, finished)
    return outcome._replace(sealed=finished, report=written.report)


def _metric(cases: tuple[Case, ...], verify: str | None) -> str:
    """What decides: with references the content; without, what the paper was found to say."""
    if any(case.line for case in cases):
        return "content-chrf"
    return "supported" if verify else "valid-first"


def checked_metric(name: str | None) -> str | None:
    """Raises UsageError for one that cannot be made higher."""
    allowed = [
        metric.name
        for metric in METRICS.values()
        if metric.better == "higher" and metric.unit in ("points", "percent")
    ]
    if name is not None and name not in allowed:
        there = f"There are: {', '.join(allowed)}"
        raise UsageError("is nothing to search by", where=f"--metric {name}", fix=there)
    return name


def _spent(trial: Trial, prepared: Prepared) -> bool:
    """Whether another proposal could take more than is allowed; the sealed part is kept back."""
    allowed = prepared.order.max_calls
    if allowed is None:
        return False
    next_one = 2 * prepared.batch + len(prepared.parts.choose)
    return trial.asked + next_one + 2 * len(prepared.parts.sealed) > allowed
