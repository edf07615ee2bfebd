"""The frozen values that travel between the stages.

The way of one paper: `Paper` → `Pdf` → `PaperText` → `Prompt` → `Reply` → `Summary`, and at
the end an `Outcome`: `Done` or `Owed`. A `Day` holds the outcomes of everything announced.
"""

from __future__ import annotations

import datetime as dt
import re
from enum import StrEnum
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict


class Record(BaseModel):
    """A frozen value; an unknown field is an error."""

    # Built when the first is made: a run that finds nothing to do needs few of a hundred kinds.
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Section(StrEnum):
    """The digest's two parts; the value is the word in an entry's heading."""

    NEW = "new"
    REPLACED = "replaced"


class AnnounceType(StrEnum):
    """ArXiv's announce types, in the order in which its listing gives them."""

    NEW = "new"
    CROSS = "cross"
    REPLACE = "replace"
    REPLACE_CROSS = "replace-cross"

    @property
    def section(self) -> Section:
        """Where the digest puts it: 最新发布 = new + cross, 更新 = replace + replace-cross."""
        return Section.NEW if self in (AnnounceType.NEW, AnnounceType.CROSS) else Section.REPLACED

    @property
    def rank(self) -> int:
        """0 for the strongest: of two types for one paper, the one that counts."""
        return list(AnnounceType).index(self)


Metadata = Literal["lost", "feed", "page", "oai", "api"]
"""Where a paper's fields are from, the least faithful first; all but `api` are asked for again.

`lost`: the store's row cannot be read, and only id and version are known.
"""


class Paper(Record):
    """One version of one paper, as arXiv's metadata has it."""

    arxiv_id: str
    """Canonical id without a version: 2601.02954 or math/0309136."""
    version: int
    """0: not known yet. A page named the paper, and no other source answered."""
    title: str
    abstract: str
    authors: tuple[str, ...]
    comment: str | None = None
    """ArXiv's comment (备注); None when there is none, or when only the feed was had."""
    categories: tuple[str, ...]
    """Primary category first."""
    submitted: dt.datetime | None = None
    """When this version was submitted, UTC; None where the source does not say."""
    metadata: Metadata = "api"

    @property
    def versioned(self) -> str:
        """The id with its version: 2601.02954v1; without one where that is not known."""
        return f"{self.arxiv_id}v{self.version}" if self.version else self.arxiv_id

    @property
    def missing(self) -> tuple[str, ...]:
        """The fields that the source of the metadata does not have at all."""
        if self.metadata == "lost":
            return ("title", "abstract", "authors", "comment", "categories")
        return ("comment",) if self.metadata == "feed" else ()


class Change(Record):
    """What a new version changed in one field."""

    field: Literal["title", "abstract", "authors", "comment"]
    diff: str
    """Short: the words that went as [-gone-], those that came as {+new+}, … where text is equal."""


class Replaced(Record):
    """The last version that we had before an announced one, and what changed since."""

    version: int
    changes: tuple[Change, ...]
    paper: Paper | None = None
    """Its metadata, from which the changes can be told again."""


class Announcement(Record):
    """A paper in a listing."""

    announce: AnnounceType
    paper: Paper
    earlier: Paper | None = None
    """The last version before it, where one is known here."""


class Check(Record):
    """A listing held against the list pages' own counts."""

    pages: tuple[str, ...]
    """The addresses of the pages that it was held against."""
    counted: int
    """Papers on those pages, each once."""
    added: tuple[str, ...] = ()
    """Ids that the pages have and the feed had not."""
    dropped: tuple[str, ...] = ()
    """Ids that the feed had and that are of an earlier listing: the feed was stale."""
    no_news: tuple[str, ...] = ()
    """Ids that the catch-up pages have and arXiv did not announce in the field on that date."""
    untyped: tuple[str, ...] = ()
    """Ids with an announce type that is not known here: their page or their version tells it."""
    problems: tuple[str, ...] = ()
    """What could not be settled; such a day is checked again by the next run."""

    @property
    def complete(self) -> bool:
        """Whether the day is known to have everything that arXiv announced."""
        return not self.problems


class Listing(Record):
    """What arXiv announced for one field on one date (the listing's ET date)."""

    date: dt.date
    field: str
    source: str
    """The host that answered, e.g. rss.arxiv.org; 127.0.0.1 is the demo's stand-in."""
    announcements: tuple[Announcement, ...]
    untyped: tuple[str, ...] = ()
    """Ids whose announce type here is only a guess."""
    check: Check | None = None
    """None: not held against the list pages yet."""


class Pdf(Record):
    """A downloaded PDF file."""

    path: Path
    sha256: str
    size: int
    """Bytes."""


SectionKind = Literal[
    "title",
    "abstract",
    "introduction",
    "related",
    "method",
    "experiments",
    "conclusion",
    "acknowledgements",
    "references",
    "appendix",
    "other",
]


class TextSection(Record):
    """A part of a paper's text under one heading; the part before the first one is `title`."""

    heading: str
    kind: SectionKind
    text: str


class PaperText(Record):
    """What the prompt may read of a paper, and where it came from."""

    source: Literal["pdf", "abstract"]
    body: str
    """The PDF's text from its abstract up to its references, or the metadata's abstract."""
    sections: tuple[TextSection, ...] = ()
    """All of the PDF's text that was read, taken apart; empty for an abstract."""
    engine: str | None = None
    """What read the PDF: pypdf or pypdfium2."""
    language: str | None = None
    """ISO 639-1 code of a PDF's body; None for an abstract, or where it cannot be told."""
    pages: int = 0
    pages_read: int = 0
    characters: int = 0
    """Of all the text that was read, references included."""
    pdf_sha256: str | None = None
    fallback: str | None = None
    """Why the text is the abstract though the prompt wanted the PDF."""
    warnings: tuple[str, ...] = ()
    """Why the second engine read it, pages that failed, hidden text that was left out."""
    links: tuple[str, ...] = ()
    """What the PDF's first page leads to, as far as it is known for code, data and demos."""
    affiliations: tuple[str, ...] = ()
    """The universities, institutes and firms that it names above its abstract."""
    page_texts: tuple[str, ...] = ()
    """What each page that was read has, before it was cleaned: tells the page of a quote."""

    @property
    def whole(self) -> str:
        """All the text that was read, references included."""
        return "\n".join(part.text for part in self.sections) or self.body


class FigureNote(Record):
    """What is known of a paper's first figure."""

    licence: str | None
    """The address that arXiv names; None: it names none."""
    figure: bool
    """Whether there is one beside the note."""


class ChatMessage(Record):
    """One turn of a chat."""

    role: Literal["system", "user", "assistant"]
    content: str


JsonForm = Literal["entry", "quoted", "looked"]
ReplyForm = JsonForm | Literal["labelled"]
"""Of a reply: line and tags; those with quotes from the paper; what a second look found."""


class Sampling(Record):
    """How a reply is drawn."""

    temperature: float
    max_tokens: int
    form: ReplyForm | None = None
    """None: free text, or a form that only the prompt tells."""
    seed: int | None = None
    grammar: str | None = None
    """GBNF; only llama.cpp takes one."""

    @property
    def json_form(self) -> JsonForm | None:
        """None where the reply is no JSON, as far as is known here."""
        return None if self.form == "labelled" else self.form


class Prompt(Record):
    """What the model is asked for one paper."""

    variant: str
    hash: str
    """SHA-256 of the prompt file and of what it includes, first 16 hex digits."""
    system: str
    user: str
    reply: Literal["json", "labelled"]
    reask: Literal["feedback", "resample"]
    temperature: float
    max_tokens: int
    truncated: bool = False
    """Whether the text was cut to the variant's token budget."""
    cut: tuple[str, ...] = ()
    """What was cut, part by part."""
    evidence: bool = False
    """Whether the reply has to quote the paper for each part of its line."""

    @property
    def messages(self) -> tuple[ChatMessage, ...]:
        """The chat that asks for the first reply."""
        system = (ChatMessage(role="system", content=self.system),) if self.system else ()
        return (*system, ChatMessage(role="user", content=self.user))


class Reply(Record):
    """What came back from the model, and what it cost."""

    text: str
    model: str
    tokens_in: int
    tokens_out: int
    cost: float | None
    """In the currency of the profile's prices; None where it names none."""
    seconds: float
    finish: str = "stop"
    cached_in: int = 0
    """Of the input tokens, those that the endpoint had read before."""
    at: dt.datetime | None = None
    """When it came, UTC."""
    temperature: float | None = None
    """At which it was drawn; None: the endpoint takes none."""
    certainty: float | None = None
    """The geometric mean of the line's tokens' probabilities, where the endpoint told them."""
    doubtful: bool | None = None
    """Whether that is so low that the line is more often wrong; None: nobody can tell."""

    @property
    def declined(self) -> bool:
        """The model or its endpoint will not answer this; the text says why."""
        return self.finish in {"refusal", "content_filter"}

    @property
    def cut_off(self) -> bool:
        """The reply was longer than it may be."""
        return self.finish == "length"


class LinePart(StrEnum):
    """What a line has to say; the value is its name in files, `chinese` that in prompts."""

    TASK = "task"
    PROBLEM = "problem"
    METHOD = "method"

    @property
    def chinese(self) -> str:
        """任务, 问题 or 方法."""
        return {"task": "任务", "problem": "问题", "method": "方法"}[self.value]


class Claim(Record):
    """A part of a line, and the words of the paper that are said to carry it; not yet judged."""

    part: LinePart
    words: str
    """Of the line."""
    quote: str


class Evidence(Record):
    """A part of a line with a sentence of the paper, which has it word by word."""

    part: LinePart
    words: str
    """Of the line: they stand there just so."""
    quote: str
    """As the paper has it, white space folded."""
    where: Literal["title", "abstract", "text"]
    section: SectionKind | None = None
    """Of the text: what kind of section; None where that is not known."""
    page: int | None = None
    """Of the PDF, from 1; None where it cannot be told."""


Finding = Literal["supported", "contradicted", "not told"]
"""What a paper says of a part of a line, as a second look has it."""


class PartFinding(Record):
    """Of one part."""

    part: LinePart
    finding: Finding


class SecondLook(Record):
    """Which model looked at a line again, and what it found."""

    model: str
    parts: tuple[PartFinding, ...] = ()
    """Empty: its replies could not be read."""


class Draft(Record):
    """A reply taken apart: the 简介 line and the 分类 tags, not yet judged."""

    line: str
    tags: tuple[str, ...]
    claims: tuple[Claim, ...] = ()
    """Where the prompt asks for evidence."""


class Origin(Record):
    """What a reply was made from: the text that the model was shown, and the prompt around it."""

    text_source: Literal["pdf", "abstract"]
    fallback: str | None
    language: str | None
    pages: int
    pages_read: int
    pdf_sha256: str | None
    engine: str | None = None
    text_warnings: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    affiliations: tuple[str, ...] = ()
    """Of the PDF's first page, as the text has them."""
    truncated: bool
    cut: tuple[str, ...] = ()
    prompt: str
    prompt_hash: str


class Inquiry(Record):
    """One paper's question: what its replies are kept by, and what they are made from."""

    key: str
    """Of the replies: everything that is sent for them (design decision 1)."""
    summary: str
    """The key of the summary that is wanted."""
    origin: Origin


class Provenance(Origin):
    """Where a published line came from: what the chosen reply was made from, and how."""

    model: str
    temperature: float | None
    """None: the endpoint takes none."""
    tries: int
    tokens_in: int
    tokens_out: int
    cost: float | None
    seconds: float
    warnings: tuple[str, ...]
    """Of the validation."""
    certainty: float | None = None
    doubtful: bool | None = None
    """As the reply has them."""
    second_look: SecondLook | None = None
    """None: nobody looked again."""
    by: str | None = None
    """Who wrote the line, in the place of a model; None: a model did."""
    created: dt.datetime

    @property
    def built_in(self) -> bool:
        """Whether jianjie's built-in model wrote it, with an adapter."""
        return bool(_BUILT_IN.search(self.model))


_BUILT_IN = re.compile(r"\+[^+@]+@[0-9a-f]{8}$")
"""How the built-in model names itself: MODEL+ADAPTER@HASH."""
_OF_THE_ASKING = {
    "created",
    "tries",
    "seconds",
    "tokens_in",
    "tokens_out",
    "cost",
    "certainty",
    "links",
    "affiliations",
}
"""What differs in the provenance each time that the same question is asked."""


class Summary(Record):
    """A validated 简介 line with its tags and its provenance."""

    key: str
    """Design decision 1: id, version, prompt hash, model with its address, reply settings."""
    arxiv_id: str
    version: int
    line: str
    tags: tuple[str, ...]
    """The tags that the model proposed."""
    evidence: tuple[Evidence, ...] = ()
    """In the order of the line; empty where the prompt asked for none."""
    provenance: Provenance

    def repeats(self, other: Summary) -> bool:
        """Whether this is the same line and tags from the same question, only asked again."""
        mine, theirs = (
            one.model_dump(exclude={"key": True, "provenance": _OF_THE_ASKING})
            for one in (self, other)
        )
        return mine == theirs


class Stage(StrEnum):
    """The stages, in the order in which a paper meets them."""

    LISTING = "listing"
    DOWNLOAD = "download"
    EXTRACT = "extract"
    PROMPT = "prompt"
    SUMMARIZE = "summarize"
    VALIDATE = "validate"
    PUBLISH = "publish"


class Cause(StrEnum):
    """The kind of reason that keeps a paper owed; the words beside it are for people."""

    NOT_TRIED = "not-tried"
    OUT_OF_REACH = "model-out-of-reach"
    """No connection, no answer in time, too many calls, an error of the server's own."""
    FORBIDDEN = "model-forbidden"
    """A wrong key, no credit, an unknown model."""
    REFUSED = "request-refused"
    """The endpoint will not take this one request."""
    DECLINED = "declined"
    """The model will not write about this paper."""
    RULES = "rules"
    """No reply kept the rules."""
    BUDGET = "budget"
    IN_BATCH = "in-batch"
    OTHER = "other"
    """From before causes were kept."""


class Done(Record):
    """An announced paper with its published summary."""

    announcement: Announcement
    summary: Summary


class Owed(Record):
    """An announced paper without a valid line yet (待补), with the stage and the reason."""

    announcement: Announcement
    stage: Stage
    reason: str
    cause: Cause = Cause.NOT_TRIED


Outcome = Done | Owed


class CanaryScore(Record):
    """A night's mean over the canary papers, with the band of the last weeks."""

    name: str
    value: float
    low: float | None = None
    """None: too few earlier nights to tell."""
    high: float | None = None
    """None beside a `low`: only a fall counts."""


class Canary(Record):
    """What a model made of the canary papers one night (digest/drift.py)."""

    date: dt.date
    prompt_hash: str
    model: str
    papers: int
    nights: int
    """Earlier nights that it is held against."""
    scores: tuple[CanaryScore, ...]
    drift: tuple[str, ...]
    """The scores that left their band: the model may not be what it was."""


RECONSTRUCTED = ("snapshot:", "oai:")
"""How the sources of days begin that were put together afterwards."""
BACKFILLED = (*RECONSTRUCTED, "digest:")
"""The same of all days that no night of this store listed."""


class Day(Record):
    """A field's listing with what became of every paper in it, in arXiv's order."""

    date: dt.date
    field: str
    name: str
    """The field's Chinese name, e.g. 音频."""
    categories: tuple[str, ...]
    source: str
    outcomes: tuple[Outcome, ...]
    check: Check | None = None
    canary: Canary | None = None
    """Of the same night; None where no canary papers were asked."""

    @property
    def reconstructed(self) -> bool:
        """Whether no listing of arXiv's had it: its papers were put together by their dates."""
        return self.source.startswith(RECONSTRUCTED)

    @property
    def done(self) -> tuple[Done, ...]:
        """The papers with a line."""
        return tuple(o for o in self.outcomes if isinstance(o, Done))

    @property
    def owed(self) -> tuple[Owed, ...]:
        """The papers without one."""
        return tuple(o for o in self.outcomes if isinstance(o, Owed))
