"""A stand-in arXiv on loopback: a real HTTP server that announces listings and serves their PDFs.

    with StandInArxiv(example_listing(digest_file), demo_pdfs()) as arxiv:
        ...  # {arxiv.url}/rss/cs.SD+eess.AS, {arxiv.url}/api/query, {arxiv.url}/pdf/2601.02954v1

Under one address it has `/rss/…`, `/atom/…`, `/list/cs.SD/new`, `/catchup/cs.SD/2026-01-07`,
`/api/query`, `/oai` and `/pdf/…`. What they show depends on the time (archive.py). It answers as
arXiv does, its faults included (faults.py), but for the 3 s that arXiv wants between requests,
which nothing here enforces.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from pipeline.demo.answers.answer import PLAIN, Answer, failure, waiting
from pipeline.demo.answers.api import api_answer
from pipeline.demo.answers.feeds import feed_answer
from pipeline.demo.answers.oai import oai_answer
from pipeline.demo.answers.pages import catchup_answer, list_answer, page_failure
from pipeline.demo.answers.pdfs import Pdfs, asked_version, pdf_answer, pdf_folder
from pipeline.demo.archive import Archive
from pipeline.demo.asked import Asked
from pipeline.demo.faults import FAULTS, Fault, FaultFor, Faults
from pipeline.demo.server import Server
from pipeline.records import Listing


def demo_pdfs() -> Path:
    """The packaged folder of the example day's PDFs, one `2601.02954v1.pdf` a paper."""
    return Path(__file__).with_name("pdfs")


class StandInArxiv:
    """A context manager; the server lives inside it, on a free port of 127.0.0.1.

    A single listing is an archive in which it is half past midnight on the listing's date. `pdfs`
    is a folder or gives the bytes of a versioned id. `on_request` is called with each path and
    query before the answer, and `fault_for` with each request, in the server's threads; where
    `fault_for` names no fault, `faults` decides. `monotonic` stamps the requests.
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
        self.archive = announced if isinstance(announced, Archive) else Archive([announced])
        self.fault_for = fault_for
        self._pdfs = pdf_folder(pdfs) if isinstance(pdfs, Path) else pdfs
        self._on_request = on_request
        self._lock = threading.Lock()
        self._asked: list[Asked] = []
        self._over = threading.Event()
        self.faults = faults or Faults()
        self._server = Server(self.answer, monotonic)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), name="stand-in arXiv", daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._over.set()
        self._server.shutdown()
        self._thread.join()
        self._server.hang_up()
        self._server.server_close()

    @property
    def url(self) -> str:
        """The address without a slash at the end: http://127.0.0.1:PORT."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def requests(self) -> list[Asked]:
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

    def answer(self, asked: Asked) -> Answer:
        """Record the request and answer it."""
        with self._lock:
            self._asked.append(asked)
        if self._on_request:
            self._on_request(asked.path)
        fault = self.fault_for(asked) if self.fault_for else None
        if fault is None:
            return self._counted_failure(asked) or self._answer(asked, self._declared(asked))
        if asked.kind is None or fault not in FAULTS[asked.kind]:
            raise ValueError(f"{fault!r} cannot befall {asked.path}")
        return self._answer(asked, fault)

    def _counted_failure(self, asked: Asked) -> Answer | None:
        """The 429 or 503 that the counts in `faults` owe this request, if any."""
        with self._lock:
            faults, seen = self._faults, self._seen
            seen["any"] += 1
            headers = waiting(faults.retry_after)
            if seen["any"] <= faults.throttle:
                return Answer(429, PLAIN, b"Rate exceeded.", headers)
            kind = asked.kind or ""
            seen[kind] += 1
            failures = {"feed": faults.feed_failures, "api": faults.api_failures}.get(kind, 0)
            if seen[kind] <= failures:
                return Answer(503, PLAIN, b"Service unavailable.", headers)
        return None

    def _declared(self, asked: Asked) -> Fault | None:
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

    def _answer(self, asked: Asked, fault: Fault | None) -> Answer:
        wait = self.faults.retry_after
        if asked.kind in {"list", "catchup"} and (said := page_failure(fault, wait)):
            return said
        has_own_words = asked.kind == "pdf" and fault == "server_error"
        if not has_own_words and (failed := failure(fault, wait)):
            return failed
        if fault == "slow":
            self._over.wait(self.faults.slow_s)
        good = self._by_kind(asked, fault)
        return good._replace(cut=good.cut or fault == "cut")

    def _by_kind(self, asked: Asked, fault: Fault | None) -> Answer:
        archive, pdfs, missing = self.archive, self._pdfs, self.faults.api_missing
        match asked.kind:
            case "feed":
                good = feed_answer(archive, asked, fault)
            case "list":
                good = list_answer(archive, asked, fault)
            case "catchup":
                good = catchup_answer(archive, asked, fault)
            case "api":
                good = api_answer(archive, asked, fault, missing)
            case "oai":
                good = oai_answer(archive, asked, fault)
            case "pdf":
                good = pdf_answer(archive, pdfs, asked, fault)
            case None:
                good = Answer(404, PLAIN, b"Not found.")
        return good
