"""Made-up papers of many days, and arXiv's snapshot of them."""

from __future__ import annotations

import datetime as dt
import json
import random
from collections.abc import Sequence
from email.utils import format_datetime
from pathlib import Path

from pipeline.records import Paper

START = dt.datetime(2025, 3, 3, 12, 0, tzinfo=dt.UTC)
"""A Monday before the cut-off: its papers stand on Tuesday's listing."""
_SUBJECTS = ("speech", "music", "codec", "prosody", "noise", "singing", "echo", "pitch")
_METHODS = ("diffusion", "transformer", "flow matching", "distillation", "pruning", "contrast")


def archive_papers(count: int, *, a_day: int = 20, seed: int = 1) -> list[Paper]:
    """`a_day` papers on each weekday from START on, some in a second version."""
    chance = random.Random(seed)
    papers = []
    for number in range(count):
        day = number // a_day
        submitted = START + dt.timedelta(days=day + 2 * (day // 5), minutes=number % a_day)
        subject, method = chance.choice(_SUBJECTS), chance.choice(_METHODS)
        name = f"{subject.title()}{number}"
        papers.append(
            Paper(
                arxiv_id=f"{submitted:%y%m}.{number + 1:05d}",
                version=1 + (number % 7 == 3),
                title=f"{name}: {method} for {subject} number {number}",
                abstract=f"We study {subject} with {method}. {name} is better on {number} hours.",
                authors=("Ada Lovelace", "Grace Hopper"),
                comment="5 pages" if number % 3 else None,
                categories=("cs.SD", "eess.AS") if number % 4 else ("cs.CL", "cs.SD"),
                submitted=submitted,
                metadata="oai",
            )
        )
    return papers


def snapshot_line(paper: Paper) -> str:
    """The paper as the snapshot has it: the versions before it came a day earlier each."""
    submitted = paper.submitted or START
    versions = [
        {
            "version": f"v{number}",
            "created": format_datetime(
                submitted - dt.timedelta(days=paper.version - number), usegmt=True
            ),
        }
        for number in range(1, paper.version + 1)
    ]
    line = {
        "id": paper.arxiv_id,
        "submitter": "Someone",
        "authors": " and ".join(paper.authors),
        "title": paper.title,
        "comments": paper.comment,
        "journal-ref": None,
        "doi": None,
        "report-no": None,
        "categories": " ".join(paper.categories),
        "license": None,
        "abstract": f"  {paper.abstract}\n",
        "versions": versions,
        "update_date": f"{submitted:%Y-%m-%d}",
        "authors_parsed": [[a.rpartition(" ")[2], a.rpartition(" ")[0], ""] for a in paper.authors],
    }
    return json.dumps(line)


def write_snapshot(path: Path, papers: Sequence[Paper], *more: str) -> Path:
    """A file of these papers, and `more` lines behind them."""
    lines = [*map(snapshot_line, papers), *more]
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path
