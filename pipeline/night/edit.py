"""A line by a person: held against the same rules, and published in a model's place."""

from __future__ import annotations

import datetime as dt
import hashlib
from pathlib import Path

from pipeline.arxiv.calendar import eastern_date
from pipeline.config import Config
from pipeline.errors import LineBroken, one_line
from pipeline.night.paper import text_of
from pipeline.night.reprocess import Again, published_again
from pipeline.pdf.pool import Readers
from pipeline.records import Draft, Paper, PaperText, Pdf, Provenance, Summary
from pipeline.stages.download import cached_file
from pipeline.stages.extract import from_abstract
from pipeline.stages.validate import unlike_others, validate
from pipeline.store.store import Store
from pipeline.text.grounding import Source
from pipeline.text.likeness import Lines

MODEL = "人工"
"""What stands in a model's place in the line's provenance."""
NOBODY = "未署名"


class Desk:
    """What a person's lines for one paper are judged by and published with."""

    def __init__(self, store: Store, config: Config, paper: Paper, pdf_cache: Path) -> None:
        """`pdf_cache` may have the paper's PDF: names and numbers of its text count then."""
        self._store = store
        self._config = config
        self._paper = paper
        self._text = _text(paper, config, pdf_cache)
        self.old = store.summaries.published(paper.arxiv_id, paper.version)
        self.earlier = by_hand_before(store, paper)
        """What somebody wrote for a version before; None: nobody did."""

    def publish(self, draft: Draft, now: dt.datetime) -> Again:
        """Put the line into every digest that has the paper.

        Raises LineBroken, and what digests.patch_day raises.
        """
        line = one_line(draft.line)
        draft = draft.model_copy(update={"line": line})
        paper = self._paper
        source = Source((paper.title, paper.abstract, paper.comment or "", self._text.whole))
        verdict = validate(draft, source)
        reasons = [*verdict.reasons]
        if not reasons and (problem := unlike_others(self._other(line, now))):
            reasons.append(problem)
        if reasons:
            words = f" ({'、'.join(verdict.words)})" if verdict.words else ""
            raise LineBroken(
                f"{'; '.join(reasons)}{words}",
                where=paper.versioned,
                fix="Nothing is published: mend the line",
            )
        summary = Summary(
            key=f"{paper.versioned} {MODEL}",
            arxiv_id=paper.arxiv_id,
            version=paper.version,
            line=line,
            tags=draft.tags,
            provenance=self._provenance(verdict.warnings, now),
        )
        new = self._store.summaries.publish(summary)
        return published_again(self._store, self._config, paper, self.old, new)

    def _other(self, line: str, now: dt.datetime) -> str | None:
        """Another paper of these weeks that has the line, or one so alike."""
        days = self._store.days.having(self._paper.arxiv_id, self._paper.version)
        day = days[0][0] if days else eastern_date(now)
        return Lines(self._store.summaries).claim(self._paper.arxiv_id, line, day)

    def _provenance(self, warnings: tuple[str, ...], now: dt.datetime) -> Provenance:
        text = self._text
        before = self.old.provenance if self.old else None
        return Provenance(
            text_source=text.source,
            fallback=None,
            language=text.language,
            pages=text.pages,
            pages_read=text.pages_read,
            pdf_sha256=text.pdf_sha256,
            engine=text.engine,
            links=before.links if before else text.links,
            affiliations=before.affiliations if before else text.affiliations,
            truncated=False,
            prompt=MODEL,
            prompt_hash="",
            model=MODEL,
            temperature=None,
            tries=0,
            tokens_in=0,
            tokens_out=0,
            cost=0.0,
            seconds=0.0,
            warnings=warnings,
            by=self._config.edited_by or NOBODY,
            created=now,
        )


def by_hand_before(store: Store, paper: Paper) -> Summary | None:
    """The line that somebody wrote for a version before this one; None: nobody did."""
    before = [
        one
        for one, live in store.summaries.of(paper.arxiv_id)
        if live and one.version < paper.version and one.provenance.by is not None
    ]
    return max(before, key=lambda one: one.version, default=None)


def _text(paper: Paper, config: Config, pdf_cache: Path) -> PaperText:
    """Of the PDF that was read before, where it is still here; no network is asked."""
    path = cached_file(pdf_cache, paper.versioned)
    if not path.is_file():
        return from_abstract(paper)
    content = path.read_bytes()
    pdf = Pdf(path=path, sha256=hashlib.sha256(content).hexdigest(), size=len(content))
    settings = config.extract
    with Readers(1, timeout_s=settings.timeout_s, memory_mb=settings.memory_mb) as readers:
        return text_of(paper, pdf, settings, readers)
