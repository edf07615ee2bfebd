"""Where a job's papers come from, each on the day whose digest has it.

Of the snapshot and OAI-PMH a paper's day is the first listing that can have had the version, by
arXiv's cut-off; holidays are not known, and no listing stands behind it: such digests say that they
were reconstructed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from pipeline.arxiv.calendar import first_listing
from pipeline.arxiv.ids import parse_id
from pipeline.backfill.harvest import OaiSource, harvest, set_of
from pipeline.backfill.order import JobFolder, Order, Planned
from pipeline.backfill.snapshot import Told, snapshot_papers
from pipeline.categories import canonical, taxonomy
from pipeline.digest.markdown import load
from pipeline.errors import UsageError
from pipeline.evaluate.cases import dated, paper_of
from pipeline.evaluate.lines import DigestLine, is_lines, read_lines
from pipeline.records import AnnounceType, Paper, Section

KINDS = ("snapshot", "oai", "digest", "pdf-tar")
_EXAMPLES = "snapshot:FILE, oai:cs.SD, digest:FOLDER, pdf-tar:FOLDER"


class Source(NamedTuple):
    """One as it was named on the command line."""

    kind: str
    place: str

    @property
    def path(self) -> Path:
        """Of what is a file or a folder."""
        return Path(self.place).expanduser()

    def __str__(self) -> str:
        return f"{self.kind}:{self.place}"


def parse_source(text: str) -> Source:
    """Raises UsageError for what names none; what is a file must be there."""
    kind, colon, place = text.partition(":")
    if not colon or kind not in KINDS or not place:
        raise UsageError(f"{text!r} is no source", where="backfill", fix=f"Like {_EXAMPLES}")
    source = Source(kind, place)
    if kind == "oai":
        set_of(place)
    elif not source.path.exists():
        raise UsageError("no such file or folder", where=source.path)
    return source


def papers(
    order: Order,
    folder: JobFolder,
    arxiv: OaiSource,
    left_out: Counter[str],
    tell: Callable[[str], None],
) -> Iterator[Planned]:
    """All that the order wants, in the sources' order; some of them twice.

    `left_out` counts what cannot be read. Raises UsageError, ArxivError.
    """
    for source in map(parse_source, order.sources):
        match source.kind:
            case "snapshot":
                told = snapshot_papers(source.path, _spellings(order.categories), left_out)
                yield from _wanted(order, _on_days(told, order))
            case "oai":
                told = harvest(set_of(source.place), arxiv, folder.harvest, tell)
                yield from _wanted(order, _on_days(told, order))
            case "digest":
                yield from _wanted(order, _of_digests(source.path, order), anyone=True)


def _spellings(categories: Sequence[str]) -> list[str]:
    """With the aliases: eess.SY is cs.SY too."""
    same = {alias for alias, name in taxonomy().aliases.items() if name in categories}
    return [*categories, *sorted(same)]


def _wanted(order: Order, listed: Iterable[Planned], *, anyone: bool = False) -> Iterator[Planned]:
    """By category, date and id; `anyone`: a digest's papers are its own, whatever category."""
    own = {canonical(category) for category in order.categories}
    ids = frozenset(order.ids)
    for one in listed:
        if ids and one.paper.arxiv_id not in ids:
            continue
        if not anyone and not own.intersection(map(canonical, one.paper.categories)):
            continue
        if (order.since and one.date < order.since) or (order.until and one.date > order.until):
            continue
        yield one


def _on_days(told: Iterable[Told], order: Order) -> Iterator[Planned]:
    own = {canonical(category) for category in order.categories}
    for paper, versions in told:
        dated_by = versions[0] if order.first else versions[-1]
        new = order.first or paper.version == 1
        yield Planned(
            date=first_listing(dated_by.submitted),
            announce=_announce(paper, own, new=new),
            paper=paper,
        )


def _announce(paper: Paper, own: set[str], *, new: bool) -> AnnounceType:
    primary = bool(paper.categories) and canonical(paper.categories[0]) in own
    if new:
        return AnnounceType.NEW if primary else AnnounceType.CROSS
    return AnnounceType.REPLACE if primary else AnnounceType.REPLACE_CROSS


def _of_digests(path: Path, order: Order) -> Iterator[Planned]:
    """The papers of the field's digests: their lines are made again."""
    own = {canonical(category) for category in order.categories}
    for file in _line_files(path):
        for line in read_lines(file):
            if line.field in {order.field, order.name}:
                yield _of_line(line, own)
    if path.is_file() and is_lines(path):
        return
    if path.is_dir() and not any(path.rglob("*.md")):
        return
    for file, date in dated([path]):
        digest = load(file)
        if digest.name != order.name:
            continue
        for entry in digest.entries:
            paper = paper_of(entry)
            announce = _announce(paper, own, new=entry.section is Section.NEW)
            yield Planned(date=date, announce=announce, paper=paper)


def _line_files(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(file for file in path.rglob("*") if is_lines(file))
    return [path] if is_lines(path) else []


def _of_line(line: DigestLine, own: set[str]) -> Planned:
    named = line.id
    paper = Paper(
        arxiv_id=named.base,
        version=line.version or named.version or 1,
        title=line.title,
        abstract=line.abstract,
        authors=line.authors,
        comment=line.comment,
        categories=line.cats,
    )
    announce = _announce(paper, own, new=line.kind == Section.NEW.value)
    return Planned(date=line.date, announce=announce, paper=paper)


def read_ids(path: Path) -> tuple[str, ...]:
    """Base ids, one a line, in any form that people paste. Raises UsageError with the line."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError("cannot be read", where=path, fix="Give a text file of ids") from error
    ids = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            try:
                ids.append(parse_id(line).base)
            except UsageError as error:
                raise UsageError(error.what, where=f"{path}:{number}", fix=error.fix) from error
    if not ids:
        raise UsageError("has no id", where=path)
    return tuple(dict.fromkeys(ids))
