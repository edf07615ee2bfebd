"""The cache of PDFs stays within its bound."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from pipeline.stages.download import prune

MEGABYTE = 1_000_000


def fill(cache: Path, *names: str, size: int = MEGABYTE) -> None:
    """Files of `size` bytes, the longest unused first."""
    for age, name in enumerate(names):
        path = cache / name
        with path.open("wb") as file:
            file.truncate(size)
        os.utime(path, (1_000_000_000 + age, 1_000_000_000 + age))


def left(cache: Path) -> set[str]:
    return {path.name for path in cache.iterdir()}


@pytest.mark.parametrize(
    ("max_mb", "expected"),
    [(1, {"c.pdf"}), (2, {"a.pdf", "c.pdf"}), (3, {"a.pdf", "b.pdf", "c.pdf"})],
)
def test_the_longest_unused_go_first(tmp_path: Path, max_mb: int, expected: set[str]) -> None:
    fill(tmp_path, "b.pdf", "a.pdf", "c.pdf")

    prune(tmp_path, max_mb)

    assert left(tmp_path) == expected


def test_no_more_goes_than_must(tmp_path: Path) -> None:
    fill(tmp_path, "a.pdf", size=10)
    fill(tmp_path, "b.pdf", size=MEGABYTE)

    prune(tmp_path, 1)
    assert left(tmp_path) == {"b.pdf"}

    prune(tmp_path, 1)
    assert left(tmp_path) == {"b.pdf"}


def test_files_in_use_stay_though_they_are_the_oldest(tmp_path: Path) -> None:
    fill(tmp_path, "a.pdf", "b.pdf", "c.pdf")

    prune(tmp_path, 1, keep={tmp_path / "a.pdf"})

    assert left(tmp_path) == {"a.pdf"}


def test_files_in_use_stay_though_they_are_too_many(tmp_path: Path) -> None:
    fill(tmp_path, "a.pdf", "b.pdf", "c.pdf")

    prune(tmp_path, 1, keep={tmp_path / "a.pdf", tmp_path / "c.pdf"})

    assert left(tmp_path) == {"a.pdf", "c.pdf"}


def test_nothing_but_pdfs_is_touched(tmp_path: Path) -> None:
    fill(tmp_path, "notes.txt", ".a.pdf.x.part", "a.pdf", "b.pdf")

    prune(tmp_path, 1)

    assert left(tmp_path) == {"notes.txt", ".a.pdf.x.part", "b.pdf"}


def test_no_folder_is_an_empty_one(tmp_path: Path) -> None:
    prune(tmp_path / "none", 1)

    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_named_like_a_pdf_is_none(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").mkdir()
    os.utime(tmp_path / "a.pdf", (0, 0))
    fill(tmp_path, "b.pdf", "c.pdf")

    prune(tmp_path, 1)

    assert left(tmp_path) == {"a.pdf", "c.pdf"}


def test_several_may_prune_at_once(tmp_path: Path) -> None:
    fill(tmp_path, *[f"{number:03}.pdf" for number in range(200)], size=100_000)
    failures: list[BaseException] = []
    ready = threading.Barrier(4)

    def run() -> None:
        ready.wait(5)
        try:
            prune(tmp_path, 10)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)

    assert failures == []
    assert "199.pdf" in left(tmp_path)
    assert len(left(tmp_path)) == 100
