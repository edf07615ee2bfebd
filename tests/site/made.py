"""A store with as many days and papers as a test wants: the example day's, over and over."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path

from pipeline.config import Config, load_config
from pipeline.digest.markdown import load
from pipeline.records import (
    Announcement,
    AnnounceType,
    Listing,
    Owed,
    Paper,
    Section,
    Stage,
    Summary,
)
from pipeline.site.update import update
from pipeline.stages.publish import publish
from pipeline.store.store import Store
from tests.conftest import ROOT
from tests.standins.records import NOW, provenance
from tests.standins.settings import write_config

EXAMPLE = load(ROOT / "prompts" / "examples" / "20260107-audio.md")
FIRST = dt.date(2026, 1, 7)
DAY = f"{FIRST}/audio.html"
"""The page of the last day, in the site's folder."""
_LONG_NAME = "gemma-3-270m-q4_k_m+jianjie-adapter-v2@1ab5fe64"
HOSTILE = (
    '</script><script>document.title="x"</script><img src=x onerror="document.title=1">'
    "</style>'\"`${1}{{7*7}}\u202e <a href=javascript:alert(1)>x</a> $\\frac{<b>}{2}$ [-a-]{+b+}"
)


def config(folder: Path) -> Config:
    """Settings whose outputs are in `folder`."""
    return load_config(write_config(folder, "http://127.0.0.1:1", "http://127.0.0.1:1/v1"))


_OPEN: list[Store] = []


def store_in(settings: Config) -> Store:
    """The store of these settings; `close_stores` closes it."""
    store = Store(settings.paths.outputs / "jianjie.sqlite3")
    _OPEN.append(store)
    return store


def close_stores() -> None:
    """All that were opened here."""
    while _OPEN:
        _OPEN.pop().close()


def weekdays(count: int, last: dt.date = FIRST) -> list[dt.date]:
    """The last so many, oldest first."""
    days = (last - dt.timedelta(days=back) for back in itertools.count())
    return sorted(itertools.islice((day for day in days if day.weekday() < 5), count))


def papers(count: int, start: int = 1) -> Iterator[tuple[Paper, str, Section]]:
    """Different ids and titles; the rest is the example day's."""
    entries = itertools.cycle(EXAMPLE.entries)
    for number, entry in zip(range(start, start + count), entries, strict=False):
        paper = Paper(
            arxiv_id=f"{2001 + number // 90000}.{number % 90000 + 1:05d}",
            version=1 if entry.section is Section.NEW else 2,
            title=f"{entry.title} {number}",
            abstract=f"{entry.abstract} {number}",
            authors=tuple(entry.authors_text.split("; ")),
            comment=entry.comment,
            categories=tuple(entry.tags_text.split("; ")),
        )
        yield paper, entry.line or "", entry.section


def add_day(
    store: Store,
    settings: Config,
    date: dt.date,
    announced: Sequence[tuple[Paper, str, Section]],
    *,
    field: str = "audio",
    at: dt.datetime = NOW,
) -> None:
    """A listing with its lines, published; a paper with an empty line is owed."""
    types = {Section.NEW: AnnounceType.NEW, Section.REPLACED: AnnounceType.REPLACE}
    items = tuple(
        Announcement(announce=types[section], paper=paper) for paper, _, section in announced
    )
    listing = Listing(date=date, field=field, source="127.0.0.1", announcements=items)
    store.days.add(listing, settings.fields[field].name, settings.fields[field].categories)
    for item, (paper, line, _) in zip(items, announced, strict=True):
        if line:
            store.summaries.publish(summary(paper, line, at=at))
        else:
            owed = Owed(announcement=item, stage=Stage.VALIDATE, reason="has <b> no line")
            store.days.set_owed(date, field, owed)
    day = store.days.get(date, field)
    assert day is not None
    publish(day, settings.paths.outputs, settings.tags)


def summary(paper: Paper, line: str, *, at: dt.datetime = NOW) -> Summary:
    """A line for a paper, with where it comes from."""
    return Summary(
        key=f"{paper.versioned}-{at:%H%M%S}",
        arxiv_id=paper.arxiv_id,
        version=paper.version,
        line=line,
        tags=paper.categories,
        provenance=provenance(
            created=at, text_source="pdf", pages=12, pages_read=12, model=_LONG_NAME
        ),
    )


def made_site(folder: Path, days: int, papers_a_day: int) -> tuple[Store, Config]:
    """A site of so many days."""
    settings = config(folder)
    store = store_in(settings)
    for number, date in enumerate(weekdays(days)):
        add_day(store, settings, date, list(papers(papers_a_day, number * papers_a_day + 1)))
    update(store, settings)
    return store, settings
