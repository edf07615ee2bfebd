"""What the systems read of a case: the digest's abstract, or the PDF."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from pipeline.evaluate.bench import Bench
from pipeline.evaluate.results import Case
from pipeline.night.paper import text_of
from pipeline.records import PaperText
from pipeline.stages.extract import from_abstract


def texts(bench: Bench, cases: Sequence[Case], tick: Callable[[], None]) -> dict[str, PaperText]:
    """By the case's id; the abstract with a `fallback` where the PDF cannot be had or read."""
    if bench.downloads is None:
        return {case.id: from_abstract(case.paper) for case in cases}
    settings = next(iter(bench.configs.values())).extract
    with ThreadPoolExecutor(settings.workers or 2) as pool:
        reading = []
        for case in cases:  # one connection to arXiv, while others are read
            pdf = bench.downloads.fetch(case.paper)
            # All pages: every variant reads from the same text.
            reading.append(pool.submit(text_of, case.paper, pdf, settings, bench.readers))
            tick()
        return {case.id: text.result() for case, text in zip(cases, reading, strict=True)}
