"""A made-up arXiv of many days: listings drawn at random, and a PDF for every version."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator
from functools import cache

from pipeline.arxiv.calendar import can_have_listing
from pipeline.records import Announcement, AnnounceType, Listing, Paper

FIELD = ("cs.SD", "eess.AS")
NEW, CROSS, REPLACE, REPLACE_CROSS = AnnounceType
_OTHERS = ("cs.CL", "cs.LG", "q-bio.NC", "math.ST")
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


class World:
    """`listings` by date, oldest first; `withdrawn` has versioned ids."""

    def __init__(self, seed: int, start: dt.date, days: int, papers: int = 6) -> None:
        self._random = random.Random(seed)
        self._papers = papers
        self._latest: dict[str, tuple[Paper, bool]] = {}
        """Every paper's newest version, and whether it is of the field's own."""
        self._numbers: dict[str, int] = {}
        self.withdrawn: set[str] = set()
        dates = (start + dt.timedelta(days=n) for n in range(days))
        self.listings = {date: self._listing(date) for date in self._announcing(dates)}

    def versions(self) -> dict[str, Paper]:
        """Every announced version by its versioned id."""
        items = (item for listing in self.listings.values() for item in listing.announcements)
        return {item.paper.versioned: item.paper for item in items}

    def _announcing(self, dates: Iterator[dt.date]) -> Iterator[dt.date]:
        """Weekdays but for holidays, the first one always."""
        for number, date in enumerate(dates):
            if can_have_listing(date) and (number == 0 or self._random.random() > 0.07):
                yield date

    def _listing(self, date: dt.date) -> Listing:
        empty = self._random.random() < 0.04 and self._latest
        count = 0 if empty else self._random.randint(1, self._papers)
        today: dict[str, Announcement] = {}
        for _ in range(count):
            item = self._item(date, today)
            if item is not None:
                today[item.paper.arxiv_id] = item
        ordered = sorted(today.values(), key=lambda i: (i.announce.rank, i.paper.arxiv_id))
        for item in ordered:
            own = item.announce in {NEW, REPLACE}
            self._latest[item.paper.arxiv_id] = (item.paper, own)
        return Listing(date=date, field="audio", source="127.0.0.1", announcements=tuple(ordered))

    def _item(self, date: dt.date, today: dict[str, Announcement]) -> Announcement | None:
        old = [
            pair for base, pair in self._latest.items() if base not in today and pair[0].version < 5
        ]
        if old and self._random.random() < 0.4:
            paper, own = self._random.choice(old)
            return Announcement(announce=REPLACE if own else REPLACE_CROSS, paper=self._next(paper))
        own = self._random.random() < 0.7
        return Announcement(announce=NEW if own else CROSS, paper=self._first(date, own=own))

    def _first(self, date: dt.date, *, own: bool) -> Paper:
        month = f"{date:%y%m}"
        self._numbers[month] = self._numbers.get(month, 0) + 1
        field = list(FIELD)
        self._random.shuffle(field)
        other = self._random.choice(_OTHERS)
        categories: tuple[str, ...] = (field[0], other, field[1]) if own else (other, field[0])
        if own and self._random.random() < 0.3:
            categories = (field[0],)
        authors = tuple(f"Jürgen {chr(65 + n)}. Łukasz" for n in range(self._random.randint(1, 4)))
        return self._written(f"{month}.{self._numbers[month]:05d}", 1, authors, categories)

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
