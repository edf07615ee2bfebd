"""How well and how fast PDFs are read: the numbers of one folder, with ratios in one run.

    make bench-extract DIR=folder

Quality is told for every ID.pdf that has its true text beside it as ID.txt: the normalised
Levenshtein ratio and the word F1, for each engine raw and for what comes out after cleaning.
Speed is pages per second of raw pypdf in one process against the pool of workers in both orders.
"""

import logging
import resource
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pypdf
from rich.console import Console
from rich.table import Table

from pipeline.errors import PdfUnreadable
from pipeline.pdf.clean import clean
from pipeline.pdf.measure import ratio, word_f1
from pipeline.pdf.pages import Engine
from pipeline.pdf.pool import Readers
from pipeline.records import PaperText, Pdf
from pipeline.settings import ExtractSettings
from pipeline.stages.extract import extract

logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # its warnings are about files

ALL_PAGES = 1000
WORKERS = 2
FLAT = 1000
"""So many files are read for the main process's memory."""
OUT = Console(highlight=False)


def main(folder: Path) -> None:
    files = sorted(folder.glob("*.pdf"))
    if not files:
        sys.exit(f"no *.pdf in {folder}: give a folder with make bench-extract DIR=folder")
    with Readers(WORKERS) as readers:
        quality(files, readers)
        found(files, readers)
        memory(files, readers)
    speed(files)


def pages(readers: Readers, file: Path, engine: Engine) -> list[str]:
    return [page.text for page in readers.read(file, engine, ALL_PAGES).pages]


def quality(files: Sequence[Path], readers: Readers) -> None:
    table = Table(
        "paper", "pypdf", "pypdfium2", "cleaned", "worse than the better", title="quality"
    )
    cleaned: list[tuple[float, float]] = []
    for file in (f for f in files if f.with_suffix(".txt").exists()):
        truth = file.with_suffix(".txt").read_text(encoding="utf-8", errors="replace")
        raw = {e: pages(readers, file, e) for e in ("pypdf", "pypdfium2")}
        scores = [score("\n".join(text), truth) for text in raw.values()]
        ours = score(clean(raw["pypdf"]), truth)
        cleaned.append(ours)
        worse = max(s[0] for s in scores) - ours[0]
        table.add_row(
            file.stem, *(f"{r:.4f} / {f:.4f}" for r, f in [*scores, ours]), f"{worse:+.4f}"
        )
    if cleaned:
        OUT.print(table)
        median = [statistics.median(values) for values in zip(*cleaned, strict=True)]
        OUT.print(
            f"median ratio {median[0]:.4f}, word F1 {median[1]:.4f} ({len(cleaned)} papers)\n"
        )


def score(text: str, truth: str) -> tuple[float, float]:
    return ratio(text, truth), word_f1(text, truth)


def read(readers: Readers, file: Path, settings: ExtractSettings) -> PaperText | str:
    try:
        size = file.stat().st_size
        return extract(Pdf(path=file, sha256="", size=size), settings, readers)
    except PdfUnreadable as error:
        return error.what


def found(files: Sequence[Path], readers: Readers) -> None:
    table = Table("paper", "engine", "pages", "characters", "sections", "warnings", title="read")
    for file in files:
        text = read(readers, file, ExtractSettings())
        if isinstance(text, str):
            table.add_row(file.stem, "—", "", "", "", text)
            continue
        kinds = list(dict.fromkeys(section.kind for section in text.sections))
        row = (f"{text.pages_read}/{text.pages}", f"{text.characters:,}", " ".join(kinds))
        table.add_row(file.stem, text.engine, *row, "; ".join(text.warnings))
    OUT.print(table)


def speed(files: Sequence[Path]) -> None:
    count, seconds = timed(lambda: raw_pypdf(files))
    table = Table("what", "pages/s", "× raw pypdf", "cores busy", title="speed")
    table.add_row("raw pypdf, one process", f"{count / seconds:.1f}", "1.0", "")
    base = count / seconds
    for first in ("pypdf", "pypdfium2"):
        settings = ExtractSettings.model_validate({"first": first, "max_pages": ALL_PAGES})
        before = cpu()
        count, seconds = timed(partial(batch, files, settings))
        busy = (cpu() - before) / seconds
        rate = count / seconds
        table.add_row(
            f"{first} first, {WORKERS} workers", f"{rate:.1f}", f"{rate / base:.1f}", f"{busy:.1f}"
        )
    OUT.print(table)


def timed(work: Callable[[], int]) -> tuple[int, float]:
    start = time.perf_counter()
    return work(), time.perf_counter() - start


def raw_pypdf(files: Sequence[Path]) -> int:
    count = 0
    for file in files:
        try:
            with pypdf.PdfReader(file) as reader:
                for page in reader.pages:
                    page.extract_text()
                    count += 1
        except Exception as error:
            OUT.print(f"{file.name}: {error}")
    return count


def batch(files: Sequence[Path], settings: ExtractSettings) -> int:
    with Readers(WORKERS) as readers, ThreadPoolExecutor(WORKERS) as pool:
        texts = list(pool.map(lambda file: read(readers, file, settings), files))
        return sum(text.pages_read for text in texts if isinstance(text, PaperText))


def cpu() -> float:
    """Seconds of this process and of those that have ended, as a pool's have when it is closed."""
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(used.ru_utime + used.ru_stime for used in both)


def memory(files: Sequence[Path], readers: Readers) -> None:
    settings = ExtractSettings.model_validate({"first": "pypdfium2", "max_pages": 2})
    marks = []
    for number in range(FLAT):
        read(readers, files[number % len(files)], settings)
        if number in {FLAT // 10, FLAT - 1}:
            marks.append(resident_mb())
    OUT.print(
        f"main process: {marks[0]:.0f} MB after {FLAT // 10} files, {marks[1]:.0f} after {FLAT}"
    )


def resident_mb() -> float:
    pages_resident = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages_resident * resource.getpagesize() / 1e6


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 and sys.argv[1] else Path())
