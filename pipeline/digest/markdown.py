"""The digest's own Markdown: parsed and rendered, byte for byte.

The format is that of a public series of digests (`prompts/examples/`)::

    # 音频 cs.SD;  eess.AS            categories as written, two spaces and all

    - **最新发布 20 篇**

    - **更新 6 篇**

    ## 最新发布

    #### [new 001] Title             numbers restart under 更新
    - **分类: cs.SD; cs.AI**          may wrap over lines

    - **简介: 该论文……。**            missing while the paper is owed (待补); may wrap

    - **链接: [URL](URL)**            or a PDF's name twice

    > **作者:** A. Author; B. Author
    >
    > **备注:** 5 pages               missing where arXiv has no comment
    >
    > **摘要:** One line.
    >
    ---
    ## 更新

Parsing looks only at line starts: an entry can never receive its neighbour's field. Always
`render(parse(text)) == text` and `parse(render(digest)) == digest`; the alternative is an error.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NoReturn

from pipeline.errors import DigestFormatError, UsageError, one_line
from pipeline.records import Record, Section

HEADINGS = {Section.NEW: "最新发布", Section.REPLACED: "更新"}
_TAGS, _LINE, _LINK = "- **分类: ", "- **简介: ", "- **链接: "
_AUTHORS, _COMMENT, _ABSTRACT = "> **作者:** ", "> **备注:** ", "> **摘要:** "
_QUOTE_GAP, _RULE, _CLOSE = ">", "---", "**"
_FIELD = ("- **", "> **")
_END = "\n"  # stands after the last line; no line has a line feed in it
_SHOWN = {"": "a blank line", _END: "the end of the file"}

# What ends an entry or starts a field: no wrapped line of a value may look like it, so that a
# field that is never closed is an error there and cannot swallow what follows.
_STOPS = (_END, _RULE, *(f"## {heading}" for heading in HEADINGS.values()))
_STARTS = ("#### [new ", "#### [replaced ", _TAGS, _LINE, _LINK, _AUTHORS, _COMMENT, _ABSTRACT)

_TITLE_LINE = r"# (\S+) (.*)"
# [0-9] and not \d, which takes ٢ and ２ too; a listing has hundreds of papers, never millions.
_COUNT_LINE = r"- \*\*{} (0|[1-9][0-9]{{0,5}}) 篇\*\*"
_ID = r"(?:[0-9]{4}\.[0-9]{4,5}|[a-z-]+(?:\.[A-Za-z-]+)?/[0-9]{7})(?:v[1-9][0-9]*)?"
_FILE = r"[\w%.,+=@~-]{1,250}\.pdf"
"""A file that lies with the digest, in place of an address: `reprocess paper.pdf`."""
_LINK_LINE = rf"{re.escape(_LINK)}\[(https?://arxiv\.org/pdf/{_ID}|{_FILE})\]\(\1\)\*\*"
_NEVER = re.compile("\r\n|[\ud800-\udfff]")  # a lone surrogate has no UTF-8


class Entry(Record):
    """One paper as the file has it: texts are kept as written, wrapped lines included."""

    section: Section
    number: int
    title: str
    tags_text: str
    """分类 as written; may hold line feeds and duplicates."""
    line: str | None
    """简介, may hold line feeds; None while the paper is owed (待补)."""
    link: str
    authors_text: str
    comment: str | None
    """备注; None when there is none."""
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
        """The id as the link has it: with its version, or without; or the file's name."""
        return self.link.partition("/pdf/")[2] or self.link


class Digest(Record):
    """A whole file."""

    name: str
    """The field's Chinese name, without white space."""
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

        A link without a version stands for every version, unless another link names this one.
        A paper that is listed twice with the same link gets the line twice. Tags that say what
        the entry says keep its spelling. Raises UsageError when the digest has no such paper.
        """
        named = {entry.versioned for entry in self.entries}
        name = versioned if versioned in named else re.sub(r"v[0-9]+\Z", "", versioned)
        if name not in named:
            fix = "Write the digest again with: jianjie render"
            raise UsageError(f"{versioned} is not in the digest", where=self.name, fix=fix)

        def changed(entry: Entry) -> Entry:
            if entry.versioned != name:
                return entry
            same = tags is None or tags == entry.tags
            tags_text = entry.tags_text if same else "; ".join(tags or ())
            return entry.model_copy(update={"line": line, "tags_text": tags_text})

        new, replaced = (tuple(map(changed, part)) for part in (self.new, self.replaced))
        return self.model_copy(update={"new": new, "replaced": replaced})


def _parts(text: str) -> tuple[str, ...]:
    return tuple(part for raw in text.split(";") if (part := one_line(raw)))


def load(path: Path) -> Digest:
    """The digest in a file. Raises DigestFormatError, or UsageError when it cannot be read."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot be read: {error.strerror or error}", where=path) from error
    try:
        return parse(content.decode(), file=path)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DigestFormatError("expected UTF-8 text", file=path, line=line) from error


def parse(text: str, *, file: str | Path = "<digest>") -> Digest:
    """The digest in `text`. Raises DigestFormatError with file and 1-based line, never guesses."""
    return _Reader(text, file).digest()


def render(digest: Digest) -> str:
    """The file's text.

    Raises DigestFormatError for a value that would not read back the same, such as a title with a
    line feed; it names the entry, and the line within the entry.
    """
    sections = {Section.NEW: digest.new, Section.REPLACED: digest.replaced}
    heading = f"# {digest.name} {digest.categories_text}\n\n" + "".join(
        f"- **{HEADINGS[part]} {len(entries)} 篇**\n\n" for part, entries in sections.items()
    )
    if _Reader(heading, "<heading>").heading()[:2] != (digest.name, digest.categories_text):
        raise DigestFormatError("would read back as another name", file="<heading>", line=1)
    return heading + "".join(
        f"## {HEADINGS[part]}\n\n"
        + "".join(_render_entry(entry, part, number) for number, entry in enumerate(entries, 1))
        for part, entries in sections.items()
    )


def _render_entry(entry: Entry, section: Section, number: int) -> str:
    """The entry's text, read back at once: reading never looks past an entry's rule."""
    line = "" if entry.line is None else f"{_LINE}{entry.line}{_CLOSE}\n\n"
    comment = "" if entry.comment is None else f"{_COMMENT}{entry.comment}\n{_QUOTE_GAP}\n"
    text = (
        f"#### [{entry.section.value} {entry.number:03d}] {entry.title}\n"
        f"{_TAGS}{entry.tags_text}{_CLOSE}\n\n"
        f"{line}{_LINK}[{entry.link}]({entry.link}){_CLOSE}\n\n"
        f"{_AUTHORS}{entry.authors_text}\n{_QUOTE_GAP}\n"
        f"{comment}{_ABSTRACT}{entry.abstract}\n{_QUOTE_GAP}\n{_RULE}\n"
    )
    where = f"[{section.value} {number:03d}] {entry.versioned}"
    if _Reader(text, where).entry(section, number) != entry:
        raise DigestFormatError("would read back as something else", file=where, line=1)
    return text


class _Reader:
    """A cursor over the lines; every step either takes what must stand there or fails."""

    def __init__(self, text: str, file: str | Path) -> None:
        # Only line feeds end lines: U+2028, U+0085 and form feeds occur inside fields.
        self._lines = [*text.split("\n"), _END]
        self._file = file
        self._at = 0
        if never := _NEVER.search(text):
            self._at = text.count("\n", 0, never.start())
            self._fail("UTF-8 text whose lines end with a line feed alone (no CR LF)")

    def digest(self) -> Digest:
        name, categories_text, counts = self.heading()
        new, replaced = (self._section(part, counts[part]) for part in HEADINGS)
        self._take("")
        self._take(_END)
        return Digest(name=name, categories_text=categories_text, new=new, replaced=replaced)

    def heading(self) -> tuple[str, str, dict[Section, int]]:
        """The field's name, its categories, and how many entries each section has."""
        match = self._match(_TITLE_LINE, "# NAME CATEGORIES")
        counts = {
            part: int(self._match(_COUNT_LINE.format(word), f"- **{word} N 篇**")[1])
            for part, word in HEADINGS.items()
        }
        return match[1], match[2], counts

    def entry(self, section: Section, number: int) -> Entry:
        """The entry that starts here, with its rule; the fields are read in the order written."""
        entry = Entry(
            section=section,
            number=number,
            title=self._after(f"#### [{section.value} {number:03d}] "),
            tags_text=self._wrapped(_TAGS, then=""),
            line=self._wrapped(_LINE, then=_FIELD) if self._here.startswith(_LINE) else None,
            link=self._match(_LINK_LINE, f"{_LINK}[URL](URL)**, one arxiv.org/pdf URL twice")[1],
            authors_text=self._quoted(_AUTHORS),
            comment=self._quoted(_COMMENT) if self._here.startswith(_COMMENT) else None,
            abstract=self._quoted(_ABSTRACT),
        )
        self._take(_RULE)
        return entry

    def _section(self, section: Section, count: int) -> tuple[Entry, ...]:
        self._take(f"## {HEADINGS[section]}")
        self._take("")
        entries: list[Entry] = []
        while self._here.startswith("#### "):
            entries.append(self.entry(section, len(entries) + 1))
        if len(entries) != count:
            self._fail(f"{count} entries under {HEADINGS[section]}, as the header says")
        return tuple(entries)

    def _wrapped(self, label: str, *, then: str | tuple[str, ...]) -> str:
        """A bold value, up to the first ** at a line's end with a blank line and `then` next."""
        stops = _STOPS if then else (*_STOPS, "")  # where any line may follow, a gap must close
        taken = [self._after(label)]
        while not (taken[-1].endswith(_CLOSE) and self._gap_before(then)):
            if self._here in stops or self._here.startswith(_STARTS):
                self._fail(f"the rest of {label}…{_CLOSE}, then a blank line and the next field")
            taken.append(self._here)
            self._at += 1
        self._at += 1
        return "\n".join(taken).removesuffix(_CLOSE)

    def _gap_before(self, then: str | tuple[str, ...]) -> bool:
        # Where this line is blank there is one after it: _END is not blank.
        return not self._here and self._lines[self._at + 1].startswith(then)

    def _quoted(self, label: str) -> str:
        value = self._after(label)
        self._take(_QUOTE_GAP)
        return value

    def _after(self, label: str) -> str:
        if not self._here.startswith(label):
            self._fail(f"{label}…")
        self._at += 1
        return self._lines[self._at - 1].removeprefix(label)

    def _match(self, pattern: str, form: str) -> re.Match[str]:
        """A whole line and the blank line after it."""
        if (match := re.fullmatch(pattern, self._here)) is None:
            self._fail(form)
        self._at += 1
        self._take("")
        return match

    def _take(self, form: str) -> None:
        if self._here != form:
            self._fail(_SHOWN.get(form, form))
        self._at += 1

    @property
    def _here(self) -> str:
        return self._lines[self._at]

    def _fail(self, form: str) -> NoReturn:
        here = _SHOWN[_END] if self._here == _END else repr(self._here[:60])
        what = f"expected {form}, found {here}"
        raise DigestFormatError(what, file=self._file, line=self._at + 1)
