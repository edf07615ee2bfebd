"""Whether a text is one: a PDF with a broken font map gives pages of letters without words."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

from pipeline.errors import counted

MIN_CHARACTERS_A_PAGE = 200
MIN_STOP_WORDS = 0.08
"""Good English papers have at least .17, text through a broken font map .002."""
MAX_UNMAPPED = 0.05
MIN_LETTERS = 0.35
"""Of all that is not white space; papers full of formulas and tables have at least .7."""
MAX_FOREIGN_LETTERS = 0.2
"""Above this share of letters beyond ASCII, stop words of Latin script say nothing."""

_WORD = re.compile(r"[^\W\d_]+")


def _stop_words(words: str) -> frozenset[str]:
    return frozenset(words.split())


_ENGLISH = _stop_words(
    """a about after all also an and are as at be been between both but by can do each for from
    had has have here how if in into is it its may more most no not of on one only or other our
    over same should show since so some such than that the their then there these they this those
    through to two under use used using was we were what when where which while who will with
    within would"""
)
_OTHERS = {
    "de": """als auch auf aus bei das dass dem den der des die durch ein eine einem einen einer
    eines er es für ich im in ist mit nach nicht oder sich sie sind um und von war werden wie wird
    zu zum zur über""",
    "fr": """au aux avec ce ces cette dans de des du elle en est et il ils la le les leur mais ne
    nous on ou par pas plus pour qu que qui sa se ses son sont sur un une à été""",
    "es": """al como con de del el en entre es esta este la las lo los más no o para pero por que
    se sin sobre son su sus un una y ya""",
    "it": """al alla che con da dal dei del della delle di e ed gli i il in la le lo ma nel nella
    non o per più si sono su tra un una è""",
    "pt": """ao aos as com como da das de do dos e em entre foi mais na nas no nos não o os ou para
    pela pelo por que se são um uma à é""",
}
_FOREIGN = tuple(map(_stop_words, _OTHERS.values()))


def stop_word_share(text: str) -> float:
    """Share of English stop words among the words of letters, from 0 to 1; 0 without words."""
    return _share(_counted(text), _ENGLISH)


def is_garbage(text: str, pages: int) -> str | None:
    """Why a text of so many pages is not worth reading; None if it is.

    Best asked of the text before it is cleaned, which takes out what gives it away. A paper in
    another language than English is not garbage.
    """
    length = len(text.strip())
    if length < MIN_CHARACTERS_A_PAGE * max(pages, 1):
        return f"only {length} characters on {counted(pages, 'page')}"
    unmapped = sum(map(_is_unmapped, text)) / length
    if unmapped > MAX_UNMAPPED:
        return f"{unmapped:.0%} of its characters have no meaning"
    solid = sum(not character.isspace() for character in text)
    letters = sum(map(str.isalpha, text)) / solid
    if letters < MIN_LETTERS:
        return f"only {letters:.0%} of its characters are letters"
    words = _counted(text)
    share = max(_share(words, stops) for stops in (_ENGLISH, *_FOREIGN))
    if share < MIN_STOP_WORDS and _foreign_letters(text) <= MAX_FOREIGN_LETTERS:
        return f"only {share:.1%} of its words are stop words"
    return None


def _counted(text: str) -> Counter[str]:
    return Counter(_WORD.findall(text.lower()))


def _share(words: Counter[str], stops: frozenset[str]) -> float:
    return sum(words[stop] for stop in stops) / (words.total() or 1)


def _is_unmapped(character: str) -> bool:
    """Replacement, private use, unassigned, control: what an unreadable glyph becomes.

    Not the two codes that pdfium writes for a hyphen at a line's end.
    """
    if character in "\n\r\t\f\x02\ufffe":
        return False
    return character == "\ufffd" or unicodedata.category(character) in ("Cc", "Cn", "Co", "Cs")


def _foreign_letters(text: str) -> float:
    letters = [character for character in text if character.isalpha()]
    return sum(not letter.isascii() for letter in letters) / (len(letters) or 1)
