"""One paper's way: its text, its question, its line. All go it: night, reprocess, evaluation."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

from pipeline.edges import Edges
from pipeline.errors import ArxivError, ContextExceeded, PdfError
from pipeline.llm import tokens
from pipeline.llm.model import Model
from pipeline.night.downloads import Downloads
from pipeline.prompt.variant import Variant, with_profile
from pipeline.records import Inquiry, Paper, PaperText, Pdf, Prompt, Record, Summary
from pipeline.settings import ExtractSettings, Profile
from pipeline.stages.extract import Reader, extract, from_abstract
from pipeline.stages.summarize import (
    NO_CHECKS,
    Checks,
    Judge,
    Refused,
    ReplyLog,
    inquiry_of,
    summarize,
    summary_key,
    summary_of,
)
from pipeline.stages.verify import Looker
from pipeline.text.likeness import LinesForPaper

MOST_CHARACTERS_A_TOKEN = 6
"""English papers have 4 to 5."""

LEAST_COUNTED = 0.5
"""Tokenizers that are better at Chinese count 0.6 of cl100k_base's tokens, and hardly less."""


@dataclass(frozen=True)
class Kit:
    """What a paper's line is made with, whoever asks for it: neither a store nor edges."""

    variant: Variant
    profile: Profile
    extract: ExtractSettings
    readers: Reader


class Question(Record):
    """All that is sent for a paper, and what it was made from."""

    inquiry: Inquiry
    text: PaperText
    prompt: Prompt


def text_of(
    paper: Paper,
    pdf: Pdf | str | None,
    settings: ExtractSettings,
    readers: Reader,
    *,
    variant: Variant | None = None,
    tell: Callable[[PdfError], None] = lambda _: None,
) -> PaperText:
    """The PDF's text; the abstract, with the reason, where there is none to be had.

    With a `variant` only as many pages are read as it can use. `tell` hears why a PDF cannot be
    read.
    """
    if not isinstance(pdf, Pdf):
        return from_abstract(paper, fallback=pdf)
    front = variant.front if variant else None
    try:
        return extract(
            pdf,
            settings,
            readers,
            expect=paper.versioned,
            most=front.pages_wanted if front else None,
            enough=front.text_tokens * MOST_CHARACTERS_A_TOKEN if front else 0,
        )
    except PdfError as error:
        tell(error)
        return from_abstract(paper, fallback=f"extract: {error.what}")


def prompt_for(paper: Paper, text: PaperText, kit: Kit, *, share: float = 1.0) -> Prompt:
    """The variant's prompt as the profile wants it."""
    return with_profile(kit.variant.render(paper, text, share=share), kit.profile)


def question_of(
    paper: Paper, text: PaperText, kit: Kit, model: Model, key: str, *, share: float = 1.0
) -> Question:
    """What is asked for the summary `key`, with a `share` of the text that it would have."""
    prompt = prompt_for(paper, text, kit, share=share)
    inquiry = inquiry_of(key, text, prompt, model, kit.profile.reply_settings)
    return Question(inquiry=inquiry, text=text, prompt=prompt)


T = TypeVar("T")


def or_shorter(
    question: Question, half: Callable[[], Question], ask: Callable[[Question], T]
) -> tuple[Question, T]:
    """The answer; where the model's context does not do, the one to half of the text.

    Raises what `ask` does, ContextExceeded among it where half is no less.
    """
    try:
        return question, ask(question)
    except ContextExceeded:
        shorter = half()
        if tokens.of_prompt(shorter.prompt) >= tokens.of_prompt(question.prompt):
            raise
        return shorter, ask(shorter)


def key_of(paper: Paper, kit: Kit, model: Model) -> str:
    """The key of this paper's summary by that kit and model."""
    settings = kit.profile.reply_settings
    return summary_key(paper, kit.variant.hash, model.identity, model.address, settings)


def write_paper(
    paper: Paper,
    pdf: Pdf | str | None,
    kit: Kit,
    model: Model,
    log: ReplyLog,
    *,
    now: dt.datetime,
    checks: Checks = NO_CHECKS,
) -> Summary | Refused:
    """A paper's whole way from its PDF, or the reason for having none. Raises ModelError.

    It asks for nothing but what it is given, so that it can run in any process.
    """
    text = text_of(paper, pdf, kit.extract, kit.readers, variant=kit.variant)
    return write_from(paper, text, kit, model, log, now=now, checks=checks)


def write_from(
    paper: Paper,
    text: PaperText,
    kit: Kit,
    model: Model,
    log: ReplyLog,
    *,
    now: dt.datetime,
    checks: Checks = NO_CHECKS,
    question: Question | None = None,
) -> Summary | Refused:
    """The rest of that way; the `question` may be there already. Raises ModelError."""

    def ask(question: Question) -> Summary | Refused:
        return summarize(
            paper,
            text,
            question.prompt,
            question.inquiry,
            model=model,
            log=log,
            now=now,
            checks=checks,
        )

    def made(share: float) -> Question:
        return question_of(paper, text, kit, model, key_of(paper, kit, model), share=share)

    return or_shorter(question or made(1.0), lambda: made(0.5), ask)[1]


# A run's own papers: with its store, its batch and its log.


def kit_of(edges: Edges) -> Kit:
    """The prompt, profile and readers in use."""
    return Kit(edges.variant, edges.config.profile, edges.config.extract, edges.readers)


def checks_of(edges: Edges, paper: Paper, day: dt.date) -> Checks:
    """What a line for a paper listed on `day` is held against beside the paper."""
    looker = None
    if edges.second is not None:
        looker = Looker(
            edges.second.for_one_paper(), edges.config.second_profile, edges.store.replies
        )
    return Checks(LinesForPaper(edges.lines, paper.arxiv_id, day), looker)


def downloads(edges: Edges) -> Downloads:
    """A run's PDFs; a paper's earlier versions are known by what their summaries were made from."""

    def earlier(paper: Paper) -> frozenset[str]:
        return frozenset(
            summary.provenance.pdf_sha256
            for summary, _ in edges.store.summaries.of(paper.arxiv_id)
            if summary.version < paper.version and summary.provenance.pdf_sha256
        )

    def tell(paper: Paper, error: PdfError | ArxivError) -> None:
        edges.events.emit("warning", paper.versioned, text=str(error))

    wait = edges.config.arxiv.pdf_not_ready_s
    return Downloads(
        edges.arxiv, edges.pdf_cache, edges.clock, not_ready_s=wait, earlier=earlier, tell=tell
    )


def wants_pdf(edges: Edges) -> bool:
    """Whether the prompt has a use for it, and there is a model to read it."""
    return edges.variant.wants_pdf and not edges.model.halted


def read(edges: Edges, paper: Paper, pdf: Pdf | str | None) -> PaperText:
    """The PDF's text; the abstract, with the reason, where there is none to be had."""
    if isinstance(pdf, Pdf):
        edges.clock.sleep(0)  # a stopped run starts nothing new

    def tell(error: PdfError) -> None:
        if isinstance(pdf, Pdf):
            with suppress(OSError):
                pdf.path.unlink()  # the next time may bring a better one
        edges.events.emit("warning", paper.versioned, text=str(error))

    return text_of(
        paper, pdf, edges.config.extract, edges.readers, variant=edges.variant, tell=tell
    )


def ready(edges: Edges, paper: Paper, text: PaperText, *, share: float = 1.0) -> Question:
    """The question, made before its turn comes."""
    kit = kit_of(edges)
    return question_of(paper, text, kit, edges.model, key_of(paper, kit, edges.model), share=share)


def write(
    edges: Edges, paper: Paper, question: Question, day: dt.date, *, at_once: bool = False
) -> Summary | Refused:
    """Replies and verdict for a paper listed on `day`; a valid summary is committed here.

    `at_once` asks this very question now. Raises ModelError, BudgetReached, and InBatch unless it
    is wanted `at_once`.
    """
    checks = checks_of(edges, paper, day)
    if not at_once and (kept := _paid_before(edges, paper, question, checks)):
        return kept
    desk = None if at_once else edges.desk

    def ask(question: Question) -> Summary | Refused:
        return summarize(
            paper,
            question.text,
            question.prompt,
            question.inquiry,
            model=desk.for_paper(question.inquiry) if desk else edges.model.for_one_paper(),
            log=edges.store.replies,
            now=edges.clock.now(),
            checks=checks,
        )

    question, result = or_shorter(
        question, lambda: ready(edges, paper, question.text, share=0.5), ask
    )
    if isinstance(result, Summary):
        _notice_a_cut(edges, question.prompt, result)
        return edges.store.summaries.publish(result, question.inquiry.key)
    if not result.declined:
        edges.store.replies.close_round(question.inquiry.key)  # used up; the next night draws anew
    return result


def _paid_before(edges: Edges, paper: Paper, question: Question, checks: Checks) -> Summary | None:
    """The summary of a reply that came for another question, and was not judged.

    It says what that question was made from. A reply that does not pass has had its turn.
    """
    judge = Judge(paper, question.text, checks, evidence=question.prompt.evidence)
    for earlier in edges.store.replies.unjudged(question.inquiry.summary, question.inquiry.key):
        tried = [judge(reply) for reply, _ in edges.store.replies.judged(earlier.key)]
        last = judge.claimed(tried[-1])
        if last.valid:
            summary = summary_of(paper, earlier, last, tried, edges.clock.now())
            return edges.store.summaries.publish(summary, earlier.key)
        if not last.reply.declined:
            edges.store.replies.close_round(earlier.key)
    return None


def _notice_a_cut(edges: Edges, prompt: Prompt, summary: Summary) -> None:
    """Some servers cut a prompt that is too long for them without a word; their count tells."""
    made = summary.provenance
    sent = tokens.of_prompt(prompt) if made.tries == 1 else 0
    if made.tokens_in < sent * LEAST_COUNTED:
        counted = f"{made.tokens_in:,} of about {sent:,} tokens"
        edges.events.emit(
            "warning",
            summary.arxiv_id,
            text=f"the model read {counted}: give its server a longer context",
        )
