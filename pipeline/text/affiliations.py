"""Where authors work, as their PDF's first page says it: universities, institutes, firms.

Only what has the form of such a name is taken: a few words with capitals, among them one that such
names have. A page that says it otherwise has none, and so has one that says anything else.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

_MOST = 6
_LINES = 80
"""Of the page: authors stand above its abstract."""
_LONGEST_LINE = 400
_LONGEST = 70
"""Characters of a name."""
_MOST_WORDS = 9
_ENDS = re.compile(
    r"\W*(?:\d\W+)?(?:abstract|introduction|keywords|index terms|摘\s*要)\b", re.IGNORECASE
)
_PARTS = re.compile(r"[,;()|/•·、，；（）]|(?<=[\w.])\s*[\d*†‡§¶∗#⋆]+\s*(?=[A-Z])|\s{2,}|\s[-–—]\s")
_MARK = re.compile(r"^[\s\d*†‡§¶∗#⋆♠♣♦♡⋄^.\[\]]+|[\s\d*†‡§¶∗#⋆♠♣♦♡⋄^.\[\]]+$")
_ORGANISATION = re.compile(
    r"\b(?:Universit\w*|Universidad\w*|Università|Université|Institut\w*|Academy|Polytechni\w*|"
    r"Politecnico|Hochschule|Corporation|Corp|Inc|Ltd|Labs?|Laborator\w+|Hospital|ETH|EPFL|MIT|"
    r"KAIST|POSTECH|INRIA|CNRS|Inria|Ircam|IRCAM|NTT|RIKEN|A\*STAR|College|Research)\b"
)
_FIRMS = re.compile(
    r"(?:Google(?: DeepMind| Research)?|DeepMind|Microsoft(?: Research(?: Asia)?)?|Meta(?: AI)?|"
    r"NVIDIA|Apple|Amazon(?: AGI)?|ByteDance(?: Seed)?|Tencent(?: AI Lab)?|Alibaba(?: Group)?|"
    r"Baidu|Huawei|Sony(?: AI)?|Adobe(?: Research)?|IBM(?: Research)?|Samsung(?: Research)?|"
    r"Xiaomi|OpenAI|Spotify|Deezer|Dolby(?: Laboratories)?|Bosch|Philips|Naver|Kakao|Zoom|Netflix|"
    r"Hugging ?Face)"
)
_MAIL = re.compile(r"\S*@\S*")
_CJK = re.compile(r"[\u4e00-\u9fff]")
_CHINESE = re.compile(r"[\u4e00-\u9fff]{2,20}(?:大学|学院|研究院|研究所|实验室|公司)")
_NAME = re.compile(r"[^\W\d_][\w&.'’ -]*")
_SMALL = frozenset(
    {"of", "for", "and", "the", "in", "de", "del", "della", "di", "da", "do", "dos", "du", "des",
     "für", "und", "van", "et", "y", "e", "la", "le", "&"}
)  # fmt: skip
_NO_PLACE = re.compile(
    r"\b(?:Department|Dept|School|Faculty|Division|Group|Email|Corresponding|Copyright|Conference|"
    r"Proceedings|Journal|Press|Supported|Grant|Foundation|This|We|Our)\b"
)


def affiliations(page: str) -> tuple[str, ...]:
    """The names on a first page, each once, in its order; none where they cannot be told."""
    return tuple(dict.fromkeys(_names(page)))[:_MOST]


def _names(page: str) -> Iterator[str]:
    for line in page.split("\n", _LINES)[:_LINES]:
        if _ENDS.match(line):
            return
        told = _MAIL.sub(" ", unicodedata.normalize("NFKC", line[:_LONGEST_LINE]))
        for part in _PARTS.split(told):
            name = _MARK.sub("", part).strip()
            names = name.split() if _CJK.search(name) else [name]
            yield from filter(_is_name, names)


def _is_name(text: str) -> bool:
    if _CHINESE.fullmatch(text) or _FIRMS.fullmatch(text):
        return True
    words = text.split()
    return (
        len(text) <= _LONGEST
        and 1 <= len(words) <= _MOST_WORDS
        and _NAME.fullmatch(text) is not None
        and all(word in _SMALL or word[0].isupper() for word in words)
        and words[0] not in _SMALL
        and words[-1] not in _SMALL
        and _ORGANISATION.search(text) is not None
        and _NO_PLACE.search(text) is None
        and (len(words) > 1 or text.isupper())
    )
