"""The store: everything that is known, in one SQLite file, a module a subject.

What it promises: a paper is committed when it is done; replies are kept before they are judged;
only validated summaries count as lines; no paper, reply or summary is ever deleted, unless it
cannot be read and another has taken its place.
"""

from __future__ import annotations

from pathlib import Path

from pipeline.store.batches import Batches
from pipeline.store.canary import CanaryLines
from pipeline.store.database import Database, Warn
from pipeline.store.days import Days
from pipeline.store.endpoints import Endpoints
from pipeline.store.messages import Messages
from pipeline.store.papers import Papers
from pipeline.store.replies import Replies
from pipeline.store.runs import Runs
from pipeline.store.spending import Spending
from pipeline.store.summaries import Summaries


class Store:
    """Its parts share one file. Each is safe for many threads and raises OutputError on a bad disk.

    They return what stands in the rows; what is made of it, as diffs and verdicts, is made by those
    who show it.
    """

    def __init__(self, path: Path, *, warn: Warn = lambda _: None, reading: bool = False) -> None:
        """Open the file, and make or migrate it; `warn` and `reading` as for Database."""
        self.file = Database(path, warn=warn, reading=reading)
        self.days = Days(self.file)
        self.papers = Papers(self.file)
        self.summaries = Summaries(self.file)
        self.replies = Replies(self.file)
        self.batches = Batches(self.file)
        self.spending = Spending(self.file)
        self.endpoints = Endpoints(self.file)
        self.canary = CanaryLines(self.file)
        self.messages = Messages(self.file)
        self.runs = Runs(self.file)

    def close(self) -> None:
        """Close the file."""
        self.file.close()
