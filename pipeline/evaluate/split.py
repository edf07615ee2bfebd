"""Keeps what a system has seen away from what it is judged on: by arXiv id, then by time.

A variant has seen its few-shot examples; the built-in model has seen the papers that its adapter
was trained on. 32% of the audio papers in the public series have an earlier entry of the same
paper, so versions do not matter, only ids.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

from pipeline.arxiv.ids import parse_id
from pipeline.config import Config
from pipeline.errors import ConfigError, UsageError, one_line
from pipeline.evaluate.results import Case
from pipeline.llm.embedded import adapter_of
from pipeline.prompt.variant import Variant
from pipeline.settings import EmbeddedProfile

_TRAINED_ON = ".trained-on.txt"
"""What `jianjie distill` calls the list of papers beside an adapter."""
_NAMED = 10
"""Leaking papers that an error names at the most; the rest is counted."""


def leaks(
    cases: Sequence[Case], variants: Iterable[Variant], profiles: Iterable[tuple[str, Config]]
) -> dict[str, str]:
    """arXiv id of a case → why it cannot be judged fairly."""
    why: dict[str, list[str]] = defaultdict(list)
    for variant in variants:
        for case in cases:
            if reason := _seen_in(variant, case):
                why[case.id].append(reason)
    for name, config in profiles:
        trained = trained_on(config)
        for case in cases:
            if case.id in trained:
                why[case.id].append(f"{name} was trained on it")
    return {arxiv_id: "; ".join(dict.fromkeys(reasons)) for arxiv_id, reasons in why.items()}


def without_leaks(
    cases: Sequence[Case], leaks: dict[str, str], *, leave_out: bool
) -> tuple[Case, ...]:
    """The cases that are fair. Raises UsageError with the papers, or where none would be left."""
    if leaks and not leave_out:
        raise UsageError(
            f"{len(leaks)} of the cases leak: {_told(leaks)}",
            where="--cases",
            fix="Give other digests, or leave these out with --leave-out-leaks",
        )
    fair = tuple(case for case in cases if case.id not in leaks)
    if not fair:
        raise UsageError(
            f"no case is left: all {len(leaks)} leak: {_told(leaks)}",
            where="--cases",
            fix="Give other digests",
        )
    return fair


def trained_on(config: Config) -> frozenset[str]:
    """The papers that the model of this profile is known to have been trained on.

    Those that the list beside its adapter names; of an adapter without a list nothing is known.
    """
    profile = config.profile
    adapter = adapter_of(profile) if isinstance(profile, EmbeddedProfile) else None
    return papers_of(adapter) if adapter else frozenset()


@cache
def papers_of(adapter: Path) -> frozenset[str]:
    """The ids in the list beside an adapter; none where there is no list. Raises ConfigError."""
    file = adapter.with_suffix(_TRAINED_ON)
    try:
        lines = file.read_text(encoding="utf-8").split("\n")
    except FileNotFoundError:
        return frozenset()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"cannot be read: {one_line(error)}", where=file, fix="Correct it, or remove it"
        ) from error
    return frozenset(line for line in lines if line and not line.startswith("#"))


def _seen_in(variant: Variant, case: Case) -> str | None:
    """A paper shown in the prompt, or an older one: then the examples know the style to come."""
    if case.id in {parse_id(entry.versioned).base for entry in variant.shown}:
        return f"{variant.name} shows it"
    days = variant.examples_days
    if days and case.date < max(days):
        return f"{case.date} is before the examples of {variant.name}, {max(days)}"
    return None


def _told(leaks: dict[str, str]) -> str:
    named = [f"{arxiv_id} ({why})" for arxiv_id, why in sorted(leaks.items())[:_NAMED]]
    more = len(leaks) - len(named)
    return ", ".join(named) + (f" and {more} more" if more else "")
