"""Asks the model for one paper until a reply passes validation, at most three times.

Every reply is kept before it is judged, so a crash between the two costs nothing. It is kept by
what was sent for it and with what it was made from: a line that is judged another night, when the
paper is read from another text, says what the model was shown and not what it would be shown now.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from pipeline.errors import one_line
from pipeline.llm.model import Model
from pipeline.records import (
    ChatMessage,
    Draft,
    Evidence,
    Inquiry,
    Origin,
    Paper,
    PaperText,
    Prompt,
    Provenance,
    Record,
    Reply,
    ReplyForm,
    Sampling,
    Summary,
)
from pipeline.text.reply import ReplyMalformed, parse_reply
from pipeline.text.untrusted import as_data

if TYPE_CHECKING:
    from pipeline.stages.validate import Verdict
    from pipeline.stages.verify import Looked, Looker
    from pipeline.text.evidence import Places
    from pipeline.text.grounding import Source

TRIES = 3
DECLINED = "declined: the model or its endpoint will not answer this"
"""What it says of that is its own words, or the paper's."""
_RESAMPLE_TEMPERATURE = 0.6
_ABOUT = "涉及的文字："
_FEEDBACK = "上一条回复没有通过检查，请改正以下各点，并按同样的格式重新给出完整的回复：\n{reasons}"


class ReplyLog(Protocol):
    """Where replies are kept; attempts count from 0 inside the key's open round."""

    def refusals(self, key: str) -> int:
        """How many rounds in a row ended without a valid reply."""

    def refused(self, key: str) -> Sequence[Reply]:
        """The replies of those rounds."""

    def get(self, key: str, attempt: int) -> Reply | None:
        """A reply that was already paid for."""

    def add(self, key: str, attempt: int, reply: Reply, inquiry: Inquiry | None = None) -> None:
        """Keep a reply, and what it was made from."""

    def add_reasons(self, key: str, attempt: int, reasons: Sequence[str]) -> None:
        """Keep why it was refused."""


class OtherLines(Protocol):
    """The lines of other papers."""

    def claim(self, line: str) -> str | None:
        """Take the line for this paper; or the id of the paper that has it, or all but the same."""


class Checks(NamedTuple):
    """What a line is held against beside its own paper."""

    others: OtherLines | None = None
    """None: no other paper's line."""
    looker: Looker | None = None
    """None: nobody looks at it again."""


NO_CHECKS = Checks()


class Refused(Record):
    """No reply passed: the reasons of the last one."""

    reasons: tuple[str, ...]
    declined: bool = False
    """The model or its endpoint will not answer this: to ask again would be a wasted call."""
    said: str = ""
    """How it declined; for the log."""


class Judged(NamedTuple):
    """A reply with its verdict; `draft` is None where it has not the form."""

    reply: Reply
    draft: Draft | None
    verdict: Verdict
    evidence: tuple[Evidence, ...] = ()
    looked: Looked | None = None

    @property
    def valid(self) -> bool:
        """Whether the line may be published."""
        return self.draft is not None and not self.verdict.reasons


def summary_key(
    paper: Paper, prompt_hash: str, model: str, address: str, settings: Mapping[str, Any]
) -> str:
    """Design decision 1: the paper in its version, the prompt, and the model where it answers.

    Temperature and text budget stand in the prompt file, so its hash covers them; `settings` are
    the profile's own that are sent in their place or with them.
    """
    return _hash([paper.arxiv_id, paper.version, prompt_hash, model, address, dict(settings)])


def inquiry_of(
    summary: str, text: PaperText, prompt: Prompt, model: Model, settings: Mapping[str, Any]
) -> Inquiry:
    """What is asked for a summary: its key covers every word that is sent and how it is drawn.

    What follows a refused reply is sent under the same key: it is made of this and of the replies.
    """
    sent = [message.content for message in prompt.messages]
    drawn = [prompt.reply, prompt.reask, prompt.temperature, prompt.max_tokens]
    parts = [summary, model.identity, model.address, sent, drawn, dict(settings)]
    return Inquiry(key=_hash(parts), summary=summary, origin=_origin(text, prompt))


def _hash(parts: Sequence[Any]) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


def summarize(
    paper: Paper,
    text: PaperText,
    prompt: Prompt,
    inquiry: Inquiry,
    *,
    model: Model,
    log: ReplyLog,
    now: dt.datetime,
    checks: Checks = NO_CHECKS,
) -> Summary | Refused:
    """A validated summary, or why there is none.

    Replies to the same question that were refused before are judged first: the rules may have
    changed since. Raises ModelError, BudgetReached.
    """
    judge = Judge(paper, text, checks, evidence=prompt.evidence)
    earlier = [judge(reply) for reply in log.refused(inquiry.key)]
    if (best := judge.best(earlier)) is not None:
        return summary_of(paper, inquiry, best, earlier, now)
    tried: list[Judged] = []
    for attempt in range(TRIES):
        reply = log.get(inquiry.key, attempt)
        if reply is None:
            sampling = _sampling(prompt, attempt, log.refusals(inquiry.key), tried)
            reply = model.ask(_messages(prompt, tried), sampling)
            log.add(inquiry.key, attempt, reply, inquiry)
        if reply.declined:
            return Refused(reasons=(DECLINED,), declined=True, said=one_line(reply.text))
        judged = judge.claimed(judge(reply))
        tried.append(judged)
        if judged.valid:
            return summary_of(paper, inquiry, judged, tried, now)
        log.add_reasons(inquiry.key, attempt, judged.verdict.reasons)
    return Refused(reasons=tried[-1].verdict.reasons)


class Judge:
    """Holds replies against the rules, the paper, which is indexed when first needed, and others.

    With `evidence` each part of a line has to quote the paper.
    """

    def __init__(
        self,
        paper: Paper,
        text: PaperText,
        checks: Checks = NO_CHECKS,
        *,
        evidence: bool = False,
    ) -> None:
        self._paper = paper
        self._text = text
        self._others, self._looker = checks
        self._evidence = evidence

    @cached_property
    def _source(self) -> Source:
        from pipeline.text.grounding import Source

        paper = self._paper
        return Source((paper.title, paper.abstract, paper.comment or "", self._text.whole))

    @cached_property
    def places(self) -> Places:
        """The paper's texts, where quotes are looked up."""
        from pipeline.text.evidence import Places

        return Places(self._paper, self._text)

    def __call__(self, reply: Reply) -> Judged:
        """Taken apart, with what is wrong with it."""
        from pipeline.stages.validate import Verdict, validate  # the first prompt is out by now

        try:
            draft = parse_reply(reply.text, evidence=self._evidence)
        except ReplyMalformed as error:
            cut = f", cut off after {reply.tokens_out} tokens" if reply.cut_off else ""
            problem = f"reply_form: {error}{cut}"
            return Judged(reply, None, Verdict(reasons=(problem,), warnings=()))
        judged = Judged(reply, draft, validate(draft, self._source))
        return self._carried(judged, draft) if self._evidence else judged

    def _carried(self, judged: Judged, draft: Draft) -> Judged:
        """The same, with its evidence or what is wrong with that."""
        from pipeline.text.evidence import carried

        found = carried(draft, self.places)
        problems = judged.verdict.with_problems("evidence", found.problems)
        return judged._replace(verdict=problems, evidence=found.evidence)

    def claimed(self, judged: Judged) -> Judged:
        """The same, and where it is valid no other paper's: from then on the line is this one's.

        Where there is a looker it was looked at again. Raises ModelError, BudgetReached.
        """
        return self._looked(self._unlike_others(judged))

    def _unlike_others(self, judged: Judged) -> Judged:
        if self._others is None or judged.draft is None or not judged.valid:
            return judged
        from pipeline.stages.validate import unlike_others

        problem = unlike_others(self._others.claim(judged.draft.line))
        reasons = (problem,) if problem else ()
        return judged._replace(verdict=judged.verdict.model_copy(update={"reasons": reasons}))

    def _looked(self, judged: Judged) -> Judged:
        if self._looker is None or judged.draft is None or not judged.valid:
            return judged
        from pipeline.stages.verify import RULE

        looked = self._looker(self._paper, judged.draft.line, judged.evidence, self.places)
        verdict = judged.verdict.with_problems(RULE, looked.problems)
        warnings = (*verdict.warnings, *looked.warnings)
        verdict = verdict.model_copy(update={"warnings": warnings})
        return judged._replace(verdict=verdict, looked=looked)

    def best(self, judged: Sequence[Judged]) -> Judged | None:
        """Of the valid ones the one with the fewest warnings that is no other paper's line."""
        valid = [one for one in judged if one.valid]
        ranked = sorted(valid, key=lambda one: len(one.verdict.warnings))
        return next((one for one in map(self.claimed, ranked) if one.valid), None)


def first_sampling(prompt: Prompt) -> Sampling:
    """How a prompt's first reply is drawn."""
    return _sampling(prompt, 0, 0, ())


def _sampling(prompt: Prompt, attempt: int, refusals: int, tried: Sequence[Judged]) -> Sampling:
    """What follows a refused reply must be able to differ: warmer, seeded by where it stands.

    What follows one that was cut off may be twice as long.
    """
    again = prompt.reask == "resample" and attempt + refusals > 0
    cut_off = sum(one.reply.cut_off for one in tried)
    return Sampling(
        temperature=max(prompt.temperature, _RESAMPLE_TEMPERATURE) if again else prompt.temperature,
        max_tokens=prompt.max_tokens * 2**cut_off,
        form=_form(prompt),
        seed=refusals * TRIES + attempt if again else None,
    )


def _form(prompt: Prompt) -> ReplyForm:
    if prompt.reply != "json":
        return "labelled"
    return "quoted" if prompt.evidence else "entry"


def _messages(prompt: Prompt, tried: Sequence[Judged]) -> tuple[ChatMessage, ...]:
    """The prompt, then what was wrong with the last reply; its length is no fault of its words."""
    if not tried or prompt.reask != "feedback" or tried[-1].reply.cut_off:
        return prompt.messages
    return prompt.messages + _feedback(tried[-1].reply, tried[-1].verdict)


def _feedback(reply: Reply, verdict: Verdict) -> tuple[ChatMessage, ...]:
    """What a hostile paper talked the model into stays data on its way back."""
    told = list(verdict.reasons)
    if verdict.words:
        told.append(f"{_ABOUT}{'、'.join(verdict.words)}")
    reasons = "\n".join(f"- {as_data(one)}" for one in told)
    return (
        ChatMessage(role="assistant", content=as_data(reply.text)),
        ChatMessage(role="user", content=_FEEDBACK.format(reasons=reasons)),
    )


def summary_of(
    paper: Paper, inquiry: Inquiry, chosen: Judged, tried: Sequence[Judged], now: dt.datetime
) -> Summary:
    """The chosen reply with its provenance; all tries are its cost."""
    if chosen.draft is None:
        raise AssertionError("a reply without a draft is never chosen")
    return Summary(
        key=inquiry.summary,
        arxiv_id=paper.arxiv_id,
        version=paper.version,
        line=chosen.draft.line,
        tags=chosen.draft.tags,
        evidence=chosen.evidence,
        provenance=_provenance(inquiry.origin, chosen, tried, now),
    )


def _origin(text: PaperText, prompt: Prompt) -> Origin:
    return Origin(
        text_source=text.source,
        fallback=text.fallback,
        language=text.language,
        pages=text.pages,
        pages_read=text.pages_read,
        pdf_sha256=text.pdf_sha256,
        engine=text.engine,
        text_warnings=text.warnings,
        links=text.links,
        affiliations=text.affiliations,
        truncated=prompt.truncated,
        cut=prompt.cut,
        prompt=prompt.variant,
        prompt_hash=prompt.hash,
    )


def _provenance(
    origin: Origin, chosen: Judged, tried: Sequence[Judged], now: dt.datetime
) -> Provenance:
    """All tries are its cost, and so is every look at one."""
    looks = [one.looked for one in (*tried, chosen) if one.looked]
    looking = {id(reply): reply for look in looks for reply in look.replies}
    replies = [*(one.reply for one in tried), *looking.values()]
    costs = [reply.cost for reply in replies]
    return Provenance(
        **origin.model_dump(),
        model=chosen.reply.model,
        temperature=chosen.reply.temperature,
        tries=len(tried),
        tokens_in=sum(reply.tokens_in for reply in replies),
        tokens_out=sum(reply.tokens_out for reply in replies),
        cost=None if None in costs else round(sum(cost or 0.0 for cost in costs), 6),
        seconds=round(sum(reply.seconds for reply in replies), 3),
        warnings=chosen.verdict.warnings,
        certainty=chosen.reply.certainty,
        doubtful=chosen.reply.doubtful,
        second_look=chosen.looked.look if chosen.looked else None,
        created=now,
    )
