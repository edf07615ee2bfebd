"""What the systems read of a case: the digest's abstract, or the PDF."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from pipeline.errors import ArxivError, PdfError
from pipeline.evaluate.bench import Bench, Pdfs
from pipeline.evaluate.results import Case
from pipeline.records import PaperText, Pdf
from pipeline.settings import ExtractSettings
from pipeline.stages.download import download
from pipeline.stages.extract import extract, from_abstract


def texts(bench: Bench, cases: Sequence[Case], tick: Callable[[], None]) -> dict[str, PaperText]:
    """By the case's id; the abstract with a `fallback` where the PDF cannot be had or read."""
    if bench.pdfs is None:
        return {case.id: from_abstract(case.paper) for case in cases}
    settings = next(iter(bench.configs.values())).extract
    with ThreadPoolExecutor(settings.workers or 2) as pool:
        reading = []
        for case in cases:  # one connection to arXiv, while others are read
            pdf = _fetched(bench.pdfs, case)
            reading.append(pool.submit(_read, bench.pdfs, settings, case, pdf))
            tick()
        return {case.id: text.result() for case, text in zip(cases, reading, strict=True)}


def _fetched(pdfs: Pdfs, case: Case) -> Pdf | str:
    try:
        return download(case.paper, pdfs.arxiv, pdfs.cache)
    except (ArxivError, PdfError) as error:
        return f"download: {error.what}"


def _read(pdfs: Pdfs, settings: ExtractSettings, case: Case, pdf: Pdf | str) -> PaperText:
    """All pages: every variant reads from the same text."""
    if isinstance(pdf, str):
        return from_abstract(case.paper, fallback=pdf)
    try:
        return extract(pdf, settings, pdfs.readers, expect=case.paper.versioned)
    except PdfError as error:
        return from_abstract(case.paper, fallback=f"extract: {error.what}")
