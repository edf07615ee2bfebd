"""A GBNF grammar for llama.cpp: the labelled reply with tags from arXiv's closed vocabulary.

Left alone, a small model invents categories (phys.exp) for papers far from what it was trained
on, or lists tags without end; decoding under the grammar it cannot. Format: llama.cpp's
grammars/README.md.
"""

from __future__ import annotations

from functools import cache

from pipeline.arxiv.taxonomy import taxonomy
from pipeline.replies import LINE, MOST_TAGS, TAGS


@cache
def labelled_reply() -> str:
    """Two lines: 分类 with 1 to 8 active categories, then 简介 with any text."""
    tags = " | ".join(f'"{category}"' for category in sorted(taxonomy().categories))
    return (
        f'root ::= "{TAGS}: " tag ("; " tag){{0,{MOST_TAGS - 1}}} "\\n{LINE}: " [^\\n]+\n'
        f"tag ::= {tags}\n"
    )
