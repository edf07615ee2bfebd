"""Asks the model for one paper until a reply passes validation, at most three times.

Every reply is kept before it is judged, so a crash between the two costs nothing.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Sequence
from typing import Protocol

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

TRIES = 3
_RESAMPLE_TEMPERATURE = 0.6
_FEEDBACK = "上一条回复没有通过检查，请改正以下各点，并按同样的格式重新给出完整的回复：\n{reasons}"


class ReplyLog(Protocol):
    """Where replies are kept; attempts count from 0 inside the key's open round."""

    def refusals(self, key: str) -> int:
        """How many rounds in a row ended without a valid reply."""

    def reply(self, key: str, attempt: int) -> Reply | None:
        """A reply that was already paid for."""

    def add_reply(self, key: str, attempt: int, reply: Reply) -> None:
        """Keep a reply."""

    def add_reasons(self, key: str, attempt: int, reasons: Sequence[str]) -> None:
        """Keep why it was refused."""


class Refused(Record):
    """No reply passed: the reasons of the last one."""

    reasons: tuple[str, ...]


def summary_key(paper: Paper, prompt_hash: str, model: str, max_pages: int) -> str:
    """Design decision 1: everything that changes the reply, and nothing else.

    Temperature and text budget stand in the prompt file, so its hash covers them.
    """
    parts = [paper.arxiv_id, paper.version, prompt_hash, model, max_pages]
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
    """A validated summary, or why there is none."""
    replies: list[Reply] = []
    refused: Verdict | None = None
    for attempt in range(TRIES):
        reply = log.reply(key, attempt)
        if reply is None:
            messages = prompt.messages
            if replies and refused and prompt.reask == "feedback":
                messages += _feedback(replies[-1], refused)
            reply = model.ask(messages, _sampling(prompt, attempt, log.refusals(key)))
            log.add_reply(key, attempt, reply)
        replies.append(reply)
        draft, verdict = _judge(reply)
        if draft is not None and not verdict.reasons:
            temperature = _sampling(prompt, attempt, log.refusals(key)).temperature
            provenance = _provenance(text, prompt, temperature, replies, verdict.warnings, now)
            return Summary(
                key=key,
                arxiv_id=paper.arxiv_id,
                version=paper.version,
                line=draft.line,
                tags=draft.tags,
                provenance=provenance,
            )
        refused = verdict
        log.add_reasons(key, attempt, verdict.reasons)
    return Refused(reasons=refused.reasons if refused else ())


def _judge(reply: Reply) -> tuple[Draft | None, Verdict]:
    try:
        draft = parse_reply(reply.text)
    except ReplyMalformed as error:
        return None, Verdict(reasons=(f"reply_form: {error}",), warnings=())
    return draft, validate(draft)


def _sampling(prompt: Prompt, attempt: int, refusals: int) -> Sampling:
    """What follows a refused reply must be able to differ: warmer, seeded by where it stands."""
    again = prompt.reask == "resample" and attempt + refusals > 0
    return Sampling(
        temperature=max(prompt.temperature, _RESAMPLE_TEMPERATURE) if again else prompt.temperature,
        max_tokens=prompt.max_tokens,
        json_reply=prompt.reply == "json",
        seed=refusals * TRIES + attempt if again else None,
    )


def _feedback(reply: Reply, verdict: Verdict) -> tuple[Message, ...]:
    reasons = "\n".join(f"- {reason}" for reason in verdict.reasons)
    return (
        Message(role="assistant", content=reply.text),
        Message(role="user", content=_FEEDBACK.format(reasons=reasons)),
    )


def _provenance(
    text: PaperText,
    prompt: Prompt,
    temperature: float,
    replies: Sequence[Reply],
    warnings: tuple[str, ...],
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
        model=replies[-1].model,
        prompt=prompt.variant,
        prompt_hash=prompt.hash,
        temperature=temperature,
        tries=len(replies),
        tokens_in=sum(reply.tokens_in for reply in replies),
        tokens_out=sum(reply.tokens_out for reply in replies),
        cost=None if None in costs else round(sum(cost or 0.0 for cost in costs), 6),
        seconds=round(sum(reply.seconds for reply in replies), 3),
        warnings=warnings,
        engine=text.engine,
        cut=prompt.cut,
        text_warnings=text.warnings,
        created=now,
    )
