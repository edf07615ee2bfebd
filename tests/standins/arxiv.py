"""The demo's stand-in arXiv with what tests want of it: faults, and a record of what was asked."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType

from pipeline.demo.answers.answer import PLAIN, Answer
from pipeline.demo.answers.pdfs import Pdfs, asked_version
from pipeline.demo.archive import Archive
from pipeline.demo.request import Kind, Request
from pipeline.demo.standin import StandInArxiv
from pipeline.records import Listing
from tests.standins import spoiled
from tests.standins.faults import FAULTS, Fault, FaultFor, Faults


class FaultyArxiv(StandInArxiv):
    """`on_request` is called with each path and query before the answer, and `fault_for` with each
    request, in the server's threads; where `fault_for` names no fault, `faults` decides.
    `monotonic` stamps the requests.
    """

    def __init__(
        self,
        announced: Listing | Archive,
        pdfs: Path | Pdfs,
        faults: Faults | None = None,
        on_request: Callable[[str], None] | None = None,
        *,
        fault_for: FaultFor | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(announced, pdfs)
        self.fault_for = fault_for
        self._on_request = on_request
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._asked: list[Request] = []
        self._over = threading.Event()
        self.faults = faults or Faults()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._over.set()
        super().__exit__(kind, error, traceback)

    @property
    def requests(self) -> list[Request]:
        """Everything asked so far, in order of arrival."""
        with self._lock:
            return list(self._asked)

    @property
    def faults(self) -> Faults:
        """What goes wrong; may be replaced at any time, and its counts then start anew."""
        return self._faults

    @faults.setter
    def faults(self, faults: Faults) -> None:
        with self._lock:
            self._faults = faults
            self._seen: Counter[str] = Counter()

    def answer(self, asked: Request) -> Answer:
        """Record the request and answer it."""
        asked = asked.model_copy(update={"at": self._monotonic()})
        with self._lock:
            self._asked.append(asked)
        if self._on_request:
            self._on_request(asked.path)
        fault = self.fault_for(asked) if self.fault_for else None
        if fault is None:
            return self._counted_failure(asked) or self._spoiled(asked, self._declared(asked))
        if asked.kind is None or fault not in FAULTS[asked.kind]:
            raise ValueError(f"{fault!r} cannot befall {asked.path}")
        return self._spoiled(asked, fault)

    def _counted_failure(self, asked: Request) -> Answer | None:
        """The 429 or 503 that the counts in `faults` owe this request, if any."""
        with self._lock:
            faults, seen = self._faults, self._seen
            seen["any"] += 1
            headers = spoiled.waiting(faults.retry_after)
            if seen["any"] <= faults.throttle:
                return Answer(429, PLAIN, b"Rate exceeded.", headers)
            kind = asked.kind or ""
            seen[kind] += 1
            failures = {"feed": faults.feed_failures, "api": faults.api_failures}.get(kind, 0)
            if seen[kind] <= failures:
                return Answer(503, PLAIN, b"Service unavailable.", headers)
        return None

    def _declared(self, asked: Request) -> Fault | None:
        """What `faults` says of this kind of request, or of this PDF."""
        faults = self.faults
        if asked.kind == "pdf":
            paper = asked_version(self.archive, asked)
            return faults.pdf.get(paper.versioned) if paper else None
        declared: dict[str | None, Fault | None] = {
            "feed": faults.feed,
            "list": faults.list_page,
            "catchup": faults.catchup,
            "api": faults.api,
            "oai": faults.oai,
        }
        return declared.get(asked.kind)

    def _spoiled(self, asked: Request, fault: Fault | None) -> Answer:
        if failed := spoiled.failure(asked, fault, self.faults.retry_after):
            return failed
        if fault == "slow":
            self._over.wait(self.faults.slow_s)
        answer = self._by_kind(asked, fault)
        return answer._replace(cut=answer.cut or fault in {"cut", "disconnect"})

    def _by_kind(self, asked: Request, fault: Fault | None) -> Answer:
        match asked.kind:
            case "api":
                answer = spoiled.api_of(self.archive, asked, fault, self.faults.api_missing)
            case "pdf":
                answer = spoiled.pdf_of(self.archive, self.pdfs, asked, fault)
            case None:
                answer = super().answer(asked)
            case kind:
                answer = _OTHERS[kind](self.archive, asked, fault)
        return answer


_OTHERS: Mapping[Kind, Callable[[Archive, Request, Fault | None], Answer]] = {
    "feed": spoiled.feed_of,
    "list": spoiled.list_of,
    "catchup": spoiled.catchup_of,
    "oai": spoiled.oai_of,
}
