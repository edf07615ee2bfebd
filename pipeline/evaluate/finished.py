"""Finished evaluations, from their files: found, read, and held against each other; no call."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from pipeline import __version__
from pipeline.errors import OutputError, UsageError, counted, one_line
from pipeline.evaluate.compare import averages, comparisons
from pipeline.evaluate.regime import regime
from pipeline.evaluate.results import MAIN_METRIC, Case, CaseSet, Evaluation, Sample
from pipeline.evaluate.spread import spreads
from pipeline.records import Paper, Section

LATEST = "latest"
"""In the place of a name: the last one that was finished."""
_LARGEST = 500_000_000
"""Bytes of the samples: 10,000 with three replies each have 60 million."""


class Kept(NamedTuple):
    """A finished evaluation as its folder has it."""

    evaluation: Evaluation
    samples: tuple[Sample, ...]
    references: dict[str, dict[str, Any]]
    """By case."""

    def case(self, case: str) -> Case:
        """As it stood in the evaluation, without its authors."""
        reference = self.references[case]
        tags = tuple(reference["tags"])
        return Case(
            paper=Paper(
                arxiv_id=case,
                version=1,
                title=reference["title"],
                abstract=reference["abstract"],
                authors=(),
                categories=tags,
            ),
            line=reference["line"],
            tags=tags,
            date=dt.date.fromisoformat(reference["date"]),
            field=self.evaluation.cases.fields[0],
            section=Section.NEW,
            file=self.evaluation.name,
        )


def against(folder: Path, first: str, second: str, now: dt.datetime) -> Evaluation:
    """The systems of the second against the first's baseline, on the papers that both have.

    `first` and `second` are names of evaluations, or beginnings that only one has. Raises
    UsageError, OutputError.
    """
    kept = [load(find(folder, name)) for name in (first, second)]
    common, left_out = _common(*kept)
    if not common:
        raise UsageError(
            "have no paper with the same reference in common",
            where=f"{first} and {second}",
            fix="See the cases of both: jianjie evaluate --history",
        )
    cases = tuple(kept[0].case(case) for case in common)
    systems, samples = [], []
    for letter, one in zip("AB", kept, strict=True):
        for system in one.evaluation.systems:
            systems.append(system.model_copy(update={"name": f"{letter}: {system.name}"}))
        for sample in one.samples:
            if sample.case in common:
                samples.append(sample.model_copy(update={"system": f"{letter}: {sample.system}"}))
    return Evaluation(
        name=f"{first} against {second}",
        at=now,
        version=__version__,
        cases=_case_set(kept[0], cases, left_out),
        systems=tuple(systems),
        repeat=max(one.evaluation.repeat for one in kept),
        averages=averages(systems, cases, samples),
        comparisons=comparisons(systems, samples),
        references=(),
        spreads=tuple(spreads(systems, samples, MAIN_METRIC)),
        problems=tuple(_problems(kept)),
    )


def find(folder: Path, name: str) -> Path:
    """The one evaluation's folder that is called so or begins so, or the latest.

    Raises UsageError.
    """
    exact = folder / name
    if name and exact.is_dir() and "/" not in name:
        return exact
    there = sorted(path for path in folder.glob("*/") if (path / "summary.json").is_file())
    found = [path for path in there if path.name.startswith(name)]
    if name == LATEST:
        found = there[-1:]
    if len(found) != 1 or not name:
        names = ", ".join(path.name for path in (found or there)[-6:]) or "none"
        what = "more than one evaluation begins so" if found else "no such evaluation"
        raise UsageError(what, where=name or "evaluation", fix=f"There are: {names}")
    return found[0]


def load(folder: Path) -> Kept:
    """Raises OutputError where the files are not those of an evaluation of this version."""
    try:
        evaluation = Evaluation.model_validate_json((folder / "summary.json").read_bytes())
        file = folder / "samples.jsonl"
        if file.stat().st_size > _LARGEST:
            raise OutputError("is too large to compare", where=file)
        rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
        references = {row["case"]: row.pop("reference") for row in rows}
        samples = tuple(map(Sample.model_validate, rows))
    except OSError as error:
        raise OutputError(f"cannot be read: {one_line(error)}", where=folder) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        if isinstance(error, ValidationError):
            what = one_line(error.errors(include_url=False)[0]["msg"])
        else:
            what = one_line(error)
        raise OutputError(
            f"is no evaluation of this version of jianjie: {what[:200]}",
            where=folder,
            fix="Evaluate again: kept replies cost nothing",
        ) from error
    return Kept(evaluation, samples, references)


def _common(first: Kept, second: Kept) -> tuple[list[str], dict[str, str]]:
    """The cases of both with one reference, and why others are left out."""
    left_out = {}
    common = []
    for case, reference in first.references.items():
        other = second.references.get(case)
        if other is None:
            left_out[case] = "only in A"
        elif (other["line"], other["tags"]) != (reference["line"], reference["tags"]):
            left_out[case] = "another reference in B"
        else:
            common.append(case)
    left_out |= {case: "only in B" for case in second.references if case not in first.references}
    return common, left_out


def _case_set(kept: Kept, cases: Sequence[Case], left_out: dict[str, str]) -> CaseSet:
    return kept.evaluation.cases.model_copy(
        update={
            "count": len(cases),
            "days": tuple(sorted({case.date for case in cases})),
            "regime": regime(cases),
            "left_out": left_out,
        }
    )


def _problems(kept: Sequence[Kept]) -> list[str]:
    problems = [
        f"{letter} is {one.evaluation.name}: {counted(one.evaluation.cases.count, 'case')}, read"
        f" from their {one.evaluation.cases.text}, by jianjie {one.evaluation.version}"
        for letter, one in zip("AB", kept, strict=True)
    ]
    if len({one.evaluation.cases.text for one in kept}) > 1:
        problems.append("WARNING: one read abstracts, the other PDFs")
    if len({one.evaluation.version for one in kept}) > 1:
        problems.append("WARNING: scores of two versions of jianjie: a metric may have changed")
    return problems
