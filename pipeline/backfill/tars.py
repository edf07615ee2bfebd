"""PDFs out of arXiv's bulk tars, of which only those are opened that are needed.

The folder is a copy of the bucket's pdf/: `arXiv_pdf_manifest.xml` and `arXiv_pdf_YYMM_NNN.tar`
beside it. The manifest names each tar's first and last item and its md5; the items of a tar are in
the order of ids (info.arxiv.org/help/bulk_data_s3.html).
"""

from __future__ import annotations

import hashlib
import re
import tarfile
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

from pydantic import ValidationError

from pipeline.arxiv.ids import parse_id
from pipeline.arxiv.xml import read_xml
from pipeline.errors import ArxivMalformed, PdfError, PdfUnavailable, UsageError, one_line
from pipeline.files import cannot_write, replacing, write_atomic
from pipeline.records import Paper, Pdf, Record
from pipeline.stages.download import cached_file

MANIFEST = "arXiv_pdf_manifest.xml"
_LARGEST_MANIFEST = 64_000_000
_MEMBER = re.compile(r"(?:.*/)?((?:[a-z-]+)?[0-9]{4}\.?[0-9]{3,5})(?:v([1-9][0-9]*))?\.pdf")
_CHUNK = 1 << 20
_OPEN = 2
"""Tars that one worker keeps open: its papers come in the order of days."""


class Tar(Record):
    """A tar of the manifest."""

    file: str
    yymm: str
    first: str
    last: str
    """Base ids of its first and last item."""
    md5: str


def read_manifest(folder: Path) -> tuple[Tar, ...]:
    """The tars that are told of, whether they are here or not. Raises UsageError."""
    path = folder / MANIFEST
    try:
        root = read_xml(path.read_bytes(), _LARGEST_MANIFEST, "arXiv's manifest", str(path))
        tars = [
            Tar(
                file=Path(one.findtext("filename") or "").name,
                yymm=(one.findtext("yymm") or "").strip(),
                first=_id(one.findtext("first_item") or ""),
                last=_id(one.findtext("last_item") or ""),
                md5=(one.findtext("md5sum") or "").strip().lower(),
            )
            for one in root.iter("file")
        ]
    except FileNotFoundError as error:
        fix = f"Copy it from the bucket beside the tars: pdf/{MANIFEST}"
        raise UsageError("no such file", where=path, fix=fix) from error
    except (OSError, ArxivMalformed, ValidationError) as error:
        raise UsageError(
            f"is no manifest of arXiv's: {one_line(error)[:200]}", where=path
        ) from error
    if not tars:
        raise UsageError("names no tar", where=path, fix="Copy it again")
    return tuple(tars)


def needed(tars: Iterable[Tar], ids: Iterable[str]) -> tuple[Tar, ...]:
    """Those that have one of the papers, by base id."""
    wanted: dict[str, list[str]] = {}
    for base in ids:
        wanted.setdefault(_yymm(base), []).append(_key(base))
    return tuple(
        tar
        for tar in tars
        if any(_key(tar.first) <= one <= _key(tar.last) for one in wanted.get(tar.yymm, ()))
    )


def check(folder: Path, tars: Iterable[Tar], seen: Path, tell: Callable[[str], None]) -> None:
    """Each tar that is here against its md5, once: `seen` remembers. Raises UsageError."""
    known = set(seen.read_text(encoding="utf-8").splitlines()) if seen.exists() else set()
    for tar in tars:
        path = folder / tar.file
        if not path.exists():
            tell(f"{tar.file}: is not here; its papers are read from their abstracts")
            continue
        mark = f"{tar.file} {path.stat().st_size} {path.stat().st_mtime_ns} {tar.md5}"
        if mark in known:
            continue
        if _md5(path) != tar.md5:
            raise UsageError(
                "has not the md5 that the manifest names", where=path, fix="Download it again"
            )
        known.add(mark)
        write_atomic(seen, "".join(f"{one}\n" for one in sorted(known)).encode())


def _md5(path: Path) -> str:
    total = hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            total.update(chunk)
    return total.hexdigest()


class Tars:
    """The PDFs of a job's papers. Safe for many threads.

    Nothing is unpacked but regular files with a paper's name, of at most `most_mb`, into `place`.
    """

    def __init__(self, folder: Path, tars: Iterable[Tar], place: Path, most_mb: int) -> None:
        self._folder = folder
        self._tars = tuple(tar for tar in tars if (folder / tar.file).exists())
        self._place = place
        self._most = most_mb * 1_000_000
        self._lock = threading.Lock()
        self._open: dict[str, tuple[tarfile.TarFile, dict[str, tarfile.TarInfo]]] = {}

    def close(self) -> None:
        """Close the tars."""
        with self._lock:
            while self._open:
                self._open.popitem()[1][0].close()

    def pdf(self, paper: Paper) -> Pdf | None:
        """The paper's file, unpacked; None where no tar has it. Raises PdfError, OutputError."""
        target = cached_file(self._place, paper.versioned)
        for tar in needed(self._tars, [paper.arxiv_id]):
            try:
                with self._lock:
                    file, members = self._members(tar)
                    member = members.get(paper.versioned) or members.get(paper.arxiv_id)
                    if member is not None:
                        return self._unpacked(file, member, target)
            except (OSError, tarfile.TarError) as error:
                raise PdfUnavailable(
                    "its tar cannot be read", where=tar.file, said=error
                ) from error
        return None

    def _members(self, tar: Tar) -> tuple[tarfile.TarFile, dict[str, tarfile.TarInfo]]:
        if tar.file not in self._open:
            while len(self._open) >= _OPEN:
                oldest = next(iter(self._open))
                self._open.pop(oldest)[0].close()
            file = tarfile.open(self._folder / tar.file, "r:")  # noqa: SIM115 - kept open
            self._open[tar.file] = file, dict(_named(file))
        return self._open[tar.file]

    def _unpacked(self, file: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> Pdf:
        if member.size > self._most:
            raise PdfError("is larger than arxiv.max_pdf_mb", where=member.name)
        content = file.extractfile(member)
        if content is None:
            raise PdfError("is no file", where=member.name)
        total = hashlib.sha256()
        try:
            with replacing(target, durable=False) as copy:
                while chunk := content.read(_CHUNK):
                    total.update(chunk)
                    copy.write(chunk)
        except OSError as error:
            raise cannot_write(target, error) from error
        return Pdf(path=target, sha256=total.hexdigest(), size=member.size)


def _named(file: tarfile.TarFile) -> Iterable[tuple[str, tarfile.TarInfo]]:
    """The items by the paper's id, with its version where the name has one."""
    for member in file:
        match = _MEMBER.fullmatch(member.name)
        if match and member.isreg():
            version = f"v{match[2]}" if match[2] else ""
            yield _id(match[1]) + version, member


def _id(name: str) -> str:
    """The base id of an item: 2601.02954, math0309136 and math/0309136 alike.

    Raises nothing: what is none stays what it is.
    """
    bare = Path(name.strip()).name.removesuffix(".pdf") if "." in name else name.strip()
    old = re.fullmatch(r"([a-z-]+)/?([0-9]{7})", name.strip())
    try:
        return parse_id(f"{old[1]}/{old[2]}" if old else bare).base
    except UsageError:
        return bare


def _yymm(base: str) -> str:
    return base.rpartition("/")[2][:4]


def _key(base: str) -> str:
    """In whose order the items of a month's tars are: 2601.02954; math0309136."""
    return base.replace("/", "")
