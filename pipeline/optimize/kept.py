"""What is written of an optimization: its history always, a new variant where there is a winner.

outputs/optimizations/2026-01-08T09-00-00Z-zero-shot/
    history.json   best.md (where the search found something better)
"""

from __future__ import annotations

import datetime as dt
import json
import re
from pathlib import Path
from typing import Any, NamedTuple

from pipeline import __version__
from pipeline.errors import OutputError, counted, one_line
from pipeline.evaluate.report.words import verdict
from pipeline.files import write_atomic
from pipeline.optimize.optimize import Outcome
from pipeline.prompt.variant import Variant

OPTIMIZATIONS = "optimizations"
_HISTORY = "history.json"


class Written(NamedTuple):
    """The files of one optimization."""

    history: Path
    variant: Path | None
    """None without a winner."""


def write(folder: Path, outcome: Outcome, variant: Path, now: dt.datetime) -> Written:
    """The history below `folder`, the winner at `variant`. Raises OutputError."""
    before = outcome.prepared.order.evaluation.variants[0]
    own = folder / f"{now:%Y-%m-%dT%H-%M-%SZ}-{before.name}"
    told = _history(outcome, before, now)
    text = json.dumps(told, ensure_ascii=False, indent=1) + "\n"
    history = own / _HISTORY
    write_atomic(history, text.encode())
    if outcome.sealed is None:
        return Written(history, None)
    source = _with_history(outcome.prepared.pieces.with_texts(outcome.texts), outcome, before, now)
    write_atomic(own / "best.md", source.encode())
    if not outcome.winner:
        return Written(history, None)
    write_atomic(variant, source.encode())
    return Written(history, variant)


def free_name(prompts: Path, name: str) -> Path:
    """zero-shot-better.md, zero-shot-better-2.md …: the first that is not there."""
    file = prompts / f"{name}-better.md"
    number = 2
    while file.exists():
        file = prompts / f"{name}-better-{number}.md"
        number += 1
    return file


def decided_before(folder: Path, sealed: frozenset[str]) -> int:
    """How many optimizations so far were decided on some of these papers. Raises OutputError.

    Each look at sealed papers wears them: of twenty prompts that are no better one wins.
    """
    count = 0
    for file in sorted(folder.glob(f"*/{_HISTORY}")):
        try:
            told = json.loads(file.read_text(encoding="utf-8"))
            opened = told["sealed"]["papers"] if told["sealed"] else []
            count += not sealed.isdisjoint(map(str, opened))
        except OSError as error:
            raise OutputError(f"cannot be read: {one_line(error)}", where=file) from error
        except (ValueError, TypeError, KeyError):
            continue  # edited by hand: it decides nothing
    return count


def _history(outcome: Outcome, before: Variant, now: dt.datetime) -> dict[str, Any]:
    prepared = outcome.prepared
    order = prepared.order
    decided = outcome.decided
    system = order.evaluation.writers[0]
    return {
        "at": now.isoformat(),
        "version": __version__,
        "prompt": {"name": before.name, "hash": before.hash},
        "writer": system,
        "reflect": order.reflect,
        "metric": prepared.metric,
        "seed": order.limits.seed,
        "parts": {
            name: [case.id for case in part] for name, part in prepared.parts._asdict().items()
        },
        "samples": outcome.samples,
        "proposals": [one.model_dump(mode="json") for one in outcome.proposals],
        "candidates": [
            {"texts": dict(one.texts), "parent": one.parent, "score": round(100 * one.score, 3)}
            for one in outcome.found.candidates
        ],
        "best": outcome.found.best,
        "sealed": None
        if decided is None or outcome.sealed is None
        else {
            "papers": [case.id for case in outcome.sealed.cases],
            "evaluation": outcome.sealed.evaluation.name,
            "comparison": decided.model_dump(mode="json"),
        },
        "winner": outcome.winner,
    }


def _with_history(source: str, outcome: Outcome, before: Variant, now: dt.datetime) -> str:
    """As comments of the front matter: where the variant is from, and what decided."""
    prepared = outcome.prepared
    found = outcome.found.candidates
    first, best = found[0].score, found[outcome.found.best].score
    parts = prepared.parts
    told = [
        f"Found by jianjie optimize {__version__} on {now:%Y-%m-%d} from {before.name}"
        f" ({before.hash}), seed {prepared.order.limits.seed}.",
        f"Writer {prepared.order.evaluation.writers[0]}, proposals by {prepared.order.reflect}:"
        f" {counted(len(outcome.proposals), 'proposal')}, {len(found) - 1} kept.",
        f"{prepared.metric} on {counted(len(parts.choose), 'paper')} to choose by:"
        f" {100 * best:.1f}, before {100 * first:.1f}.",
    ]
    if outcome.decided is not None:
        told.append(f"Sealed papers: {verdict(outcome.decided)}.")
    comments = "".join(f"# {one_line(line)}\n" for line in told)
    return re.sub(r"\A---\n", lambda _: f"---\n{comments}", source, count=1)
