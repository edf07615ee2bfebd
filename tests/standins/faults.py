"""What the stand-in arXiv can be told to do wrong; all of it is known of arXiv or of networks.

Three ways to say so: `Faults` declares it, a `FaultFor` decides for each request, and
`RandomFaults` is a `FaultFor` that draws.
"""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Literal, get_args

from pipeline.demo.request import Kind, Request
from pipeline.records import Record

CommonFault = Literal[
    "throttled",  # 429 `Rate exceeded.` with no Retry-After
    "throttled_later",  # 429 with Retry-After
    "not_acceptable",  # 406, another way to throttle
    "unavailable",  # 503 with Retry-After: 300
    "server_error",  # 503 without; a PDF: 500 and an HTML page
    "hang_up",  # the connection ends with no answer
    "cut",  # it ends in mid-body
    "slow",  # `Faults.slow_s` pass before a good answer
]
FeedFault = Literal[
    CommonFault,
    "not_xml",
    "truncated_xml",
    "empty",  # as on a weekend
    "error_feed",
    "stale",  # the previous listing's papers under today's date
    "stale_paper",  # today's, and the first one of the previous listing
    "incomplete",  # without every third paper
    "doubled",  # every paper once more, with a weaker announce type where there is one
    "nameless",  # the last paper's announce type is `no_match`
]
ListFault = Literal[
    CommonFault,
    "captcha",
    "not_html",
    "truncated",  # ends after half of the entries: the counts say more
    "stale",  # the previous listing with its date
]
CatchupFault = Literal[
    CommonFault,
    "captcha",
    "not_html",
    "truncated",
    "refused",  # 400, as for a date out of reach
]
ApiFault = Literal[
    CommonFault,
    "not_xml",
    "truncated_xml",
    "empty_page",  # counts what it found and lists none of it
    "missing",  # without the first paper, the fourth and so on
    "reordered",  # backwards
]
OaiFault = Literal[
    CommonFault,
    "not_xml",
    "truncated_xml",
    "error_code",  # badResumptionToken
]
PdfFault = Literal[
    CommonFault,
    "captcha",
    "not_ready",  # 200 and an HTML page
    "no_source",  # 404 `File unavailable`, as for about ten minutes after the announcement
    "not_pdf",  # 404 `file unavailable`: none can be made of this source
    "not_found",  # 404 `No document`
    "not_public",  # 403: its authors keep the source
    "not_made",  # 500 `file unavailable`: arXiv's maker failed, which can pass
    "withdrawn",
    "old_file",  # the previous version's PDF
    "empty",
    "truncated",  # a whole answer with the first 60% of the file
    "encrypted",
    "html",  # not_ready by another name
    "disconnect",  # cut by another name
]
Fault = Literal[FeedFault, ListFault, CatchupFault, ApiFault, OaiFault, PdfFault]
FaultFor = Callable[[Request], Fault | None]

FAULTS: Mapping[Kind, tuple[Fault, ...]] = {
    "feed": get_args(FeedFault),
    "list": get_args(ListFault),
    "catchup": get_args(CatchupFault),
    "api": get_args(ApiFault),
    "oai": get_args(OaiFault),
    "pdf": get_args(PdfFault),
}
"""Every fault by what it can befall."""

_NOT_DRAWN = {"slow", "html", "disconnect"}
"""Real time that passes, and second names."""


class Faults(Record):
    """None of these by default. Counts start anew whenever the server is given faults."""

    throttle: int = 0
    """The first so many requests of any kind are answered 429 `Rate exceeded.`."""
    retry_after: float | None = None
    """Seconds in the Retry-After header of every 429 and 503 but `throttled`; None: only where
    the fault's name promises one, and then arXiv's own."""
    slow_s: float = 0.05
    """Real seconds that `slow` takes."""
    feed: FeedFault | None = None
    feed_failures: int = 0
    """The first so many requests for the feed (throttled ones not counted) are answered 503."""
    list_page: ListFault | None = None
    catchup: CatchupFault | None = None
    api: ApiFault | None = None
    api_failures: int = 0
    """The same for the metadata API."""
    api_missing: frozenset[str] = frozenset()
    """Base ids (2601.02954) that the metadata API does not know."""
    oai: OaiFault | None = None
    pdf: Mapping[str, PdfFault] = {}
    """By versioned id (2601.02954v1)."""


class RandomFaults:
    """A `FaultFor` that fails requests at a rate, the same ones for the same seed.

    Each kind of request has its own row of draws, so that the order among kinds does not matter.
    The same address never fails more than `in_a_row` times running: a client that tries once more
    than that gets through, and the rate is a little below `rate` where it tries again.
    `only` replaces the faults that are drawn, kind by kind; `drawn` counts them.
    """

    def __init__(
        self,
        seed: int,
        rate: float,
        in_a_row: int = 2,
        only: Mapping[Kind, Sequence[Fault]] | None = None,
    ) -> None:
        self._rate = rate
        self._in_a_row = in_a_row
        self._choices: dict[Kind, Sequence[Fault]] = {
            kind: [fault for fault in faults if fault not in _NOT_DRAWN]
            for kind, faults in FAULTS.items()
        }
        self._choices.update(only or {})
        # A text seeds the same way in every process; a hash of it would not.
        self._random = {kind: random.Random(f"{seed}:{kind}") for kind in FAULTS}
        self._running: Counter[str] = Counter()
        self._lock = threading.Lock()
        self.drawn: Counter[tuple[Kind, Fault]] = Counter()

    def __call__(self, asked: Request) -> Fault | None:
        """The fault of this request, if it gets one."""
        kind = asked.kind
        if kind is None or not self._choices[kind]:
            return None
        with self._lock:
            # Both draws every time: what was answered must not shift those that follow.
            fails = self._random[kind].random() < self._rate
            fault = self._random[kind].choice(self._choices[kind])
            if not fails or self._running[asked.path] >= self._in_a_row:
                self._running[asked.path] = 0
                return None
            self._running[asked.path] += 1
            self.drawn[kind, fault] += 1
            return fault
