"""The human-written entries that a prompt shows, and which of them for which paper.

Of a digest, or of a folder of them. `first` shows the same ones to every paper, which a provider's
prefix cache likes; `diverse` too, but such that are far from each other; `nearest` those whose
title and abstract are nearest to the paper's, the nearest last. No paper is shown its own entry.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from pydantic import Field

from pipeline.digest.before import before_file, read_before
from pipeline.digest.dated import date_of
from pipeline.digest.markdown import Entry, load
from pipeline.errors import UsageError
from pipeline.records import Paper, Record
from pipeline.text.reply import LINE, TAGS
from pipeline.text.untrusted import as_data

if TYPE_CHECKING:
    from pipeline.text.nearness import Nearness

_VERSION = re.compile(r"v\d+$")
MOST = 20
"""Examples in a prompt at the most."""


class FewShot(Record):
    """Which human-written entries go into the prompt, but never the paper itself."""

    file: Path
    """A digest, or a folder of them; beside the prompt."""
    count: int = Field(ge=1, le=MOST)
    choose: Literal["first", "nearest", "diverse"] = "first"
    since: dt.date | None = None
    """Of a folder only the digests from that day on: the style of references jumps."""


class Shown(NamedTuple):
    """A human-written entry that a prompt may show."""

    arxiv_id: str
    """Without a version."""
    entry: Entry
    before: str
    """The model's line that it took the place of; empty where none is known."""

    @property
    def words(self) -> str:
        """What nearness is told by."""
        return f"{self.entry.title} {self.entry.abstract}"


class Examples:
    """Those of a variant. It can be pickled: what is derived is made again where it is needed."""

    def __init__(self, few: FewShot, files: tuple[Path, ...], entries: tuple[Shown, ...]) -> None:
        self._few = few
        self._files = files
        self._entries = entries

    def __getstate__(self) -> dict[str, Any]:
        return {name: self.__dict__[name] for name in ("_few", "_files", "_entries")}

    @property
    def content(self) -> bytes:
        """All that they are made from, for a variant's hash."""
        whole = b""
        for file in self._files:
            whole += file.read_bytes()
            if before_file(file).is_file():
                whole += before_file(file).read_bytes()
        return whole

    @property
    def days(self) -> tuple[dt.date, ...]:
        """Of the digests. Raises UsageError where a name has no date."""
        return tuple(map(date_of, self._files))

    @property
    def lines(self) -> tuple[tuple[str, str], ...]:
        """Base id and line of every one."""
        return tuple((one.arxiv_id, one.entry.line) for one in self._entries if one.entry.line)

    @property
    def shown(self) -> tuple[Entry, ...]:
        """Those that a paper which is not among them may see."""
        if self._few.choose == "nearest":
            return tuple(one.entry for one in self._entries)
        return tuple(self._entries[at].entry for at in self._order[: self._few.count])

    def for_paper(self, paper: Paper) -> list[Mapping[str, str]]:
        """As a template sees them."""
        order = self._order
        if self._few.choose == "nearest":
            near = self._nearness.to(f"{paper.title} {paper.abstract}")
            order = sorted(range(len(self._entries)), key=lambda at: (-near[at], at))
        others = [at for at in order if self._entries[at].arxiv_id != paper.arxiv_id]
        chosen = others[: self._few.count]
        if self._few.choose == "nearest":
            chosen.reverse()
        return [self._as_shown[at] for at in chosen]

    @cached_property
    def _order(self) -> Sequence[int]:
        """In which they are shown to every paper."""
        if self._few.choose != "diverse" or not self._entries:
            return range(len(self._entries))
        nearness = self._nearness
        near = [nearness.to(one.words) for one in self._entries]
        order = [max(range(len(near)), key=lambda at: (float(near[at].sum()), -at))]
        reached = near[order[0]].copy()
        while len(order) < min(len(near), MOST + 1):  # one more: the paper may be among them
            reached[order] = 2.0
            order.append(int(reached.argmin()))
            reached = reached.clip(min=near[order[-1]])
        return order

    @cached_property
    def _nearness(self) -> Nearness:
        from pipeline.text.nearness import Nearness  # numpy takes as long as all else together

        return Nearness([one.words for one in self._entries])

    @cached_property
    def _as_shown(self) -> Sequence[Mapping[str, str]]:
        return [_as_shown(one) for one in self._entries]


def load_examples(few: FewShot, file: Path) -> Examples:
    """Those of a digest, or of a folder's; of several entries for one paper the latest.

    Raises DigestFormatError, UsageError.
    """
    files = _files(few, file)
    by_paper: dict[str, Shown] = {}
    for one in files:
        before = read_before(one)
        for entry in load(one).entries:
            if entry.line:
                arxiv_id = _VERSION.sub("", entry.versioned)
                was = before[arxiv_id].line if arxiv_id in before else ""
                by_paper[arxiv_id] = Shown(arxiv_id, entry, was)
    return Examples(few, files, tuple(by_paper.values()))


def _files(few: FewShot, file: Path) -> tuple[Path, ...]:
    if not file.is_dir():
        return (file,)
    digests = sorted((date_of(one), one) for one in file.rglob("*.md"))
    files = tuple(one for date, one in digests if few.since is None or date >= few.since)
    if not files:
        since = f" since {few.since}" if few.since else ""
        raise UsageError(f"no digest (*.md) in this folder{since}", where=file)
    return files


def _as_shown(one: Shown) -> Mapping[str, str]:
    """Read-only: what one paper's template did with it would be in the next one's prompt."""
    entry = one.entry
    shown = {
        "title": as_data(entry.title),
        "abstract": as_data(entry.abstract),
        "before": as_data(one.before),
        "reply": json.dumps({TAGS: entry.tags, LINE: entry.line}, ensure_ascii=False),
    }
    return MappingProxyType(shown)
