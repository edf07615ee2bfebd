"""What the job that may write takes from a night that a file could have taken over."""

from __future__ import annotations

import io
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.schedule import unpack as module
from pipeline.schedule.unpack import ARCHIVE, NotUnpacked, unpack
from tests.conftest import ROOT


def entry(name: str, content: bytes = b"x", **changes: object) -> tuple[tarfile.TarInfo, bytes]:
    made = tarfile.TarInfo(name)
    made.size = len(content)
    for field, value in changes.items():
        setattr(made, field, value)
    return made, content


def tar(*entries: tuple[tarfile.TarInfo, bytes]) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for made, content in entries:
            archive.addfile(made, io.BytesIO(content) if made.isreg() else None)
    return file.getvalue()


def zipped(content: bytes, name: str = ARCHIVE) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return file.getvalue()


@pytest.fixture
def artifact(tmp_path: Path) -> Callable[[bytes], Path]:
    def put(content: bytes) -> Path:
        folder = tmp_path / "artifact"
        folder.mkdir()
        (folder / "outputs.zip").write_bytes(content)
        return folder

    return put


def test_files_and_folders_are_put_where_they_belong(
    artifact: Callable[[bytes], Path], tmp_path: Path
) -> None:
    folder = entry("./2026-01-07", b"", type=tarfile.DIRTYPE)
    files = (
        entry("./2026-01-07/音频.md", b"line\n"),
        entry("./.made-with"),
        entry("a/b/c", mode=0o4777),
    )
    unpack(
        artifact(zipped(tar(entry(".", b"", type=tarfile.DIRTYPE), folder, *files))), tmp_path / "o"
    )
    found = {
        str(path.relative_to(tmp_path / "o")): (path.read_bytes(), path.stat().st_mode & 0o7133)
        for path in (tmp_path / "o").rglob("*")
        if path.is_file()
    }
    assert found == {
        "2026-01-07/音频.md": (b"line\n", 0),
        ".made-with": (b"x", 0),
        "a/b/c": (b"x", 0),
    }


HOSTILE = {
    "link": [entry("site", b"", type=tarfile.SYMTYPE, linkname="/etc")],
    "link-then-file": [
        entry("site", b"", type=tarfile.SYMTYPE, linkname="/tmp"),
        entry("site/file"),
    ],
    "hard-link": [entry("a"), entry("b", b"", type=tarfile.LNKTYPE, linkname="a")],
    "device": [entry("null", b"", type=tarfile.CHRTYPE)],
    "fifo": [entry("pipe", b"", type=tarfile.FIFOTYPE)],
    "absolute": [entry("/etc/jianjie")],
    "up": [entry("../escaped")],
    "up-within": [entry("site/../../escaped")],
    "git": [entry(".git/config")],
    "git-within": [entry("site/.GIT/hooks/pre-commit")],
    "attributes": [entry(".gitattributes")],
    "workflow": [entry(".github/workflows/own.yml")],
    "twice": [entry("a"), entry("a", b"other")],
    "file-as-folder": [entry("a"), entry("a/b")],
    "line-end": [entry("a\n::add-mask::x")],
    "escape": [entry("a\x1b[2J")],
    "direction": [entry("a\u202egpj.exe")],
    "empty-part": [entry("a//b")],
    "dot": [entry("a/./b")],
    "long": [entry("a" * 300)],
}


@pytest.mark.parametrize("name", HOSTILE)
def test_of_an_archive_with_anything_else_nothing_stays(
    name: str, artifact: Callable[[bytes], Path], tmp_path: Path
) -> None:
    content = zipped(tar(entry("digest.md"), *HOSTILE[name]))
    with pytest.raises(NotUnpacked):
        unpack(artifact(content), tmp_path / "outputs")
    assert {path.name for path in tmp_path.iterdir()} == {"artifact"}


def test_bounds_of_number_and_size(
    artifact: Callable[[bytes], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = artifact(zipped(tar(*(entry(str(number), b"x" * 1000) for number in range(20)))))
    monkeypatch.setattr(module, "MOST_FILES", 19)
    with pytest.raises(NotUnpacked, match="more than 19 entries"):
        unpack(folder, tmp_path / "outputs")
    monkeypatch.setattr(module, "MOST_FILES", 20)
    monkeypatch.setattr(module, "MOST_BYTES", 20_000)
    with pytest.raises(NotUnpacked, match="more than 20,000 bytes"):
        unpack(folder, tmp_path / "outputs")
    monkeypatch.setattr(module, "MOST_BYTES", 100_000)
    unpack(folder, tmp_path / "outputs")
    assert len(list((tmp_path / "outputs").iterdir())) == 20


def test_an_entry_that_lies_about_its_size_gives_no_more(
    artifact: Callable[[bytes], Path], tmp_path: Path
) -> None:
    """A zip bomb: 10 MB that say they are 10 kB."""
    content = tar(entry("a", b"\0" * 10_000_000))
    big = zipped(content)
    lying = big.replace(len(content).to_bytes(4, "little"), (10_240).to_bytes(4, "little"))
    assert lying != big
    with pytest.raises(NotUnpacked):
        unpack(artifact(lying), tmp_path / "outputs")


@pytest.mark.parametrize(
    "content",
    [b"", b"PK\x03\x04", zipped(b"no tar"), zipped(tar(entry("a")), "other.tar")],
    ids=["empty", "cut", "no tar", "other name"],
)
def test_what_is_no_such_archive_is_refused(
    content: bytes, artifact: Callable[[bytes], Path], tmp_path: Path
) -> None:
    with pytest.raises(NotUnpacked, match="cannot be taken apart"):
        unpack(artifact(content), tmp_path / "outputs")


WHOLE = zipped(tar(entry("a/b", b"content"), entry("c", b"", type=tarfile.DIRTYPE)))


def damaged(content: bytes) -> st.SearchStrategy[bytes]:
    """The bytes with some of them others, or cut off."""
    places = st.lists(st.tuples(st.integers(0, len(content) - 1), st.integers(0, 255)), max_size=6)

    def change(changes: list[tuple[int, int]]) -> bytes:
        changed = bytearray(content)
        for place, value in changes:
            changed[place] = value
        return bytes(changed)

    return st.builds(lambda changes, end: change(changes)[:end], places, st.integers(0, 100_000))


@settings(max_examples=300, deadline=timedelta(seconds=5))
@given(
    damaged(WHOLE)
    | damaged(tar(entry("a/b", b"content"), entry("x" * 200, b"y"))).map(zipped)
    | st.binary(max_size=2000).map(zipped)
)
def test_whatever_the_bytes_are_they_are_refused_or_stay_below(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name, "artifact")
        folder.mkdir()
        (folder / "outputs.zip").write_bytes(content)
        try:
            unpack(folder, Path(name, "outputs"))
        except NotUnpacked:
            assert not Path(name, "outputs").exists()
        assert {path.name for path in Path(name).iterdir()} <= {"artifact", "outputs"}
        assert not any(path.is_symlink() for path in Path(name).rglob("*"))


def test_the_program_says_it_in_one_line_that_quotes_nothing(
    artifact: Callable[[bytes], Path], tmp_path: Path
) -> None:
    folder = artifact(zipped(tar(entry("::stop-commands::x"), entry("../y"))))
    program = ROOT / "pipeline/schedule/unpack.py"
    done = subprocess.run(
        [sys.executable, "-I", program, folder, tmp_path / "outputs"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "jianjie: the outputs of the night: entry 2 has a name that outputs never have."
        " Nothing of them is kept\n"
    )


def test_it_needs_nothing_that_is_not_pythons_own() -> None:
    text = (ROOT / "pipeline/schedule/unpack.py").read_text(encoding="utf-8")
    imported = {
        line.split()[1] for line in text.splitlines() if line.startswith(("import ", "from "))
    }
    assert imported <= sys.stdlib_module_names | {"__future__"}
