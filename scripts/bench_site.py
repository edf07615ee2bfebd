"""How long the site takes to make and to search, against its bars. `make bench-site`.

`make bench-site YEAR=1` does it for a year of five fields instead, 30,000 papers: minutes.
"""

from __future__ import annotations

import datetime as dt
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page
from rich.console import Console
from rich.table import Table

from pipeline.config import Config
from pipeline.site.pages import Site, day_page
from pipeline.site.update import update
from pipeline.store.store import Store
from tests.site.browser import chromium, reader, visit
from tests.site.made import FIRST, add_day, close_stores, config, papers, store_in, weekdays

_DAYS, _PAPERS, _BUSY = 250, 25, 400
_FIELDS = {"audio": "音频", "text": "文本", "video": "视频", "code": "代码", "robot": "机器人"}
_YEARS_PAPERS = 24
"""A day and field."""
_PAGE_KB = 300
_QUERIES = ("净化", "diffusion bridge", "语音", "a", "nothing has these words")
_SEARCH = """query => {
  const field = document.querySelector("input[type=search]");
  field.value = query;
  const start = performance.now();
  field.dispatchEvent(new InputEvent("input"));
  document.body.offsetHeight;
  return performance.now() - start;
}"""
_LOAD = """async count => {
  const start = performance.now();
  document.querySelector("input[type=search]").focus();
  while (jianjie.papers.length < count) await new Promise(done => setTimeout(done, 5));
  return performance.now() - start;
}"""


def main() -> None:
    """Measure, and print a table."""
    table = Table("what", "measured", "bar", "", title="the site", title_justify="left")
    if "--year" in sys.argv[1:]:
        _year(table)
    else:
        _usual(table)
    close_stores()
    Console().print(table)


def _year(table: Table) -> None:
    with tempfile.TemporaryDirectory() as folder:
        settings = config(Path(folder))
        own = settings.fields["audio"]
        fields = {field: own.model_copy(update={"name": name}) for field, name in _FIELDS.items()}
        settings = settings.model_copy(update={"fields": fields})
        store = store_in(settings)
        start = 1
        for date in weekdays(_DAYS):
            for field in _FIELDS:
                add_day(store, settings, date, list(papers(_YEARS_PAPERS, start)), field=field)
                start += _YEARS_PAPERS
        table.add_row(f"all files of {start - 1:,} papers", *_bar(lambda: update(store, settings)))
        night = list(papers(_YEARS_PAPERS, start))
        add_day(store, settings, FIRST + dt.timedelta(days=1), night)
        table.add_row("a night more", *_bar(lambda: update(store, settings, news=True)))
        site = settings.paths.outputs / "site"
        pages = max((page.stat().st_size, str(page)) for page in site.rglob("*.html"))
        largest = f"{pages[0] / 1000:.0f} KB, {Path(pages[1]).relative_to(site)}"
        good = "ok" if pages[0] <= _PAGE_KB * 1000 else "over"
        table.add_row("the largest page", largest, f"{_PAGE_KB} KB", good)
        with chromium() as browser, reader(browser) as page:
            opened = _bar(lambda: visit(page, site / "index.html"), 1.0)
            table.add_row("the index opens", *opened)
            _search(page, table, start - 1 + _YEARS_PAPERS, (None, 0.15))


def _usual(table: Table) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store, settings = _filled(Path(folder), 1, _BUSY)
        site = Site(store, settings, store.days.known())
        day = site.day(*store.days.known()[0])
        table.add_row(f"the page of a day of {_BUSY}", *_bar(lambda: day_page(site, day), 0.3))
        table.add_row(f"all files of a day of {_BUSY}", *_bar(lambda: update(store, settings)))
    with tempfile.TemporaryDirectory() as folder:
        store, settings = _filled(Path(folder), _DAYS, _PAPERS)
        name = f"{_DAYS} days of {_PAPERS}"
        table.add_row(f"{name}, all files", *_bar(lambda: update(store, settings), 3.0))
        night = list(papers(_PAPERS, _DAYS * _PAPERS + 1))
        add_day(store, settings, FIRST + dt.timedelta(days=1), night)
        table.add_row(
            f"{name}, and a night", *_bar(lambda: update(store, settings, news=True), 0.5)
        )
        table.add_row(f"{name}, nothing changed", *_bar(lambda: update(store, settings)))
        with chromium() as browser, reader(browser) as page:
            visit(page, settings.paths.outputs / "site" / "index.html")
            _search(page, table, (_DAYS + 1) * _PAPERS, (1.0, 0.1))


def _search(page: Page, table: Table, count: int, bars: tuple[float | None, float]) -> None:
    """`bars`: seconds until it opens, and of the slowest search."""
    opened = page.evaluate(_LOAD, count) / 1000
    table.add_row(f"the search over {count:,} papers opens", *_held(opened, bars[0]))
    slowest = max(page.evaluate(_SEARCH, query) for query in _QUERIES) / 1000
    table.add_row("the slowest of five searches, drawn", *_held(slowest, bars[1]))


def _filled(folder: Path, days: int, papers_a_day: int) -> tuple[Store, Config]:
    settings = config(folder)
    store = store_in(settings)
    for number, date in enumerate(weekdays(days)):
        add_day(store, settings, date, list(papers(papers_a_day, number * papers_a_day + 1)))
    return store, settings


def _bar(step: Callable[[], object], bar: float | None = None) -> tuple[str, str, str]:
    start = time.perf_counter()
    step()
    return _held(time.perf_counter() - start, bar)


def _held(seconds: float, bar: float | None) -> tuple[str, str, str]:
    """Measured, bar and verdict."""
    if bar is None:
        return f"{seconds:.2f} s", "", ""
    return f"{seconds:.2f} s", f"{bar:g} s", "ok" if seconds <= bar else "over"


if __name__ == "__main__":
    main()
