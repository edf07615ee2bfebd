"""A cleaned text taken apart at its headings.

A heading is a line of its own with a known name, or one that carries on the numbering. `kind_of`
and `is_heading` judge a line by itself; `split` decides by the order of the lines too, for table
cells, lists and tables of contents are full of lines that could be headings.
"""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise
from typing import NamedTuple

from pipeline.records import SectionKind as Kind
from pipeline.records import TextSection as Section

MAX_HEADING = 90
"""Characters; longer lines are sentences."""
_MAX_WORDS = 13
_SMALL_CAPS = re.compile(r"(?<![A-Za-z])([A-Z]) (?=[A-Z]{2})")
_NUMBERED = re.compile(r"(\d{1,2}|[IVX]{1,5}|[A-H])([.):]?) ?(?=\S)")
_SUBSECTION = re.compile(r"(?:\d{1,2}|[A-H])(?:\.\d{1,2}){1,3}\.? ?(?=[^\W\d_])")
_RUN_IN = re.compile(
    r"(abstract|summary|a bstract|index terms|key ?words(?: and phrases)?|acknowledge?ments?)"
    r"\s?[—–:.-]+\s*(?=\w)",
    re.IGNORECASE,
)
_CONTENTS_LINE = re.compile(r"\.{4}|(?:\. ){4}")
_SENTENCE_END = (",", ";", ":", "-", "—", "?", "=")
_YEAR_OR_NUMBER = re.compile(r"\b(?:19|20)\d\d[a-z]?\b|\[\d{1,3}\]")
_APART = ("acknowledgements", "references", "appendix")
"""Kinds whose headings stay without a number in a numbered paper."""

_PATTERNS: tuple[tuple[Kind, str], ...] = (
    ("abstract", r"abstract$"),
    ("introduction", r"(?:general )?introduction(?: and [\w ]+|: .+)?$"),
    (
        "related",
        r"(?:[\w ]+ and )?(?:related|previous|prior|existing) (?:works?|research|studies)\b"
        r"|background\b|literature (?:review|survey)|state[ -]of[ -]the[ -]art$",
    ),
    (
        "acknowledgements",
        r"acknowledge?ments?(?: and [\w ]+)?$|funding$|author contributions$",
    ),
    (
        "references",
        r"references(?: and notes| cited)?$|bibliography$|literature cited$|works cited$"
        r"|literature$|références$|literatur(?:verzeichnis)?$|referencias$",
    ),
    (
        "appendix",
        r"appendi(?:x|ces)\b|supplement(?:ary|al)?\b(?: (?:materials?|information|notes?))?$",
    ),
    (
        "conclusion",
        r"(?:summary|discussions?)?(?: and |, |/)?(?:(?:our )?conclusions?\b|concluding )"
        r"|(?:general )?discussions?(?: and [\w ]+)?$|summ[ae]ry(?: and [\w ]+)?$",
    ),
    (
        "experiments",
        r"(?:\w+ )?(?:experiment|evaluation|result)|empirical |numerical (?:results|exp)"
        r"|case stud(?:y|ies)|findings$|ablation|benchmarks?\b",
    ),
    (
        "method",
        r"(?:\w+ ){0,3}(?:methods?|methodology|approach|framework|architecture)$"
        r"|methods?\b|methodology\b|materials and |proposed |our (?:method|approach|model)"
        r"|system (?:design|overview|architecture)|models?$|algorithms?$",
    ),
)
_NAMES = tuple((kind, re.compile(pattern, re.IGNORECASE)) for kind, pattern in _PATTERNS)


class _Line(NamedTuple):
    start: int
    heading: str
    end: int
    """Where the section's own text begins: after the line, or after "Abstract—"."""
    number: int | None
    style: str
    kind: Kind


def kind_of(heading: str) -> Kind:
    """The kind a heading's name speaks for, with or without a number; "other" if none."""
    return _kind(_without_number(repaired(heading)))


def _kind(name: str) -> Kind:
    name = name.rstrip(" .:")
    return next((kind for kind, pattern in _NAMES if pattern.match(name)), "other")


def is_heading(line: str) -> bool:
    """Whether a line alone could be a heading, subsections' among them; many others could too."""
    line = repaired(line)
    if not _is_short(line):
        return False
    if _SUBSECTION.match(line) or _numbered(line) or kind_of(line) != "other":
        return True
    letters = sum(map(str.isalpha, line))
    return line.isupper() and letters > 5 and letters > 0.8 * len(line)


def opens_section(line: str) -> bool:
    """Whether a line is a heading or begins with one, as "Abstract—" does."""
    return is_heading(line) or _RUN_IN.match(line) is not None


def repaired(line: str) -> str:
    """Small capitals put together again: "I NTRODUCTION" was one word."""
    return _SMALL_CAPS.sub(r"\1", line)


def split(text: str) -> tuple[Section, ...]:
    """The sections in order; what is before the first heading is of the kind "title".

    The text is what `clean` gives: a heading has a line of its own. Nothing is lost: headings
    and texts one after another are the text, white space and broken small capitals aside.
    """
    cuts = _chosen(_candidates(text), text)
    ends = [*(cut.start for cut in cuts[1:]), len(text)][: len(cuts)]
    first = text[: cuts[0].start if cuts else len(text)].strip()
    sections = [Section(heading="", kind="title", text=first)] if first else []
    sections += [
        Section(heading=cut.heading, kind=cut.kind, text=text[cut.end : end].strip())
        for cut, end in zip(cuts, ends, strict=False)  # there is an end without a cut
    ]
    return tuple(sections)


def _candidates(text: str) -> list[_Line]:
    lines: list[_Line] = []
    start = 0
    for line in text.split("\n"):
        if candidate := _candidate(line.strip(), start, len(line)):
            lines.append(candidate)
        start += len(line) + 1
    return _without_contents(lines)


def _candidate(line: str, start: int, length: int) -> _Line | None:
    if run_in := _RUN_IN.match(line):
        kind = _kind(run_in[1].replace(" ", ""))
        return _Line(start, run_in[0].strip(), start + run_in.end(), None, "run-in", kind)
    if not is_heading(line) or _SUBSECTION.match(line):
        return None
    line = repaired(line)
    number, style = _numbered(line) or (None, "capitals" if line.isupper() else "words")
    return _Line(start, line, start + length, number, style, kind_of(line))


def _is_short(line: str) -> bool:
    return (
        3 < len(line) <= MAX_HEADING
        and len(line.split()) <= _MAX_WORDS
        and not line.endswith(_SENTENCE_END)
        and not _CONTENTS_LINE.search(line)
        and not _without_number(line)[:1].islower()
    )


def _numbered(line: str) -> tuple[int, str] | None:
    """A top-level number and its style, if a name of letters comes after it."""
    match = _NUMBERED.match(line)
    if not match or line[match.end() - 1].isalpha():  # "Ideas", "2D"
        return None
    name = line[match.end() :]
    if line[match.end() - 1].isdigit() and _kind(name) == "other":
        return None  # a footnote's mark is glued to its text; rarely a heading's number is, too
    letters = sum(map(str.isalpha, name))
    if not name[0].isupper() or letters < 4 or letters < 0.7 * len(name.replace(" ", "")):
        return None
    digits = match[1]
    if digits.isdigit():
        return int(digits), "1" + match[2]
    if not set(digits) <= set("IVX"):
        return ord(digits) - 64, "A" + match[2]
    return _roman(digits), "I" + match[2]


def _roman(digits: str) -> int:
    values = [{"I": 1, "V": 5, "X": 10}[digit] for digit in digits]
    signs = [-1 if ours < after else 1 for ours, after in pairwise([*values, 0])]
    return sum(value * sign for value, sign in zip(values, signs, strict=True))


def _without_number(line: str) -> str:
    if _numbered(line) and (match := _NUMBERED.match(line)):
        return line[match.end() :]
    return line


def _without_contents(lines: list[_Line]) -> list[_Line]:
    """Four and more with nothing between them are a table of contents, or cells of another.

    The last of them has text after it, so it may be a heading.
    """
    groups: list[list[_Line]] = []
    for line in lines:
        if groups and line.start - groups[-1][-1].end < 3:
            groups[-1].append(line)
        else:
            groups.append([line])
    return [line for group in groups for line in (group if len(group) < 4 else group[-1:])]


def _chosen(lines: list[_Line], text: str) -> list[_Line]:
    references = _references(lines, text)
    limit = references[0].start if references else len(text)
    body = [line for line in lines if line.start < limit]
    front = _front(body, len(text))
    body = [line for line in body if line.start > (front[0].start if front else -1)]
    numbered = _chain(body)
    main = _main(numbered, body, len(text))
    terms = _terms(body, main[0].start if main else limit)
    tail = [line for line in lines if line.start > limit]
    apart = _apart(body, numbered, main) + _after_references(tail)
    return sorted({*front, *terms, *main, *apart, *references})


def _front(body: list[_Line], length: int) -> list[_Line]:
    """The abstract's heading, in the first third."""
    front = [line for line in body if _opens(line) and line.start < length / 3][:1]
    return [line._replace(kind="abstract") for line in front]


def _main(numbered: list[_Line], body: list[_Line], length: int) -> list[_Line]:
    """The numbered sections; where there are none to speak of, the named ones too."""
    return numbered if len(numbered) > 1 else sorted({*numbered, *_unnumbered(body, length)})


def _terms(body: list[_Line], begin: int) -> list[_Line]:
    """Index terms, which run in before the first section."""
    early = (line for line in body if line.style == "run-in" and line.start < begin)
    return [line for line in early if line.kind == "other"][:1]


def _apart(body: list[_Line], numbered: list[_Line], main: list[_Line]) -> list[_Line]:
    """What stands after the last section and before the references."""
    apart = [
        line
        for line in body
        if line.kind in _APART and numbered and line.start > numbered[-1].start
    ]
    if main and main[-1].style[0] != "I":  # sections I, II have subsections A, B
        apart += _lettered([line for line in body if line.start > main[-1].start])
    return apart


def _after_references(tail: list[_Line]) -> list[_Line]:
    return [line for line in tail if line.kind in ("acknowledgements", "appendix")] + _lettered(
        tail
    )


def _opens(line: _Line) -> bool:
    """An abstract's heading; some journals call it a summary."""
    return line.kind == "abstract" or (
        line.number is None and line.heading.upper().startswith("SUMMARY")
    )


def _references(lines: list[_Line], text: str) -> list[_Line]:
    """The last heading of that name, and earlier ones that a list of works follows."""
    named = [line for line in lines if line.kind == "references" and line.start >= len(text) / 3]
    listed = [
        line
        for line in named[:-1]
        if len(_YEAR_OR_NUMBER.findall(text, line.end, line.end + 1000)) > 4
    ]
    return listed + named[-1:]


def _chain(lines: list[_Line]) -> list[_Line]:
    """The best rise 1, 2, 3 ... in one style, at most one number missing at a time.

    A known name weighs more than one that is not; numbered affiliations and lists have none.
    """
    best: dict[tuple[str, int], _Link] = {}
    for line in lines:
        if line.number is None or line.style[0] == "A":
            continue
        before = [best.get((line.style, line.number - step)) for step in (1, 2)]
        link = max((link for link in before if link), key=_weight, default=None)
        if link is None and line.number > 1 and line.kind == "other":
            continue
        missing = link is not None and link.line.number != line.number - 1
        gain = (3 if line.kind != "other" else 1) - missing
        new = _Link(line, link, gain + (link.weight if link else 0))
        if new.weight > _weight(best.get((line.style, line.number))):
            best[line.style, line.number] = new
    chain = _unrolled(max(best.values(), key=_weight, default=None))
    names = sum(line.kind != "other" for line in chain)
    whole = bool(chain) and chain[0].kind == "introduction"
    return chain if names > 1 or whole or (names and len(chain) > 2) else []


class _Link(NamedTuple):
    line: _Line
    before: _Link | None
    weight: int


def _weight(link: _Link | None) -> int:
    return link.weight if link else 0


def _unrolled(link: _Link | None) -> list[_Line]:
    chain: list[_Line] = []
    while link is not None:
        chain.append(link.line)
        link = link.before
    return chain[::-1]


def _unnumbered(lines: list[_Line], length: int) -> list[_Line]:
    """Known names from the introduction on; in capitals, if they are, the others too."""
    named = [line for line in lines if line.kind != "other" and _is_title(line)]
    start = next((line.start for line in named if line.kind == "introduction"), 0)
    times = Counter(line.heading for line in named)
    named = [
        line
        for line in named
        if (line.start == start or line.kind != "introduction")
        and line.start >= start
        and times[line.heading] < 3  # else cells of a table
        and (line.kind != "conclusion" or line.start > length / 3)
    ]
    if sum(line.style == "capitals" for line in named) < 2:
        return named
    begin, names = named[0].start, set(named)
    return [
        line for line in lines if line in names or (line.style == "capitals" and line.start > begin)
    ]


def _is_title(line: _Line) -> bool:
    words = len(line.heading.split())
    return line.number is None and words <= (2 if line.heading.endswith(".") else 6)


def _lettered(lines: list[_Line]) -> list[_Line]:
    """Appendices A, B, C; names of authors in a list of works have commas."""
    chosen: list[_Line] = []
    for line in lines:
        if line.style[0] == "A" and line.number == len(chosen) + 1 and "," not in line.heading:
            chosen.append(line._replace(kind="appendix"))
    return chosen
