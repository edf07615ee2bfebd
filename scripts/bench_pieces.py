"""What a paper's processor time is made of: each piece alone, in one thread. For bench.py."""

from __future__ import annotations

import datetime as dt
import json
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pipeline.arxiv.api import parse_papers
from pipeline.arxiv.feed import parse_feed
from pipeline.arxiv.listpage import parse_list_page
from pipeline.clock import Clock
from pipeline.demo.answers.api import api_answer
from pipeline.demo.answers.feeds import feed_answer
from pipeline.demo.answers.pages import list_answer
from pipeline.demo.archive import Archive
from pipeline.demo.request import Request
from pipeline.evaluate.statistics import mean_interval, paired
from pipeline.llm.endpoint import Endpoint
from pipeline.llm.guard import Guarded
from pipeline.night.paper import Kit, Question, key_of, question_of
from pipeline.prompt.variant import load_variant
from pipeline.records import Listing, Reply
from pipeline.settings import BudgetSettings, EndpointProfile, ExtractSettings, RetrySettings
from pipeline.stages.extract import from_abstract
from pipeline.stages.summarize import Checks, Judge, first_sampling, summary_of
from pipeline.store.store import Store
from pipeline.text.likeness import Lines, LinesForPaper
from tests.standins.model import StandInModel, good_line

Piece = tuple[str, float, str, float | None]
"""What, how much, its unit, and its bar."""
PARSE_BAR_MS, REPLY_BAR_MS, BOOTSTRAP_BAR_S = 60.0, 3.0, 1.0
ROUNDS = 3


def pieces(listing: Listing, prompts: Path) -> Iterator[Piece]:
    """Of a night of these papers from their abstracts; milliseconds a paper."""
    yield ("parsing 200: feed, page and metadata", _parsing(listing), "ms", PARSE_BAR_MS)
    yield from _of_a_reply(listing, prompts)
    yield ("bootstrap, 600 papers × 5 variants", _bootstrap(), "s", BOOTSTRAP_BAR_S)


def _parsing(listing: Listing) -> float:
    """Of the feed, the list page and the API's answers about 200 papers."""
    first = listing.model_copy(update={"announcements": listing.announcements[:200]})
    archive = Archive([first])
    feed = feed_answer(archive, _get("/rss/cs.SD+eess.AS")).body
    page = list_answer(archive, _get("/list/cs.SD/new?skip=0&show=2000")).body
    ids = [item.paper.versioned for item in first.announcements]
    answers = [
        api_answer(archive, _get(f"/api/query?id_list={','.join(some)}&max_results=100")).body
        for some in (ids[:100], ids[100:])
    ]

    def parse() -> None:
        parse_feed(feed, where="feed")
        parse_list_page(page, where="page")
        for answer in answers:
            parse_papers(answer, where="API")

    return _milliseconds(parse, 1)


def _get(path: str) -> Request:
    return Request(method="GET", path=path)


def _of_a_reply(listing: Listing, prompts: Path) -> Iterator[Piece]:
    """The prompt before, and all that a reply costs: the call, the verdict, two commits."""
    papers = [item.paper for item in listing.announcements]
    texts = [from_abstract(paper, fallback=None) for paper in papers]
    variant = load_variant("abstract", prompts)
    with (
        tempfile.TemporaryDirectory(prefix="jianjie-bench-") as folder,
        StandInModel() as standin,
    ):
        profile = EndpointProfile(base_url=standin.url, model="standin")
        kit = Kit(variant, profile, ExtractSettings(), _NoReader())
        store = Store(Path(folder) / "jianjie.sqlite3")
        store.days.add(listing, "音频", ("cs.SD", "eess.AS"))
        model = Endpoint(profile, Clock(), store.endpoints, patience_s=60)
        guarded = Guarded(
            model, profile, BudgetSettings(), RetrySettings(), Clock(), store.spending
        )

        def ask_for() -> list[Question]:
            return [
                question_of(paper, text, kit, guarded, key_of(paper, kit, guarded))
                for paper, text in zip(papers, texts, strict=True)
            ]

        questions = ask_for()
        yield "prompt", _milliseconds(ask_for, len(papers)), "ms", None
        some = questions[:40]
        sampling = first_sampling(some[0].prompt)

        def call() -> None:
            for question in some:
                guarded.ask(question.prompt.messages, sampling)

        call()
        parts = {"call": _milliseconds(call, len(some))}
        replies = [_reply(paper.title) for paper in papers]
        lines = Lines(store.summaries, variant.example_lines)

        def judge() -> list[Any]:
            fresh = [
                Judge(paper, text, Checks(LinesForPaper(lines, paper.arxiv_id, listing.date)))
                for paper, text in zip(papers, texts, strict=True)
            ]
            return [one.claimed(one(reply)) for one, reply in zip(fresh, replies, strict=True)]

        judged = judge()
        parts["verdict"] = _milliseconds(judge, len(papers))
        now = dt.datetime.now(dt.UTC)

        def commit() -> None:
            for paper, question, reply, verdict in zip(
                papers, questions, replies, judged, strict=True
            ):
                key = question.inquiry.key
                store.replies.add(key, 0, reply, question.inquiry)
                summary = summary_of(paper, question.inquiry, verdict, [verdict], now)
                store.summaries.publish(summary, key)

        parts["two commits"] = _milliseconds(commit, len(papers), rounds=1)
        guarded.close()
        store.close()
    yield from ((f"... {name}", took, "ms", None) for name, took in parts.items())
    yield "what each reply costs", sum(parts.values()), "ms", REPLY_BAR_MS


class _NoReader:
    """There are no PDFs."""

    def read(self, path: Path, engine: str, pages: int) -> Any:
        raise AssertionError(path, engine, pages)


def _reply(title: str) -> Reply:
    text = json.dumps({"分类": ["cs.SD"], "简介": good_line(title)}, ensure_ascii=False)
    return Reply(text=text, model="m", tokens_in=900, tokens_out=80, cost=0.0, seconds=0.5)


def _bootstrap() -> float:
    """Seconds: an interval for each of five variants, and four of them against the first."""
    chance = random.Random(1)  # noqa: S311 - no secret
    variants = [[chance.gauss(40, 9) for _ in range(600)] for _ in range(5)]

    def compare() -> None:
        for values in variants:
            mean_interval(values)
        for values in variants[1:]:
            paired(values, variants[0])

    return _milliseconds(compare, 1) / 1000


def _milliseconds(work: Callable[[], object], count: int, *, rounds: int = ROUNDS) -> float:
    """Processor time of one of `count`: the median round's."""
    took: list[float] = []
    for _ in range(rounds):
        start = time.thread_time()
        work()
        took.append(1000 * (time.thread_time() - start) / count)
    return statistics.median(took)
