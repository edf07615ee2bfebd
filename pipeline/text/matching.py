"""Whether what someone looks for stands in a text: words in their inflections, phrases, Chinese.

    LLM                   LLMs
    audio language model  audio language models
    fine-tuning           finetuned, fine tuning
    Bjorn                 Björn
    语音                  多语音频

The site's JavaScript has the same rules; both are held to one table of cases
(tests/text/matching.json), and who changes one changes the other.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

_RUN = re.compile(r"[^\W_]+(?:\+\+|#)?")
"""Letters and digits; C++ and C# are words too."""
_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uac00-\ud7af"
"""Kana, Chinese characters and Hangul: no spaces between words, so each is one."""
_PIECE = re.compile(rf"[{_CJK}]|[^{_CJK}]+")
_ACCENT = re.compile("[\u0300-\u036f]")
_HYPHENS = frozenset("-_\u2010\u2011\u2012\u2013")
_APOSTROPHES = frozenset("'\u2019")
_LETTERS = str.maketrans(
    {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ð": "d", "ł": "l", "þ": "th",
     "ı": "i", "ς": "σ"}
)  # fmt: skip
_INFLECTED = re.compile(r"[a-z]{4,}")
_VOWEL = re.compile(r"[aeiouy]")
_WHOLE = frozenset(("embed", "news"))
"""What only looks inflected, in this field."""
_SHORT = re.compile(r"[^aeiou][aeiouy][^aeiouywx]")
"""What has lost an e before -ing and -ed: tun, bas, cod."""
_MOST_JOINED = 4
"""Words that hyphens make one: a text may have no end of them."""
_KEPT = 65536


class Word(NamedTuple):
    """A word of a text, or a character of a language without spaces."""

    text: str
    """Folded."""
    stem: str
    glued: bool
    """A hyphen stands between it and the word before."""


def fold(text: str) -> str:
    """In lower case, without accents, each run of white space one space, none at the ends."""
    return " ".join(_folded(text).split())


def matches(needle: str, text: str, *, exact: bool = False) -> bool:
    """Whether the needle's words follow each other in the text; one without words never does.

    `exact`: in no other inflection, as names want it.
    """
    return stands_in(words(needle), words(text), exact=exact)


def words(text: str) -> tuple[Word, ...]:
    """The words of a text, in its order."""
    return tuple(_words(unicodedata.normalize("NFC", text)))


def stands_in(needle: Sequence[Word], text: Sequence[Word], *, exact: bool = False) -> bool:
    """As `matches`, of words."""
    if not needle:
        return False
    first, joined = needle[0].stem, any(_joined(needle, 0))
    return any(
        (joined or word.stem == first or any(_joined(text, start)))
        and _follows(needle, 0, text, start, exact=exact)
        for start, word in enumerate(text)
    )


def _words(text: str) -> Iterator[Word]:
    end = 0
    for run in _RUN.finditer(text):
        between = text[end : run.start()]
        joint = between if end and len(between) == 1 else ""
        end = run.end()
        if joint in _APOSTROPHES and run.group() in {"s", "S"}:
            continue
        for number, piece in enumerate(_PIECE.findall(_folded(run.group()))):
            yield Word(piece, stem(piece), glued=number == 0 and joint in _HYPHENS)


def _follows(
    needle: Sequence[Word], at: int, text: Sequence[Word], place: int, *, exact: bool
) -> bool:
    """Whether the rest of the needle stands in the text from `place` on.

    What a hyphen joins in one of them may be one word in the other.
    """
    if at == len(needle):
        return True
    for many, few in ((1, 1), *((n, 1) for n in _joined(text, place)),
                      *((1, n) for n in _joined(needle, at))):  # fmt: skip
        if place + many > len(text) or at + few > len(needle):
            continue
        theirs = "".join(word.text for word in text[place : place + many])
        ours = "".join(word.text for word in needle[at : at + few])
        same = ours == theirs if exact else stem(ours) == stem(theirs)
        if same and _follows(needle, at + few, text, place + many, exact=exact):
            return True
    return False


def _joined(line: Sequence[Word], start: int) -> Iterator[int]:
    """How many words from `start` on hyphens make one: 2, 3, …"""
    for many in range(2, _MOST_JOINED + 1):
        if start + many > len(line) or not line[start + many - 1].glued:
            return
        yield many


def _folded(text: str) -> str:
    if text.isascii():
        return text.lower()
    plain = _ACCENT.sub("", unicodedata.normalize("NFKD", text)).lower().translate(_LETTERS)
    return unicodedata.normalize("NFC", plain)


@lru_cache(_KEPT)
def stem(word: str) -> str:
    """What an English word has in all its inflections; other words as they are.

    Plurals after Harman's S-stemmer (https://doi.org/10.1002/(SICI)1097-4571(199101)42:1<7::
    AID-ASI2>3.0.CO;2-P), -ing and -ed after step 1b of https://tartarus.org/martin/PorterStemmer/.
    No more than that: a stemmer that also takes general for generation finds too much.
    """
    if not _INFLECTED.fullmatch(word) or word in _WHOLE:
        return word
    if word.endswith(("ies", "ied")) and not word.endswith(("eies", "aies")):
        return f"{word[:-3]}y"
    word = _singular(word)
    if word in _WHOLE:
        return word
    for ending in ("ing", "ed"):
        root = word.removesuffix(ending)
        if root != word and len(root) >= 3 and _VOWEL.search(root) and not word.endswith("eed"):
            return _without_ending(root)
    return word[:-1] if len(word) > 4 and word.endswith("e") else word


def _singular(word: str) -> str:
    if word.endswith(("xes", "ches", "shes", "sses")):
        return word[:-2]
    kept = ("aes", "ees", "oes") if word.endswith("es") else ("us", "ss", "is")
    return word[:-1] if word.endswith("s") and not word.endswith(kept) else word


def _without_ending(root: str) -> str:
    if root[-1] == root[-2] and root[-1] not in "sz" and (root[-1] != "l" or len(root) > 5):
        return root[:-1]
    if len(root) == 3 and _SHORT.fullmatch(root):
        return f"{root}e"
    return root[:-1] if len(root) > 4 and root.endswith("e") else root
