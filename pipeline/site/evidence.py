"""A line's evidence on the pages: the line in pieces, and where in the paper each quote stands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pipeline.records import Evidence, Finding, SectionKind

FOUND: dict[Finding, str] = {
    "supported": "有据",
    "contradicted": "不符",
    "not told": "未见于所引各句",
}
_WHERE = {"title": "标题", "abstract": "摘要", "text": "正文"}
_SECTIONS: dict[SectionKind, str] = {
    "abstract": "摘要",
    "introduction": "引言",
    "related": "相关工作",
    "method": "方法",
    "experiments": "实验",
    "conclusion": "结论",
    "appendix": "附录",
}
"""Of the others the text's name is enough."""


def pieces(line: str, evidence: Sequence[Evidence]) -> Iterator[tuple[str, int]]:
    """The line's pieces in order, each with the number of its quote from 1; 0: it has none."""
    at = 0
    for number, one in enumerate(evidence, start=1):
        start = line.find(one.words, at)
        if start < 0:
            continue
        if start > at:
            yield line[at:start], 0
        at = start + len(one.words)
        yield line[start:at], number
    if at < len(line):
        yield line[at:], 0


def place(one: Evidence) -> str:
    """摘要, or 正文·方法，第 3 页."""
    section = _SECTIONS.get(one.section) if one.section else None
    page = f"，第 {one.page} 页" if one.page else ""
    return f"{_WHERE[one.where]}{f'·{section}' if section else ''}{page}"
