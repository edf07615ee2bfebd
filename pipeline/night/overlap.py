"""A day's papers: while one PDF downloads, others are read, summarized and committed."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, NamedTuple

from pipeline.arxiv.calendar import eastern_date
from pipeline.clock import GRACE_S
from pipeline.edges import Edges
from pipeline.errors import (
    LONGEST_SAID,
    BudgetReached,
    InBatch,
    ModelError,
)
from pipeline.llm import tokens
from pipeline.night.downloads import Later
from pipeline.night.edit import by_hand_before
from pipeline.night.outcome import failed, refused
from pipeline.night.paper import Question, downloads, read, ready, wants_pdf, write
from pipeline.records import Announcement, Day, Done, Outcome, Paper, Pdf, Summary
from pipeline.settings import EndpointProfile, Profile
from pipeline.site import update
from pipeline.stages.summarize import Refused
from pipeline.text.diction import lexicon

if TYPE_CHECKING:
    from pipeline.llm.batch import Desk

_READY = 4
"""Prompts at the most that wait for a call to come back."""


class _Waits(NamedTuple):
    """A paper that has all but its reply, which comes with a batch."""

    item: Announcement
    asked: Question


def travel(edges: Edges, day: Day, todo: Sequence[Announcement]) -> None:
    """Bring every paper to its end: done, or owed with a stage and a reason."""
    if not todo:
        return
    edges.model.warm_up()
    waiting = _Journey(edges, day).run(todo)
    if edges.desk:
        _by_batch(edges, edges.desk, day, waiting)


class _Journey:
    """Papers in three pools of threads, each paper in one of them at a time."""

    def __init__(self, edges: Edges, day: Day) -> None:
        self._edges = edges
        self._day = day
        self._downloads = downloads(edges)
        self._patient = day.date >= eastern_date(edges.clock.now())
        self._fetching = ThreadPoolExecutor(1)  # arXiv wants one connection
        self._reading = ThreadPoolExecutor(edges.config.extract.workers or os.cpu_count())
        self._writing = ThreadPoolExecutor(_askers(edges.config.profile))
        self._to_read: deque[tuple[Announcement, Pdf | str | None]] = deque()
        self._in_hand = 0
        """Papers that are read, ready to be asked for, or asked for."""
        self._most_in_hand = 2 * edges.config.profile.concurrency + (os.cpu_count() or 1)
        self._under_way: set[Future[Any]] = set()
        self._arrived: SimpleQueue[tuple[Future[Any], Callable[[Any], None]]] = SimpleQueue()
        self._waiting: list[_Waits] = []
        self._warm = False

    def run(self, todo: Sequence[Announcement]) -> list[_Waits]:
        """Bring all papers to their end, or to where they wait for a batch: the latter."""
        pools = (self._fetching, self._reading, self._writing)
        try:
            for item in todo:
                if not wants_pdf(self._edges):
                    self._fetched(item, None)
                    continue
                fetch = partial(self._fetch, item.paper, patient=self._patient)
                self._send(self._fetching, fetch, partial(self._fetched, item))
            while self._under_way:
                future, go_on = self._arrived.get()
                self._under_way.discard(future)
                go_on(future.result())  # what is no paper's own trouble stops the run here
        except BaseException:
            self._edges.clock.stop()
            for pool in pools:
                pool.shutdown(wait=False, cancel_futures=True)
            self._edges.readers.close()
            wait(self._under_way, timeout=GRACE_S)
            raise
        for pool in pools:
            pool.shutdown()
        return self._waiting

    def _send(
        self, pool: ThreadPoolExecutor, step: Callable[[], Any], go_on: Callable[[Any], None]
    ) -> None:
        future = pool.submit(step)
        self._under_way.add(future)
        future.add_done_callback(lambda done: self._arrived.put((done, go_on)))

    def _fetch(
        self, paper: Paper, *, patient: bool, later: Later | None = None
    ) -> Pdf | str | Later | None:
        if not wants_pdf(self._edges):
            return None
        return self._downloads.fetch_or_later(paper, patient=patient, later=later)

    def _fetched(self, item: Announcement, pdf: Pdf | str | Later | None) -> None:
        if isinstance(pdf, Later):
            # Behind all the others: they go on meanwhile.
            again = partial(self._fetch, item.paper, patient=True, later=pdf)
            self._send(self._fetching, again, partial(self._fetched, item))
        else:
            self._to_read.append((item, pdf))
            self._read_ahead()

    def _read_ahead(self) -> None:
        """As many papers as keep the model busy, and no more: the first call waits for one."""
        while self._to_read and self._in_hand < self._most_in_hand:
            item, pdf = self._to_read.popleft()
            self._in_hand += 1
            reads = partial(_read, self._edges, item.paper, pdf)
            self._send(self._reading, reads, partial(self._read, item))

    def _read(self, item: Announcement, question: Question) -> None:
        writes = partial(_one_paper, self._edges, self._day, item, question)
        self._send(self._writing, writes, self._written)
        if not self._warm:
            self._warm = True
            threading.Thread(target=_warm_up, name="warm-up", daemon=True).start()

    def _written(self, result: Outcome | _Waits) -> None:
        self._in_hand -= 1
        self._read_ahead()
        if isinstance(result, _Waits):
            self._waiting.append(result)


def _askers(profile: Profile) -> int:
    """Threads that ask and judge.

    An endpoint lets no more calls out than its `concurrency` (llm/pace.py): the others stand ready
    for when a reply comes, which is judged meanwhile. Where one call is out at a time, so is one
    paper: what fails is told before the next is tried.
    """
    ready = profile.concurrency // 2 if isinstance(profile, EndpointProfile) else 0
    return profile.concurrency + min(ready, _READY)


def _warm_up() -> None:
    """Load what the replies and then the site will need: the first reply is still waited for."""
    tokens.warm_up()
    lexicon.warm_up()
    update.warm_up()


def _by_batch(edges: Edges, desk: Desk, day: Day, waiting: Sequence[_Waits]) -> None:
    """Send what was collected, and look at the papers again each time that replies come."""
    came = True
    while waiting and came:
        came = desk.work()
        looked = [_one_paper(edges, day, paper.item, paper.asked) for paper in waiting]
        waiting = [paper for paper in looked if isinstance(paper, _Waits)]


def _tell_of_a_person(edges: Edges, paper: Paper) -> None:
    """A new version has a model's line again: whoever wrote the old one may want to know."""
    if paper.version > 1 and (old := by_hand_before(edges.store, paper)):
        edges.events.emit(
            "warning",
            paper.versioned,
            text=f"v{old.version}'s line is by {old.provenance.by}: jianjie edit {paper.arxiv_id}",
        )


def _read(edges: Edges, paper: Paper, pdf: Pdf | str | None) -> Question:
    """Here and not where the model is asked: replies of others are waited for meanwhile."""
    return ready(edges, paper, read(edges, paper, pdf))


def _one_paper(edges: Edges, day: Day, item: Announcement, question: Question) -> Outcome | _Waits:
    """Summarize, validate and commit one paper."""
    edges.clock.sleep(0)  # a stopped run starts nothing new
    paper = item.paper
    try:
        result = write(edges, paper, question, day.date)
    except InBatch as waits:
        edges.store.days.set_owed(day.date, day.field, failed(item, waits))
        return _Waits(item, question)
    except (ModelError, BudgetReached) as error:
        edges.events.emit("warning", paper.versioned, text=str(error))
        outcome: Outcome = failed(item, error)
    else:
        outcome = (
            Done(announcement=item, summary=result)
            if isinstance(result, Summary)
            else refused(item, result)
        )
        if isinstance(result, Refused) and result.declined:
            edges.events.emit("declined", paper.versioned, said=result.said[:LONGEST_SAID])
    if isinstance(outcome, Done):
        _tell_of_a_person(edges, paper)
        edges.events.emit("paper_done", paper.versioned, tries=outcome.summary.provenance.tries)
    else:
        edges.store.days.set_owed(day.date, day.field, outcome)
        edges.events.emit(
            "paper_owed",
            paper.versioned,
            stage=outcome.stage.value,
            cause=outcome.cause.value,
            reason=outcome.reason,
        )
    return outcome
