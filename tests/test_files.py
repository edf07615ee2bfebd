from __future__ import annotations

import datetime as dt
import errno
import os
import stat
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from pipeline.errors import OutputError
from pipeline.files import cannot_write, replacing, replacing_path, sweep, write_atomic

LONG_AGO = 1_000_000_000


def test_a_new_file_is_written_with_its_folders(tmp_path: Path) -> None:
    target = tmp_path / "2026" / "04" / "30.md"

    assert write_atomic(target, "简介\n".encode()) is True

    assert target.read_text(encoding="utf-8") == "简介\n"
    assert list(target.parent.iterdir()) == [target]


def test_other_content_replaces_the_file(tmp_path: Path) -> None:
    target = tmp_path / "a.md"
    target.write_bytes(b"old and longer")

    assert write_atomic(target, b"new") is True

    assert target.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("content", [b"same", b""])
def test_the_same_content_touches_nothing(tmp_path: Path, content: bytes) -> None:
    target = tmp_path / "a.md"
    write_atomic(target, content)
    os.utime(target, (LONG_AGO, LONG_AGO))
    before = target.stat()

    assert write_atomic(target, content) is False

    after = target.stat()
    assert (after.st_mtime, after.st_ino) == (LONG_AGO, before.st_ino)


def test_an_empty_file_is_a_file(tmp_path: Path) -> None:
    assert write_atomic(tmp_path / "a.md", b"") is True
    assert (tmp_path / "a.md").read_bytes() == b""


def test_everybody_may_read_the_file(tmp_path: Path) -> None:
    target = tmp_path / "a.md"

    write_atomic(target, b"x")

    assert stat.S_IMODE(target.stat().st_mode) == 0o644


def test_a_reader_of_the_old_file_keeps_it_whole(tmp_path: Path) -> None:
    target = tmp_path / "a.md"
    target.write_bytes(b"old")

    with target.open("rb") as reader:
        write_atomic(target, b"new")

        assert reader.read() == b"old"


def test_a_place_under_a_file_is_an_output_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"in the way")
    target = tmp_path / "file" / "a.md"

    with pytest.raises(OutputError) as caught:
        write_atomic(target, b"x")

    assert caught.value.where == str(target)
    assert "cannot be written" in str(caught.value)
    assert caught.value.fix
    assert (tmp_path / "file").read_bytes() == b"in the way"


def test_a_folder_in_the_files_place_is_an_output_error(tmp_path: Path) -> None:
    target = tmp_path / "a.md"
    target.mkdir()

    with pytest.raises(OutputError, match=r"a\.md: cannot be written"):
        write_atomic(target, b"x")

    assert list(tmp_path.iterdir()) == [target]


def test_a_name_that_is_too_long_is_an_output_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="too long"):
        write_atomic(tmp_path / ("a" * 300), b"x")

    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    """A limit on file size stands for the full disk: it also fails the write half-way."""
    target = tmp_path / "a.md"
    target.write_bytes(b"old")
    program = textwrap.dedent("""
        import resource, signal, sys
        from pathlib import Path
        from pipeline.errors import OutputError
        from pipeline.files import write_atomic

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        try:
            write_atomic(Path(sys.argv[1]), b"x" * 5000)
        except OutputError as error:
            print(error)
    """)

    run = subprocess.run(
        [sys.executable, "-B", "-c", program, str(target)],
        capture_output=True,
        text=True,
        check=True,
    )

    assert run.stdout.startswith(f"{target}: cannot be written: ")
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_an_interrupted_write_leaves_the_old_file_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "a.md"
    target.write_bytes(b"old")

    def interrupted(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)

    with pytest.raises(KeyboardInterrupt):
        write_atomic(target, b"new")

    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_the_systems_reason_is_part_of_the_message() -> None:
    error = cannot_write(Path("/x/a.md"), OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))

    assert str(error).startswith("/x/a.md: cannot be written: No space left on device. Make room")
    assert cannot_write(Path("/x"), OSError("odd")).what == "cannot be written: odd"


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.ENOSPC, "Make room"),
        (errno.EDQUOT, "Make room"),
        (errno.EACCES, "Give permission"),
        (errno.EROFS, "Give permission"),
        (errno.ENOTDIR, "See to that place"),
        (errno.EIO, "See to that place"),
    ],
)
def test_room_is_asked_for_only_where_it_is_lacking(number: int, remedy: str) -> None:
    error = cannot_write(Path("/x"), OSError(number, os.strerror(number)))

    assert error.fix.startswith(f"{remedy} (paths in config.yaml), then run again")
    assert ("room" in error.fix) == (remedy == "Make room")


def test_what_opens_its_file_by_name_gets_one_and_puts_it_in_place(tmp_path: Path) -> None:
    target = tmp_path / "new" / "a.db"

    with replacing_path(target) as beside:
        assert beside.read_bytes() == b""
        beside.write_bytes(b"whole")
        assert not target.exists()

    assert target.read_bytes() == b"whole"
    assert list(target.parent.iterdir()) == [target]


def test_a_file_is_replaced_when_the_block_ends_well(tmp_path: Path) -> None:
    target = tmp_path / "new" / "a.pdf"

    with replacing(target) as file:
        file.write(b"abc")
        file.seek(0)
        file.truncate()
        file.write(b"xy")
        assert not target.exists()

    assert target.read_bytes() == b"xy"
    assert stat.S_IMODE(target.stat().st_mode) == 0o644
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.parametrize("error", [ValueError("bad"), KeyboardInterrupt(), OutputError("full")])
def test_an_error_in_the_block_leaves_the_old_file_and_no_other(
    tmp_path: Path, error: BaseException
) -> None:
    target = tmp_path / "a.pdf"
    target.write_bytes(b"old")

    with pytest.raises(type(error)) as caught, replacing(target) as file:
        file.write(b"new")
        raise error

    assert caught.value is error
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_system_error_in_the_block_is_an_output_error(tmp_path: Path) -> None:
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with (
        pytest.raises(OutputError, match=r"a\.pdf: cannot be written: No space left"),
        replacing(tmp_path / "a.pdf"),
    ):
        raise full

    assert list(tmp_path.iterdir()) == []


def test_only_old_unfinished_files_are_swept(tmp_path: Path) -> None:
    now = dt.datetime(2026, 1, 6, tzinfo=dt.UTC)
    ages = {
        ".a.pdf.x.part": 3601,
        ".a.x.part-wal": 3601,
        ".b.pdf.x.part": 3599,
        "c.part": 9999,
        ".d": 9999,
        "e.pdf": 9999,
    }
    for name, age in ages.items():
        (tmp_path / name).write_bytes(b"half")
        os.utime(tmp_path / name, (now.timestamp() - age, now.timestamp() - age))
    (tmp_path / ".folder.part").mkdir()
    os.utime(tmp_path / ".folder.part", (0, 0))

    sweep(tmp_path, now)

    assert {path.name for path in tmp_path.iterdir()} == set(ages) - {
        ".a.pdf.x.part",
        ".a.x.part-wal",
    } | {".folder.part"}


def test_there_is_nothing_to_sweep_in_no_folder(tmp_path: Path) -> None:
    sweep(tmp_path / "none", dt.datetime.now(dt.UTC))

    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_write_leaves_is_what_is_swept(tmp_path: Path) -> None:
    program = textwrap.dedent("""
        import os, signal, sys
        from pathlib import Path
        from pipeline.files import replacing

        with replacing(Path(sys.argv[1])) as file:
            file.write(b"half")
            os.kill(os.getpid(), signal.SIGKILL)
    """)
    run = subprocess.run(
        [sys.executable, "-B", "-c", program, str(tmp_path / "a.pdf")], check=False
    )
    assert run.returncode < 0
    assert len(list(tmp_path.iterdir())) == 1

    sweep(tmp_path, dt.datetime.now(dt.UTC) + dt.timedelta(hours=2))

    assert list(tmp_path.iterdir()) == []
