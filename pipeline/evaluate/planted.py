"""Planted errors: a line that is true of its paper made false in one known way.

What a judge or a second look is worth is measured with them. Each kind is a small change by rule,
made only where title and abstract do not say the new thing too; the recipe of a set (kind, paper,
other paper) makes the same lines again wherever the papers' lines are at hand.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from pipeline.errors import UsageError

MOST = 120
"""Characters that the rules allow a line: an error must not be found by that."""
_NUMBER = re.compile(r"(?<![A-Za-z0-9.-])[1-9][0-9]*(?:\.[0-9]+)?(?![A-Za-z0-9-])")
_NAME = re.compile(r"(?<![A-Za-z0-9-])[A-Za-z][A-Za-z0-9-]{3,}(?![A-Za-z0-9-])")

_ROLES = (
    ("攻击", "防御"),
    ("合成", "识别"),
    ("编码", "解码"),
    ("生成", "检测"),
    ("教师模型", "学生模型"),
    ("分离", "混合"),
    ("理解", "生成"),
)
_RESULTS = (
    ("优于", "不如"),
    ("提升", "降低"),
    ("提高", "降低"),
    ("改善", "恶化"),
    ("降低", "增加"),
    ("减少", "增加"),
    ("缓解", "加剧"),
)
_MODALITIES = (
    ("语音", "图像", r"imag|visual|vision|picture"),
    ("音频", "视频", r"video|visual|vision"),
    ("音乐", "文本", r"text|lyric|language|caption"),
    ("声音", "图像", r"imag|visual|vision|picture"),
    ("说话人", "行人", r"pedestrian|walk"),
    ("图像", "语音", r"speech|voice|spoken|audio"),
    ("视频", "音频", r"audio|sound|speech"),
    ("文本", "音乐", r"music|melod|song"),
)
"""What is said, what is put in its place, and what the paper must not have for that."""
_GAINS = (
    ("且推理速度提高数倍", r"speed|fast|latenc|real-?time|efficien|accelerat|rtf"),
    ("且参数量减少一半以上", r"parameter|compress|small|light-?weight|size|prun|quanti"),
    ("并由大规模用户测试证实", r"user|human|listen|mos\b|subjective|particip|annotat"),
)


class Source(NamedTuple):
    """A paper with its true line."""

    arxiv_id: str
    text: str
    """Title and abstract."""
    line: str

    def says(self, pattern: str) -> bool:
        """Whether title or abstract have it, in any case."""
        return re.search(pattern, self.text, re.IGNORECASE) is not None


class Recipe(NamedTuple):
    """An error to be planted into the line of a paper."""

    kind: str
    arxiv_id: str
    other: str
    """The paper whose line or name is taken, where the kind needs one."""


def _swapped(_: Source, other: Source) -> str | None:
    return other.line


def _roles(paper: Source, _: Source) -> str | None:
    """Who does what is turned round: an attack becomes a defence."""
    for one, two in _ROLES:
        if one in paper.line or two in paper.line:
            turned = {one: two, two: one}
            parts = re.split(f"({one}|{two})", paper.line)
            return "".join(turned.get(part, part) for part in parts)
    return None


def _result(paper: Source, _: Source) -> str | None:
    """The last thing that is said of a result is said the other way round."""
    places = [(paper.line.rfind(one), one, two) for one, two in _RESULTS if one in paper.line]
    if not places:
        return None
    at, one, two = max(places)
    return paper.line[:at] + two + paper.line[at + len(one) :]


def _modality(paper: Source, _: Source) -> str | None:
    for one, two, theirs in _MODALITIES:
        if one in paper.line and two not in paper.line and not paper.says(theirs):
            return paper.line.replace(one, two)
    return None


def _gain(paper: Source, other: Source) -> str | None:
    """A gain that the paper does not tell; which one, the other paper's id decides."""
    turn = sum(map(ord, other.arxiv_id)) % len(_GAINS)
    for gain, told in (*_GAINS[turn:], *_GAINS[:turn]):
        if not paper.says(told) and paper.line.endswith("。"):
            return f"{paper.line[:-1]}，{gain}。"
    return None


def _number(paper: Source, _: Source) -> str | None:
    """The first digit is another; the new number is not in the paper."""
    for match in _NUMBER.finditer(paper.line):
        for step in range(3, 9):
            digit = (int(match[0][0]) + step - 1) % 9 + 1
            new = f"{digit}{match[0][1:]}"
            if new not in paper.text and new not in paper.line:
                return paper.line[: match.start()] + new + paper.line[match.end() :]
    return None


def _name(paper: Source, other: Source) -> str | None:
    """A name is one of another paper's line that is not in this paper."""
    ours = f"{paper.text}\n{paper.line}".lower()
    names: list[str] = _NAME.findall(other.line)
    foreign = [name for name in names if name.lower() not in ours]
    match = _NAME.search(paper.line)
    if not (match and foreign):
        return None
    return paper.line[: match.start()] + foreign[0] + paper.line[match.end() :]


KINDS: Mapping[str, Callable[[Source, Source], str | None]] = {
    "another paper's line": _swapped,
    "swapped roles": _roles,
    "negated result": _result,
    "wrong modality": _modality,
    "invented gain": _gain,
    "altered number": _number,
    "altered name": _name,
}


def plant(kind: str, paper: Source, other: Source) -> str | None:
    """The paper's line with such an error; None where it has no place for one."""
    wrong = KINDS[kind](paper, other)
    return wrong if wrong not in (None, paper.line) and len(wrong or "") <= MOST else None


def recipes(papers: Sequence[Source], each: int, seed: int = 0) -> Iterator[Recipe]:
    """Up to `each` errors of every kind, drawn from the papers; the same for the same seed."""
    for kind in KINDS:
        drawn = list(papers)
        random.Random(f"{seed} {kind}").shuffle(drawn)  # noqa: S311 - no secret
        made = 0
        for paper, other in zip(drawn, [*drawn[1:], *drawn[:1]], strict=True):
            if made < each and plant(kind, paper, other) is not None:
                made += 1
                yield Recipe(kind, paper.arxiv_id, other.arxiv_id)


def read_recipes(text: str) -> tuple[Recipe, ...]:
    """From rows `kind,id,other` under a heading. Raises UsageError."""
    rows = [row.split(",") for row in text.splitlines()[1:] if row]
    if not rows or any(len(row) != len(Recipe._fields) or row[0] not in KINDS for row in rows):
        raise UsageError("is no list of recipes", where="recipes", fix="Rows: kind,id,other")
    return tuple(Recipe(*row) for row in rows)
