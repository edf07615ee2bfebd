"""ArXiv's category vocabulary: a closed list with aliases.

`taxonomy.json` beside this file holds the facts (ids and names) of arXiv's own definitions;
its `source` names the file and the revision they were read from.
"""

from __future__ import annotations

import difflib
import json
from functools import cache
from importlib.resources import files

from pipeline.records import Record


class Taxonomy(Record):
    """Active categories with their English names, and the ids that stand for others.

    `inactive` holds what only old metadata carries, archives that were categories included.
    """

    source: str
    categories: dict[str, str]
    aliases: dict[str, str]
    inactive: dict[str, str]


@cache
def taxonomy() -> Taxonomy:
    """The vocabulary, read once."""
    data = files("pipeline.arxiv").joinpath("taxonomy.json").read_text(encoding="utf-8")
    return Taxonomy.model_validate(json.loads(data))


@cache
def vocabulary() -> frozenset[str]:
    """Every category id that arXiv's metadata may carry today, aliases included."""
    known = taxonomy()
    return frozenset(known.categories) | frozenset(known.aliases)


def is_arxiv_category(category: str) -> bool:
    """Whether arXiv made it, now or long ago; ACM and MSC classes (I.2.7, 68T10) are not."""
    return category in vocabulary() or category in taxonomy().inactive


def canonical(category: str) -> str:
    """One name for a category and its alias (cs.SY and eess.SY are the same)."""
    known = taxonomy()
    return known.aliases.get(category, known.inactive.get(category, category))


def nearest(category: str, n: int = 3) -> list[str]:
    """The active categories that look most like `category`, best first."""
    folded = {name.lower(): name for name in sorted(vocabulary())}
    close = difflib.get_close_matches(category.lower(), folded, n=n, cutoff=0.4)
    return [folded[name] for name in close]
