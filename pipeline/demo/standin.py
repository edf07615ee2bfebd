"""A stand-in arXiv on loopback: a real HTTP server that announces listings and serves their PDFs.

    with StandInArxiv(example_listing(digest_file), demo_pdfs()) as arxiv:
        ...  # {arxiv.url}/rss/cs.SD+eess.AS, {arxiv.url}/api/query, {arxiv.url}/pdf/2601.02954v1

Under one address it has `/rss/…`, `/atom/…`, `/list/cs.SD/new`, `/catchup/cs.SD/2026-01-07`,
`/api/query`, `/oai` and `/pdf/…`. What they show depends on the time (archive.py). It answers as
arXiv does, but for the 3 s that arXiv wants between requests, which nothing here enforces.
"""

from __future__ import annotations

import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from pipeline.demo.answers.answer import PLAIN, Answer
from pipeline.demo.answers.api import api_answer
from pipeline.demo.answers.feeds import feed_answer
from pipeline.demo.answers.oai import oai_answer
from pipeline.demo.answers.pages import catchup_answer, list_answer
from pipeline.demo.answers.pdfs import Pdfs, pdf_answer, pdf_folder
from pipeline.demo.archive import Archive
from pipeline.demo.request import Request
from pipeline.demo.server import Server
from pipeline.records import Listing


def demo_pdfs() -> Path:
    """The packaged folder of the example day's PDFs, one `2601.02954v1.pdf` a paper."""
    return Path(__file__).with_name("pdfs")


class StandInArxiv:
    """A context manager; the server lives inside it, on a free port of 127.0.0.1.

    A single listing is an archive in which it is half past midnight on the listing's date. `pdfs`
    is a folder or gives the bytes of a versioned id.
    """

    def __init__(self, announced: Listing | Archive, pdfs: Path | Pdfs) -> None:
        self.archive = announced if isinstance(announced, Archive) else Archive([announced])
        self.pdfs = pdf_folder(pdfs) if isinstance(pdfs, Path) else pdfs
        self._server = Server(self.answer)
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
        self._server.shutdown()
        self._thread.join()
        self._server.hang_up()
        self._server.server_close()

    @property
    def url(self) -> str:
        """The address without a slash at the end: http://127.0.0.1:PORT."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def answer(self, request: Request) -> Answer:
        """What arXiv says to this; called in the server's threads."""
        match request.kind:
            case "feed":
                good = feed_answer(self.archive, request)
            case "list":
                good = list_answer(self.archive, request)
            case "catchup":
                good = catchup_answer(self.archive, request)
            case "api":
                good = api_answer(self.archive, request)
            case "oai":
                good = oai_answer(self.archive, request)
            case "pdf":
                good = pdf_answer(self.archive, self.pdfs, request)
            case None:
                good = Answer(404, PLAIN, b"Not found.")
        return good
