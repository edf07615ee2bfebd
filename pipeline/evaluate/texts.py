"""What the systems read of a case: the digest's abstract, or the PDF."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from pipeline.errors import PdfError
from pipeline.evaluate.bench import Bench
from pipeline.evaluate.results import Case
from pipeline.pdf.pool import Readers
from pipeline.records import PaperText, Pdf
from pipeline.settings import ExtractSettings
from pipeline.stages.extract import extract, from_abstract


def texts(bench: Bench, cases: Sequence[Case], tick: Callable[[], None]) -> dict[str, PaperText]:
    """By the case's id; the abstract with a `fallback` where the PDF cannot be had or read."""
    source = bench.full_texts
    if source is None:
        return {case.id: from_abstract(case.paper) for case in cases}
    settings = next(iter(bench.configs.values())).extract
    with ThreadPoolExecutor(settings.workers or 2) as pool:
        reading = []
        for case in cases:  # one connection to arXiv, while others are read
            pdf = source.downloads.fetch(case.paper)
            reading.append(pool.submit(_read, source.readers, settings, case, pdf))
            tick()
        return {case.id: text.result() for case, text in zip(cases, reading, strict=True)}


def _read(readers: Readers, settings: ExtractSettings, case: Case, pdf: Pdf | str) -> PaperText:
    """All pages: every variant reads from the same text."""
    if isinstance(pdf, str):
        return from_abstract(case.paper, fallback=pdf)
    try:
        return extract(pdf, settings, readers, expect=case.paper.versioned)
    except PdfError as error:
        return from_abstract(case.paper, fallback=f"extract: {error.what}")
