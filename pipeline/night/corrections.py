"""Lines that people put right, as examples: a digest for each listing that has any.

outputs/…/jianjie.sqlite3 ─► prompts/examples/20260107-audio.edits.md, .edits.before.json
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from pipeline.digest.before import EDITS, Before, before_file, written_before
from pipeline.digest.entries import digest_of
from pipeline.digest.markdown import render
from pipeline.errors import UsageError, counted
from pipeline.files import write_atomic
from pipeline.records import Day, Done
from pipeline.store.store import Store

FOLDER = "examples"


class Written(NamedTuple):
    """A digest of examples."""

    file: Path
    lines: int
    with_before: int
    """Of them, those of which it is known what they took the place of."""
    changed: bool


def write_examples(store: Store, prompts: Path) -> list[Written]:
    """A digest of each listing's corrected lines, in the prompts' folder `examples`.

    What a listing had before is written anew. Raises UsageError where nobody corrected a line of
    a listing, OutputError.
    """
    before = {(line.arxiv_id, line.version): old for line, old in store.summaries.edits()}
    written = []
    for date, field in reversed(store.days.known()):
        day = store.days.get(date, field)
        if day is not None and (edited := _edited(day)).outcomes:
            written.append(_write(prompts / FOLDER, edited, before))
    if not written:
        unlisted = f": {counted(len(before), 'line')} of papers without one" if before else ""
        raise UsageError(
            f"no line of a listing was written by hand{unlisted}",
            where="--from-edits",
            fix="Write one: jianjie edit ID",
        )
    return written


def _edited(day: Day) -> Day:
    """The day with nothing but its corrected lines."""
    by_hand = (one for one in day.outcomes if isinstance(one, Done) and one.summary.provenance.by)
    return day.model_copy(update={"outcomes": tuple(by_hand)})


def _write(folder: Path, day: Day, before: dict[tuple[str, int], Before | None]) -> Written:
    file = folder / f"{day.date:%Y%m%d}-{day.field}{EDITS}"
    papers = [one.announcement.paper for one in day.outcomes]
    old = {paper.arxiv_id: before.get((paper.arxiv_id, paper.version)) for paper in papers}
    known = {arxiv_id: line for arxiv_id, line in old.items() if line}
    changed = [
        write_atomic(file, render(digest_of(day, "model")).encode()),
        write_atomic(before_file(file), written_before(known)),
    ]
    return Written(file, len(papers), len(known), any(changed))
