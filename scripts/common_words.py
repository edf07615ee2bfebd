"""Writes the list of common words that content-chrF leaves out.

    python scripts/common_words.py DIGEST.md … --source WORDS    (where `pip install -e .` was done)
    python scripts/common_words.py --jsonl LINES.jsonl --source WORDS

A word is common when it occurs in more than 5% of the 简介 lines: of human-written digests, or of
objects with a key `zh`, one a line. WORDS say for the file's head what the lines are; take lines
of other papers than those that are to be judged. The output depends on nothing but the lines.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from textwrap import wrap

from pipeline.digest.markdown import load
from pipeline.errors import JianjieError, UsageError
from pipeline.evaluate.metrics import words
from pipeline.files import write_atomic

TARGET = Path(__file__).parents[1] / "pipeline" / "evaluate" / "common-words.txt"
SHARE = 0.05


def common_words(lines: Sequence[str]) -> tuple[str, ...]:
    """The most frequent first, then in order of code points; white space counts in no metric."""
    spread = Counter(word for line in lines for word in set(words(line)) if word.strip())
    common = [word for word, count in spread.items() if count > SHARE * len(lines)]
    return tuple(sorted(common, key=lambda word: (-spread[word], word)))


def lines_of(digests: Iterable[Path], jsonl: Path | None) -> list[str]:
    """Raises UsageError or DigestFormatError where a file is not what it should be."""
    lines = [entry.line for path in digests for entry in load(path).entries]
    try:
        rows = jsonl.read_text(encoding="utf-8").splitlines() if jsonl else []
        lines += [json.loads(row)["zh"] for row in rows]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"not JSON lines with a key zh: {type(error).__name__}: {error}", where=jsonl
        ) from error
    found = [line for line in lines if line]
    if not found:
        raise UsageError("no 简介 line", fix="Give human-written digests, or --jsonl")
    return found


def written(found: Sequence[str], source: str, count: int) -> str:
    head = (
        f"Jieba words that occur in more than {SHARE:.0%} of {count} 简介 lines, the most frequent"
        f" first. The lines: {source}. Made by scripts/common_words.py; content-chrF leaves these"
        " words out."
    )
    return "\n".join((*(f"# {line}" for line in wrap(head, 90)), *found, ""))


def main() -> int:
    parser = argparse.ArgumentParser(description="Write the list of common words")
    parser.add_argument("digests", type=Path, nargs="*")
    parser.add_argument("--jsonl", type=Path)
    parser.add_argument("--source", required=True)
    parser.add_argument("--target", type=Path, default=TARGET)
    asked = parser.parse_args()
    try:
        lines = lines_of(asked.digests, asked.jsonl)
        found = common_words(lines)
        write_atomic(asked.target, written(found, asked.source, len(lines)).encode())
    except JianjieError as error:
        print(error, file=sys.stderr)
        return error.exit_status
    print(f"{asked.target}: {len(found)} words of {len(lines)} lines")
    return 0


if __name__ == "__main__":
    sys.exit(main())
