"""Pages as a reader of PDF gives them, made into one text: what typesetting did is undone.

Each step takes time linear in the text's length. `measure.py` has the numbers they were tuned by.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise

from pipeline.pdf.sections import MAX_HEADING, is_heading, opens_section

_MARGIN = 3
"""Lines at a page's top and at its bottom where heads and feet are looked for."""
_FORMULA_KEPT = 200
_NUMBERS_KEPT = 2000
"""Characters kept of a run of lines without words: of a formula, and of a table of numbers."""

_BREAK_MARK = re.compile(r"(?<=\w)[\x02\ufffe]\n?(?=\S|$)")  # pdfium's hyphen at a line's end
_UNWANTED = re.compile(
    "[\ud800-\udfff\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufffe\uffff]"
)
_LIGATURE = re.compile(r"[\ufb00-\ufb06]")
_ARROW_FOR_FF = re.compile(r"(?<=[a-z])↵|↵(?=[a-z])")  # what some fonts give for ff
_MARKS = dict(
    zip(
        "`´ˆ˜¨ˇ¸˙˚˝˘¯",
        "\u0300\u0301\u0302\u0303\u0308\u030c\u0327\u0307\u030a\u030b\u0306\u0304",
        strict=True,
    )
)
_DETACHED = re.compile(r"((?:[^\W\d_] ?)?)((?<=\w)`|[´ˆ˜¨ˇ¸˙˚˝˘¯])( ?)([A-Za-zıȷ]?)")
_LAST_EUROPEAN = "\u017f"  # beyond are letters that only formulas have, such as m with a dot
_VOWELS = tuple("aeiouAEIOUı")
_DOTLESS = str.maketrans("ıȷ", "ij")
_STAMP = re.compile(
    r"arXiv:\s?(?:\d{4}\.\d{4,5}|[a-z-]{2,12}(?:\.[A-Z]{2})?/\d{7})(?:v\d{1,2})?"
    r"(?:\s{1,4}\[[\w.-]{2,20}\])?(?:\s{1,4}\d{1,2}\s{1,3}[A-Z][a-z]{2,8}\s{1,3}\d{4})"
)
_STAMP_ALONE = re.compile(r"arXiv:\s?\S{7,25}(?: \[[\w.-]{2,20}\])?|\[[a-z-]+\.[A-Z]{2}\]")
_PAGE_NUMBER = re.compile(r"(?:[Pp]age )?[-–— ]{0,2}\d{1,4}[-–— ]{0,2}(?:(?:of|/) ?\d{1,4})?")
_FIRST_NUMBER = re.compile(r"(\d{1,4})(?: |$)")
_LAST_NUMBER = re.compile(r"(?:^| )(\d{1,4})$")
_DIGITS = re.compile(r"\d+")
_BROKEN = re.compile(r"(?<![^\W\d_])([^\W\d_]+)[-\u2010\u00ad]\n(?=([^\W\d_]+))")
_BROKEN_BEFORE_NUMBER = re.compile(r"(?<=\w)-\n(?=\d)")
_COMPOUND = re.compile(r"(?<![^\W\d_])([^\W\d_]+)-(?=([^\W\d_]+))")
_WORD = re.compile(r"[^\W\d_]+")
_LONG_WORD = re.compile(r"[^\W\d_]{3,}")
_INNER = frozenset(["the", "of", "to", "in", "and", "by", "on", "at", "for", "a", "an", "or"])
_EXPONENT = re.compile(  # a longer number before it makes it a product: 640 × 1025
    r"(?:(?<![\d.])(\d{1,2}(?:\.\d{1,9})?)|(?<!\d)(?<!\d ))"
    r"( ?)× ?10(?: ?([-−–]) ?)?(\d{1,2})(?!\d|[.,]\d)"
)
_PLAIN_NUMBERS = frozenset(("0", "00", "24", "80"))  # x 100, x 1000, x 1024, x 1080
_SENTENCE_END = re.compile(r"[.!?:][\"'”’)\]]?$")
_BULLET = re.compile(r"[•∙▪◦‣]|(?:Fig\.|Figure|Table|TABLE) ?\w{1,4}[.:]")
_GOES_ON = re.compile(
    r"(?:[,-]| (?:and|the|of|in|Sections?|Sect\.|Secs?\.|Tables?|Figs?\.|Figures?))$"
)


def clean(pages: Sequence[str]) -> str:
    """The pages' whole text, a paragraph or a heading on each line.

    Gone are control codes, arXiv's side stamp, page numbers, running heads and feet, line numbers
    and hyphens at line ends; long runs of formula are cut short, with "…". Takes any text and
    raises nothing.
    """
    texts = [_characters(page) for page in pages]
    if texts:
        texts[0] = _STAMP.sub("\n", texts[0])
    lined = [_lines(text) for text in texts]
    if lined:
        lined[0] = _without_stamp_alone(lined[0])
    lined = _without_heads([_without_line_numbers(lines) for lines in lined])
    text = _dehyphenated("\n".join(line for lines in lined for line in lines))
    lines = _shortened(_EXPONENT.sub(_exponent, text).split("\n"))
    return "\n".join(_paragraphs(list(lines)))


def _characters(page: str) -> str:
    text = _BREAK_MARK.sub("-\n", page.replace("\r\n", "\n"))
    text = _UNWANTED.sub("", text)
    text = _ARROW_FOR_FF.sub("ff", text)
    text = _LIGATURE.sub(lambda match: unicodedata.normalize("NFKC", match[0]), text)
    return _DETACHED.sub(_composed, text)


def _composed(match: re.Match[str]) -> str:
    """An accent drawn before its letter, else after it, as one character with it."""
    before, mark, gap, after = match.groups()
    glued = before.strip() and not before.endswith(" ")
    letter = _accented(after, mark) if glued or not gap else ""
    behind = _accented(before, mark) if glued else ""
    if behind and before.isupper() and after not in _VOWELS:
        return behind + gap + after
    if letter and not (gap and after not in _VOWELS):
        return before + letter
    return behind + gap + after if behind else match[0]


def _accented(letter: str, mark: str) -> str:
    """The one character that is both; "" where there is none."""
    joined = unicodedata.normalize("NFC", letter.translate(_DOTLESS) + _MARKS[mark])
    return joined if letter and len(joined) == 1 and joined <= _LAST_EUROPEAN else ""


def _lines(text: str) -> list[str]:
    folded = (" ".join(line.split()) for line in text.split("\n"))
    return [line for line in folded if line]


def _without_stamp_alone(lines: list[str]) -> list[str]:
    """The first page without a stamp in pieces; text that cites arXiv is elsewhere."""
    middle = range(_MARGIN, len(lines) - _MARGIN)
    return [
        line
        for place, line in enumerate(lines)
        if place in middle or not _STAMP_ALONE.fullmatch(line)
    ]


def _without_line_numbers(lines: list[str]) -> list[str]:
    """A review copy's lines without the numbers beside them."""
    for pattern in (_FIRST_NUMBER, _LAST_NUMBER):
        numbered = [
            pattern.search(line) if pattern is _LAST_NUMBER else pattern.match(line)
            for line in lines
        ]
        numbers = [int(match[1]) for match in numbered if match]
        steps = sum(after - before == 1 for before, after in pairwise(numbers))
        if len(numbers) >= 20 and len(numbers) > 0.4 * len(lines) and steps > 0.8 * len(numbers):
            bare = (
                line.replace(match[1], "", 1) if pattern is _FIRST_NUMBER else line[: match.start()]
                for line, match in zip(lines, numbered, strict=True)
                if match
            )
            rest = iter(bare)
            lines = [
                next(rest).strip() if match else line
                for line, match in zip(lines, numbered, strict=True)
            ]
    return [line for line in lines if line]


def _without_heads(pages: list[list[str]]) -> list[list[str]]:
    """Lines near a page's edge that come again on half of the pages, and page numbers alone.

    Digits are ignored; where left and right pages have heads of their own, each has about half.
    """
    seen = Counter(key for lines in pages for key in {_key(line) for line in _edges(lines)})
    often = max(3, (len(pages) - 1) // 2)
    heads = {key for key, times in seen.items() if times >= often and any(map(str.isalpha, key))}
    return [_body(lines, heads) for lines in pages]


def _edges(lines: list[str]) -> list[str]:
    return lines if len(lines) <= 2 * _MARGIN else lines[:_MARGIN] + lines[-_MARGIN:]


def _key(line: str) -> str:
    return " ".join(_DIGITS.sub(" ", line).split()).casefold()


def _body(lines: list[str], heads: set[str]) -> list[str]:
    kept = [
        line
        for place, line in enumerate(lines)
        if _MARGIN <= place < len(lines) - _MARGIN or _key(line) not in heads
    ]
    if kept and _PAGE_NUMBER.fullmatch(kept[0]):
        kept = kept[1:]
    if kept and _PAGE_NUMBER.fullmatch(kept[-1]):
        kept = kept[:-1]
    return kept


def _dehyphenated(text: str) -> str:
    """Words broken at line ends, joined; a compound keeps its hyphen if the text has it so."""
    whole = _BROKEN.sub(" ", text)
    words = Counter(_WORD.findall(whole.casefold()))
    compounds = {(match[1], match[2]) for match in _COMPOUND.finditer(whole.casefold())}

    def joined(match: re.Match[str]) -> str:
        left, right = match[1].casefold(), match[2].casefold()
        inner = left in _INNER and text[match.start() - 1 : match.start()] == "-"
        if not match[2][0].islower() or inner:
            return match[1] + "-"
        if not words[left + right] and (left, right) in compounds:
            return match[1] + "-"
        return match[1]

    return _BROKEN_BEFORE_NUMBER.sub("-", _BROKEN.sub(joined, text)).replace("\u00ad", "")


def _exponent(match: re.Match[str]) -> str:
    number, space, sign, digits = match.groups()
    if not sign and digits in _PLAIN_NUMBERS:
        return match[0]
    return f"{number or ''}{space}×10^{'-' if sign else ''}{digits}"


def _shortened(lines: list[str]) -> Iterator[str]:
    """The lines, with every run of formula cut after its first characters."""
    run: list[str] = []
    for line in lines:
        if _is_formula(line):
            run.append(line)
            continue
        yield from _cut(run)
        run = []
        yield line
    yield from _cut(run)


def _is_formula(line: str) -> bool:
    words = sum(map(len, _LONG_WORD.findall(line)))
    return words < 0.25 * (len(line) - line.count(" ")) and not is_heading(line)


def _cut(run: list[str]) -> Iterator[str]:
    text = " ".join(run)
    digits = sum(map(str.isdigit, text))
    left = _NUMBERS_KEPT if digits > 0.25 * len(text) else _FORMULA_KEPT
    for line in run:
        if len(line) > left:
            yield line[:left].rstrip() + "…"
            return
        yield line
        left -= len(line) + 1


def _paragraphs(lines: list[str]) -> Iterator[str]:
    lengths = sorted(map(len, lines))
    full = lengths[len(lengths) * 3 // 5] if lengths else 0
    paragraph: list[str] = []
    for line in lines:
        if len(paragraph) == 1 and _is_second_half(paragraph[0], line, full):
            paragraph = [f"{paragraph[0]} {line}"]
            continue
        headed = len(paragraph) == 1 and is_heading(paragraph[0])
        if paragraph and (headed or _parts(paragraph[-1], line, full)):
            yield " ".join(paragraph)
            paragraph = []
        paragraph.append(line)
    if paragraph:
        yield " ".join(paragraph)


def _parts(line: str, after: str, full: int) -> bool:
    """Whether a paragraph ends between two lines, where a full line has so many characters."""
    if _BULLET.match(after) or (opens_section(after) and not _GOES_ON.search(line)):
        return True
    if _SENTENCE_END.search(line):
        return len(line) < 0.85 * full
    return len(line) < 0.5 * full and not after[:1].islower() and not _GOES_ON.search(line)


def _is_second_half(line: str, after: str, full: int) -> bool:
    """Whether a numbered heading that fills its line goes on in the next, a short one."""
    return (
        0.6 * full <= len(line) < len(line) + len(after) < MAX_HEADING
        and len(after) < 0.6 * full
        and line[0].isdigit()
        and after[0].islower()
        and not _SENTENCE_END.search(after)
        and is_heading(line)
    )
