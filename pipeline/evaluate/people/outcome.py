"""What the judges' votes come to: paired by paper, with what they can be believed for.

A paper's value is the mean over its judges of +1 (the system's line), -1 (the baseline's) and 0
(a tie, or both bad), so more judges make a value steadier, and only more papers make a surer
answer. Agreement is Krippendorff's alpha for ordered values (K. Krippendorff, "Computing
Krippendorff's Alpha-Reliability", 2011), 1 where all agree and 0 where they do as by chance.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import NormalDist
from typing import Literal, NamedTuple

import krippendorff
import numpy as np

from pipeline.errors import OutputError, one_line
from pipeline.evaluate.compare import values
from pipeline.evaluate.finished import Kept
from pipeline.evaluate.people.sheet import Item, Sheet, sheet
from pipeline.evaluate.people.votes import ASPECTS_JUDGED, Vote, all_votes, on_sheet
from pipeline.evaluate.results import METRICS, JudgedPair
from pipeline.evaluate.statistics import Floats, holm, paired, verdict
from pipeline.records import Record

_DRAWS = 1000
_Z = NormalDist().inv_cdf(0.975)
_DOMAIN = (-1, 0, 1)


class AspectOutcome(Record):
    """One question, over all papers and judges."""

    aspect: str
    """`overall`, `task`, `problem` or `method`."""
    papers: int
    wins: int
    """Papers where the judges' mean is for the system."""
    ties: int
    losses: int
    preference: float
    """Mean over papers, from -1 (always the baseline) to 1 (always the system)."""
    low: float
    """The ends of the 95% interval."""
    high: float
    p: float
    p_holm: float
    """`overall` stands alone; the three others are adjusted for each other."""
    verdict: Literal["better", "worse", "no winner"]


class JudgeCheck(Record):
    """One judge, and what the pairs whose answer is known say of them."""

    judge: str
    judged: int
    """Pairs, those whose answer is known among them."""
    planted: int
    """Planted errors that were judged."""
    planted_caught: int
    """Where the true line won."""
    identical: int
    identical_ties: int
    sided: int
    """Votes for one side."""
    left: int
    """Of these for the left one: half of them where place plays no part."""


class Alike(Record):
    """How far others prefer what people prefer, on papers where both prefer something."""

    other: str
    """A metric, or the model that judged."""
    papers: int
    same: int
    low: float
    """The ends of the 95% interval (Wilson) of the share."""
    high: float


class Reliability(Record):
    """Between judges."""

    papers: int
    """That more than one judged."""
    alpha: float | None
    """None where all votes are the same, or nobody judged what another did."""
    low: float | None
    """The ends of the 95% bootstrap interval over papers."""
    high: float | None


class PeopleOutcome(Record):
    """All that the votes on two systems say."""

    run: str
    baseline: str
    system: str
    same: int
    without: int
    aspects: tuple[AspectOutcome, ...]
    both_bad: int
    """Votes that call both lines bad."""
    votes: int
    """On pairs of systems."""
    judges: tuple[JudgeCheck, ...]
    reliability: Reliability
    alike: tuple[Alike, ...]


class _Judged(NamedTuple):
    judge: str
    pairs: tuple[tuple[Item, Vote], ...]

    def of(self, kind: str) -> list[tuple[Item, Vote]]:
        return [(item, vote) for item, vote in self.pairs if item.kind == kind]


def outcome(folder: Path, kept: Kept, names: Sequence[str] = ()) -> PeopleOutcome | None:
    """Of every judge's file in an evaluation's folder; None where nobody has judged these two.

    Raises UsageError for systems that are not there, OutputError.
    """
    judged = []
    for votes in all_votes(folder, kept.evaluation.name):
        made = sheet(kept, votes.judge, names)
        given = on_sheet(votes, made.items)
        pairs = tuple((item, given[item.id]) for item in made.items if item.id in given)
        if pairs:
            judged.append(_Judged(votes.judge, pairs))
    if not any(one.of("systems") for one in judged):
        return None
    made = sheet(kept, "", names)
    by_aspect = {aspect: _by_paper(judged, aspect) for aspect in ("overall", *ASPECTS_JUDGED)}
    votes_given = [vote for one in judged for _, vote in one.of("systems")]
    return PeopleOutcome(
        run=made.run,
        baseline=made.baseline,
        system=made.system,
        same=made.same,
        without=made.without,
        aspects=tuple(_aspects(by_aspect)),
        both_bad=sum(vote.overall == "both bad" for vote in votes_given),
        votes=len(votes_given),
        judges=tuple(map(_check, judged)),
        reliability=reliability(by_aspect["overall"]),
        alike=tuple(_alike(folder, kept, made, by_aspect["overall"])),
    )


_ByPaper = Mapping[str, Mapping[str, int]]
"""By case and judge."""


def _by_paper(judged: Sequence[_Judged], aspect: str) -> _ByPaper:
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for one in judged:
        for item, vote in one.of("systems"):
            said = vote.prefers(item, aspect)
            if said is not None:
                found[item.case][one.judge] = said
    return found


def _mean(said: Mapping[str, int]) -> float:
    return sum(said.values()) / len(said)


def _aspects(by_aspect: Mapping[str, _ByPaper]) -> Iterator[AspectOutcome]:
    results = {
        aspect: paired(means, [0.0] * len(means))
        for aspect, papers in by_aspect.items()
        if (means := [_mean(said) for said in papers.values()])
    }
    first, *others = results
    adjusted = [results[first].p, *holm([results[aspect].p for aspect in others])]
    for (aspect, result), p_holm in zip(results.items(), adjusted, strict=True):
        yield AspectOutcome(
            aspect=aspect,
            papers=result.count,
            wins=result.wins,
            ties=result.ties,
            losses=result.losses,
            preference=result.difference,
            low=max(-1.0, result.low),
            high=min(1.0, result.high),
            p=result.p,
            p_holm=p_holm,
            verdict=verdict(p_holm, result.difference, result.detectable),
        )


def _check(one: _Judged) -> JudgeCheck:
    planted = [vote.prefers(item, "overall") for item, vote in one.of("planted")]
    identical = [vote.prefers(item, "overall") for item, vote in one.of("identical")]
    sides = [vote.overall for _, vote in one.pairs if vote.overall in ("left", "right")]
    return JudgeCheck(
        judge=one.judge,
        judged=len(one.pairs),
        planted=len(planted),
        planted_caught=planted.count(1),
        identical=len(identical),
        identical_ties=identical.count(0),
        sided=len(sides),
        left=sides.count("left"),
    )


def reliability(papers: Mapping[str, Mapping[str, int]]) -> Reliability:
    """Of -1, 0 and 1 by paper and judge."""
    shared = [list(said.values()) for said in papers.values() if len(said) > 1]
    counts = np.array([[said.count(value) for value in _DOMAIN] for said in shared], dtype=float)
    alpha = _alpha(counts)
    ends: tuple[float | None, float | None] = (None, None)
    if alpha is not None and len(shared) > 1:
        generator = np.random.default_rng(0)
        drawn = [
            _alpha(counts[generator.integers(len(shared), size=len(shared))]) for _ in range(_DRAWS)
        ]
        known = [1.0 if one is None else one for one in drawn]  # all the same: all agree
        low, high = np.quantile(known, [0.025, 0.975])
        ends = (float(low), float(high))
    return Reliability(papers=len(shared), alpha=alpha, low=ends[0], high=ends[1])


def _alpha(counts: Floats) -> float | None:
    """Rows are papers, columns how often each value of the domain was said."""
    if not len(counts) or (counts.sum(axis=0) > 0).sum() < 2:
        return None
    return float(
        krippendorff.alpha(
            value_counts=counts, value_domain=list(_DOMAIN), level_of_measurement="ordinal"
        )
    )


def _alike(folder: Path, kept: Kept, made: Sheet, papers: _ByPaper) -> Iterator[Alike]:
    people = {case: _mean(said) for case, said in papers.items()}
    metric = kept.evaluation.main
    own, base = (values(name, metric, kept.samples) for name in (made.system, made.baseline))
    differences = {case: own[case] - base[case] for case in own if case in base}
    yield _held(METRICS[metric].title, people, differences)
    judgement = kept.evaluation.judgement
    if judgement is not None and made.baseline == kept.evaluation.baseline.name:
        judged = [pair for pair in _judged_pairs(folder) if pair.about == made.system]
        yield _held(
            f"judge {judgement.judge}",
            people,
            {pair.case: float(pair.preferred("overall")) for pair in judged if pair.orders},
        )


def _held(other: str, people: Mapping[str, float], theirs: Mapping[str, float]) -> Alike:
    both = [
        people[case] * theirs[case] > 0
        for case in people
        if case in theirs and people[case] and abs(theirs[case]) > 1e-9
    ]
    low, high = _wilson(sum(both), len(both))
    return Alike(other=other, papers=len(both), same=sum(both), low=low, high=high)


def _wilson(hits: int, count: int) -> tuple[float, float]:
    """The 95% interval of a share (E. B. Wilson, JASA 22, 1927); all of it where nothing counts."""
    if not count:
        return 0.0, 1.0
    share, square = hits / count, _Z * _Z
    middle = (share + square / (2 * count)) / (1 + square / count)
    half = _Z * math.sqrt(share * (1 - share) / count + square / (4 * count**2))
    half /= 1 + square / count
    return max(0.0, middle - half), min(1.0, middle + half)


def _judged_pairs(folder: Path) -> list[JudgedPair]:
    """Those of the model that judged, of systems alone."""
    file = folder / "judged.jsonl"
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
        pairs = [JudgedPair.model_validate_json(line) for line in lines]
    except (OSError, ValueError) as error:
        raise OutputError(f"cannot be read: {one_line(error)[:200]}", where=file) from error
    return [pair for pair in pairs if pair.kind == "systems"]
