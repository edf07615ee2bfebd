"""One paper: its PDF, its text, its line."""

from __future__ import annotations

import datetime as dt
from contextlib import suppress

from pipeline.edges import Edges
from pipeline.errors import ArxivError, ContextExceeded, PdfError
from pipeline.night.downloads import Downloads
from pipeline.records import Inquiry, Paper, PaperText, Pdf, Prompt, Record, Summary
from pipeline.settings import Profile
from pipeline.stages.extract import extract, from_abstract
from pipeline.stages.summarize import (
    Judge,
    Refused,
    inquiry,
    summarize,
    summary_key,
    summary_of,
)
from pipeline.text.likeness import LinesForPaper

MOST_CHARACTERS_A_TOKEN = 6
"""English papers have 4 to 5."""

LEAST_COUNTED = 0.5
"""Tokenizers that are better at Chinese count 0.6 of cl100k_base's tokens, and hardly less."""


def downloads(edges: Edges) -> Downloads:
    """A run's PDFs; a paper's earlier versions are known by what their summaries were made from."""

    def earlier(paper: Paper) -> frozenset[str]:
        return frozenset(
            summary.provenance.pdf_sha256
            for summary, _ in edges.store.summaries(paper.arxiv_id)
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
    if not isinstance(pdf, Pdf):
        return from_abstract(paper, fallback=pdf)
    edges.clock.sleep(0)  # a stopped run starts nothing new
    front = edges.variant.front
    try:
        return extract(
            pdf,
            edges.config.extract,
            edges.readers,
            expect=paper.versioned,
            wanted=front.pages_wanted,
            enough=front.text_tokens * MOST_CHARACTERS_A_TOKEN,
        )
    except PdfError as error:
        with suppress(OSError):
            pdf.path.unlink()  # the next time may bring a better one
        edges.events.emit("warning", paper.versioned, text=str(error))
        return from_abstract(paper, fallback=f"extract: {error.what}")


class Ready(Record):
    """All that a paper's question needs."""

    inquiry: Inquiry
    text: PaperText
    prompt: Prompt


def ready(edges: Edges, paper: Paper, text: PaperText, *, share: float = 1.0) -> Ready:
    """The question, made before its turn comes; with a `share` of the text that it would have."""
    prompt = prompt_for(edges, paper, text, share=share)
    settings = edges.config.profile.reply_settings
    asked = inquiry(paper_key(edges, paper), text, prompt, edges.model, settings)
    return Ready(inquiry=asked, text=text, prompt=prompt)


def write(
    edges: Edges, paper: Paper, asked: Ready, day: dt.date, *, at_once: bool = False
) -> Summary | Refused:
    """Replies and verdict for a paper listed on `day`; a valid summary is committed here.

    `at_once` asks this very question now. Raises ModelError, BudgetReached, and InBatch unless it
    is wanted `at_once`.
    """
    others = LinesForPaper(edges.lines, paper.arxiv_id, day)
    if not at_once and (kept := _paid_before(edges, paper, asked, others)):
        return kept
    try:
        result = _asked(edges, paper, asked, others, at_once=at_once)
    except ContextExceeded:
        shorter = ready(edges, paper, asked.text, share=0.5)
        if shorter.prompt.tokens >= asked.prompt.tokens:
            raise
        asked = shorter
        result = _asked(edges, paper, asked, others, at_once=at_once)
    if isinstance(result, Summary):
        _notice_a_cut(edges, asked.prompt, result)
        return edges.store.publish(result, asked.inquiry.key)
    if not result.declined:
        edges.store.close_round(asked.inquiry.key)  # used up; the next night draws anew
    return result


def _asked(
    edges: Edges, paper: Paper, asked: Ready, others: LinesForPaper, *, at_once: bool
) -> Summary | Refused:
    desk = None if at_once else edges.desk
    return summarize(
        paper,
        asked.text,
        asked.prompt,
        asked.inquiry,
        model=desk.for_paper(asked.inquiry) if desk else edges.model.for_one_paper(),
        log=edges.store,
        now=edges.clock.now(),
        others=others,
    )


def _paid_before(edges: Edges, paper: Paper, asked: Ready, others: LinesForPaper) -> Summary | None:
    """The summary of a reply that came for another question, from another text, and was not judged.

    It says what that question was made from. A reply that does not pass has had its turn.
    """
    judge = Judge(paper, asked.text, others)
    for earlier in edges.store.unjudged(asked.inquiry.summary, asked.inquiry.key):
        tried = [judge(reply) for reply, _ in edges.store.judged(earlier.key)]
        last = judge.claimed(tried[-1])
        if last.valid:
            summary = summary_of(paper, earlier, last, tried, edges.clock.now())
            return edges.store.publish(summary, earlier.key)
        if not last.reply.declined:
            edges.store.close_round(earlier.key)
    return None


def _notice_a_cut(edges: Edges, prompt: Prompt, summary: Summary) -> None:
    """Some servers cut a prompt that is too long for them without a word; their count tells."""
    made = summary.provenance
    if made.tries == 1 and made.tokens_in < prompt.tokens * LEAST_COUNTED:
        counted = f"{made.tokens_in:,} of about {prompt.tokens:,} tokens"
        edges.events.emit(
            "warning",
            summary.arxiv_id,
            text=f"the model read {counted}: give its server a longer context",
        )


def prompt_for(edges: Edges, paper: Paper, text: PaperText, *, share: float = 1.0) -> Prompt:
    """The prompt of the variant and the profile in use."""
    return with_profile(edges.variant.render(paper, text, share=share), edges.config.profile)


def with_profile(prompt: Prompt, profile: Profile) -> Prompt:
    """What the profile sets of a reply wins over the variant's own."""
    own = profile.model_dump(include={"temperature", "max_tokens"}, exclude_none=True)
    return prompt.model_copy(update=own)


def paper_key(edges: Edges, paper: Paper) -> str:
    """The key of this paper's summary with the model and prompt in use."""
    model, settings = edges.model, edges.config.profile.reply_settings
    return summary_key(paper, edges.variant.hash, model.identity, model.address, settings)
