"""Other people's text in our pages: escaped, nothing hidden, formulas and addresses made useful.

What a paper says is data. Of its metadata only two things become markup: formulas (MathML, made
from TeX and then held against a list of elements) and http addresses, marked as the paper's own.
"""

from __future__ import annotations

import logging
import re
import unicodedata
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import groupby
from operator import itemgetter

from defusedxml import ElementTree as SafeET
from latex2mathml.converter import convert
from markupsafe import Markup, escape
from pylatexenc import latex2text
from pylatexenc.latex2text import LatexNodes2Text, MacroTextSpec
from pylatexenc.latexwalker import LatexMacroNode, get_default_latex_context_db

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
_TEX = re.compile(r"[\\{}~^`\n]|''|--")
"""What of a word only TeX can read."""
_BRACE = re.compile(r"(?<!\\)[{}]")
_OPEN_END = re.compile(r"(?:\\[a-zA-Z]*\*?|\])$")
"""A word's end that takes the next word as an argument."""
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


def _unknown(node: LatexMacroNode, l2tobj: LatexNodes2Text) -> str:
    """What a macro that the converter does not know is about; without arguments, its name.

    An author's own macro is the method's name: without it the sentence has a hole.
    """
    if node.macroname in _SWITCHES:
        return ""
    arguments = node.nodeargd.argnlist if node.nodeargd else ()
    return "".join(l2tobj.nodelist_to_text([one]) for one in arguments if one) or (
        f"\\{node.macroname}{node.macro_post_space}"
    )


def _converter() -> LatexNodes2Text:
    macros = latex2text.get_default_latex_context_db()
    # It would put the address in angle brackets.
    own = [MacroTextSpec("url", simplify_repl="%s")]
    macros.add_context_category("addresses", macros=own, prepend=True)
    macros.set_unknown_macro_spec(MacroTextSpec("", simplify_repl=_unknown))
    return LatexNodes2Text(latex_context=macros, math_mode="text", keep_comments=True)


_TEXT = _converter()
_ARGUMENTS = get_default_latex_context_db()
"""Which macros take what."""
_SWITCHES = frozenset(
    {"bf", "bfseries", "em", "it", "itshape", "large", "noindent", "normalfont", "rm", "rmfamily"}
    | {"sc", "scshape", "sf", "sffamily", "sl", "slshape", "small", "tt", "ttfamily", "xspace"}
)
"""Macros about looks alone."""
_APPLIED = re.compile(r"\\([a-zA-Z]+)(?=\{[^}])")


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
    for match in _formulas(text):
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


def _linked(written: str) -> Markup:
    text = _unescaped(written)
    parts: list[Markup] = []
    at = 0
    for match in _ADDRESS.finditer(text):
        address = _whole(match[0])
        parts += escape(shown(text[at : match.start()])), _link(address)
        at = match.start() + len(address)
    return Markup("").join([*parts, escape(shown(text[at:]))])


def addresses(written: str) -> Iterator[str]:
    """The http addresses in a text of arXiv's, as `rich` links them."""
    for match in _ADDRESS.finditer(_unescaped(written)):
        yield _whole(match[0])


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
    r"""TeX outside of formulas as text: \emph{x}, \"o, \%; what is no TeX stays.

    Only the words that have some are parsed, which is an eighth of the work, and a mistake of the
    author's costs those words alone.
    """
    if "\\" not in text or len(text) > _LONGEST_TEXT:
        return text
    words = groupby(_marked(text.split(" ")), key=itemgetter(0))
    runs = ((number, " ".join(word for _, word in run)) for number, run in words)
    return " ".join(_unicode(run) if number else run for number, run in runs)


def _marked(words: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Each word with the number of the run of TeX that it is in; 0: it is in none."""
    runs = depth = 0
    before: str | None = None
    for word in words:
        goes_on = before is not None and (depth > 0 or word[:1] in "{[" or _OPEN_END.search(before))
        if goes_on or (_TEX.search(word) and ("\\" in word or "://" not in word)):
            runs += before is None
            depth = max(0, depth + sum(1 if one == "{" else -1 for one in _BRACE.findall(word)))
            before = word
            yield runs, word
        else:
            before, depth = None, 0
            yield 0, word


def _applied(macro: re.Match[str]) -> str:
    """A macro before its argument; one that no package at hand has goes, what it is about stays."""
    return macro[0] if _ARGUMENTS.get_macro_spec(macro[1]) else ""


def _formulas(text: str) -> Iterable[re.Match[str]]:
    return _MATH.finditer(text) if "$" in text or "\\(" in text else ()


def _pieces(text: str) -> list[str]:
    """Text and formulas in turn, the first and the last being text."""
    pieces: list[str] = []
    at = 0
    for match in _formulas(text):
        pieces += text[at : match.start()], match[0]
        at = match.end()
    return [*pieces, text[at:]]


@lru_cache(maxsize=4096)
def _unicode(tex: str) -> str:
    """What can be read of TeX; where the whole is no TeX, what single words are."""
    made = _converted(tex)
    if made is not None:
        return made
    words = tex.split(" ")
    return " ".join(_converted(word) or word for word in words) if len(words) > 1 else tex


def _converted(tex: str) -> str | None:
    """Parsed strictly: the tolerant way takes exponential time for macros without arguments."""
    text = _APPLIED.sub(_applied, _COMMENT.sub(r"\\\1", tex))
    try:
        made = str(_TEXT.latex_to_text(text, tolerant_parsing=False))
    except Exception:  # any TeX by anyone: what the parser raises is not listed
        return None
    # Of an argument that is not there, its placeholder is left.
    return made if made.strip() and "%s" not in made else None
