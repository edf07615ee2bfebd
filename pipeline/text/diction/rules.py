"""Rules about what a line says. One small function a rule; it gives what is wrong, or None.

Of the 16,489 lines of the public series of this digest since 2025-12-29 each refuses none. Reasons
are published: they say of which kind a word is, never which.
"""

from __future__ import annotations

import re

from pipeline.text.diction.lexicon import find
from pipeline.text.diction.reading import read_line
from pipeline.text.reasons import Problem, Quoted, Rule

_ONE_STRAY = 20
_STRAYS = 12
"""Han characters in one part, and in several together, that say nothing of research."""
_HAN = re.compile(r"[\u4e00-\u9fff]")


def about_research(line: str) -> Problem:
    """What is said is said of research: strays are few and short."""
    astray = read_line(line).astray
    size = sum(len(_HAN.findall(part)) for part in astray)
    if size < (_STRAYS if len(astray) > 1 else _ONE_STRAY):
        return None
    return Quoted("says much that is not about research", _cut(astray))


def no_account(line: str) -> Problem:
    """No account, number or room where somebody can be reached, however it is spelled."""
    return _has("account", "says where to reach somebody", line)


def no_place(line: str) -> Problem:
    """No page, host, repository or file to go to, in words or spelled out."""
    return _has("place", "says where something is to be found", line)


def no_fetching(line: str) -> Problem:
    """Nothing to download, install or run."""
    return _has("fetching", "tells to fetch, install or run something", line)


def no_offer(line: str) -> Problem:
    """Nothing for sale: no price, service, course or brand."""
    return _has("offer", "offers something", line)


def no_appeal(line: str) -> Problem:
    """Nobody is asked to join, give, vote, apply or meet."""
    return _has("appeal", "calls upon somebody", line)


def no_praise(line: str) -> Problem:
    """No prize, no verdict of reviewers, no word of how great it is."""
    return _has("praise", "praises", line)


def no_slander(line: str) -> Problem:
    """Nobody is accused or run down."""
    return _has("slander", "speaks ill of somebody", line)


def no_counsel(line: str) -> Problem:
    """No advice on money, health or politics, nothing of weapons or vice."""
    return _has("counsel", "gives advice on money, health or politics", line)


def no_notice(line: str) -> Problem:
    """No announcement, warning or correction, no date, no word of this site."""
    return _has("notice", "passes for a notice", line)


def no_order(line: str) -> Problem:
    """Nobody is told what to do, neither a reader nor a model that reads on."""
    return _has("order", "gives orders", line)


def no_word_of_itself(line: str) -> Problem:
    """A line names its paper where a sentence begins; not itself, its rules, nor who wrote it."""
    return _has("making", "speaks of itself, or of how it was made", line)


def _has(name: str, reason: str, line: str) -> Problem:
    word = find(name, line)
    return Quoted(reason, _cut((word,))) if word else None


def _cut(words: tuple[str, ...]) -> tuple[str, ...]:
    """What the model is told of them: the first, in short."""
    return tuple(word[:40] for word in words[:5])


WORDS: tuple[Rule, ...] = (
    no_account,
    no_place,
    no_fetching,
    no_offer,
    no_appeal,
    no_praise,
    no_slander,
    no_counsel,
    no_notice,
    no_order,
    no_word_of_itself,
)
"""What may not be said in Chinese, whoever says it."""
