"""Other people's text in our pages: escaped, nothing hidden, formulas and addresses made useful.

What a paper says is data. Of its metadata only two things become markup: formulas (MathML, made
from TeX and then held against a list of elements) and http addresses, marked as the paper's own.
"""

from __future__ import annotations

import logging
import re
import unicodedata
import xml.etree.ElementTree as ET
from functools import lru_cache

from defusedxml import ElementTree as SafeET
from latex2mathml.converter import convert
from markupsafe import Markup, escape
from pylatexenc.latex2text import LatexNodes2Text

_UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_RARE = re.compile(
    "[^\n\t -~\u00a1-\u00ac\u00ae-\u02ff\u2010-\u2027\u3001-\u301f\u4e00-\u9fff\uff01-\uff5e]"
)
"""What has to be looked up to know whether it is seen: almost nothing."""
_MATHML = "http://www.w3.org/1998/Math/MathML"
# https://www.w3.org/TR/mathml-core/ without what may link, load or act.
_ELEMENTS = frozenset(
    {"math", "mi", "mn", "mo", "ms", "mspace", "mtext", "mfrac", "mroot", "mrow", "msqrt", "mstyle"}
    | {"mmultiscripts", "mover", "mprescripts", "msub", "msubsup", "msup", "munder", "munderover"}
    | {"mtable", "mtd", "mtr", "mpadded", "mphantom", "none"}
)
_ATTRIBUTES = frozenset(
    {"mathvariant", "stretchy", "form", "fence", "separator", "lspace", "rspace", "displaystyle"}
    | {"scriptlevel", "accent", "accentunder", "largeop", "movablelimits", "symmetric"}
    | {"linethickness", "minsize", "maxsize", "width"}
)
_LONGEST = 300
"""Characters of a formula; a longer one stays as it was written."""
_LONGEST_TEXT = 10_000
"""Characters of a text with TeX in it: arXiv takes abstracts of 1,920."""
_WORD = re.compile(r"\S*\\\S*")
# As Pandoc reads dollars: none of a sum of money opens or closes a formula.
_MATH = re.compile(
    r"(?<!\\)(\$\$?)(?=\S)((?:[^$\\]|\\.){1,300}?)(?<=\S)(?<!\\)\1(?![0-9])|\\\((.{1,300}?)\\\)",
    re.DOTALL,
)
_ADDRESS = re.compile(r"https?://[^\s<>\"{}|\\^`\u3000-\u303f\uff00-\uffef\u4e00-\u9fff]{4,2000}")
"""No browser takes a longer one; what follows stays text."""
_TRAILING = ".,;:!?'"
_COMMENT = re.compile(r"(?<!\\)([%#&])")
_ARXIV = re.compile(r"https?://(?:[a-z]+\.)?arxiv\.org/", re.IGNORECASE)
_CHANGE = re.compile(r"\[-(.*?)-\]|\{\+(.*?)\+\}")

logging.getLogger("pylatexenc").setLevel(logging.CRITICAL)  # it warns of every broken formula
_TEXT = LatexNodes2Text(math_mode="text", keep_comments=True)


def shown(text: object) -> str:
    """Text in which nothing hides: what cannot be seen stands as its code point."""
    return _RARE.sub(_named, str(text))


def _named(match: re.Match[str]) -> str:
    char = match[0]
    return f"[U+{ord(char):04X}]" if unicodedata.category(char) in _UNSEEN else char


@lru_cache(maxsize=4096)
def rich(text: str) -> Markup:
    """A title, abstract or comment of arXiv's: formulas as MathML, addresses as links."""
    parts: list[Markup] = []
    at = 0
    for match in _MATH.finditer(text):
        parts += _linked(text[at : match.start()]), _formula(match[2] or match[3] or "", match[0])
        at = match.end()
    return Markup("").join([*parts, _linked(text[at:])])


@lru_cache(maxsize=4096)
def plain(text: str) -> str:
    """The same in characters alone, for window titles, feeds and the search.

    As `rich`, kept: what is on a day's page is on a paper's and in two feeds as well.
    """
    return shown(
        "".join(
            _unicode(piece) if number % 2 else _unescaped(piece)
            for number, piece in enumerate(_pieces(text))
        )
    )


def changed(diff: str) -> Markup:
    """[-gone-] and {+new+} of a word diff as <del> and <ins>."""
    parts: list[Markup] = []
    at = 0
    for match in _CHANGE.finditer(diff):
        gone, new = match.groups()
        mark = Markup("<del>{}</del>") if gone is not None else Markup("<ins>{}</ins>")
        parts += escape(shown(diff[at : match.start()])), mark.format(shown(gone or new or ""))
        at = match.end()
    return Markup("").join([*parts, escape(shown(diff[at:]))])


def _linked(text: str) -> Markup:
    parts: list[Markup] = []
    at = 0
    for match in _ADDRESS.finditer(text):
        address = _whole(match[0])
        parts += _words(text[at : match.start()]), _link(address)
        at = match.start() + len(address)
    return Markup("").join([*parts, _words(text[at:])])


def _whole(address: str) -> str:
    """Without the sentence's punctuation, and brackets that were opened before it."""
    while address:
        last = address[-1]
        opened = {")": "(", "]": "["}.get(last)
        if last in _TRAILING or (opened and address.count(opened) < address.count(last)):
            address = address[:-1]
        else:
            break
    return address


def _link(address: str) -> Markup:
    if _ARXIV.match(address):
        return Markup('<a href="{0}">{0}</a>').format(shown(address))
    return Markup(
        '<a class="external" rel="noopener noreferrer nofollow" href="{0}"'
        ' title="论文元数据中的外部链接，未经核实">{0}</a>'
    ).format(shown(address))


def _words(text: str) -> Markup:
    return escape(shown(_unescaped(text)))


@lru_cache(maxsize=4096)
def _formula(tex: str, written: str) -> Markup:
    """MathML, or the formula as it was written where that is not possible."""
    try:
        root = SafeET.fromstring(convert(tex[:_LONGEST]))
        _check(root)
    except Exception:  # any TeX by anyone: what the converter raises is not listed
        return Markup('<code class="tex">{}</code>').format(shown(written))
    root.set("aria-label", shown(_unicode(written)))
    ET.register_namespace("", _MATHML)
    return Markup(ET.tostring(root, encoding="unicode"))  # noqa: S704 - made of checked elements


def _check(root: ET.Element) -> None:
    """Only known elements and attributes, nothing unseen; others go. Raises ValueError."""
    for element in root.iter():
        if element.tag.removeprefix(f"{{{_MATHML}}}") not in _ELEMENTS:
            raise ValueError(element.tag)
        for name in set(element.attrib) - _ATTRIBUTES:
            del element.attrib[name]
        for attribute, value in element.attrib.items():
            element.set(attribute, shown(value))
        element.text = shown(element.text) if element.text else None
        element.tail = shown(element.tail) if element.tail else None


def _unescaped(text: str) -> str:
    r"""TeX outside of formulas as text: \emph{x}, \"o, \%; what is no TeX stays."""
    return _unicode(text) if "\\" in text else text


def _pieces(text: str) -> list[str]:
    """Text and formulas in turn, the first and the last being text."""
    pieces: list[str] = []
    at = 0
    for match in _MATH.finditer(text):
        pieces += text[at : match.start()], match[0]
        at = match.end()
    return [*pieces, text[at:]]


@lru_cache(maxsize=4096)
def _unicode(tex: str) -> str:
    """What can be read of TeX; where the whole is no TeX, what single words are."""
    if len(tex) > _LONGEST_TEXT:
        return tex
    made = _converted(tex)
    return _WORD.sub(lambda word: _converted(word[0]) or word[0], tex) if made is None else made


def _converted(tex: str) -> str | None:
    """Parsed strictly: the tolerant way takes exponential time for macros without arguments."""
    try:
        made = str(_TEXT.latex_to_text(_COMMENT.sub(r"\\\1", tex), tolerant_parsing=False))
    except Exception:  # any TeX by anyone: what the parser raises is not listed
        return None
    # Of an argument that is not there, its placeholder is left.
    return made if made.strip() and "%s" not in made else None
