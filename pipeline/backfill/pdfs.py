"""Where a job's PDFs are from: tars, the cache, and arXiv where that is wanted."""

from __future__ import annotations

from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from pipeline.arxiv.client import ArxivClient
from pipeline.backfill.order import Planned
from pipeline.backfill.tars import Tar, Tars
from pipeline.clock import Clock
from pipeline.config import Config
from pipeline.errors import PdfError
from pipeline.night.downloads import Downloads
from pipeline.records import Pdf


@dataclass(frozen=True)
class PdfSources:
    """It can be pickled."""

    place: Path
    """Where files of tars are unpacked, to be read once."""
    tars: tuple[Path, tuple[Tar, ...]] | None
    """Their folder, and those that are needed."""
    download: bool
    """Whether arXiv is asked for what no tar has: at its pace, one at a time."""
    pdf_cache: Path
    cache: Path


class Pdfs:
    """Safe for many threads."""

    def __init__(self, sources: PdfSources, config: Config, clock: Clock, open_: ExitStack) -> None:
        self._place = sources.place
        self._tars: Tars | None = None
        self._downloads: Downloads | None = None
        if sources.tars is not None:
            self._tars = Tars(*sources.tars, sources.place, config.arxiv.max_pdf_mb)
            open_.callback(self._tars.close)
        if sources.download:
            arxiv = ArxivClient(config.arxiv, config.retry, clock, sources.cache)
            open_.callback(arxiv.close)
            self._downloads = Downloads(arxiv, sources.pdf_cache, clock)
            # arXiv wants one connection of all processes of this machine.
            self._one_at_a_time = FileLock(sources.pdf_cache.parent / ".backfill.lock")

    def of(self, planned: Planned) -> Pdf | str:
        """The paper's PDF, or why there is none."""
        try:
            pdf = self._tars.pdf(planned.paper) if self._tars else None
        except PdfError as error:
            return f"download: {error.what}"
        if pdf is not None:
            return pdf
        if self._downloads is None:
            return "download: none of the job's sources has the PDF"
        with self._one_at_a_time:
            return self._downloads.fetch(planned.paper)

    def done_with(self, pdf: Pdf | str | None) -> None:
        """What came out of a tar is there again when it is needed."""
        if isinstance(pdf, Pdf) and pdf.path.parent == self._place:
            with suppress(OSError):
                pdf.path.unlink()
