"""The PDFs of many papers: given up when out of reach, waited for when still in the making."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pipeline.clock import Clock
from pipeline.errors import (
    ArxivError,
    ArxivUnreachable,
    PdfChallenged,
    PdfError,
    PdfNotMade,
    PdfNotReady,
)
from pipeline.records import Paper, Pdf, Record
from pipeline.stages.download import PdfSource, download

OUTAGE = 3
"""Downloads in a row, each with all its retries, that fail before arXiv's PDFs count as gone."""

NOT_READY_TRIES = 4
"""How often a PDF that arXiv has still to make is asked for, over `not_ready_s`."""


class Later(Record):
    """A PDF that is not ready yet: ask again at `due` (seconds of the clock's monotonic time)."""

    due: float
    tries: int


def _none(_: Paper) -> frozenset[str]:
    return frozenset()


def _silent(_: Paper, __: PdfError | ArxivError) -> None:
    """Nobody watches."""


class Downloads:
    """For one thread: arXiv wants one connection.

    `not_ready_s`: seconds over which a PDF that arXiv has still to make is asked for again.
    `earlier` gives the SHA-256 sums of a paper's earlier versions, `tell` hears what went wrong.
    """

    def __init__(
        self,
        arxiv: PdfSource,
        cache: Path,
        clock: Clock,
        *,
        not_ready_s: float = 0.0,
        earlier: Callable[[Paper], frozenset[str]] = _none,
        tell: Callable[[Paper, PdfError | ArxivError], None] = _silent,
    ) -> None:
        self._arxiv = arxiv
        self._cache = cache
        self._clock = clock
        self._wait = not_ready_s / NOT_READY_TRIES
        self._earlier = earlier
        self._tell = tell
        self._failures = 0

    def fetch(self, paper: Paper) -> Pdf | str:
        """The PDF, or why it cannot be had now."""
        try:
            return self._fetch(paper)
        except PdfNotReady as error:
            return self._told(paper, error)

    def fetch_or_later(
        self, paper: Paper, *, patient: bool, later: Later | None = None
    ) -> Pdf | str | Later:
        """The same for a run with other papers to do meanwhile: what can pass is asked for again.

        `patient` is for papers announced just now, whose PDF may still be in the making. Where
        arXiv's maker of PDFs failed, that may pass for any paper.
        """
        if later is not None and self._failures < OUTAGE:
            self._clock.sleep(later.due - self._clock.monotonic())
        try:
            return self._fetch(paper)
        except PdfNotReady as error:
            can_pass = patient or isinstance(error, PdfNotMade)
            if can_pass and (due := self._next_try(later)):
                return due
            return self._told(paper, error)

    def _fetch(self, paper: Paper) -> Pdf | str:
        """Raises PdfNotReady."""
        if self._failures >= OUTAGE:
            return "download: arXiv's PDFs are out of reach"
        try:
            pdf = download(paper, self._arxiv, self._cache, not_these=self._earlier(paper))
        except PdfNotReady:
            raise
        except (PdfError, ArxivError) as error:
            self._failures += isinstance(error, ArxivUnreachable | PdfChallenged)
            return self._told(paper, error)
        self._failures = 0
        return pdf

    def _next_try(self, later: Later | None) -> Later | None:
        tries = (later.tries if later else 0) + 1
        if not self._wait or tries > NOT_READY_TRIES:
            return None
        return Later(due=self._clock.monotonic() + self._wait, tries=tries)

    def _told(self, paper: Paper, error: PdfError | ArxivError) -> str:
        self._tell(paper, error)
        return f"download: {error.what}"
