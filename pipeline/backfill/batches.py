"""A job by the endpoint's Batch API: each shard is a batch, and many are out at the same time.

What is sent and what comes is kept in one SQLite file of the job's, so that a run that was stopped
finds its batches again (llm/batch.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack

from pipeline.backfill.coordinator import LineBook, placed_in
from pipeline.backfill.edges import Edges
from pipeline.backfill.order import JobFolder, Plan, Planned, Shard
from pipeline.backfill.parts import Row, account_of, kept_rows, write_part
from pipeline.backfill.pdfs import Pdfs
from pipeline.backfill.shards import read_shard
from pipeline.errors import BudgetReached, InBatch, JianjieError, ModelError
from pipeline.llm.batch import Desk
from pipeline.llm.endpoint import Endpoint
from pipeline.llm.guard import Guarded
from pipeline.night.outcome import failed, refused
from pipeline.night.paper import Kit, Question, key_of, question_of, text_of, write_from
from pipeline.pacing import Retry
from pipeline.pdf.pool import Readers
from pipeline.records import Announcement, Cause, Done, Outcome, Owed, Summary
from pipeline.settings import EndpointProfile
from pipeline.stages.summarize import Checks
from pipeline.store.store import Store

OUT = 20
"""Shards whose batches are out at the same time."""


class ByBatch:
    """For one thread. Raises OutputError, ConfigError."""

    def __init__(
        self, edges: Edges, plan: Plan, folder: JobFolder, lines: LineBook, open_: ExitStack
    ) -> None:
        config = edges.config
        profile = config.profile
        self._edges = edges
        self._folder = folder
        self._lines = lines
        self._shards = {shard.name: shard for shard in plan.shards}
        self._store = Store(folder.batches)
        open_.callback(self._store.close)
        called = edges.build_model(config, edges.clock, self._store.endpoints, None)
        open_.callback(called.close)
        if not isinstance(profile, EndpointProfile) or not isinstance(called, Endpoint):
            raise TypeError("only an endpoint has a Batch API")
        self._model = Guarded(
            called, profile, config.budget, config.retry, edges.clock, self._store.spending
        )
        self._desk = Desk(
            called,
            profile,
            self._model,
            self._store,
            Retry(config.retry, edges.clock),
            edges.clock,
            edges.events,
        )
        readers = open_.enter_context(Readers(1, timeout_s=config.extract.timeout_s))
        self._kit = Kit(edges.variant, profile, config.extract, readers)

    @property
    def halted(self) -> JianjieError | None:
        """Why no further call is made."""
        return self._model.halted

    def work(self, todo: Sequence[str], pdfs: Pdfs) -> Iterator[str]:
        """The shards that come to their end; those whose batches are still out do not."""
        self._desk.fetch()  # what an earlier run sent
        waiting = list(todo)
        open_: list[_Shard] = []
        came = True
        while came and (open_ or waiting) and self._model.halted is None:
            while waiting and len(open_) < OUT:
                open_.append(self._taken(self._shards[waiting.pop(0)]))
                self._look_at(open_[-1], pdfs)
                self._desk.send()
            yield from self._finished(open_)
            came = bool(not open_ and waiting) or self._desk.work(anew=True)
            for shard in open_:
                self._look_at(shard, pdfs)
        yield from self._finished(open_)

    def _taken(self, shard: Shard) -> _Shard:
        papers = read_shard(self._folder, shard)
        part = self._folder.part(shard.name)
        round_, done = kept_rows(part)
        taken = _Shard(shard.name, papers, round_)
        taken.rows = done
        return taken

    def _look_at(self, shard: _Shard, pdfs: Pdfs) -> None:
        """Each paper that has no end yet."""
        for planned in shard.papers:
            if planned.paper.versioned in shard.rows:
                continue
            outcome = self._outcome(planned, pdfs, again=shard.round > 0 and not shard.begun)
            if not (isinstance(outcome, Owed) and outcome.cause is Cause.IN_BATCH):
                shard.rows[planned.paper.versioned] = Row(date=planned.date, outcome=outcome)
        shard.begun = True

    def _outcome(self, planned: Planned, pdfs: Pdfs, *, again: bool) -> Outcome:
        item = Announcement(announce=planned.announce, paper=planned.paper)
        question = self._question(planned, pdfs)
        if again:
            self._store.replies.reopen(question.inquiry.key)
        try:
            result = write_from(
                planned.paper,
                question.text,
                self._kit,
                self._desk.for_paper(question.inquiry),
                self._store.replies,
                now=self._edges.clock.now(),
                checks=Checks(_Lines(self._lines, planned)),
                question=question,
            )
        except InBatch as waits:
            return failed(item, waits)
        except (ModelError, BudgetReached) as error:
            # What stops all of them is no paper's own end.
            return failed(item, InBatch("not sent") if self._model.halted else error)
        if isinstance(result, Summary):
            return Done(announcement=item, summary=result)
        if not result.declined:
            self._store.replies.close_round(question.inquiry.key)
        return refused(item, result)

    def _question(self, planned: Planned, pdfs: Pdfs) -> Question:
        kit, paper = self._kit, planned.paper
        pdf = pdfs.of(planned) if kit.variant.wants_pdf else None
        text = text_of(paper, pdf, kit.extract, kit.readers, variant=kit.variant)
        return question_of(paper, text, kit, self._model, key_of(paper, kit, self._model))

    def _finished(self, open_: list[_Shard]) -> Iterator[str]:
        for shard in [one for one in open_ if len(one.rows) == len(one.papers)]:
            rows = [shard.rows[planned.paper.versioned] for planned in shard.papers]
            file = self._folder.parts / f"{shard.name}.batch.new"
            write_part(file, account_of(shard.name, shard.round, rows), rows)
            placed_in(self._folder.parts)(file.name, shard.name)
            open_.remove(shard)
            yield shard.name


class _Shard:
    def __init__(self, name: str, papers: list[Planned], round_: int) -> None:
        self.name = name
        self.papers = papers
        self.round = round_
        self.begun = False
        self.rows: dict[str, Row] = {}
        """By versioned id, what has come to its end."""


class _Lines:
    def __init__(self, lines: LineBook, planned: Planned) -> None:
        self._lines = lines
        self._planned = planned

    def claim(self, line: str) -> str | None:
        """Take the line; or the id of the paper that has it, or one that is all but the same."""
        return self._lines.claim(self._planned.paper.arxiv_id, line, self._planned.date)
