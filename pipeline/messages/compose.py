"""The text of a message: Chinese, plain, short enough for a phone. Pure.

Titles, lines and reasons come from strangers: nothing in them mentions anybody, opens a tag or
hides.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from types import MappingProxyType
from typing import NamedTuple

from pipeline.digest.entries import TagChoice, published_tags
from pipeline.errors import JianjieError, one_line
from pipeline.library.recent import Scores
from pipeline.library.taste import Scored, worth_of
from pipeline.records import Day, Done, Owed, Record, Section
from pipeline.settings import InterestSettings, MessageSettings
from pipeline.store.messages import Message, Told
from pipeline.text.interests import Relevance, ranked, score
from pipeline.text.untrusted import as_data

LONGEST = 3500
"""Characters of a body; every service takes as much, in several parts if need be."""
_TITLE, _LINE, _WHY, _REASON, _FAILURE = 90, 200, 80, 90, 300
_REASONS, _HEAD, _DAYS, _MOST_FAILURES = 3, 120, 12, 3
_INERT = str.maketrans("@<>", "＠＜＞")
"""@all and @everyone, Feishu's <at user_id="all">, Slack's <!channel>."""
_ENDED = {
    2: "设置或输出文件夹有问题",
    3: "arXiv 或模型连不上",
    4: "预算已用完",
    70: "jianjie 自身出错",
}
"""By exit status."""


class Failure(NamedTuple):
    """What ended the run, or one field's part of it."""

    error: JianjieError
    field: str = ""
    """The field's Chinese name; empty where it was the whole run's."""

    @property
    def kind(self) -> str:
        """By which it is known when it comes again."""
        return " ".join(filter(None, (type(self.error).__name__, self.field)))


def kind_of(failures: Sequence[Failure]) -> str | None:
    """Of all of them together; None where there is none."""
    return "; ".join(failure.kind for failure in failures) or None


class Order(NamedTuple):
    """What comes first, and what is left out."""

    interests: Callable[[str], InterestSettings]
    """By field."""
    scores: Scores = MappingProxyType({})
    """By the reader's library; none where there is none."""
    least: float = 0
    """Of those that have a score, only such as have no less are told."""


class Fresh(Record):
    """A day, and what was told of it before."""

    day: Day
    told: Told

    @property
    def lines(self) -> tuple[Done, ...]:
        """The papers with a line that no message had."""
        new = (d for d in self.day.done if d.announcement.paper.versioned not in self.told.done)
        return tuple(new)

    @property
    def owed(self) -> tuple[Owed, ...]:
        """The papers that no message said were owed."""
        new = (o for o in self.day.owed if o.announcement.paper.versioned not in self.told.owed)
        return tuple(new)


def compose(
    days: Sequence[Fresh],
    failures: Sequence[Failure],
    settings: MessageSettings,
    order: Order,
    tags: TagChoice,
    base: str = "",
) -> Message:
    """One message about these days and about what failed; `base` is the site's address.

    Within each day the lines of most worth come first, by library and interests; those that would
    make the body longer than LONGEST are left out.
    """
    shown = days[:_DAYS]
    heads = [_head(fresh, several=len(days) > 1) for fresh in shown]
    first = "\n\n".join(_failures(failures))
    rest = f"另有 {len(days) - _DAYS} 天" if len(days) > _DAYS else ""
    last = f"全文：{base}{_page(days)}" if base else ""
    # Every part is parted from the one before it by an empty line.
    room = LONGEST - sum(len(part) + 2 for part in (first, *heads, rest, last) if part)
    parts = [first]
    for fresh, head in zip(shown, heads, strict=True):
        parts.append(head)
        for entry in _entries(fresh, settings.top, order, tags):
            if len(entry) + 2 <= room:
                parts.append(entry)
                room -= len(entry) + 2
    return Message(
        about=", ".join(f"{fresh.day.date} {fresh.day.field}" for fresh in days),
        failure=kind_of(failures),
        title=_title(days, failed=bool(failures)),
        body="\n\n".join(filter(None, (*parts, rest, last))),
    )


def _page(days: Sequence[Fresh]) -> str:
    """The site's page of a day; of several the index."""
    return f"{days[0].day.date}/{days[0].day.field}.html" if len(days) == 1 else ""


def inert(text: str, longest: int) -> str:
    """One line, no longer than that, that does nothing but read."""
    line = one_line(as_data(text)).translate(_INERT)
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"


def _title(days: Sequence[Fresh], *, failed: bool) -> str:
    if not days:
        return "简介：运行失败"
    sums = "；".join(_sum(fresh.day) for fresh in days)
    return inert(f"简介 {sums}", _HEAD) + ("（未完成）" if failed else "")


def _sum(day: Day) -> str:
    owed = f"，待补 {len(day.owed)}" if day.owed else ""
    return f"{day.name} {day.date}：{len(day.outcomes)} 篇{owed}"


def _failures(failures: Sequence[Failure]) -> Iterator[str]:
    yield from map(_failure, failures[:_MOST_FAILURES])
    if more := failures[_MOST_FAILURES:]:
        names = "、".join(failure.field or "运行" for failure in more)
        yield inert(f"另有未完成：{names}", _FAILURE)


def _failure(failure: Failure) -> str:
    error = failure.error
    what = _ENDED.get(error.exit_status, "运行中断")
    where = f"{error.where}: " if error.where else ""
    fix = f"\n处理：{inert(error.fix, _FAILURE)}" if error.fix else ""
    head = f"{inert(failure.field or '运行', _HEAD)}未完成：{what}"
    return f"{head}\n{inert(where + error.what, _FAILURE)}{fix}"


def _head(fresh: Fresh, *, several: bool) -> str:
    """The counts, and why papers are owed."""
    day = fresh.day
    sections = Counter(outcome.announcement.announce.section for outcome in day.outcomes)
    counts = [f"最新发布 {sections[Section.NEW]}", f"更新 {sections[Section.REPLACED]}"]
    counts += [f"待补 {len(day.owed)}"] if day.owed else []
    counts += [f"本次新增 {len(fresh.lines)}"] if fresh.told.done else []
    title = [inert(f"{day.name} {day.date}", _HEAD)] if several else []
    return "\n".join((*title, " · ".join(counts), *_reasons(day, 1 if several else _REASONS)))


def _reasons(day: Day, most: int) -> Iterator[str]:
    """The commonest reasons, each with the paper that has it or their number."""
    of: dict[tuple[str, str], list[str]] = {}
    for owed in day.owed:
        why = (owed.stage.value, inert(owed.reason, _REASON))
        of.setdefault(why, []).append(owed.announcement.paper.versioned)
    commonest = sorted(of.items(), key=lambda item: -len(item[1]))
    for (stage, reason), ids in commonest[:most]:
        who = ids[0] if len(ids) == 1 else f"{len(ids)} 篇"
        yield f"待补 {who}（{stage}）：{reason}"
    if more := sum(len(ids) for _, ids in commonest[most:]):
        yield f"待补 {more} 篇：其他原因"


def _entries(fresh: Fresh, top: int, order: Order, tags: TagChoice) -> Iterator[str]:
    """The first lines by their worth, each with title and link."""
    interests = order.interests(fresh.day.field)

    def met(done: Done) -> Relevance:
        paper, summary = done.announcement.paper, done.summary
        return score(paper, summary.line, published_tags(paper, summary, tags), interests)

    def worth(done: Done) -> float:
        return worth_of(met(done), order.scores.get(done.announcement.paper.arxiv_id))

    told = [done for done in fresh.lines if _is_told(done, order)]
    if not told and fresh.lines:
        yield f"没有评分 {order.least:g} 以上的论文"
    wanted = [done for done in told if not met(done).muted]
    for number, done in enumerate(ranked(wanted, worth)[:top], start=1):
        paper = done.announcement.paper
        scored = order.scores.get(paper.arxiv_id)
        yield (
            f"{number}. {inert(paper.title, _TITLE)}\n"
            f"{inert(done.summary.line, _LINE)}{_why(scored)}\n"
            f"https://arxiv.org/abs/{paper.arxiv_id}"
        )


def _is_told(done: Done, order: Order) -> bool:
    scored = order.scores.get(done.announcement.paper.arxiv_id)
    return scored is None or scored.score >= order.least


def _why(scored: Scored | None) -> str:
    if scored is None:
        return ""
    words = f"：{'、'.join(scored.words)}" if scored.words else ""
    return inert(f"（评分 {scored.score:.1f}{words}）", _WHY)
