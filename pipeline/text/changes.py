"""What a new version of a paper changed, in short."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from pipeline.records import Change, Paper, Replaced

_CONTEXT = 3
"""Equal words shown on each side of a change."""
_MOST_WORDS = 1000
"""Of a field that are held against each other, an abstract having 300: the time grows with their
square."""
_LONGEST = 600
"""Characters of a diff; a rewritten abstract is told by its beginning."""


def replaced(old: Paper | None, new: Paper) -> Replaced | None:
    """`old`'s version, and what `new` changed; only fields that both sources have in full.

    None where no earlier version is known.
    """
    if old is None:
        return None
    if new.metadata == "lost":
        return Replaced(version=old.version, changes=(), paper=old)
    faithful = {old.metadata, new.metadata} == {"api"}
    pairs: dict[str, tuple[str, str]] = {"title": (old.title, new.title)}
    if "page" not in {old.metadata, new.metadata}:  # a list page shortens addresses
        pairs["abstract"] = (old.abstract, new.abstract)
    if faithful:  # elsewhere names are spelled otherwise
        pairs["authors"] = ("; ".join(old.authors), "; ".join(new.authors))
    if not old.missing and not new.missing:
        pairs["comment"] = (old.comment or "", new.comment or "")
    changes = [
        Change.model_validate({"field": field, "diff": word_diff(before, after)})
        for field, (before, after) in pairs.items()
        if before.split() != after.split()
    ]
    return Replaced(version=old.version, changes=tuple(changes), paper=old)


def word_diff(before: str, after: str) -> str:
    """The change by words: [-gone-] {+new+}, with … in the place of what stayed equal."""
    old, new = before.split()[:_MOST_WORDS], after.split()[:_MOST_WORDS]
    parts: list[str] = []
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    for kind, a, b, c, d in matcher.get_opcodes():
        if kind == "equal":
            parts.append(_elided(old[a:b], first=not parts, last=b == len(old)))
            continue
        if b > a:
            parts.append(f"[-{' '.join(old[a:b])}-]")
        if d > c:
            parts.append(f"{{+{' '.join(new[c:d])}+}}")
    text = " ".join(part for part in parts if part)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _elided(words: Sequence[str], *, first: bool, last: bool) -> str:
    """Equal words between two changes, or before the first or after the last one."""
    head = [] if first else list(words[:_CONTEXT])
    tail = [] if last else list(words[-_CONTEXT:])
    if len(head) + len(tail) >= len(words):
        return " ".join(words)
    return " ".join([*head, "…", *tail])
