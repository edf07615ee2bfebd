"""A made-up arXiv of many days: what is announced drawn at random, and a PDF for every version."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import NamedTuple

from pipeline.arxiv.calendar import can_have_listing
from pipeline.records import Announcement, AnnounceType, Listing, Paper

FIELD = ("cs.SD", "eess.AS")
NEW, CROSS, REPLACE, REPLACE_CROSS = AnnounceType
_OTHERS = ("cs.CL", "cs.LG", "q-bio.NC", "math.ST")
_LAST_ANNOUNCED = 5
"""A replacement with a higher version is never announced."""
_NEWEST = 7
_WORDS = (
    "speech",
    "codec",
    "diffusion",
    "voices",
    "prosody",
    "$x<1$",
    "R&D",
    "0",
    "cost$",
    "noise",
)
_COMMENTS = (
    None,
    "5 pages, 2 figures",
    "Accepted at ICASSP 2026 & more",
    "Code: <soon>",
    "v2: typos",
)


class Event(NamedTuple):
    """One row of a day's mail; of a cross, `added` are the categories that it is for."""

    kind: AnnounceType
    paper: Paper
    added: frozenset[str] = frozenset()


class World:
    """`mail` is everything that arXiv sends, by date, oldest first; `withdrawn` has versioned ids.

    `listings` are the truth of each field: what of the mail is announced in its categories.
    """

    def __init__(
        self,
        seed: int,
        start: dt.date,
        days: int,
        papers: int = 6,
        fields: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self._random = random.Random(seed)
        self._papers = papers
        self._fields = dict(fields or {"audio": FIELD})
        self._latest: dict[str, Paper] = {}
        """Every paper's newest version, with the categories that it has by now."""
        self._numbers: dict[str, int] = {}
        self.withdrawn: set[str] = set()
        dates = (start + dt.timedelta(days=n) for n in range(days))
        events = {date: self._events(date) for date in self._announcing(dates)}
        self.mail = {
            date: _listing(date, "mail", [(one.kind, one.paper) for one in some])
            for date, some in events.items()
        }
        self.listings = {
            field: {
                date: _listing(date, field, _announced(some, frozenset(own)))
                for date, some in events.items()
            }
            for field, own in self._fields.items()
        }

    def versions(self) -> dict[str, Paper]:
        """Every version by its versioned id, with the categories of its last row."""
        items = (item for listing in self.mail.values() for item in listing.announcements)
        return {item.paper.versioned: item.paper for item in items}

    def _announcing(self, dates: Iterator[dt.date]) -> Iterator[dt.date]:
        """Weekdays but for holidays, the first one always."""
        for number, date in enumerate(dates):
            if can_have_listing(date) and (number == 0 or self._random.random() > 0.07):
                yield date

    def _events(self, date: dt.date) -> list[Event]:
        empty = self._random.random() < 0.04 and self._latest
        count = 0 if empty else self._random.randint(1, self._papers)
        today: dict[str, Event] = {}
        for _ in range(count):
            event = self._event(date, today)
            today[event.paper.arxiv_id] = event
        self._latest.update({base: event.paper for base, event in today.items()})
        return list(today.values())

    def _event(self, date: dt.date, today: Mapping[str, Event]) -> Event:
        old = [
            paper
            for base, paper in self._latest.items()
            if base not in today and paper.version < _NEWEST
        ]
        if old and self._random.random() < 0.5:
            paper = self._random.choice(old)
            # What was crossed lately is crossed once more as often as not.
            added = self._added(paper) if self._random.random() < 0.3 else frozenset()
            if added:
                categories = (*paper.categories, *sorted(added))
                crossed = paper.model_copy(update={"categories": _sorted(categories)})
                return Event(CROSS, crossed, added)
            return Event(REPLACE, self._next(paper))
        return Event(NEW, self._first(date))

    def _added(self, paper: Paper) -> frozenset[str]:
        """Mostly one category that the paper has not."""
        more = sorted({*self._own, *_OTHERS} - set(paper.categories))
        if not more or len(paper.categories) > 4:
            return frozenset()
        return frozenset(self._random.sample(more, min(len(more), self._random.choice((1, 1, 2)))))

    @property
    def _own(self) -> list[str]:
        return [category for own in self._fields.values() for category in own]

    def _first(self, date: dt.date) -> Paper:
        month = f"{date:%y%m}"
        self._numbers[month] = self._numbers.get(month, 0) + 1
        # Mostly of a field, often crossed to one, and now and then outside all of them.
        at_home = self._random.random() < 0.7
        primary = self._random.choice(self._own if at_home else _OTHERS)
        others = {*self._own, *_OTHERS} - {primary}
        number = self._random.choice((0, 1, 1, 2)) if at_home else self._random.choice((0, 1, 2))
        secondary = self._random.sample(sorted(others), number)
        authors = tuple(f"Jürgen {chr(65 + n)}. Łukasz" for n in range(self._random.randint(1, 4)))
        base = f"{month}.{self._numbers[month]:05d}"
        return self._written(base, 1, authors, _sorted((primary, *secondary)))

    def _next(self, paper: Paper) -> Paper:
        """The next version, in which anything may have changed."""
        new = self._written(paper.arxiv_id, paper.version + 1, paper.authors, paper.categories)
        if self._random.random() < 0.5:
            new = new.model_copy(update={"title": paper.title, "abstract": paper.abstract})
        if self._random.random() < 0.1:
            self.withdrawn.add(new.versioned)
        return new

    def _written(
        self, base: str, version: int, authors: tuple[str, ...], categories: tuple[str, ...]
    ) -> Paper:
        words = " ".join(self._random.choices(_WORDS, k=5))
        return Paper(
            arxiv_id=base,
            version=version,
            title=f"{words} of {base} in version {version}",
            abstract=f"The abstract of {base}v{version} tells of {words}. It ends.",
            authors=authors,
            comment=self._random.choice(_COMMENTS),
            categories=categories,
        )


def _sorted(categories: Sequence[str]) -> tuple[str, ...]:
    """As arXiv keeps them: the primary one first."""
    return (categories[0], *sorted(categories[1:]))


def _announced(events: Sequence[Event], own: frozenset[str]) -> list[tuple[AnnounceType, Paper]]:
    """What of a day's mail is announced to who reads these categories."""
    found = []
    for kind, paper, added in events:
        at_home = paper.categories[0] in own
        reached = added if kind is CROSS else frozenset(paper.categories)
        silent = kind is REPLACE and paper.version > _LAST_ANNOUNCED
        if not silent and reached & own:
            elsewhere = {NEW: CROSS, REPLACE: REPLACE_CROSS}
            found.append((kind if at_home else elsewhere.get(kind, kind), paper))
    return found


def _listing(date: dt.date, field: str, items: Sequence[tuple[AnnounceType, Paper]]) -> Listing:
    ordered = sorted(items, key=lambda item: (item[0].rank, item[1].arxiv_id))
    announcements = tuple(Announcement(announce=kind, paper=paper) for kind, paper in ordered)
    return Listing(date=date, field=field, source="127.0.0.1", announcements=announcements)


@cache
def small_pdf(versioned: str) -> bytes:
    """One page with arXiv's stamp and some 900 characters of text, the smallest way there is."""
    lines = [f"arXiv:{versioned} [cs.SD] 6 Jan 2026", "Abstract"]
    lines += [
        f"Line {n} of {versioned}: the model learns from noisy speech data." for n in range(14)
    ]
    shown = "".join(f"({line}) Tj T* " for line in lines)
    stream = f"BT /F1 10 Tf 12 TL 40 760 Td {shown}ET".encode()
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%b\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    body, offsets = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, start=1):
        offsets.append(len(body))
        body += b"%d 0 obj\n%b\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    size = len(objects) + 1
    return body + (
        b"xref\n0 %d\n0000000000 65535 f \n%btrailer\n<< /Size %d /Root 1 0 R >>\n"
        b"startxref\n%d\n%%%%EOF\n" % (size, table, size, len(body))
    )
