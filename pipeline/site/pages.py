"""The pages' values, and their HTML."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, cached_property, lru_cache, partial
from itertools import chain
from pathlib import Path
from types import MappingProxyType, SimpleNamespace
from typing import Any, NamedTuple

import jinja2

from pipeline import __version__
from pipeline.categories import chinese_names
from pipeline.config import Config
from pipeline.digest.entries import in_section, published_tags
from pipeline.digest.ledger import ledger
from pipeline.files import page_of_paper
from pipeline.library.recent import Scores
from pipeline.pdf.png import size_of
from pipeline.records import (
    Announcement,
    AnnounceType,
    Day,
    Done,
    Outcome,
    Owed,
    Paper,
    Provenance,
    Section,
    Summary,
)
from pipeline.site import charts
from pipeline.site.dates import Week, week_of
from pipeline.site.evidence import FOUND, pieces, place
from pipeline.site.feedback import feedback_link
from pipeline.site.similar import Similar, first_date
from pipeline.stages.figure import KnownFigure, known
from pipeline.store.days import Key, ListedAbstract
from pipeline.store.runs import Count, Run
from pipeline.store.store import Store
from pipeline.text.changes import replaced
from pipeline.text.html import changed, plain, rich, shown
from pipeline.text.links import author_links

_TEMPLATES = Path(__file__).parent / "templates"
WEEKDAYS = "一二三四五六日"
SECTIONS: Mapping[Section, str] = {Section.NEW: "最新发布", Section.REPLACED: "更新"}
STAGES = {
    "listing": "列表",
    "download": "下载",
    "extract": "提取",
    "prompt": "提示词",
    "summarize": "撰写",
    "validate": "核对",
    "publish": "发布",
}
CHANGED = {"title": "标题", "abstract": "摘要", "authors": "作者", "comment": "备注"}
ANNOUNCED = {
    AnnounceType.NEW: "新论文",
    AnnounceType.CROSS: "交叉列出",
    AnnounceType.REPLACE: "新版本",
    AnnounceType.REPLACE_CROSS: "交叉列出的新版本",
}
_PARTS = 4096
"""Of each kind in memory."""
_GAP = "\0"
"""A place in a template's text: no file of ours has this character."""
_BLOCKS = ("title", "head", "main")
"""What a page's template fills in of the frame, in this order."""
SCORED_DAYS = 14
"""Listings of a field that the reader's library scores."""
_MONTHS_KEPT = 8
"""Indexes of similar papers in memory, each of two months of a field."""
_DAYS_KEPT = 64
"""Days in memory: a month's are read for its page, its search file and its feed."""


class Site:
    """What all pages share: the store, the settings, the days there are."""

    def __init__(
        self,
        store: Store,
        config: Config,
        keys: Sequence[Key],
        scores: Scores = MappingProxyType({}),
    ) -> None:
        self.store = store
        self.config = config
        self.known = keys
        self.scores = scores
        self.day = lru_cache(_DAYS_KEPT)(self._day)
        self.announced = lru_cache(_DAYS_KEPT)(self._announced)
        self.ordered = lru_cache(_DAYS_KEPT)(self._ordered)
        self.frame = cache(partial(_frame, self))
        self._similar = lru_cache(_MONTHS_KEPT)(self._similar_of)

    @cached_property
    def fields(self) -> dict[str, str]:
        """Short name → Chinese name, of the settings and of the store."""
        settings = self.config.fields.items()
        return self.store.days.names() | {field: own.name for field, own in settings}

    @cached_property
    def unlisted(self) -> tuple[tuple[Paper, Summary], ...]:
        """The papers that no listing has, each in its newest version with a line."""
        ids = [arxiv_id for arxiv_id, _ in self.store.summaries.unlisted()]
        summaries, versions = self.store.summaries.of_all(ids), self.store.papers.versions_of(ids)
        return tuple(_newest(versions[one], summaries[one]) for one in ids)

    @property
    def shown_scores(self) -> Scores:
        """None where the reader's library is nobody else's business."""
        return self.scores if self.config.library.on_site else MappingProxyType({})

    @cached_property
    def scored_days(self) -> frozenset[Key]:
        """The newest of each field, where the reader's library may be seen here."""
        if not self.shown_scores:
            return frozenset()
        of = {field: [key for key in self.known if key[1] == field] for _, field in self.known}
        return frozenset(key for keys in of.values() for key in keys[:SCORED_DAYS])

    def scores_file(self, date: dt.date, field: str) -> str:
        """2026-01-07/audio.scores.js."""
        return f"{date}/{field}.scores.js"

    def paper_file(self, arxiv_id: str) -> str:
        """paper/2601.02954.html."""
        return page_of_paper(arxiv_id)

    def figure(self, versioned: str) -> ShownFigure | None:
        """Of a paper's version, where the settings want any and its licence allows it."""
        if not self.config.site.figures:
            return None
        found = known(self.config.paths.outputs, versioned)
        try:
            return ShownFigure(found, *size_of(found.file.read_bytes())) if found else None
        except (OSError, ValueError):
            return None

    def similar(self, arxiv_id: str, key: Key) -> tuple[ListedAbstract, ...]:
        """Those that a paper of this listing is most like, none of a later listing."""
        date, field = key
        return self._similar(field, date.replace(day=1)).to(arxiv_id)

    def _similar_of(self, field: str, month: dt.date) -> Similar:
        last = (month + dt.timedelta(days=31)).replace(day=1) - dt.timedelta(days=1)
        return Similar(self.store.days.abstracts(field, first_date(month), last))

    def _announced(self, date: dt.date, field: str) -> dict[str, Announcement]:
        """By the versioned id."""
        announcements = (outcome.announcement for outcome in self.day(date, field).outcomes)
        return {one.paper.versioned: one for one in announcements}

    def _ordered(self, date: dt.date, field: str) -> list[Outcome]:
        """In the digest's order."""
        day = self.day(date, field)
        return [one for section in Section for one in in_section(day, section)]

    def _day(self, date: dt.date, field: str) -> Day:
        day = self.store.days.get(date, field)
        if day is None:
            raise AssertionError(f"the store has no {date} {field} though it lists it")
        return day


def _newest(
    papers: Sequence[Paper], summaries: Sequence[tuple[Summary, bool]]
) -> tuple[Paper, Summary]:
    """The newest version with a line, and the line."""
    lines = {line.version: line for line, live in summaries if live}
    return next((one, lines[one.version]) for one in reversed(papers) if one.version in lines)


class ShownFigure(NamedTuple):
    """A figure with its size in pixels."""

    known: KnownFigure
    width: int
    height: int

    @property
    def page_file(self) -> str:
        """figure/2601.02954v1.png."""
        return f"figure/{self.known.file.name}"


class DayEntry(NamedTuple):
    """One announced paper, ready for the template."""

    number: int
    announcement: Announcement
    summary: Summary | None
    owed: Owed | None
    tags: tuple[str, ...]

    @property
    def paper(self) -> Paper:
        """As arXiv has it."""
        return self.announcement.paper


def entries(day: Day, section: Section, config: Config) -> Iterator[DayEntry]:
    """In arXiv's order, numbered as in the digest."""
    for number, outcome in enumerate(in_section(day, section), start=1):
        yield entry(number, outcome, config)


def entry(number: int, outcome: Outcome, config: Config) -> DayEntry:
    """One outcome, done or owed."""
    summary = outcome.summary if isinstance(outcome, Done) else None
    return DayEntry(
        number=number,
        announcement=outcome.announcement,
        summary=summary,
        owed=outcome if isinstance(outcome, Owed) else None,
        tags=published_tags(outcome.announcement.paper, summary, config.tags),
    )


def day_page(site: Site, day: Day) -> bytes:
    """A day of one field."""
    own = [date for date, field in site.known if field == day.field]
    at = own.index(day.date)
    sections = {section: list(entries(day, section, site.config)) for section in Section}
    lines = [one.summary.provenance for one in chain(*sections.values()) if one.summary]
    return render(
        "day.html.jinja",
        site,
        "../",
        day=day,
        account=ledger(day),
        sections=sections,
        built_in=[line for line in lines if line.built_in],
        rule=_rule(lines),
        older=own[at + 1] if at + 1 < len(own) else None,
        newer=own[at - 1] if at else None,
        others=[field for date, field in site.known if date == day.date and field != day.field],
    )


class Rule(NamedTuple):
    """How most lines of a page were made: said once at its top, and by a line only where it is not.

    What is asked of a provenance stands here under the same name.
    """

    text_source: str
    model: str
    prompt: str


def _rule(lines: Sequence[Provenance]) -> Rule | None:
    made = Counter(
        Rule(line.text_source, line.model, line.prompt) for line in lines if line.by is None
    )
    return max(made, key=lambda rule: made[rule]) if made else None


class ShownVersion(NamedTuple):
    """One version of a paper with everything that was ever written for it."""

    paper: Paper
    announcement: Announcement | None
    """The newest one; None where only a reprocess brought it here."""
    published: Summary | None
    others: tuple[Summary, ...]
    """Newest first."""
    days: tuple[Key, ...]
    tags: tuple[str, ...]
    figure: ShownFigure | None


def paper_pages(site: Site, arxiv_ids: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    """Id and page of each paper: its versions, the newest first."""
    summaries = site.store.summaries.of_all(arxiv_ids)
    days = site.store.days.having_all(arxiv_ids)
    for arxiv_id, papers in site.store.papers.versions_of(arxiv_ids).items():
        versions = [
            _version(
                site,
                paper,
                [pair for pair in summaries[arxiv_id] if pair[0].version == paper.version],
                days.get((arxiv_id, paper.version), ()),
            )
            for paper in reversed(papers)
        ]
        newest = _newest_day(versions)
        before, after = _neighbours(site, versions[0].paper, newest)
        yield (
            arxiv_id,
            render(
                "paper.html.jinja", site, "../", versions=versions, newest=versions[0].paper,
                before=before, after=after, like=site.similar(arxiv_id, newest) if newest else (),
            ),
        )  # fmt: skip


def _newest_day(versions: Sequence[ShownVersion]) -> Key | None:
    """That has the paper, in whatever version."""
    return next((one.days[0] for one in versions if one.days), None)


def _neighbours(site: Site, own: Paper, day: Key | None) -> tuple[Paper | None, Paper | None]:
    """The papers before and after this one, on that day."""
    if day is None:
        return None, None
    papers = [one.announcement.paper for one in site.ordered(*day)]
    at = next(place for place, one in enumerate(papers) if one.arxiv_id == own.arxiv_id)
    return papers[at - 1] if at else None, papers[at + 1] if at + 1 < len(papers) else None


def _version(
    site: Site,
    paper: Paper,
    summaries: Sequence[tuple[Summary, bool]],
    days: Sequence[Key],
) -> ShownVersion:
    published = next((summary for summary, live in summaries if live), None)
    return ShownVersion(
        paper=paper,
        announcement=site.announced(*days[0]).get(paper.versioned) if days else None,
        published=published,
        others=tuple(summary for summary, live in reversed(summaries) if not live),
        days=tuple(days),
        tags=published_tags(paper, published, site.config.tags),
        figure=site.figure(paper.versioned),
    )


class Cell(NamedTuple):
    """A day of the calendar."""

    date: dt.date
    fields: tuple[tuple[str, int, int], ...]
    """Field, papers announced, papers owed."""


class LastRun(NamedTuple):
    """What a run did, without what is nobody's business: paths, hosts and error messages."""

    started: dt.datetime
    command: str
    exit_status: int | None
    counts: tuple[Count, ...]


def last_run(run: Run) -> LastRun:
    """From the store's list of runs, whose notes are for whoever runs jianjie."""
    words = run.command.split()
    return LastRun(
        started=run.started,
        command=words[1] if len(words) > 1 else "",
        exit_status=run.exit_status,
        counts=run.counts,
    )


def index_page(site: Site, runs: Sequence[Run]) -> bytes:
    """The calendar, and what the last runs did."""
    newest = {field: date for date, field in reversed(site.known)}
    return render(
        "index.html.jinja",
        site,
        "",
        newest=newest,
        months=list(_months(site)),
        runs=[last_run(run) for run in runs],
        counts=site.store.days.counts(),
    )


def _months(site: Site) -> Iterator[tuple[str, list[list[Cell | None]]]]:
    """Newest first; weeks of seven cells, Monday first."""
    counts = site.store.days.counts()
    for month in sorted({date.replace(day=1) for date, _ in site.known}, reverse=True):
        weeks: list[list[Cell | None]] = []
        date = month - dt.timedelta(days=month.weekday())
        while (date.year, date.month) <= (month.year, month.month):
            week = [date + dt.timedelta(days=offset) for offset in range(7)]
            weeks.append(
                [_cell(site, one, counts) if one.month == month.month else None for one in week]
            )
            date += dt.timedelta(days=7)
        yield f"{month:%Y-%m}", weeks


def _cell(site: Site, date: dt.date, counts: Mapping[Key, tuple[int, int]]) -> Cell:
    fields = [field for field in site.fields if (date, field) in counts]
    return Cell(date, tuple((field, *counts[date, field]) for field in fields))


def _linked_weeks(cells: Sequence[Cell | None]) -> list[tuple[Week, str]]:
    """The week of a calendar's row, with each field that has a day in it."""
    days = [cell for cell in cells if cell and cell.fields]
    fields = dict.fromkeys(field for cell in days for field, _, _ in cell.fields)
    return [(week_of(days[0].date), field) for field in fields]


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        undefined=jinja2.StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"rich": rich, "plain": plain, "shown": shown, "changed": changed}
    environment.globals |= {
        "names": chinese_names(),
        "weekdays": WEEKDAYS,
        "section_names": SECTIONS,
        "stage_names": STAGES,
        "changed_names": CHANGED,
        "replaced": replaced,
        "announced_names": ANNOUNCED,
        "author_links": author_links,
        "feedback_link": feedback_link,
        "pieces": pieces,
        "place": place,
        "found_names": FOUND,
        "bars": charts.bars,
        "columns": charts.columns,
        "week_of": week_of,
        "linked_weeks": _linked_weeks,
        "jianjie_version": __version__,
    }
    environment.globals["parts"] = _parts(environment.get_template("parts.html.jinja"))
    return environment


def _parts(template: jinja2.Template) -> SimpleNamespace:
    """Its macros, which keep what they make: a paper's parts stand on two pages or more."""
    macros = {name: macro for name, macro in vars(template.module).items() if callable(macro)}
    return SimpleNamespace(**{name: lru_cache(_PARTS)(macro) for name, macro in macros.items()})


def load_templates() -> None:
    """All of them, compiled and kept."""
    for name in _environment().list_templates():
        _environment().get_template(name)


def render(name: str, site: Site, root: str, /, **values: Any) -> bytes:
    """A page: the blocks of its template in the frame that all pages at `root` share."""
    template = _environment().get_template(name)
    context = template.new_context({"site": site, "root": root, **values})
    made = ["".join(template.blocks[block](context)) if block in template.blocks else ""
            for block in _BLOCKS]  # fmt: skip
    before, *frame = site.frame(root)
    return "".join([before, *chain.from_iterable(zip(made, frame, strict=True))]).encode()


def _frame(site: Site, root: str) -> list[str]:
    """What stands before the first of the blocks, between them, and after the last."""
    base = _environment().get_template("base.html.jinja")
    return base.render(site=site, root=root, **dict.fromkeys(_BLOCKS, _GAP)).split(_GAP)
