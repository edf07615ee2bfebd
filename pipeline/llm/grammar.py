"""GBNF grammars for llama.cpp: a reply's form, tags from arXiv's vocabulary, names as read.

Left alone, a small model invents categories (phys.exp) for papers far from what it was trained
on, lists tags without end, or misspells the names that it copies (dysarthic); decoding under the
grammar it cannot. Format: llama.cpp's grammars/README.md.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import get_args

from pipeline.categories import taxonomy
from pipeline.llm.names import names
from pipeline.records import Finding, LinePart
from pipeline.text.grounding import NAME_CHARS
from pipeline.text.reply import EVIDENCE, LINE, MOST_TAGS, PART, QUOTE, TAGS, WORDS

_JOINTS = "_/'’+&*^~$@·×‐-―−"
"""With the hyphen: they make one name of two."""
_LONGEST = 120
"""Characters that the hard rules allow a line."""


def labelled_reply(text: str) -> str:
    """Two lines: 分类 with 1 to 8 active categories, then 简介 with names and numbers of `text`.

    Between two names stands at least one other character, so none is made up of others. A full
    stop or a comma stands only within a name: a line in Chinese has its own.
    """
    return (
        f'root ::= "{TAGS}: " tag ("; " tag){{0,{MOST_TAGS - 1}}} "\\n{LINE}: " line\n'
        f"{_line(text)}other ::= [^\\n.,{NAME_CHARS}]\n{_tags()}"
    )


def json_reply(text: str) -> str:
    """One object with the same two fields, for the prompts that ask for JSON.

    The line begins with a Chinese character, has no markup, no names joined to new ones, and an
    end: a model that was taught labels writes a colon and opens tags where the string begins, and
    seldom closes it. A token that does not fit costs 0.2 s, so a line without end would run into
    the time limit of a call.
    """
    return _entry(text, '"\\"}"')


def quoted_reply(text: str) -> str:
    """The same object with evidence: one to four parts, whose words and quotes are free."""
    claim = [f'"{{\\"{PART}\\": \\"" part', f'"\\", \\"{WORDS}\\": \\"" said']
    claim.append(f'"\\", \\"{QUOTE}\\": \\"" said "\\"}}"')
    return (
        _entry(text, f'"\\", \\"{EVIDENCE}\\": [" claim (", " claim){{0,3}} "]}}"')
        + f"claim ::= {' '.join(claim)}\n"
        + f"part ::= {_any_of(part.chinese for part in LinePart)}\n"
        + 'said ::= [^"\\\\\\n]{1,300}\n'
    )


def looked_reply(_: str) -> str:
    """What a second look found: an object with the same three keys for each of three parts."""
    found = _any_of(get_args(Finding))
    parts = '", " '.join(f'"\\"{part.value}\\": " one ' for part in LinePart)
    return (
        f'root ::= "{{" {parts}"}}"\n'
        'one ::= "{\\"evidence\\": \\"" said "\\", \\"finding\\": \\"" finding'
        ' "\\", \\"words\\": \\"" said "\\"}"\n'
        f"finding ::= {found}\n"
        'said ::= [^"\\\\\\n]{0,120}\n'
    )


def _entry(text: str, end: str) -> str:
    """An object with line and tags, up to the `end` of the line's string and of the object."""
    return (
        f'root ::= "{{\\"{TAGS}\\": [\\"" tag ("\\", \\"" tag){{0,{MOST_TAGS - 1}}}'
        f' "\\"], \\"{LINE}\\": \\"" [一-鿿] line {end}\n'
        f'{_line(text, _LONGEST)}other ::= [^\\n.,"\\\\<>{{}}{_JOINTS}{NAME_CHARS}-]\n{_tags()}'
    )


def _line(text: str, longest: int | None = None) -> str:
    """`longest`: characters beside names."""
    spelled = names(text)
    times = f"{{1,{longest}}}" if longest else "+"
    if not spelled:
        return f"line ::= other{times}\n"
    return f"line ::= (word? other){times} word?\nword ::= {_any_of(spelled)}\n"


@cache
def _tags() -> str:
    return f"tag ::= {_any_of(taxonomy().categories)}\n"


def _any_of(words: Iterable[str]) -> str:
    """A tree of letters: llama.cpp follows each open alternative, so there should be few."""
    branches: dict[str, set[str]] = {}
    for word in sorted(words):
        branches.setdefault(word[0], set()).add(word[1:])
    return " | ".join(f'"{first}"{_then(rest)}' for first, rest in branches.items())


def _then(rest: set[str]) -> str:
    """What may follow a letter; an empty string among `rest`: nothing."""
    longer = rest - {""}
    if not longer:
        return ""
    tree = _any_of(longer)
    if "" in rest:
        return f" ({tree})?"
    return f" ({tree})" if " | " in tree else f" {tree}"
