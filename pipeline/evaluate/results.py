"""The frozen values of an evaluation: cases, what was written for them, scores, comparisons.

A *case* is a paper of a human-written digest with its reference line and tags. A *system* is one
prompt variant with one model. A system writes `repeat` *samples* for every case.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Literal

from pipeline.records import Paper, Record, Reply, Section


class Case(Record):
    """One paper of a human-written digest."""

    paper: Paper
    """As the digest's entry has it: `submitted` is not known."""
    line: str
    """The reference: the human-written 简介; empty where nobody wrote one."""
    tags: tuple[str, ...]
    """The reference 分类, primary first."""
    date: dt.date
    """The digest's."""
    field: str
    """The digest's Chinese name of the field, e.g. 音频."""
    section: Section
    file: str
    """The digest's file, as shown to people."""

    @property
    def id(self) -> str:
        """The paper's arXiv id without a version: one case a paper."""
        return self.paper.arxiv_id


def referenced(cases: Sequence[Case]) -> tuple[Case, ...]:
    """Those that somebody wrote a line for."""
    return tuple(case for case in cases if case.line)


class Regime(Record):
    """The style of the references, in figures: scores are only comparable within one."""

    name: str
    """E.g. `stable since 2025-12-29`."""
    opening: float
    """Share of references that open with 该论文."""
    two_sentences: float
    """Share with exactly two sentences."""
    median_length: float
    """Characters."""
    mixed: bool
    """The cases are from more than one regime: differences between papers are then partly style."""


class CaseSet(Record):
    """What an evaluation was made on."""

    count: int
    days: tuple[dt.date, ...]
    fields: tuple[str, ...]
    sections: tuple[Section, ...]
    files: tuple[str, ...]
    regime: Regime | None
    """None where no case has a reference."""
    left_out: Mapping[str, str]
    """arXiv id → why this paper of the files is no case (shown in a prompt, no 简介 line, …)."""
    text: Literal["abstract", "full-text"]
    """What the systems read beside the title: the digest's abstract, or the PDF."""


class System(Record):
    """A prompt variant with a model."""

    name: str
    """Short and unique in the evaluation, e.g. `few-shot` or `few-shot@deepseek`."""
    variant: str
    prompt_hash: str
    description: str
    """Of the variant, from its front matter."""
    profile: str
    """The model profile of the settings."""
    model: str
    """The model's identity as replies carry it."""
    temperature: float | None


class Attempt(Record):
    """One reply to a case, judged."""

    reply: Reply
    line: str | None
    """None where the reply has not the form."""
    tags: tuple[str, ...]
    reasons: tuple[str, ...]
    """The hard rules that it breaks, `rule_name: what`; empty for a valid one."""
    warnings: tuple[str, ...]


class Sample(Record):
    """What one system wrote for one case, with its scores."""

    system: str
    case: str
    """The case's id."""
    number: int
    """0-based, less than `repeat`."""
    attempts: tuple[Attempt, ...]
    """The first reply and the re-asks; empty only with an `error`."""
    error: str | None = None
    """Why there is no reply (the model's error); such a sample scores 0, it is never left out."""
    scores: Mapping[str, float | None]
    """By metric (see METRICS); None where the metric has no value here, e.g. an unknown cost."""
    saw: Mapping[str, str]
    """By metric: what it saw, in words, for people and for prompt optimisers."""

    @property
    def final(self) -> Attempt | None:
        """The first valid attempt: what would be published."""
        return next((a for a in self.attempts if a.line is not None and not a.reasons), None)


class Metric(Record):
    """What a score is."""

    name: str
    title: str
    """For people, short."""
    kind: Literal["line", "rules", "tags", "cost"]
    unit: Literal["points", "percent", "characters", "count", "tokens", "money", "seconds"]
    better: Literal["higher", "lower", "neither"]


METRICS: Mapping[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric(
            name="content-chrf", title="content-chrF", kind="line", unit="points", better="higher"
        ),
        Metric(name="chrf", title="chrF2", kind="line", unit="points", better="higher"),
        Metric(name="rouge-l", title="ROUGE-L", kind="line", unit="points", better="higher"),
        Metric(
            name="valid-first",
            title="valid at first",
            kind="rules",
            unit="percent",
            better="higher",
        ),
        Metric(name="valid", title="valid", kind="rules", unit="percent", better="higher"),
        Metric(
            name="grounded",
            title="grounded at first",
            kind="rules",
            unit="percent",
            better="higher",
        ),
        Metric(name="supported", title="supported", kind="rules", unit="percent", better="higher"),
        Metric(name="warnings", title="warnings", kind="rules", unit="count", better="lower"),
        Metric(name="length", title="length", kind="rules", unit="characters", better="neither"),
        Metric(name="tags-f1", title="tags F1", kind="tags", unit="points", better="higher"),
        Metric(name="tags-exact", title="tags exact", kind="tags", unit="percent", better="higher"),
        Metric(name="primary", title="primary right", kind="tags", unit="percent", better="higher"),
        Metric(name="tokens-in", title="tokens in", kind="cost", unit="tokens", better="lower"),
        Metric(name="tokens-out", title="tokens out", kind="cost", unit="tokens", better="lower"),
        Metric(name="cost", title="cost", kind="cost", unit="money", better="lower"),
        Metric(name="seconds", title="seconds", kind="cost", unit="seconds", better="lower"),
    )
}
"""By name, in the order in which they are shown; points and percent run from 0 to 100. A case
without a valid line scores 0 in the kinds `line` and `tags`: nothing would be published."""

MAIN_METRIC = "content-chrf"
"""It sees the paper's content rather than the writer's style (AUC .97 against .90 for chrF2 and
.77 for ROUGE-L on lines of the public series)."""


class Average(Record):
    """One system's mean over the cases in one metric; of `tags-f1` the micro F1."""

    system: str
    metric: str
    mean: float
    low: float
    """The ends of the 95% bootstrap interval over cases."""
    high: float
    count: int
    """Cases with a value."""


class Comparison(Record):
    """One system against the baseline in one metric, paired by case."""

    system: str
    baseline: str
    metric: str
    count: int
    """Cases with a value in both."""
    difference: float
    """System minus baseline, mean over cases (samples of a case averaged first)."""
    low: float
    """The ends of the 95% paired-bootstrap interval."""
    high: float
    p: float
    """By sign-flip permutation, two-sided."""
    p_holm: float
    """Adjusted over the systems that are compared."""
    detectable: float
    """The smallest difference that this many cases show with 80% power at the 5% level."""
    wins: int
    ties: int
    losses: int
    verdict: Literal["better", "worse", "no winner"]


class Spread(Record):
    """Of a difference to the baseline: what is the papers', and what the model's own noise."""

    system: str
    metric: str
    papers: float
    """Variance between papers of the difference, the noise taken out."""
    noise: float
    """Variance of one sample's difference within a paper."""
    cases: int
    samples: int
    """Of each system for each case."""


class Reference(Record):
    """A line on the same axis: a floor or a ceiling."""

    name: str
    """`random other paper's line`, `nearest neighbour's line`, `the same paper written twice`."""
    kind: Literal["floor", "ceiling"]
    metric: str
    value: float
    source: str
    """How it is known: computed on these cases, or measured on which others."""


ASPECTS = ("task", "problem", "method", "unsupported", "fluency", "overall")
"""What a judge is asked about two lines; `unsupported`: which claims less that is not so."""


class Aspect(Record):
    """What a judge said of one aspect of the lines A and B."""

    evidence: str
    better: Literal["A", "B", "tie"]


class JudgedPair(Record):
    """Two lines for one paper with a judge's verdicts."""

    kind: Literal["systems", "planted", "identical"]
    about: str
    """The system that is held against the baseline; the error that was planted."""
    case: str
    line: str
    """The system's, the true one: A in the first order, B in the second."""
    other: str
    orders: tuple[Mapping[str, Aspect], ...]
    """By aspect; one order only where the lines are identical, none with a `problem`."""
    problem: str | None = None
    """Why there is no verdict."""

    def preferred(self, aspect: str) -> int:
        """1: `line` is better in both orders; -1: `other`; 0: a tie, or the orders differ."""
        choices = {
            _SIGNS[said[aspect].better] * (-1) ** order for order, said in enumerate(self.orders)
        }
        return choices.pop() if len(choices) == 1 else 0

    def agrees(self, aspect: str) -> bool:
        """Whether both orders came to the same."""
        first, second = (said[aspect].better for said in self.orders)
        return _SIGNS[first] == -_SIGNS[second]


_SIGNS = {"A": 1, "B": -1, "tie": 0}


class Preference(Record):
    """A judge's verdicts on one system against the baseline, by aspect."""

    system: str
    baseline: str
    aspect: str
    """One of ASPECTS."""
    wins: int
    ties: int
    losses: int
    p: float
    p_holm: float


class Judgement(Record):
    """What the judge said, and how far it can be believed."""

    judge: str
    """The model's identity."""
    preferences: tuple[Preference, ...]
    order_agreement: float | None
    """Share of pairs judged alike in both orders; None without pairs."""
    planted_caught: float | None
    """Share of planted errors (swapped paper, altered number) where the true line won."""
    identical_ties: float | None
    """Share of identical pairs that were called a tie."""
    pairs: int
    tokens_in: int
    tokens_out: int
    cost: float | None
    notes: tuple[str, ...] = ()
    """E.g. that the judge is of a writer's family."""


class Evaluation(Record):
    """A finished evaluation; with its samples it is all that a report needs."""

    name: str
    """Of its folder: time and variants."""
    at: dt.datetime
    """UTC."""
    version: str
    """Of jianjie."""
    cases: CaseSet
    systems: tuple[System, ...]
    """The baseline first."""
    repeat: int
    averages: tuple[Average, ...]
    comparisons: tuple[Comparison, ...]
    references: tuple[Reference, ...]
    judgement: Judgement | None = None
    spreads: tuple[Spread, ...] = ()
    """In the main metric, where there are several samples a case."""
    problems: tuple[str, ...] = ()
    """What kept it from being whole, e.g. samples without a reply."""

    @property
    def baseline(self) -> System:
        """What the others are compared with."""
        return self.systems[0]

    @property
    def main(self) -> str:
        """The metric that decides: without references one that needs none."""
        has = {average.metric for average in self.averages}
        return next((one for one in (MAIN_METRIC, "supported") if one in has), "valid-first")

    def average(self, system: str, metric: str) -> Average | None:
        """One cell of the table."""
        return next((a for a in self.averages if (a.system, a.metric) == (system, metric)), None)
