"""One worker: takes shards, does their papers side by side, writes what became of each shard.

    a shard ─► its papers ─► PDF, text, question ─► reply, verdict ─► the shard's part

It runs in a process of its own, on this machine or another, and asks the coordinator for all that
workers share. A shard's last papers and the next one's first are under way together, so that the
model never waits for the end of one.
"""

from __future__ import annotations

import sys
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import Any, NamedTuple

from pipeline.backfill.coordinator import Address
from pipeline.backfill.ledger import LEASE_S, Lease
from pipeline.backfill.link import Link, SharedBudget, SharedLines, SharedPace
from pipeline.backfill.messages import Beat, Finish, Stop, Take
from pipeline.backfill.order import JobFolder, Planned, Shard
from pipeline.backfill.parts import Row, account_of, kept_rows, write_part
from pipeline.backfill.pdfs import Pdfs, PdfSources
from pipeline.backfill.remembered import Remembered
from pipeline.backfill.replies import Replies
from pipeline.backfill.shards import read_shard
from pipeline.clock import GRACE_S, Clock
from pipeline.config import Config
from pipeline.errors import (
    BudgetReached,
    Interrupted,
    JianjieError,
    Mistake,
    ModelError,
    one_line,
)
from pipeline.llm.features import FeatureMemory
from pipeline.llm.guard import Guarded
from pipeline.llm.model import Model
from pipeline.llm.pace import Turns
from pipeline.night.outcome import failed, refused
from pipeline.night.paper import Kit, Question, key_of, question_of, text_of, write_from
from pipeline.pdf.pool import Readers
from pipeline.prompt.variant import Variant
from pipeline.records import Announcement, Done, Outcome, Summary
from pipeline.stages.summarize import Checks
from pipeline.store.spending import Spend

_READY = 8
"""Threads beyond the calls that may be open: their replies are judged while others are out."""
_SWITCH_S = 0.001
"""Threads take turns so often: whoever has a reply in hand must not wait for the others' sums."""
_BEATS = 6
"""In the time after which a shard may be given to another."""

BuildModel = Callable[[Config, Clock, FeatureMemory, Turns | None], Model]


@dataclass(frozen=True)
class WorkOrder:
    """All that a worker needs; it can be pickled."""

    name: str
    address: Address
    folder: Path
    shards: tuple[Shard, ...]
    config: Config
    variant: Variant
    build_model: BuildModel
    calls: int
    """To the model at once, of this worker."""
    readers: int
    """Processes that read PDFs."""
    pdfs: PdfSources
    lease_s: float = LEASE_S


def work(order: WorkOrder) -> None:
    """Work until nothing is left, or nobody can go on: the coordinator knows why."""
    sys.setswitchinterval(_SWITCH_S)
    clock = Clock()
    with ExitStack() as open_, suppress(Interrupted):
        link = Link(order.address, order.name, clock)
        open_.callback(link.close)
        try:
            _Worker(order, link, clock, open_).run()
        except Interrupted:
            raise
        except JianjieError as error:
            told = Stop(
                kind=type(error).__name__, what=_told(error), fix=error.fix, said=error.said
            )
            link.tell(told)
        except Exception as error:
            what = f"a worker failed: {type(error).__name__}: {one_line(error)[:200]}"
            link.tell(Stop(kind=Mistake.__name__, what=what, fix="See docs/limits.md"))
            raise


def _told(error: JianjieError) -> str:
    return f"{error.where}: {error.what}" if error.where else error.what


class _Task(NamedTuple):
    """A paper of a shard that is here."""

    planned: Planned
    shard: _OpenShard

    @property
    def item(self) -> Announcement:
        return Announcement(announce=self.planned.announce, paper=self.planned.paper)


class _OpenShard:
    """A shard in this worker's hands."""

    def __init__(self, lease: Lease, papers: list[Planned], log: Replies, round_: int) -> None:
        self.lease = lease
        self.log = log
        self.round = round_
        self.papers = papers
        self.rows: dict[str, Row] = {}

    @property
    def complete(self) -> bool:
        return len(self.rows) == len(self.papers)

    def add(self, planned: Planned, outcome: Outcome) -> None:
        self.rows[planned.paper.arxiv_id] = Row(date=planned.date, outcome=outcome)

    def in_order(self) -> list[Row]:
        return [self.rows[planned.paper.arxiv_id] for planned in self.papers]


class _Halted(Exception):
    """No further call is made: the model or the budget is at its end."""

    def __init__(self, error: JianjieError) -> None:
        self.error = error


class _Worker:
    def __init__(self, order: WorkOrder, link: Link, clock: Clock, open_: ExitStack) -> None:
        config = order.config
        self._order = order
        self._link = link
        self._clock = clock
        self._folder = JobFolder(order.folder)
        self._shards = {shard.name: shard for shard in order.shards}
        memory = Remembered(self._folder.endpoint)
        called = order.build_model(config, clock, memory, SharedPace(link, clock))
        open_.callback(called.close)
        budget = SharedBudget(config.profile, config.budget, link, clock)
        self._model = Guarded(
            called, config.profile, config.budget, config.retry, clock, self, budget
        )
        readers = Readers(
            order.readers,
            timeout_s=config.extract.timeout_s,
            memory_mb=config.extract.memory_mb,
        )
        open_.callback(readers.close)
        self._kit = Kit(order.variant, config.profile, config.extract, readers)
        self._pdfs = Pdfs(order.pdfs, config, clock, open_)
        self._reading = ThreadPoolExecutor(order.readers)
        self._asking = ThreadPoolExecutor(order.calls + min(order.calls, _READY))
        self._most_in_hand = 2 * order.calls + order.readers + _READY
        self._todo: deque[_Task] = deque()
        self._in_hand = 0
        self._under_way: set[Future[Any]] = set()
        self._pause = 0.0
        """Seconds until there may be another shard."""
        self._open: list[_OpenShard] = []
        self._arrived: SimpleQueue[tuple[Future[Any], Callable[[Any], None]]] = SimpleQueue()

    def add(self, spend: Spend) -> None:
        """What a call without a reply may have cost: kept with any shard that is here."""
        if self._open:
            self._open[0].log.spent(spend)

    def run(self) -> None:
        """Until nothing is left. Raises JianjieError where no worker can go on."""
        beating = threading.Thread(target=self._beat, name="beat", daemon=True)
        beating.start()
        self._model.warm_up()
        try:
            while self._fill() or self._in_hand:
                if self._in_hand:
                    future, go_on = self._arrived.get()
                    self._under_way.discard(future)
                    go_on(future.result())
                else:
                    self._clock.sleep(self._pause)
        except _Halted as halted:
            self._let_them_come()
            raise halted.error from halted
        finally:
            self._clock.stop()
            for shard in self._open:
                shard.log.close()

    def _let_them_come(self) -> None:
        """Replies that are paid for and on their way are kept; nothing new is begun."""
        for pool in (self._reading, self._asking):
            pool.shutdown(wait=False, cancel_futures=True)
        wait(self._under_way, timeout=GRACE_S)

    def _beat(self) -> None:
        with suppress(Interrupted):
            while True:
                self._clock.sleep(self._order.lease_s / _BEATS)
                self._link.tell(Beat())

    # Shards

    def _fill(self) -> bool:
        """Papers under way as many as keep the model busy; whether there may be more later."""
        more = True
        while self._in_hand < self._most_in_hand:
            if not self._todo and not (more := self._take()):
                break
            if not self._todo:
                break  # the others have what is left: ask again later
            task = self._todo.popleft()
            self._in_hand += 1
            self._send(self._reading, partial(self._ready, task), partial(self._asked, task))
        return more

    def _take(self) -> bool:
        """Another shard's papers. False where there is none left."""
        answer = self._link.ask(Take())
        if answer.over:
            return False
        self._pause = answer.wait
        if not answer.yes:
            return True
        lease = Lease(answer.shard, answer.fence)
        papers = read_shard(self._folder, self._shards[lease.shard])
        round_, done = kept_rows(self._folder.part(lease.shard))
        log = Replies(self._folder.replies(lease.shard), self._order.name, round_)
        shard = _OpenShard(lease, papers, log, round_)
        for planned in papers:
            if planned.paper.versioned in done:
                shard.rows[planned.paper.arxiv_id] = done[planned.paper.versioned]
            else:
                self._todo.append(_Task(planned, shard))
        self._open.append(shard)
        if shard.complete:
            self._finish(shard)
        return True

    def _finish(self, shard: _OpenShard) -> None:
        """Write the shard's part, and have it counted; where another has the shard now, not."""
        rows = shard.in_order()
        account = account_of(shard.lease.shard, shard.round, rows)
        file = self._folder.parts / f"{shard.lease.shard}.{self._order.name}.new"
        write_part(file, account, rows)
        shard.log.close()
        self._open.remove(shard)
        answer = self._link.ask(
            Finish(
                shard=shard.lease.shard,
                fence=shard.lease.fence,
                file=file.name,
                done=account.done,
                owed=sum(account.owed.values()),
            )
        )
        if not answer.yes:
            with suppress(OSError):
                file.unlink(missing_ok=True)

    # Papers

    def _send(
        self, pool: ThreadPoolExecutor, step: Callable[[], Any], go_on: Callable[[Any], None]
    ) -> None:
        future = pool.submit(step)
        self._under_way.add(future)
        future.add_done_callback(lambda done: self._arrived.put((done, go_on)))

    def _ready(self, task: _Task) -> Question:
        """The paper's text and question."""
        self._clock.sleep(0)  # a stopped job starts nothing new
        paper, kit = task.planned.paper, self._kit
        pdf = self._pdfs.of(task.planned) if kit.variant.wants_pdf else None
        text = text_of(paper, pdf, kit.extract, kit.readers, variant=kit.variant)
        self._pdfs.done_with(pdf)
        return question_of(paper, text, kit, self._model, key_of(paper, kit, self._model))

    def _asked(self, task: _Task, question: Question) -> None:
        self._send(self._asking, partial(self._outcome, task, question), partial(self._over, task))

    def _outcome(self, task: _Task, question: Question) -> Outcome:
        """The line, or why there is none. Raises _Halted."""
        self._clock.sleep(0)
        paper = task.planned.paper
        try:
            result = write_from(
                paper,
                question.text,
                self._kit,
                self._model.for_one_paper(),
                task.shard.log,
                now=self._clock.now(),
                checks=Checks(SharedLines(self._link, paper.arxiv_id, task.planned.date)),
                question=question,
            )
        except (ModelError, BudgetReached) as error:
            if self._model.halted is not None:
                raise _Halted(self._model.halted) from error
            return failed(task.item, error)
        if isinstance(result, Summary):
            return Done(announcement=task.item, summary=result)
        return refused(task.item, result)

    def _over(self, task: _Task, outcome: Outcome) -> None:
        self._in_hand -= 1
        task.shard.add(task.planned, outcome)
        if task.shard.complete:
            self._finish(task.shard)
