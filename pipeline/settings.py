"""The settings' own values: frozen, checked, with their units. config.py reads them from disk."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, HttpUrl, Tag, field_validator, model_validator

from pipeline.records import Record

Seconds = Annotated[float, Field(ge=0)]
Positive = Annotated[int, Field(ge=1)]
Price = Annotated[float, Field(ge=0)]


def is_loopback(host: str | None) -> bool:
    """Whether it is this machine: then the environment's proxies stay out of the way."""
    return host in {"127.0.0.1", "localhost", "[::1]"}


def is_prompt_name(text: str) -> bool:
    """Whether it names a variant in the prompts folder; else it is a file's place."""
    path = Path(text)
    return path.suffix != ".md" and path.name == text


def _known_categories(categories: tuple[str, ...]) -> tuple[str, ...]:
    from pipeline.categories import nearest, vocabulary  # lazy: a JSON file

    for category in categories:
        if category not in vocabulary():
            close = ", ".join(nearest(category)) or "see arxiv.org/category_taxonomy"
            raise ValueError(f"{category!r} is not an arXiv category; nearest: {close}")
    return categories


class ArxivSettings(Record):
    """Where arXiv is and how it is asked."""

    feed_url: HttpUrl = HttpUrl("https://rss.arxiv.org/rss/")
    api_url: HttpUrl = HttpUrl("https://export.arxiv.org/api/query")
    list_url: HttpUrl = HttpUrl("https://arxiv.org/list/")
    catchup_url: HttpUrl = HttpUrl("https://arxiv.org/catchup/")
    oai_url: HttpUrl = HttpUrl("https://oaipmh.arxiv.org/oai")
    pdf_url: HttpUrl = HttpUrl("https://export.arxiv.org/pdf/")
    contact: str = ""
    """A mail address or page for the User-Agent, so that arXiv can reach you."""
    interval_s: Seconds = 3.0
    """Between the starts of two requests; arXiv's terms ask for 3 s."""
    pdf_interval_s: Seconds = 3.0
    """The same before a PDF."""
    pdf_not_ready_s: Seconds = 600.0
    """How long a PDF that arXiv has still to make is waited for, while other papers go on."""
    timeout_s: Seconds = 60.0
    max_pdf_mb: Positive = 60
    max_pdf_cache_mb: Positive = 2000
    """Downloaded PDFs that are kept; the longest unused go first."""
    max_answer_mb: Positive = 32


class RetrySettings(Record):
    """The one retry policy, for arXiv and models alike."""

    attempts: Positive = 4
    first_wait_s: Seconds = 2.0
    longest_wait_s: Seconds = 120.0
    total_s: Seconds = 600.0
    """No further try starts after this; Retry-After beyond it is not waited for."""


class ExtractSettings(Record):
    """How PDFs are read, and how much of one."""

    first: Literal["pypdf", "pypdfium2"] = "pypdf"
    """The engine that reads first; the other one reads what it cannot."""
    max_pages: Positive = 40
    timeout_s: Annotated[float, Field(gt=0)] = 90.0
    """Wall-clock time for one file in one engine."""
    memory_mb: Positive = 1000
    """For each worker process."""
    workers: Positive | None = None
    """Processes that read PDFs; None: one for each processor core."""
    min_characters: Positive = 400
    """Less text than this in the whole file is a scan or a broken font map."""


class Profile(Record):
    """What every model profile has."""

    prompt: str | None = None
    """The prompt variant to use with this model where none is asked for."""
    concurrency: Positive = 4
    timeout_s: Annotated[float, Field(gt=0)] = 120.0
    """For one whole answer, however slowly it comes."""
    paper_s: Annotated[float, Field(gt=0)] = 900.0
    """No call for a paper starts later than this after its first; then it is owed."""
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    """In the place of the prompt's."""
    token_factor: Annotated[float, Field(gt=0)] | None = None
    """The model's tokens for one token of cl100k_base, with which prompts are counted; None: not
    known, and 1 is taken with a warning."""
    price_in: Price | None = None
    """Per million input tokens; None: not known, and then no cost is claimed."""
    price_cached_in: Price | None = None
    """Per million input tokens that the endpoint had read before; None: as the others."""
    price_out: Price | None = None
    """Per million output tokens."""

    @property
    def reply_settings(self) -> dict[str, Any]:
        """What of the profile changes a reply, but for the model itself."""
        return {} if self.temperature is None else {"temperature": self.temperature}

    @property
    def counting_factor(self) -> float:
        """What a count of cl100k_base tokens is multiplied with."""
        return 1.0 if self.token_factor is None else self.token_factor


class EndpointProfile(Profile):
    """Any OpenAI-compatible endpoint."""

    kind: Literal["endpoint"] = "endpoint"
    base_url: HttpUrl
    model: str = Field(min_length=1)
    api_key_env: str | None = None
    """The environment variable that holds the key; the key itself never stands in a file."""
    replies: Literal["auto", "json_schema", "json_object", "text"] = "auto"
    """The form to begin with; `auto`: what was found out before, else the strictest."""
    extra_body: dict[str, Any] = Field(default_factory=dict)
    max_tokens: Positive | None = None
    """For one reply, in the place of the prompt's: a model that thinks first needs more."""
    requests_per_minute: Positive | None = None
    tokens_per_minute: Positive | None = None
    """Input and output together."""
    batch: bool = False
    """Send a night's prompts through the endpoint's Batch API."""
    batch_price: Annotated[float, Field(gt=0, le=1)] = 0.5
    """What a call costs in a batch, as a share of its price."""
    batch_poll_s: Annotated[float, Field(gt=0)] = 60.0
    batch_wait_s: Seconds = 4 * 3600.0
    """How long a run waits for its batches; what is out then is fetched by the next run."""

    @property
    def reply_settings(self) -> dict[str, Any]:
        """What of the profile changes a reply, but for the model itself."""
        extra = {"extra_body": self.extra_body} if self.extra_body else {}
        return super().reply_settings | extra


class EmbeddedProfile(Profile):
    """The built-in model: llama.cpp on loopback, started when first needed."""

    kind: Literal["embedded"]
    prompt: str | None = "builtin"
    gguf: Path | None = None
    """Another GGUF file; None: Gemma 3 270M, which comes with the extra `embedded`."""
    weights: str | None = None
    """One of `jianjie model list` in its place."""
    adapter: Path | None = None
    """Another LoRA adapter; None: the one that ships with jianjie, for the built-in GGUF only."""
    context_tokens: Positive = 4096
    threads: Positive | None = None
    concurrency: Positive = 1
    """One at a time is the fastest on two cores, and the only way to the same line every time:
    llama.cpp's sums depend on what else is in the batch."""
    start_timeout_s: Seconds = 60.0
    token_factor: Annotated[float, Field(gt=0)] | None = 1.0
    price_in: Price | None = 0.0
    price_out: Price | None = 0.0

    @model_validator(mode="after")
    def _one_file(self) -> Self:
        if self.gguf and self.weights:
            raise ValueError("gguf and weights exclude each other")
        return self


def _kind(profile: Any) -> str:
    """`endpoint` unless it says otherwise."""
    if isinstance(profile, dict):
        return str(profile.get("kind", "endpoint"))
    return str(getattr(profile, "kind", "endpoint"))


ModelProfile = Annotated[
    Annotated[EndpointProfile, Tag("endpoint")] | Annotated[EmbeddedProfile, Tag("embedded")],
    Discriminator(
        _kind,
        custom_error_type="kind",
        custom_error_message="kind is neither 'endpoint' nor 'embedded'",
    ),
]


class BudgetSettings(Record):
    """Caps for one run; None: no cap."""

    money: Price | None = None
    """In the currency of the profile's prices."""
    tokens: Positive | None = None


class Terms(Record):
    """Keywords, authors and tags; text/interests.py says what they match."""

    keywords: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()

    @field_validator("keywords", "authors")
    @classmethod
    def _not_empty(cls, entries: tuple[str, ...]) -> tuple[str, ...]:
        if not all(entry.strip() for entry in entries):
            raise ValueError("an entry is empty")
        return entries

    @field_validator("tags")
    @classmethod
    def _known(cls, tags: tuple[str, ...]) -> tuple[str, ...]:
        return _known_categories(tags)


class InterestSettings(Record):
    """What site and messages show first, what last, and what not."""

    more: Terms = Terms()
    less: Terms = Terms()
    mute: Terms = Terms()


class LibrarySettings(Record):
    """What the reader has read: papers get a score from 0 to 10 by it. Needs the extra `library`.

    Files are BibTeX, RIS, Zotero's CSV, CSL or Better BibTeX JSON; relative ones are relative to
    the config file.
    """

    files: tuple[Path, ...] = ()
    not_for_me: tuple[Path, ...] = ()
    """The same, of works that are not wanted."""
    least: Annotated[float, Field(ge=0, le=10)] = 5.0
    """Messages and the library's feed have what scores no less."""
    on_site: bool = True
    """Whether who reads the site sees scores, and the titles that speak for them."""
    embeddings: str | None = None
    """A profile of `models` whose endpoint makes vectors of texts, to judge by meaning too."""


class FieldSettings(Record):
    """One field of the digest: its Chinese name and the arXiv categories that make it.

    The rest is the field's own, in the place of what holds for all; the run's budget holds too.
    """

    name: str = Field(pattern=r"^\S+$")
    categories: tuple[str, ...] = Field(min_length=1)
    prompt: str | None = None
    """A profile's own prompt wins over it."""
    examples: Path | None = None
    """A digest in the prompts folder, for the examples that a prompt shows."""
    interests: InterestSettings | None = None
    budget: BudgetSettings = BudgetSettings()

    @field_validator("categories")
    @classmethod
    def _known(cls, categories: tuple[str, ...]) -> tuple[str, ...]:
        return _known_categories(categories)


class MessageSettings(Record):
    """Whom a run tells, and of what."""

    to_env: tuple[Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")], ...] = ()
    """The environment variables that hold apprise's URLs, one each; they are secrets."""
    when: tuple[Literal["news", "owed", "failed"], ...] = ("news", "owed", "failed")
    top: int = Field(default=5, ge=0, le=50)
    """Lines of each day."""
    timeout_s: Annotated[float, Field(gt=0)] = 30.0
    """For all messages of a run together."""


class PathSettings(Record):
    """Folders; relative ones are relative to the config file."""

    outputs: Path = Path("outputs")
    prompts: Path = Path("prompts")
    cache: Path | None = None
    """Downloaded PDFs and the assembled model; None: the user's cache folder."""


class SiteSettings(Record):
    """The reading site."""

    url: HttpUrl | None = None
    """Its public address, for the feeds and messages that name it."""
    feedback: str | None = Field(default=None, max_length=500)
    """Where readers say what is wrong with a line: https://…/issues/new, or mailto:you@…"""
    figures: bool = False
    """Whether a paper's page shows its first figure, small, where the licence allows it: arXiv is
    asked for each new paper's licence."""

    @field_validator("feedback")
    @classmethod
    def _leads_somewhere(cls, address: str | None) -> str | None:
        if address is not None and not re.match(
            r"https?://[^\s/]|mailto:[^\s@]+@[^\s@]+$", address
        ):
            raise ValueError("neither https://… nor mailto:name@host")
        return address

    @property
    def base(self) -> str:
        """The address with a slash at its end; empty where none is known."""
        return f"{str(self.url).rstrip('/')}/" if self.url else ""
