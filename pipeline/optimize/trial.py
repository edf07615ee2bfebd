"""What a candidate is worth: its lines for some cases, scored as `evaluate` scores them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from pipeline.errors import one_line
from pipeline.evaluate.answers import SampleOrder, Writer, answers
from pipeline.evaluate.bench import Bench
from pipeline.evaluate.results import METRICS, Case, Sample, System
from pipeline.evaluate.scores import score
from pipeline.optimize.pieces import Pieces
from pipeline.optimize.search import Seen, Texts
from pipeline.prompt.variant import Variant, variant_of
from pipeline.records import PaperText

_ABSTRACT = 1200
"""Characters of an abstract that a reflection sees."""
_TOLD = ("valid-first", "grounded", "content-chrf", "supported", "tags-f1", "primary")
"""Whose words are feedback, in this order."""


class Trial:
    """Candidates as variants, tried on cases; each sample is asked for once."""

    def __init__(
        self,
        bench: Bench,
        system: System,
        pieces: Pieces,
        files: tuple[Path, Path],
        texts: Mapping[str, PaperText],
        metric: str,
        verify: str | None = None,
    ) -> None:
        """`files`: the prompt's own file, and the folder of prompts. `system`: who writes."""
        self._bench = bench
        self._system = system
        self._pieces = pieces
        self._files = files
        self._texts = texts
        self._metric = metric
        self._verify = verify
        self._samples: dict[tuple[str, str], Sample] = {}

    @property
    def asked(self) -> int:
        """Samples so far, kept ones among them: the same number when a search is run again."""
        return len(self._samples)

    def variant(self, texts: Texts) -> Variant:
        """The candidate as the file that it would be. Raises PromptError."""
        path, prompts = self._files
        return variant_of(self._pieces.with_texts(texts), path, prompts)

    def __call__(self, texts: Texts, cases: Sequence[Case]) -> Sequence[Seen]:
        """Of each case. Raises Unfinished where replies are missing, PromptError."""
        variant = self.variant(texts)
        new = [case for case in cases if (variant.hash, case.id) not in self._samples]
        writer = Writer(self._system, variant)
        todo = [SampleOrder(writer, case, self._texts[case.id], 0) for case in new]
        for answer in answers(self._bench, todo, lambda: None, self._verify):
            self._samples[variant.hash, answer.order.case.id] = score(answer)
        return [self._seen(self._samples[variant.hash, case.id], case) for case in cases]

    def _seen(self, sample: Sample, case: Case) -> Seen:
        value = (sample.scores.get(self._metric) or 0.0) / 100
        return Seen(value, _feedback(sample, case, self._metric))


def _feedback(sample: Sample, case: Case, metric: str) -> str:
    """One paper's result, for who writes prompts."""
    final = sample.final
    last = sample.attempts[-1] if sample.attempts else None
    line = final.line if final else (last.line if last and last.line else "（没有可用的行）")
    tags = final.tags if final else (last.tags if last else ())
    value = sample.scores.get(metric)
    rows = [
        f"题目：{one_line(case.paper.title)}",
        f"摘要：{one_line(case.paper.abstract)[:_ABSTRACT]}",
        f"得分（{METRICS[metric].title}）：{'无' if value is None else f'{value:.0f}'}",
        f"写出的行：{line}",
        f"写出的分类：{'; '.join(tags)}",
    ]
    if case.line:
        rows += [f"参考：{case.line}", f"参考的分类：{'; '.join(case.tags)}"]
    faults = [f"{METRICS[name].title}：{sample.saw[name]}" for name in _TOLD if name in sample.saw]
    if sample.error:
        faults.append(f"没有回复：{sample.error}")
    return "\n".join([*rows, *(f"毛病：{one_line(fault)}" for fault in faults)])
