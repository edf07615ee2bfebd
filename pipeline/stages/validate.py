"""The rules that a 简介 line and its tags must keep. One small function a rule.

Source of the bounds: 2,201 lines of the public series of this digest since 2025-12-29, over 99%
of which keep every hard rule. A reply that breaks one is not published; a warning is recorded.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

from pipeline.categories import nearest, vocabulary
from pipeline.records import Draft, Record
from pipeline.text.diction import disguise, rules
from pipeline.text.diction.address import no_contact, speaks_to_nobody
from pipeline.text.grounding import Source, ungrounded
from pipeline.text.markup import UNSEEN, no_address, no_look_alikes, no_markup, usual_characters
from pipeline.text.reasons import Problem, Quoted, Rule
from pipeline.text.reply import MOST_TAGS, TAGS

_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_KANA_OR_HANGUL = re.compile(
    r"[\u3040-\u30ff\u31f0-\u31ff\uff66-\uff9f\u1100-\u11ff\u3130-\u318f\uac00-\ud7af]"
)
_OPENINGS = ("该论文", "论文", "本文", "这篇")
_SENTENCE_END = re.compile(r"[。！？]+")
_LABEL = re.compile(
    r"(?:简介|摘要|分类|标题|作者|链接|备注|TL;?DR"
    r"|(?<![a-z])(?:abstract|title|summary|note|output|system|user|assistant|human)"
    r"|输出|回复|译文|助手|系统提示)\s*[:：]",
    re.IGNORECASE,
)
_HALF_WIDTH = re.compile(r"(?<=[\u4e00-\u9fff])[,.;:!?](?=\s*[\u4e00-\u9fff])")
_FIRST_PERSON = re.compile(r"我们|咱|笔者|(?<![自敌])我|(?<![样成基日文版脚剧课原标读译])本人")
_FIVE_TIMES = re.compile(r"(.)\1{4}", re.DOTALL)
_REPEATED_LINE = 400
"""Characters of a line that are looked through for repetitions; three times what is published."""


class Verdict(Record):
    """What is wrong with a draft: `reasons` break hard rules, `warnings` do not."""

    reasons: tuple[str, ...]
    warnings: tuple[str, ...]
    words: tuple[str, ...] = ()
    """What of the draft the reasons are about; never published."""

    def with_problems(self, rule: str, problems: Sequence[Quoted]) -> Verdict:
        """The same with what another rule found."""
        found = [one for problem in problems for one in _named(rule, problem)]
        return self.model_copy(
            update={
                "reasons": (*self.reasons, *(one.reason for one in found)),
                "words": (*self.words, *(word for one in found for word in one.words)),
            }
        )


def validate(draft: Draft, source: Source | None) -> Verdict:
    """Judge a draft by every rule. Reasons and warnings start with the rule's name.

    Without a source the line is held against nothing but itself.
    """
    broken = [
        *_broken(HARD_RULES, draft.line),
        *_named(tags_in_vocabulary.__name__, tags_in_vocabulary(draft.tags)),
        *_named(grounded.__name__, source and grounded(draft.line, source)),
    ]
    return Verdict(
        reasons=tuple(quoted.reason for quoted in broken),
        warnings=tuple(quoted.reason for quoted in _broken(WARNINGS, draft.line)),
        words=tuple(word for quoted in broken for word in quoted.words),
    )


def _broken(rules: tuple[Rule, ...], line: str) -> list[Quoted]:
    return [rejection for rule in rules for rejection in _named(rule.__name__, rule(line))]


def _named(name: str, problem: Problem) -> Iterator[Quoted]:
    if problem:
        reason, words = problem if isinstance(problem, Quoted) else (problem, ())
        yield Quoted(f"{name}: {reason}", words)


def one_line_only(line: str) -> str | None:
    """A digest entry has one line of 简介, of visible characters."""
    if not line.strip():
        return "the line is empty"
    unseen = not line.isprintable() and any(unicodedata.category(char) in UNSEEN for char in line)
    return "line breaks or invisible characters inside" if unseen or "\ufffd" in line else None


def ends_with_full_stop(line: str) -> str | None:
    """The last sentence is whole."""
    return None if line.endswith("。") else "must end with 。"


def one_to_three_sentences(line: str) -> str | None:
    """Task, problem and method fit into that."""
    sentences = len(_sentences(line))
    return None if 1 <= sentences <= 3 else f"has {sentences} sentences, must have 1 to 3"


def length_40_to_120(line: str) -> str | None:
    """Counted in characters."""
    return None if 40 <= len(line) <= 120 else f"has {len(line)} characters, must have 40 to 120"


def opens_with_the_paper(line: str) -> str | None:
    """该论文, 论文, 本文 or 这篇."""
    return None if line.startswith(_OPENINGS) else f"must open with one of {'、'.join(_OPENINGS)}"


def mostly_chinese(line: str) -> str | None:
    """At least 40% of the characters are Han: names of methods may be Latin, the rest not."""
    share = len(_HAN.findall(line)) / max(1, len(line))
    return None if share >= 0.4 else f"only {share:.0%} of it is Chinese, must be at least 40%"


def no_kana_or_hangul(line: str) -> Problem:
    """Chinese, not Japanese or Korean."""
    match = _KANA_OR_HANGUL.search(line)
    return Quoted("has kana or hangul, which is not Chinese", (match[0],)) if match else None


def simplified_script(line: str) -> Problem:
    """Every Han character is in GB2312, which has no traditional forms."""
    han = _HAN.findall(line)
    odd = [] if _in_gb2312("".join(han)) else [char for char in han if not _in_gb2312(char)]
    return Quoted("has characters that are not simplified Chinese", _few(odd)) if odd else None


def no_label(line: str) -> Problem:
    """The label is the digest's business."""
    match = _LABEL.search(line)
    return Quoted("has a label", (match[0],)) if match else None


def no_first_person(line: str) -> Problem:
    """The digest speaks about the authors, not for them; 自我 is no person."""
    match = _FIRST_PERSON.search(line)
    return Quoted("speaks for the authors", (match[0],)) if match else None


def no_repetition(line: str) -> str | None:
    """No sentence twice, no phrase three times, no sign five times in a row.

    Phrases in Latin letters must be longer: `Transformer` may come three times.
    """
    line = line[:_REPEATED_LINE]
    sentences = _sentences(line)
    if len(set(sentences)) < len(sentences):
        return "has the same sentence twice"
    if any(not match[1].isdigit() for match in _FIVE_TIMES.finditer(line)):
        return "has the same sign five times in a row"
    eights = [line[at : at + 8] for at in range(len(line) - 7)]
    if len(eights) - len(set(eights)) < 2:  # what comes three times repeats itself twice
        return None
    phrases = {phrase for phrase in eights if _HAN.search(phrase)}
    phrases |= {line[at : at + 16] for at in range(len(line) - 15)}
    often = any(line.count(phrase) >= 3 for phrase in phrases)
    return "has the same phrase three times" if often else None


def full_width_punctuation(line: str) -> str | None:
    """Between Han characters stands full-width punctuation."""
    match = _HALF_WIDTH.search(line)
    return f"half-width {match[0]!r} between Chinese characters" if match else None


def length_45_to_100(line: str) -> str | None:
    """Most lines are 54 to 86 characters long."""
    return None if 45 <= len(line) <= 100 else f"has {len(line)} characters"


def at_most_two_sentences(line: str) -> str | None:
    """86% of the lines have exactly two."""
    sentences = len(_sentences(line))
    return None if sentences <= 2 else f"has {sentences} sentences"


def no_formula(line: str) -> str | None:
    """Formulas out of extracted text are unreliable."""
    return "has $" if "$" in line else None


def tags_in_vocabulary(tags: tuple[str, ...]) -> Problem:
    """Tags come from arXiv's closed list of categories."""
    if not tags:
        return f"{TAGS} is empty"
    unknown = [tag for tag in tags if tag not in vocabulary()]
    if not unknown:
        many = f"{len(tags)} tags, must have at most {MOST_TAGS}"
        return many if len(tags) > MOST_TAGS else None
    close = nearest(unknown[0])
    hint = f", nearest: {', '.join(close)}" if close else ""
    return Quoted(f"{_number(unknown)} not among arXiv's categories{hint}", _few(unknown))


def grounded(line: str, source: Source) -> Problem:
    """Names and numbers are the paper's own."""
    missing = ungrounded(line, source)
    if not missing:
        return None
    return Quoted(f"{_number(missing)} not in the paper", _few(missing))


def unlike_others(other: str | None) -> str | None:
    """A line says what only its paper does; `other` is the id of the paper that has it already."""
    if other is None:
        return None
    return f"unlike_others: all but the line of {other}: must say what only this paper does"


def _sentences(line: str) -> list[str]:
    return [part for part in _SENTENCE_END.split(line) if part.strip()]


def _number(words: Sequence[str]) -> str:
    """How many of them, each counted once."""
    count = len(set(words))
    return "1 word that is" if count == 1 else f"{count} words that are"


def _few(words: Sequence[str]) -> tuple[str, ...]:
    """Each once, the first of them, cut short."""
    return tuple(word[:40] for word in list(dict.fromkeys(words))[:5])


def _in_gb2312(text: str) -> bool:
    try:
        text.encode("gb2312")
    except UnicodeEncodeError:
        return False
    return True


HARD_RULES: tuple[Rule, ...] = (
    one_line_only,
    ends_with_full_stop,
    one_to_three_sentences,
    length_40_to_120,
    opens_with_the_paper,
    mostly_chinese,
    no_kana_or_hangul,
    simplified_script,
    usual_characters,
    no_look_alikes,
    no_markup,
    no_address,
    no_label,
    no_contact,
    no_first_person,
    speaks_to_nobody,
    no_repetition,
    full_width_punctuation,
    rules.about_research,
    disguise.no_spelled_out_number,
    disguise.no_code,
    *rules.WORDS,
)
WARNINGS: tuple[Rule, ...] = (length_45_to_100, at_most_two_sentences, no_formula)
