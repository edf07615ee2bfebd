"""A week of one field, its papers the best first; and what can be counted over all its days."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pipeline.digest.entries import published_tags
from pipeline.library.taste import worth_of
from pipeline.records import Day, Done
from pipeline.settings import InterestSettings
from pipeline.site.dates import Week, month_of, week_of
from pipeline.site.pages import DayEntry, Site, entry, render
from pipeline.text.interests import ranked, score

_MOST = 100
"""Papers on the page of a week: a page has less than 300 KB."""
_TASKS, _TAGS = 12, 12
_LANES, _MONTHS = 8, 24
_TASK = re.compile(r"属于([^，。；]{1,24}?)任务")
"""Where a line names its task; the site's script has the same."""


class _Listed(NamedTuple):
    date: dt.date
    entry: DayEntry


def week_page(
    site: Site, days: Sequence[Day], before: Week | None = None, after: Week | None = None
) -> bytes:
    """Of all days of one field and week, newest first; the weeks before and after are linked."""
    field = days[0].field
    done = [(day, one) for day in reversed(days) for one in day.done]
    best = ranked(done, lambda pair: _worth(site, pair[1], site.config.interests_of(field)))
    listed = [
        _Listed(day.date, entry(number, one, site.config))
        for number, (day, one) in enumerate(best[:_MOST], start=1)
    ]
    return render(
        "week.html.jinja",
        site,
        "../",
        week=week_of(days[0].date),
        field=field,
        name=days[0].name,
        days=[(day.date, len(day.outcomes)) for day in reversed(days)],
        papers=listed,
        more=len(done) - len(listed),
        ordered=bool(site.shown_scores) or site.config.interests_of(field) != InterestSettings(),
        tasks=tasks_of(days).most_common(_TASKS),
        tags=tags_of(site, days).most_common(_TAGS),
        before=before,
        after=after,
    )


def statistics_page(site: Site, recent: Sequence[Day]) -> bytes:
    """Papers a day from the first on; tasks and tags of the `recent` days, newest first."""
    field = recent[0].field
    counts = {date: n for (date, own), (n, _) in site.store.days.counts().items() if own == field}
    months: Counter[str] = Counter()
    for date in sorted(counts):
        months[month_of(date)] += counts[date]
    return render(
        "statistics.html.jinja",
        site,
        "../",
        field=field,
        name=recent[0].name,
        announced=sum(counts.values()),
        days=[(str(date), counts[date]) for date in sorted(counts)],
        months=list(months.items()),
        lanes=_lanes(site.store.days.primaries(field)),
        recent=len(recent),
        tasks=tasks_of(recent).most_common(_TASKS),
        tags=tags_of(site, recent).most_common(_TAGS),
    )


def _lanes(months: Mapping[str, Mapping[str, int]]) -> list[tuple[str, list[tuple[str, int]]]]:
    """The commonest primary categories of the last months, each with its papers a month."""
    recent = dict(sorted(months.items())[-_MONTHS:])
    sums: Counter[str] = Counter()
    for own in recent.values():
        sums.update(own)
    return [
        (tag, [(month, own.get(tag, 0)) for month, own in recent.items()])
        for tag, _ in sums.most_common(_LANES)
    ]


def tasks_of(days: Sequence[Day]) -> Counter[str]:
    """The tasks that the days' lines name."""
    found = (_TASK.search(one.summary.line) for day in days for one in day.done)
    return Counter(match[1].strip() for match in found if match)


def tags_of(site: Site, days: Sequence[Day]) -> Counter[str]:
    """The tags of the days' papers."""
    return Counter(
        tag
        for day in days
        for one in day.done
        for tag in published_tags(one.announcement.paper, one.summary, site.config.tags)
    )


def _worth(site: Site, done: Done, interests: InterestSettings) -> float:
    paper, summary = done.announcement.paper, done.summary
    tags = published_tags(paper, summary, site.config.tags)
    met = score(paper, summary.line, tags, interests)
    return worth_of(met, site.shown_scores.get(paper.arxiv_id))
