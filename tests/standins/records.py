"""Records for tests that are about something else."""

from __future__ import annotations

import datetime as dt

from pipeline.records import Paper, Provenance

NOW = dt.datetime(2026, 1, 7, 6, 0, tzinfo=dt.UTC)
_PLAIN = Provenance(
    text_source="abstract",
    fallback=None,
    language=None,
    pages=0,
    pages_read=0,
    pdf_sha256=None,
    truncated=False,
    model="m",
    prompt="p",
    prompt_hash="h",
    temperature=0,
    tries=1,
    tokens_in=1,
    tokens_out=1,
    cost=None,
    seconds=1,
    warnings=(),
    created=NOW,
)


_A_PAPER = Paper(
    arxiv_id="2601.00001",
    version=1,
    title="T",
    abstract="A",
    authors=("N",),
    categories=("cs.SD",),
)


def paper(**update: object) -> Paper:
    """A paper; what the test is about is given by name."""
    return Paper.model_validate({**_A_PAPER.model_dump(), **update})


def provenance(**update: object) -> Provenance:
    """A line's provenance; what the test is about is given by name."""
    return Provenance.model_validate({**_PLAIN.model_dump(), **update})
