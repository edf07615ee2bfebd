"""The search itself, by GEPA: reflect on some cases, propose, keep what is better, choose.

It knows neither models nor prompts: what a text is worth on a case, and what to try next, come in
as functions. For the same seed and the same answers of these it goes the same way, so a search that
was stopped is resumed by running it again: replies are kept, and no state file has to be trusted.

GEPA: L. Agrawal et al., "GEPA: Reflective Prompt Evolution Can Outperform Reinforcement Learning",
2025; the package is `gepa`, in the extra `optimize`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from statistics import fmean
from typing import Any, NamedTuple, Protocol, TypeVar

from gepa.api import optimize
from gepa.core.adapter import EvaluationBatch, GEPAAdapter
from gepa.core.result import GEPAResult

from pipeline.errors import JianjieError

CaseT = TypeVar("CaseT")
AskedT_contra = TypeVar("AskedT_contra", contravariant=True)
Texts = Mapping[str, str]
"""A candidate: the text of each piece by name."""


class Seen(NamedTuple):
    """What a candidate is worth on one case."""

    score: float
    """0 to 1."""
    told: str
    """What an author of prompts can learn from it."""


class Objective(Protocol[AskedT_contra]):
    """How good a candidate is."""

    def __call__(self, texts: Texts, cases: Sequence[AskedT_contra]) -> Sequence[Seen]:
        """Of each case. Raises JianjieError where it cannot be known: the search then ends."""


class Propose(Protocol):
    """What to try next."""

    def __call__(self, texts: Texts, piece: str, seen: Sequence[Seen], number: int) -> str:
        """Another text for the piece; the same one where there is none. `number` counts from 0.

        Raises JianjieError where it cannot be known: the search then ends.
        """


class Limits(NamedTuple):
    """How far a search goes."""

    proposals: int
    minibatch: int = 6
    """Cases that a proposal is made from, and first tried on."""
    seed: int = 0


class Candidate(NamedTuple):
    """A text of each piece that was tried on all cases to choose by."""

    texts: Texts
    parent: int | None
    """Its index among the candidates; None for the first, which is the user's own."""
    score: float
    """Mean over the cases to choose by, 0 to 1."""


class Found(NamedTuple):
    """Where a search ended."""

    candidates: tuple[Candidate, ...]
    best: int
    """Index of the highest score; of equals the earliest."""


class _Ended(BaseException):
    """Through all of GEPA's handlers: they would go on without the answer."""

    def __init__(self, cause: JianjieError) -> None:
        super().__init__(cause)
        self.cause = cause


class _Quiet:
    """GEPA's log goes nowhere: what is worth telling is in the history."""

    def log(self, message: str) -> None:
        """Nothing."""


class _Adapter(GEPAAdapter[CaseT, Seen, None]):
    """GEPA's view of the two functions."""

    def __init__(self, objective: Objective[CaseT], propose: Propose) -> None:
        self._objective = objective
        self._propose = propose
        self._number = 0

    def evaluate(
        self, batch: list[CaseT], candidate: dict[str, str], capture_traces: bool = False
    ) -> EvaluationBatch[Seen, None]:
        with _ending():
            seen = list(self._objective(candidate, batch))
        return EvaluationBatch(
            outputs=[None] * len(seen),
            scores=[one.score for one in seen],
            trajectories=seen if capture_traces else None,
        )

    def make_reflective_dataset(
        self,
        candidate: dict[str, str],  # noqa: ARG002 - GEPA's protocol
        eval_batch: EvaluationBatch[Seen, None],
        components_to_update: list[str],
    ) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        rows = [{"seen": one} for one in eval_batch.trajectories or ()]
        return dict.fromkeys(components_to_update, rows)

    def propose_new_texts(
        self,
        candidate: dict[str, str],
        reflective_dataset: Mapping[str, Sequence[Mapping[str, Any]]],
        components_to_update: list[str],
    ) -> dict[str, str]:
        texts = {}
        for piece in components_to_update:
            seen = [row["seen"] for row in reflective_dataset[piece]]
            number = self._number
            self._number += 1
            with _ending():
                texts[piece] = self._propose(candidate, piece, seen, number)
        return texts


@contextmanager
def _ending() -> Iterator[None]:
    """What we cannot know ends the search."""
    try:
        yield
    except JianjieError as error:
        raise _Ended(error) from error


def search(
    first: Texts,
    learn: Sequence[CaseT],
    choose: Sequence[CaseT],
    objective: Objective[CaseT],
    propose: Propose,
    limits: Limits,
    stop: Callable[[], bool] = lambda: False,
) -> Found:
    """From the user's own texts on; `stop` is asked before each proposal.

    Raises what the two functions raise.
    """
    try:
        result: GEPAResult[None, int] = optimize(
            seed_candidate=dict(first),
            trainset=list(learn),
            valset=list(choose),
            adapter=_Adapter(objective, propose),
            reflection_minibatch_size=min(limits.minibatch, len(learn)),
            stop_callbacks=[lambda state: state.i + 1 >= limits.proposals or stop()],
            logger=_Quiet(),
            cache_evaluation=True,
            track_best_outputs=False,
            seed=limits.seed,
            raise_on_exception=True,
        )
    except _Ended as ended:
        raise ended.cause from None
    scores = [fmean(scores.values()) for scores in result.val_subscores]
    return Found(
        candidates=tuple(
            Candidate(texts, parents[0] if parents else None, score)
            for texts, parents, score in zip(result.candidates, result.parents, scores, strict=True)
        ),
        best=scores.index(max(scores)),
    )
