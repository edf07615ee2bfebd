"""A report as Markdown: for a pull request, an issue, a chat."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.evaluate.report import words
from pipeline.evaluate.results import METRICS, Evaluation


def markdown(evaluation: Evaluation) -> str:
    """Verdicts first, then every metric that has a value, then the cases and what to know."""
    return "\n".join(_lines(evaluation)) + "\n"


def _lines(evaluation: Evaluation) -> Iterator[str]:
    names = [system.name for system in evaluation.systems]
    yield f"### {plain(' against '.join(names[:2]) if len(names) == 2 else ', '.join(names))}"
    yield ""
    yield from (f"- **{plain(line)}**" for line in words.verdicts(evaluation))
    yield ""
    yield f"| | {' | '.join(map(plain, names))} |"
    yield f"|---|{'---:|' * len(names)}"
    for metric in METRICS:
        found = [evaluation.average(name, metric) for name in names]
        if any(found):
            cells = [_value(metric, one.mean, one.low, one.high) if one else "" for one in found]
            yield f"| {METRICS[metric].title} | {' | '.join(cells)} |"
    yield ""
    told = (
        *words.about_cases(evaluation.cases),
        *words.about_spread(evaluation),
        *(words.about_judge(evaluation.judgement) if evaluation.judgement else ()),
        *evaluation.problems,
    )
    yield from (f"- {plain(line)}" for line in told)


def _value(metric: str, mean: float, low: float, high: float) -> str:
    if METRICS[metric].kind == "cost":
        return words.number(metric, mean)
    ends = f"{words.number(metric, low)} to {words.number(metric, high)}"
    return f"{words.number(metric, mean)} ({ends})"


def plain(text: str) -> str:
    """The text as Markdown that shows it: nothing in it is markup."""
    for sign in "\\`*_[]<>|#":
        text = text.replace(sign, f"\\{sign}")
    return text
