"""Writes the category vocabulary that the package ships, out of arXiv's taxonomy as one JSON file.

    python scripts/generate_categories.py SOURCE.json [TARGET]   (where `pip install -e .` was done)

SOURCE has arXiv's own definitions (github.com/arXiv/arxiv-base arxiv/taxonomy/definitions.py):

    {"source": "file @ revision",
     "categories": [{"id": "cs.SD", "name": "Sound", "oai_set": "cs:cs:SD"}, …],
     "aliases": {"math.IT": "cs.IT", …},
     "legacy_inactive_categories": [{"id": "cmp-lg", "canonical": "cs.CL"}, …]}

Other fields are passed over. The output depends on nothing but SOURCE.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from pipeline.categories import Taxonomy
from pipeline.errors import JianjieError, UsageError
from pipeline.files import write_atomic

TARGET = Path(__file__).parents[1] / "pipeline" / "categories.json"


def vocabulary_of(definitions: dict[str, Any]) -> Taxonomy:
    """The package's form of `definitions`, in the order of the ids; the aliases stay in theirs.

    Raises KeyError, TypeError or AttributeError where they have another form, ValueError where an
    alias stands for no category or an id occurs twice.
    """
    categories = definitions["categories"]
    aliases = definitions["aliases"]
    known = {category["id"] for category in categories}
    if dangling := sorted({*aliases, *aliases.values()} - known):
        raise ValueError(f"aliases without a category: {', '.join(dangling)}")
    return Taxonomy(
        source=definitions["source"],
        categories=_by_id(categories, "name"),
        aliases=dict(aliases),
        inactive=_by_id(definitions["legacy_inactive_categories"], "canonical"),
        oai_sets=_by_id(categories, "oai_set"),
    )


def _by_id(entries: list[dict[str, str]], value: str) -> dict[str, str]:
    found = {entry["id"]: entry[value] for entry in entries}
    if len(found) != len(entries):
        raise ValueError("an id occurs twice")
    return dict(sorted(found.items()))


def generate(source: Path, target: Path) -> None:
    """Write `target`.

    Raises UsageError when `source` cannot be read as arXiv's taxonomy, OutputError when `target`
    cannot be written.
    """
    try:
        taxonomy = vocabulary_of(json.loads(source.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            f"not a taxonomy: {type(error).__name__}: {error}",
            where=source,
            fix="Its form is in this script's head",
        ) from error
    text = json.dumps(taxonomy.model_dump(), indent=1, ensure_ascii=False)
    write_atomic(target, f"{text}\n".encode())


def main() -> int:
    parser = argparse.ArgumentParser(description="Generate the package's categories.json")
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path, nargs="?", default=TARGET)
    asked = parser.parse_args()
    try:
        generate(asked.source, asked.target)
    except JianjieError as error:
        print(error, file=sys.stderr)
        return error.exit_status
    print(f"{asked.target}: written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
