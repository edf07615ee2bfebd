"""Cases: the papers of human-written digests, one a paper, with filters."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from pipeline.arxiv.ids import parse_id
from pipeline.digest.dated import date_of
from pipeline.digest.markdown import Entry, load
from pipeline.errors import UsageError
from pipeline.evaluate.results import Case
from pipeline.files import shown_path
from pipeline.records import Paper, Record, Section


class Filters(Record):
    """Which of the papers are wanted; an empty filter lets all through."""

    since: dt.date | None = None
    until: dt.date | None = None
    sections: tuple[Section, ...] = ()
    fields: tuple[str, ...] = ()
    """The digests' Chinese names."""


class Selection(Record):
    """The cases of some digests, and what of them is no case."""

    cases: tuple[Case, ...]
    left_out: dict[str, str]
    """arXiv id → why."""


def find_cases(paths: Sequence[Path], filters: Filters) -> Selection:
    """One case a paper: of several entries for one, the earliest digest's.

    `paths` are digests or folders of them. Raises UsageError where a file is not there, has no
    date in its name or nothing is left, DigestFormatError with file and line where it is none.
    """
    cases: dict[str, Case] = {}
    left_out: dict[str, str] = {}
    seen = 0
    for file, date in sorted(dated(paths), key=lambda pair: pair[1]):
        digest = load(file)
        for entry in digest.entries:
            case = _case(entry, digest.name, date, file)
            seen += 1
            if not _wanted(case, filters):
                continue
            if not case.line:
                left_out.setdefault(case.id, "has no 简介")
            elif case.id in cases:
                left_out[f"{case.id} of {date}"] = f"is a case of {cases[case.id].date}"
            else:
                cases[case.id] = case
                left_out.pop(case.id, None)
    if not cases:
        raise _nothing(paths, seen)
    return Selection(cases=tuple(cases.values()), left_out=left_out)


def select(paths: Sequence[Path], own: Sequence[Case], filters: Filters) -> Selection:
    """The cases of digests and of one's own nights, one a paper; the digests' come first.

    Raises as find_cases.
    """
    found = find_cases(paths, filters) if paths else Selection(cases=(), left_out={})
    known = {case.id for case in found.cases}
    others = [case for case in own if case.id not in known and _wanted(case, filters)]
    if not (found.cases or others):
        raise UsageError(
            f"no case is left of {len(own)} papers of one's own nights",
            where="--cases production",
            fix="Edited, owed, taken back, asked again and starred papers are cases",
        )
    return Selection(cases=(*found.cases, *others), left_out=found.left_out)


def dated(paths: Sequence[Path]) -> Iterable[tuple[Path, dt.date]]:
    """Digests, those in folders too, with their dates. Raises UsageError."""
    files: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            digests = sorted(path.rglob("*.md"))
            if not digests:
                raise UsageError("no digest (*.md) in this folder", where=path)
            files.update(dict.fromkeys(digests))
        elif path.is_file():
            files[path] = None
        else:
            raise UsageError(
                "no such digest or folder", where=path, fix="Give files or folders of digests"
            )
    return [(file, date_of(file)) for file in files]


def paper_of(entry: Entry) -> Paper:
    """What a digest's entry says of its paper. Raises UsageError where its link has no id."""
    arxiv_id = parse_id(entry.versioned)
    return Paper(
        arxiv_id=arxiv_id.base,
        version=arxiv_id.version or 1,
        title=entry.title,
        abstract=entry.abstract,
        authors=entry.authors,
        comment=entry.comment,
        categories=entry.tags,
    )


def _case(entry: Entry, field: str, date: dt.date, file: Path) -> Case:
    return Case(
        paper=paper_of(entry),
        line=" ".join((entry.line or "").split("\n")),
        tags=entry.tags,
        date=date,
        field=field,
        section=entry.section,
        file=shown_path(file),
    )


def _wanted(case: Case, filters: Filters) -> bool:
    return (
        (filters.since is None or case.date >= filters.since)
        and (filters.until is None or case.date <= filters.until)
        and (not filters.sections or case.section in filters.sections)
        and (not filters.fields or case.field in filters.fields)
    )


def _nothing(paths: Sequence[Path], seen: int) -> UsageError:
    """Says what there was, so that the filter that is wrong is seen."""
    if not seen:
        return UsageError("no paper in the digests", where=", ".join(map(str, paths)))
    there = Counter((load(file).name, date) for file, date in dated(paths))
    fields = ", ".join(sorted({name for name, _ in there}))
    days = sorted({date for _, date in there})
    return UsageError(
        f"no case is left of {seen} entries",
        where=", ".join(map(str, paths)),
        fix=f"There are: {fields}; {days[0]} to {days[-1]}; new and replaced",
    )
