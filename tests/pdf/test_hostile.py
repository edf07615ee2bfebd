"""Broken and hostile files cost their own text and nothing else, with either engine."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import get_args

import pytest

from pipeline.errors import PdfUnreadable
from pipeline.pdf.pages import Engine, RawText
from pipeline.pdf.pool import Readers
from tests.pdf import files

TIMEOUT_S = 2.0
MEMORY_MB = 400
GOOD = files.prose(3)
FILES: dict[str, Callable[[], bytes]] = {
    "cut at 30%": lambda: files.cut(GOOD, 0.3),
    "cut at 60%": lambda: files.cut(GOOD, 0.6),
    "cut at 90%": lambda: files.cut(GOOD, 0.9),
    **{f"50 bits flipped, {n}": partial(files.flipped, GOOD, 50, n) for n in range(6)},
    **{f"0.1% flipped, {n}": partial(files.flipped, GOOD, len(GOOD) // 1000, n) for n in (1, 2)},
    "HTML": lambda: b"<!DOCTYPE html><html><body>Not found</body></html>",
    "empty": lambda: b"",
    "user password": lambda: files.encrypted("secret"),
    "content bomb": lambda: files.content_bomb(600),
    "content bomb, deflated twice": lambda: files.twice_deflated_bomb(600),
    "run-length bomb": lambda: files.run_length_bomb(300),
    "many streams": lambda: files.many_streams_bomb(70, 20),
    "object stream bomb": lambda: files.object_stream_bomb(600),
    "text without end": lambda: files.text_bomb(40),
    "page tree 10^5 deep": lambda: files.deep_tree(100_000),
    "page tree loop": files.tree_loop,
    "xref loop": files.xref_loop,
    "recursive form": files.recursive_form,
    "forms that draw forms": lambda: files.form_tree(8),
}
NOTHING_LEFT = {
    "HTML",
    "empty",
    "user password",
    "content bomb",
    "content bomb, deflated twice",
    "many streams",
    "object stream bomb",
    "page tree loop",
}
"""No engine can find text in these."""


@pytest.fixture(scope="module")
def readers() -> Iterator[Readers]:
    with Readers(1, timeout_s=TIMEOUT_S, memory_mb=MEMORY_MB) as readers:
        yield readers


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The file of that name, made once for both engines."""
    folder = tmp_path_factory.mktemp("hostile")

    def make(name: str) -> Path:
        path = folder / f"{list(FILES).index(name)}.pdf"
        return path if path.exists() else files.save(folder, path.name, FILES[name]())

    return make


@pytest.mark.parametrize("engine", get_args(Engine))
@pytest.mark.parametrize("name", FILES)
def test_costs_one_paper(
    name: str, engine: Engine, readers: Readers, made: Callable[[str], Path], tmp_path: Path
) -> None:
    path, good = made(name), files.save(tmp_path, "good.pdf", GOOD)
    started = time.monotonic()
    found: RawText | None = None
    try:
        found = readers.read(path, engine, 40)
    except PdfUnreadable as error:
        assert error.where == path.name
        assert error.what
    assert time.monotonic() - started < TIMEOUT_S + 2
    if name in NOTHING_LEFT:
        assert found is None
    after = readers.read(good, engine, 40)
    assert [page.text.split()[1] for page in after.pages] == ["1", "2", "3"]
