"""Scores of an answer: the line, the rules, the tags, the cost, and what each of them saw."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from pipeline.evaluate.answers import SampleAnswer
from pipeline.evaluate.metrics import Score, line_scores, tag_scores
from pipeline.evaluate.results import Attempt, Sample
from pipeline.stages.verify import Looked

_GROUNDED = "grounded:"


class Seen(NamedTuple):
    """A score (None: it has no value here) and what it saw."""

    value: float | None
    saw: str


def score(answer: SampleAnswer) -> Sample:
    """The sample with all its scores. Nothing published is 0 for line and tags, never left out."""
    case = answer.order.case
    final = next((a for a in answer.attempts if a.line is not None and not a.reasons), None)
    judged: dict[str, Score | Seen] = {
        **_line(final, case.line),
        **_rules(answer.attempts, final),
        "supported": _supported(answer.looked),
        **tag_scores(final.tags if final else None, case.tags),
        **_cost(answer.attempts),
    }
    system, arxiv_id, number = answer.order.name
    return Sample(
        system=system,
        case=arxiv_id,
        number=number,
        attempts=answer.attempts,
        error=answer.error,
        scores={name: seen.value for name, seen in judged.items()},
        saw={name: seen.saw for name, seen in judged.items() if seen.saw},
    )


def _line(final: Attempt | None, reference: str) -> dict[str, Score | Seen]:
    """Against the reference; no value where nobody wrote one."""
    scores = line_scores(final.line if final else None, reference)
    return dict(scores) if reference else dict.fromkeys(scores, Seen(None, ""))


def _rules(attempts: Sequence[Attempt], final: Attempt | None) -> dict[str, Seen]:
    if not attempts:
        none = Seen(0.0, "no reply")
        unknown = Seen(None, "")
        return {
            "valid-first": none,
            "valid": none,
            "grounded": none,
            "warnings": unknown,
            "length": unknown,
        }
    first = attempts[0]
    foreign = "; ".join(reason for reason in first.reasons if reason.startswith(_GROUNDED))
    return {
        "valid-first": Seen(100.0 * (not first.reasons), "; ".join(first.reasons)),
        "valid": Seen(100.0 * (final is not None), _after(attempts, final)),
        "grounded": Seen(100.0 * (first.line is not None and not foreign), foreign),
        "warnings": Seen(
            float(len(final.warnings)) if final else None,
            "; ".join(final.warnings) if final else "",
        ),
        "length": Seen(float(len(final.line or "")) if final else None, ""),
    }


def _supported(looked: Looked | None) -> Seen:
    """The share of the line's parts that the paper was found to say."""
    if looked is None or not looked.look.parts:
        return Seen(None, "; ".join(looked.warnings) if looked else "")
    parts = looked.look.parts
    told = sum(one.finding == "supported" for one in parts)
    others = [f"{one.part.chinese} {one.finding}" for one in parts if one.finding != "supported"]
    words = [word for problem in looked.problems for word in problem.words]
    return Seen(100.0 * told / len(parts), "; ".join([*others, *words]))


def _after(attempts: Sequence[Attempt], final: Attempt | None) -> str:
    if final is None:
        return f"no valid reply in {len(attempts)}: {'; '.join(attempts[-1].reasons)}"
    return "" if final is attempts[0] else f"reply {attempts.index(final) + 1} of {len(attempts)}"


def _cost(attempts: Sequence[Attempt]) -> dict[str, Seen]:
    """Of all attempts: what it took to come to the end."""
    replies = [attempt.reply for attempt in attempts]
    costs = [reply.cost for reply in replies]
    money = None if None in costs or not costs else sum(cost or 0.0 for cost in costs)
    return {
        "tokens-in": Seen(float(sum(reply.tokens_in for reply in replies)), ""),
        "tokens-out": Seen(float(sum(reply.tokens_out for reply in replies)), ""),
        "cost": Seen(money, ""),
        "seconds": Seen(sum(reply.seconds for reply in replies), ""),
    }
