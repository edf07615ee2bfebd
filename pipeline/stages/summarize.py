"""Asks the model for one paper until a reply passes validation, at most three times.

Every reply is kept before it is judged, so a crash between the two costs nothing.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple, Protocol

from pipeline.errors import one_line
from pipeline.grounding import Source
from pipeline.llm.model import Model
from pipeline.records import (
    Draft,
    Message,
    Paper,
    PaperText,
    Prompt,
    Provenance,
    Record,
    Reply,
    Sampling,
    Summary,
)
from pipeline.replies import ReplyMalformed, parse_reply
from pipeline.stages.validate import Verdict, validate
from pipeline.untrusted import as_data

TRIES = 3
_RESAMPLE_TEMPERATURE = 0.6
_FEEDBACK = "上一条回复没有通过检查，请改正以下各点，并按同样的格式重新给出完整的回复：\n{reasons}"


class ReplyLog(Protocol):
    """Where replies are kept; attempts count from 0 inside the key's open round."""

    def refusals(self, key: str) -> int:
        """How many rounds in a row ended without a valid reply."""

    def refused_replies(self, key: str) -> Sequence[Reply]:
        """The replies of those rounds."""

    def reply(self, key: str, attempt: int) -> Reply | None:
        """A reply that was already paid for."""

    def add_reply(self, key: str, attempt: int, reply: Reply) -> None:
        """Keep a reply."""

    def add_reasons(self, key: str, attempt: int, reasons: Sequence[str]) -> None:
        """Keep why it was refused."""


class Refused(Record):
    """No reply passed: the reasons of the last one."""

    reasons: tuple[str, ...]
    declined: bool = False
    """The model or its endpoint will not answer this: to ask again would be a wasted call."""


class Judged(NamedTuple):
    """A reply with its verdict; `draft` is None where it has not the form."""

    reply: Reply
    draft: Draft | None
    verdict: Verdict


def summary_key(
    paper: Paper, prompt_hash: str, model: str, max_pages: int, settings: Mapping[str, Any]
) -> str:
    """Design decision 1: everything that changes the reply, and nothing else.

    Temperature and text budget stand in the prompt file, so its hash covers them; `settings` are
    the profile's own that are sent in their place or with them.
    """
    parts: list[Any] = [paper.arxiv_id, paper.version, prompt_hash, model, max_pages]
    if settings:
        parts.append(dict(sorted(settings.items())))
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def summarize(
    paper: Paper,
    text: PaperText,
    prompt: Prompt,
    key: str,
    *,
    model: Model,
    log: ReplyLog,
    now: dt.datetime,
) -> Summary | Refused:
    """A validated summary, or why there is none.

    Replies that were refused before are judged first: the rules may have changed since.
    """
    judge = Judge(paper, text)
    earlier = [judge(reply) for reply in log.refused_replies(key)]
    if (best := _best(earlier)) is not None:
        return _summary(paper, text, prompt, key, best, earlier, now)
    tried: list[Judged] = []
    for attempt in range(TRIES):
        reply = log.reply(key, attempt)
        if reply is None:
            sampling = _sampling(prompt, attempt, log.refusals(key), tried)
            reply = model.ask(_messages(prompt, tried), sampling)
            log.add_reply(key, attempt, reply)
        if reply.declined:
            return Refused(reasons=(f"declined: {one_line(reply.text)}",), declined=True)
        judged = judge(reply)
        tried.append(judged)
        if judged.draft is not None and not judged.verdict.reasons:
            return _summary(paper, text, prompt, key, judged, tried, now)
        log.add_reasons(key, attempt, judged.verdict.reasons)
    return Refused(reasons=tried[-1].verdict.reasons)


class Judge:
    """Holds replies against the rules and against the paper, which is indexed when first needed."""

    def __init__(self, paper: Paper, text: PaperText) -> None:
        self._paper = paper
        self._text = text

    @cached_property
    def _source(self) -> Source:
        paper = self._paper
        return Source((paper.title, paper.abstract, paper.comment or "", self._text.whole))

    def __call__(self, reply: Reply) -> Judged:
        """Taken apart, with what is wrong with it."""
        try:
            draft = parse_reply(reply.text)
        except ReplyMalformed as error:
            cut = f", cut off after {reply.tokens_out} tokens" if reply.cut_off else ""
            problem = f"reply_form: {error}{cut}"
            return Judged(reply, None, Verdict(reasons=(problem,), warnings=()))
        return Judged(reply, draft, validate(draft, self._source))


def _best(judged: Sequence[Judged]) -> Judged | None:
    """Of the valid ones the one with the fewest warnings."""
    valid = [one for one in judged if one.draft is not None and not one.verdict.reasons]
    return min(valid, key=lambda one: len(one.verdict.warnings), default=None)


def _sampling(prompt: Prompt, attempt: int, refusals: int, tried: Sequence[Judged]) -> Sampling:
    """What follows a refused reply must be able to differ: warmer, seeded by where it stands.

    What follows one that was cut off may be twice as long.
    """
    again = prompt.reask == "resample" and attempt + refusals > 0
    cut_off = sum(one.reply.cut_off for one in tried)
    return Sampling(
        temperature=max(prompt.temperature, _RESAMPLE_TEMPERATURE) if again else prompt.temperature,
        max_tokens=prompt.max_tokens * 2**cut_off,
        json_reply=prompt.reply == "json",
        seed=refusals * TRIES + attempt if again else None,
    )


def _messages(prompt: Prompt, tried: Sequence[Judged]) -> tuple[Message, ...]:
    """The prompt, then what was wrong with the last reply; its length is no fault of its words."""
    if not tried or prompt.reask != "feedback" or tried[-1].reply.cut_off:
        return prompt.messages
    return prompt.messages + _feedback(tried[-1].reply, tried[-1].verdict)


def _feedback(reply: Reply, verdict: Verdict) -> tuple[Message, ...]:
    """What a hostile paper talked the model into stays data on its way back."""
    reasons = "\n".join(f"- {as_data(reason)}" for reason in verdict.reasons)
    return (
        Message(role="assistant", content=as_data(reply.text)),
        Message(role="user", content=_FEEDBACK.format(reasons=reasons)),
    )


def _summary(
    paper: Paper,
    text: PaperText,
    prompt: Prompt,
    key: str,
    chosen: Judged,
    tried: Sequence[Judged],
    now: dt.datetime,
) -> Summary:
    """The chosen reply with its provenance; all tries are its cost."""
    if chosen.draft is None:
        raise AssertionError("a reply without a draft is never chosen")
    return Summary(
        key=key,
        arxiv_id=paper.arxiv_id,
        version=paper.version,
        line=chosen.draft.line,
        tags=chosen.draft.tags,
        provenance=_provenance(text, prompt, chosen, [one.reply for one in tried], now),
    )


def _provenance(
    text: PaperText,
    prompt: Prompt,
    chosen: Judged,
    replies: Sequence[Reply],
    now: dt.datetime,
) -> Provenance:
    costs = [reply.cost for reply in replies]
    return Provenance(
        text_source=text.source,
        fallback=text.fallback,
        language=text.language,
        pages=text.pages,
        pages_read=text.pages_read,
        pdf_sha256=text.pdf_sha256,
        truncated=prompt.truncated,
        model=chosen.reply.model,
        prompt=prompt.variant,
        prompt_hash=prompt.hash,
        temperature=chosen.reply.temperature,
        tries=len(replies),
        tokens_in=sum(reply.tokens_in for reply in replies),
        tokens_out=sum(reply.tokens_out for reply in replies),
        cost=None if None in costs else round(sum(cost or 0.0 for cost in costs), 6),
        seconds=round(sum(reply.seconds for reply in replies), 3),
        warnings=chosen.verdict.warnings,
        engine=text.engine,
        cut=prompt.cut,
        text_warnings=text.warnings,
        created=now,
    )
