"""What a job would take, from a sample of its papers: no model is called."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from pipeline.backfill.edges import Edges
from pipeline.backfill.order import JobFolder, Plan, Planned
from pipeline.backfill.parts import Row, account_of, write_part
from pipeline.backfill.shards import read_shard
from pipeline.digest.document import json_of
from pipeline.digest.entries import digest_of
from pipeline.digest.markdown import render
from pipeline.llm import tokens
from pipeline.llm.prices import cost
from pipeline.night.paper import Kit, prompt_for
from pipeline.pdf.pool import Readers
from pipeline.records import (
    Announcement,
    Day,
    Done,
    Prompt,
    Provenance,
    Record,
    Reply,
    Summary,
)
from pipeline.settings import EndpointProfile
from pipeline.stages.extract import from_abstract

SAMPLE = 200
_LINE = "该论文属于语音识别任务，解决低资源语言标注数据不足的问题，提出一种基于自监督预训练的方法。"
"""As long as most: for what a line takes on the disk."""


class Estimate(Record):
    """A whole job, at the most, but for replies that are refused and asked for again."""

    papers: int
    days: int
    shards: int
    sample: int
    """Papers that were measured."""
    tokens_in: int
    tokens_out: int
    cost: float | None
    """None where the profile has no prices."""
    by_limits_s: float | None
    """What the profile's limits a minute take; None where it has none."""
    by_replies_s: float | None
    """At the profile's calls at once, by how long the model's last replies took here; None where
    there are none yet."""
    pdfs_s: float
    """What arXiv's pace takes for the PDFs that it is asked for."""
    disk_mb: float
    """Plan, replies, parts and digests; PDFs lie in the cache for a while."""
    by_batch: bool

    @property
    def seconds(self) -> float | None:
        """The longest of them; None where nothing is known."""
        known = [s for s in (self.by_limits_s, self.by_replies_s, self.pdfs_s) if s]
        return max(known, default=None)


def estimate(
    edges: Edges, plan: Plan, folder: JobFolder, *, download: bool, typical_s: float | None
) -> Estimate:
    """By a sample spread over the plan. `typical_s`: seconds of a reply of this model."""
    sample = _sample(plan, folder)
    profile, variant = edges.config.profile, edges.variant
    text = variant.front.text_tokens if variant.wants_pdf else 0
    with Readers(1) as readers:
        kit = Kit(variant, profile, edges.config.extract, readers)
        prompts = [prompt_for(one.paper, from_abstract(one.paper), kit) for one in sample]
    share = plan.papers / len(sample)
    counted = sum(tokens.of_prompt(prompt) + text for prompt in prompts)
    tokens_in = math.ceil(counted * profile.counting_factor * share)
    tokens_out = math.ceil(sum(prompt.max_tokens for prompt in prompts) * share)
    price = cost(profile, tokens_in, tokens_out)
    batch = isinstance(profile, EndpointProfile) and profile.batch
    if price is not None and isinstance(profile, EndpointProfile) and profile.batch:
        price *= profile.batch_price
    size = _bytes(edges, plan, sample, prompts) * share
    return Estimate(
        papers=plan.papers,
        days=len(plan.days),
        shards=len(plan.shards),
        sample=len(sample),
        tokens_in=tokens_in,
        tokens_out=tokens_out,
        cost=price,
        by_limits_s=_by_limits(edges, plan.papers, tokens_in + tokens_out),
        by_replies_s=None
        if batch or typical_s is None
        else typical_s * plan.papers / profile.concurrency,
        pdfs_s=edges.config.arxiv.pdf_interval_s * plan.papers
        if download and variant.wants_pdf
        else 0.0,
        disk_mb=size / 1e6,
        by_batch=batch,
    )


def _by_limits(edges: Edges, papers: int, tokens_: int) -> float | None:
    profile = edges.config.profile
    if not isinstance(profile, EndpointProfile):
        return None
    minutes = [
        need / limit
        for need, limit in (
            (papers, profile.requests_per_minute),
            (tokens_, profile.tokens_per_minute),
        )
        if limit
    ]
    return 60 * max(minutes) if minutes else None


def _sample(plan: Plan, folder: JobFolder) -> list[Planned]:
    """Evenly spread, from as few files as that takes."""
    shards = plan.shards[:: max(1, len(plan.shards) // 20)]
    papers = [one for shard in shards for one in read_shard(folder, shard)]
    return papers[:: max(1, len(papers) // SAMPLE)][:SAMPLE]


def _bytes(edges: Edges, plan: Plan, sample: Sequence[Planned], prompts: Sequence[Prompt]) -> float:
    """What the sample would have on the disk, as it is really written."""
    now = edges.clock.now()
    rows = [
        Row(date=one.date, outcome=_done(one, prompt, now))
        for one, prompt in zip(sample, prompts, strict=True)
    ]
    day = Day(
        date=sample[0].date,
        field=plan.order.field,
        name=plan.order.name,
        categories=plan.order.categories,
        source="",
        outcomes=tuple(row.outcome for row in rows),
    )
    digests = len(render(digest_of(day, edges.config.tags)).encode())
    digests += len(json_of(day, edges.config.tags))
    with TemporaryDirectory() as place:
        part = Path(place) / "part.parquet"
        write_part(part, account_of("", 0, rows), rows)
        parts = part.stat().st_size
    replies = sum(len(_reply(now).model_dump_json()) + 120 for _ in rows)
    papers = sum(len(one.model_dump_json()) for one in sample) * 0.4  # gzip's share of such texts
    return digests + parts + replies + papers


def _reply(now: dt.datetime) -> Reply:
    return Reply(
        text=_LINE, model="model", tokens_in=1000, tokens_out=100, cost=0.001, seconds=1.0, at=now
    )


def _done(one: Planned, prompt: Prompt, now: dt.datetime) -> Done:
    made = Provenance(
        text_source="abstract",
        fallback=None,
        language=None,
        pages=0,
        pages_read=0,
        pdf_sha256=None,
        truncated=False,
        prompt=prompt.variant,
        prompt_hash=prompt.hash,
        model="model",
        temperature=0.0,
        tries=1,
        tokens_in=1000,
        tokens_out=100,
        cost=0.001,
        seconds=1.0,
        warnings=(),
        created=now,
    )
    summary = Summary(
        key="0" * 32,
        arxiv_id=one.paper.arxiv_id,
        version=one.paper.version,
        line=_LINE,
        tags=one.paper.categories,
        provenance=made,
    )
    item = Announcement(announce=one.announce, paper=one.paper)
    return Done(announcement=item, summary=summary)
