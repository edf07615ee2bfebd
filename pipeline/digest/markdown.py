"""The digest's own Markdown: parsed and rendered, byte for byte.

The format is that of a public series of digests (`prompts/examples/`)::

    # 音频 cs.SD;  eess.AS            categories as written, two spaces and all

    - **最新发布 20 篇**

    - **更新 6 篇**

    ## 最新发布

    #### [new 001] Title             numbers restart under 更新
    - **分类: cs.SD; cs.AI**          may wrap over lines

    - **简介: 该论文……。**            missing while the paper is owed (待补); may wrap

    - **链接: [URL](URL)**

    > **作者:** A. Author; B. Author
    >
    > **备注:** 5 pages               missing where arXiv has no comment
    >
    > **摘要:** One line.
    >
    ---
    ## 更新

Parsing goes line by line and looks only at line starts: an entry can never receive its neighbour's
field. `render(parse(text)) == text` for every text that parses, and what cannot be read back is
never written.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NoReturn

from pipeline.errors import DigestFormatError, OutputError, UsageError, one_line
from pipeline.records import Record, Section

HEADINGS = {Section.NEW: "最新发布", Section.REPLACED: "更新"}
_TAGS, _LINE, _LINK = "- **分类: ", "- **简介: ", "- **链接: "
_AUTHORS, _COMMENT, _ABSTRACT = "> **作者:** ", "> **备注:** ", "> **摘要:** "
_QUOTE_GAP, _RULE, _CLOSE = ">", "---", "**"
_STRUCTURE = ("#### [", "## ", _TAGS, _LINE, _LINK, "> ", _RULE)
"""Starts that no wrapped line of a value may have."""
_TITLE_LINE = re.compile(r"# (\S+) (.*)")
_COUNT_LINE = re.compile(r"- \*\*(\S+) (0|[1-9]\d*) 篇\*\*")
_ENTRY_LINE = re.compile(r"#### \[(new|replaced) (\d+)\] (.*)")
_URL = re.compile(r"https?://arxiv\.org/pdf/\S+")


class Entry(Record):
    """One paper as the file has it: texts are kept as written, wrapped lines included."""

    section: Section
    number: int
    title: str
    tags_text: str
    line: str | None
    """简介; None when the paper is owed."""
    link: str
    authors_text: str
    comment: str | None
    abstract: str

    @property
    def tags(self) -> tuple[str, ...]:
        """分类, each once, in order."""
        return tuple(dict.fromkeys(_parts(self.tags_text)))

    @property
    def authors(self) -> tuple[str, ...]:
        """作者, in order."""
        return _parts(self.authors_text)

    @property
    def versioned(self) -> str:
        """The id as the link has it: with its version, or without."""
        return self.link.partition("/pdf/")[2]

    def is_about(self, versioned: str) -> bool:
        """Whether the link names this version, or the paper without a version."""
        return self.versioned in {versioned, re.sub(r"v\d+$", "", versioned)}


class Digest(Record):
    """A whole file."""

    name: str
    categories_text: str
    new: tuple[Entry, ...]
    replaced: tuple[Entry, ...]

    @property
    def categories(self) -> tuple[str, ...]:
        """The field's categories."""
        return _parts(self.categories_text)

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All entries in the order of the file."""
        return self.new + self.replaced

    def with_summary(
        self, versioned: str, *, line: str | None, tags: tuple[str, ...] | None = None
    ) -> Digest:
        """The digest with another line (and other tags, if given) for one paper.

        Raises UsageError when the digest has no such paper.
        """
        if not any(entry.is_about(versioned) for entry in self.entries):
            raise UsageError(
                f"{versioned} is not in the digest",
                where=f"{self.name} {self.categories_text}",
                fix="Write the digest again with: jianjie render",
            )

        def changed(entry: Entry) -> Entry:
            if not entry.is_about(versioned):
                return entry
            same = tags is None or tags == entry.tags
            tags_text = entry.tags_text if same else "; ".join(tags or ())
            return entry.model_copy(update={"line": line, "tags_text": tags_text})

        return self.model_copy(
            update={
                "new": tuple(changed(entry) for entry in self.new),
                "replaced": tuple(changed(entry) for entry in self.replaced),
            }
        )


def _parts(text: str) -> tuple[str, ...]:
    return tuple(part for raw in text.split(";") if (part := one_line(raw)))


def load(path: Path) -> Digest:
    """The digest in a file. Raises DigestFormatError, or OutputError when it cannot be read."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise OutputError(
            f"cannot be read: {one_line(error.strerror or error)}", where=path
        ) from error
    try:
        return parse(content.decode(), file=path)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DigestFormatError("not UTF-8", file=path, line=line) from error


def parse(text: str, *, file: str | Path = "<digest>") -> Digest:
    """The digest in `text`. Raises DigestFormatError with file and 1-based line, never guesses."""
    return _Reader(text, file).digest()


def render(digest: Digest) -> str:
    """The file's text. Raises DigestFormatError for a value that would not read back the same."""
    counts = "".join(
        f"- **{HEADINGS[section]} {len(entries)} 篇**\n\n" for section, entries in _sections(digest)
    )
    body = "".join(
        f"## {HEADINGS[section]}\n\n" + "".join(map(_render_entry, entries))
        for section, entries in _sections(digest)
    )
    text = f"# {digest.name} {digest.categories_text}\n\n{counts}{body}"
    if parse(text) != digest:
        raise DigestFormatError(
            "a value would read back as something else", file="<digest>", line=1
        )
    return text


def _sections(digest: Digest) -> tuple[tuple[Section, tuple[Entry, ...]], ...]:
    return (Section.NEW, digest.new), (Section.REPLACED, digest.replaced)


def _render_entry(entry: Entry) -> str:
    line = "" if entry.line is None else f"{_LINE}{entry.line}{_CLOSE}\n\n"
    comment = "" if entry.comment is None else f"{_COMMENT}{entry.comment}\n{_QUOTE_GAP}\n"
    return (
        f"#### [{entry.section.value} {entry.number:03d}] {entry.title}\n"
        f"{_TAGS}{entry.tags_text}{_CLOSE}\n\n"
        f"{line}"
        f"{_LINK}[{entry.link}]({entry.link}){_CLOSE}\n\n"
        f"{_AUTHORS}{entry.authors_text}\n{_QUOTE_GAP}\n"
        f"{comment}"
        f"{_ABSTRACT}{entry.abstract}\n{_QUOTE_GAP}\n"
        f"{_RULE}\n"
    )


class _Reader:
    """A cursor over the lines; every step either takes what must stand there or fails."""

    def __init__(self, text: str, file: str | Path) -> None:
        # Only line feeds end lines: U+2028, U+0085 and form feeds occur inside fields.
        self._lines = text.split("\n")
        self._file = file
        self._at = 0

    def digest(self) -> Digest:
        if self._lines[0].endswith("\r"):
            self._fail("lines that end with a line feed alone (the file has CR LF)")
        found = _TITLE_LINE.fullmatch(self._here)
        if found is None:
            self._fail("# NAME CATEGORIES")
        self._at += 1
        self._take("")
        counts = {section: self._count(heading) for section, heading in HEADINGS.items()}
        entries = {section: self._section(section, counts[section]) for section in HEADINGS}
        self._take("")
        if self._at != len(self._lines):
            self._fail("the end of the file")
        return Digest(
            name=found[1],
            categories_text=found[2],
            new=entries[Section.NEW],
            replaced=entries[Section.REPLACED],
        )

    def _count(self, heading: str) -> int:
        found = _COUNT_LINE.fullmatch(self._here)
        if found is None or found[1] != heading:
            self._fail(f"- **{heading} N 篇**")
        self._at += 1
        self._take("")
        return int(found[2])

    def _section(self, section: Section, count: int) -> tuple[Entry, ...]:
        self._take(f"## {HEADINGS[section]}")
        self._take("")
        entries: list[Entry] = []
        while self._here.startswith("#### "):
            entries.append(self._entry(section, len(entries) + 1))
        if len(entries) != count:
            self._fail(f"{count} entries under {HEADINGS[section]}, as the header says")
        return tuple(entries)

    def _entry(self, section: Section, number: int) -> Entry:
        found = _ENTRY_LINE.fullmatch(self._here)
        if found is None or (found[1], found[2]) != (section.value, f"{number:03d}"):
            self._fail(f"#### [{section.value} {number:03d}] TITLE")
        self._at += 1
        tags_text = self._wrapped(_TAGS, before=(_LINE, _LINK))
        line = self._wrapped(_LINE, before=(_LINK,)) if self._here.startswith(_LINE) else None
        link = self._link()
        authors = self._quoted(_AUTHORS)
        comment = self._quoted(_COMMENT) if self._here.startswith(_COMMENT) else None
        abstract = self._quoted(_ABSTRACT)
        self._take(_RULE)
        return Entry(
            section=section,
            number=number,
            title=found[3],
            tags_text=tags_text,
            line=line,
            link=link,
            authors_text=authors,
            comment=comment,
            abstract=abstract,
        )

    def _wrapped(self, label: str, before: tuple[str, ...]) -> str:
        """A bold value, closed by the first ** that a blank line and the next field follow."""
        if not self._here.startswith(label):
            self._fail(f"{label}…{_CLOSE}")
        taken = [self._here.removeprefix(label)]
        while not (taken[-1].endswith(_CLOSE) and self._follows("", before)):
            self._at += 1
            if self._at >= len(self._lines) or self._here.startswith(_STRUCTURE):
                self._fail(f"the rest of {label}…{_CLOSE}, then a blank line and the next field")
            taken.append(self._here)
        self._at += 2
        return "\n".join(taken).removesuffix(_CLOSE)

    def _follows(self, gap: str, starts: tuple[str, ...]) -> bool:
        after = self._lines[self._at + 1 : self._at + 3]
        return len(after) == 2 and after[0] == gap and after[1].startswith(starts)

    def _link(self) -> str:
        """[URL](URL), the same address twice."""
        inner = self._here.removeprefix(_LINK).removesuffix(_CLOSE)
        url = inner[1 : len(inner) // 2 - 1]
        if self._here != f"{_LINK}[{url}]({url}){_CLOSE}" or not _URL.fullmatch(url):
            self._fail(f"{_LINK}[URL](URL){_CLOSE} with one arxiv.org/pdf address twice")
        self._at += 1
        self._take("")
        return url

    def _quoted(self, label: str) -> str:
        if not self._here.startswith(label):
            self._fail(f"{label}…")
        value = self._here.removeprefix(label)
        self._at += 1
        self._take(_QUOTE_GAP)
        return value

    @property
    def _here(self) -> str:
        return self._lines[self._at] if self._at < len(self._lines) else ""

    def _take(self, wanted: str) -> None:
        if self._at >= len(self._lines) or self._here != wanted:
            self._fail(wanted or "a blank line")
        self._at += 1

    def _fail(self, wanted: str) -> NoReturn:
        ended = self._at >= len(self._lines)
        found = "the end of the file" if ended else repr(self._here[:60])
        raise DigestFormatError(
            f"expected {wanted}, found {found}", file=self._file, line=self._at + 1
        )
