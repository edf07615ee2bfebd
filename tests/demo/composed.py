"""A small made-up arXiv: five working days of January 2026 with one holiday in them."""

from __future__ import annotations

import datetime as dt

from pipeline.arxiv.calendar import EASTERN
from pipeline.records import Announcement, AnnounceType, Listing, Paper

NEW, CROSS, REPLACE, REPLACE_CROSS = AnnounceType

THURSDAY = dt.date(2026, 1, 15)
FRIDAY = dt.date(2026, 1, 16)
# Monday the 19th is a holiday: nothing is announced that evening, nothing dated the 20th.
TUESDAY = dt.date(2026, 1, 20)
WEDNESDAY = dt.date(2026, 1, 21)

A, B, C, D = "2601.10001", "2601.10002", "2601.10003", "2601.10004"
OLD = "2511.00007"


class SettableClock:
    """`now` for an archive; New York time."""

    def __init__(self, date: dt.date, hour: int, minute: int = 0) -> None:
        self.set(date, hour, minute)

    def set(self, date: dt.date, hour: int, minute: int = 0) -> None:
        self.moment = dt.datetime.combine(date, dt.time(hour, minute), EASTERN)

    def __call__(self) -> dt.datetime:
        # The stand-in must not rely on the zone that it is told the time in.
        return self.moment.astimezone(dt.UTC)


def paper(base: str, version: int = 1, *categories: str, **more: object) -> Paper:
    fields: dict[str, object] = {
        "arxiv_id": base,
        "version": version,
        "title": f"Title of {base} in version {version}",
        "abstract": f"Abstract of {base}v{version} with $x<1$ & more.",
        "authors": ("Jürgen Müller", "Ana B. Dvořák"),
        "comment": f"Comment of v{version}",
        "categories": categories or ("cs.SD", "eess.AS"),
    }
    return Paper.model_validate(fields | more)


def listing(date: dt.date, *items: tuple[AnnounceType, Paper]) -> Listing:
    announcements = tuple(Announcement(announce=kind, paper=paper) for kind, paper in items)
    return Listing(date=date, field="audio", source="127.0.0.1", announcements=announcements)


def week() -> list[Listing]:
    """A is replaced on Friday and crossed elsewhere on Wednesday, B is withdrawn on Friday.

    C is crossed to the field a second time on Wednesday.
    """
    return [
        listing(THURSDAY, (NEW, paper(A)), (NEW, paper(B)), (CROSS, paper(C, 1, "cs.CL", "cs.SD"))),
        listing(
            FRIDAY,
            (REPLACE_CROSS, paper(OLD, 3, "cs.CV", "eess.AS")),
            (REPLACE, paper(A, 2)),
            (REPLACE, paper(B, 2, comment="This paper has been withdrawn")),
            (NEW, paper(D, 1, "eess.AS")),
        ),
        listing(
            WEDNESDAY,
            (CROSS, paper(A, 2, "cs.SD", "eess.AS", "cs.LG")),
            (CROSS, paper(C, 1, "cs.CL", "cs.SD", "eess.AS")),
            (REPLACE, paper("2512.00001", 6)),
        ),
    ]


WITHDRAWN = f"{B}v2"
