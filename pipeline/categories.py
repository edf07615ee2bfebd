"""ArXiv's category vocabulary: a closed list with aliases.

`categories.json` beside this file holds the facts (ids, names, OAI sets) of arXiv's own
definitions; its `source` names the file and the revision they were read from, and
scripts/generate_categories.py writes it.
"""

from __future__ import annotations

import difflib
import json
from functools import cache
from importlib.resources import files

from pipeline.errors import UsageError
from pipeline.records import Record

_WORD = 4
"""Letters; shorter ones are inside of too many names."""


class Taxonomy(Record):
    """Active categories with their English names, and the ids that stand for others.

    `inactive` holds what only old metadata carries, archives that were categories included;
    `oai_sets` the OAI-PMH set of every active category.
    """

    source: str
    categories: dict[str, str]
    aliases: dict[str, str]
    inactive: dict[str, str]
    oai_sets: dict[str, str]


@cache
def taxonomy() -> Taxonomy:
    """The vocabulary, read once."""
    data = files("pipeline").joinpath("categories.json").read_text(encoding="utf-8")
    return Taxonomy.model_validate(json.loads(data))


@cache
def chinese_names() -> dict[str, str]:
    """The Chinese name of every active category, by us: arXiv has English names only."""
    data = files("pipeline").joinpath("categories.zh.json").read_text(encoding="utf-8")
    names: dict[str, str] = json.loads(data)
    return names


@cache
def vocabulary() -> frozenset[str]:
    """Every category id that arXiv's metadata may carry today, aliases included."""
    names = taxonomy()
    return frozenset(names.categories) | frozenset(names.aliases)


def is_arxiv_category(category: str) -> bool:
    """Whether arXiv made it, now or long ago; ACM and MSC classes (I.2.7, 68T10) are not."""
    return category in vocabulary() or category in taxonomy().inactive


def canonical(category: str) -> str:
    """One name for a category and its alias (cs.SY and eess.SY are the same)."""
    names = taxonomy()
    return names.aliases.get(category, names.inactive.get(category, category))


def oai_set(category: str) -> str:
    """The OAI-PMH set of an active category: cs:cs:SD for cs.SD; an alias has its category's.

    Raises UsageError for anything else.
    """
    set_name = taxonomy().oai_sets.get(canonical(category))
    if set_name is None:
        raise UsageError(
            f"{category!r} is not an arXiv category",
            where="OAI-PMH sets",
            fix=f"Nearest: {', '.join(nearest(category)) or 'none'}",
        )
    return set_name


def nearest(category: str, n: int = 3) -> list[str]:
    """The active categories that look most like `category`, an id or an English name, best first.

    Of a name, a part is enough: "speech" is eess.AS.
    """
    text = " ".join(category.split()).lower()
    ids = {known.lower(): known for known in sorted(vocabulary())}
    names: dict[str, str] = {}
    for one, name in sorted(taxonomy().categories.items()):
        names.setdefault(name.lower(), canonical(one))
    close = difflib.get_close_matches(text, {**names, **ids}, n=2 * n, cutoff=0.4)
    parts = [name for name in names if len(text) >= _WORD and text in name]
    likely = [{**names, **ids}[one] for one in ([text] if text in names else []) + parts + close]
    return list(dict.fromkeys(likely))[:n]
