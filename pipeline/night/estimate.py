"""What a run would take, before it is done."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator, Sequence

from pipeline.edges import Edges
from pipeline.listing import find
from pipeline.listing.find import NothingAnnounced
from pipeline.llm import tokens
from pipeline.llm.prices import cost
from pipeline.night.paper import kit_of, prompt_for
from pipeline.night.result import Trouble
from pipeline.night.run import FIELDS_OWN
from pipeline.records import Listing, Paper, Record
from pipeline.settings import EndpointProfile
from pipeline.stages.extract import from_abstract
from pipeline.stages.verify import look_limit, tokens_of_look

_ANY_LINE = "行" * 100
"""As long as a line may be without a warning."""


class Estimate(Record):
    """A day's work: at the most, but for replies that are refused and asked for again."""

    listing: Listing
    todo: int
    tokens_in: int
    tokens_out: int
    cost: float | None
    """None where the profile has no prices."""
    downloads_s: float
    """What arXiv's pace takes for the PDFs, those included that are here already."""
    model_s: float | None
    """By the model's last replies; None where it has none yet."""
    by_batch: bool
    look_in: int = 0
    """Tokens of the second looks; they are in `cost` too."""
    look_out: int = 0

    @property
    def seconds(self) -> float:
        """Downloads and replies overlap."""
        return max(self.downloads_s, self.model_s or 0.0)


def estimate(
    edges: Edges, field: str, *, date: dt.date | None = None, since: dt.date | None = None
) -> Iterator[Estimate | NothingAnnounced]:
    """The work of such a run: no PDF is downloaded, no model is called."""
    listing = find.announced(edges, field, date)
    if since is not None:
        find.within_reach(since, listing.date, "--since")
    yield listing if isinstance(listing, NothingAnnounced) else _estimate(edges, listing)
    for missed in find.missed(edges, field, listing.date, since) if date is None else ():
        past = find.past(edges, field, missed)
        yield past if isinstance(past, NothingAnnounced) else _estimate(edges, past)


def estimates(
    edges: Edges,
    fields: Sequence[str],
    *,
    date: dt.date | None = None,
    since: dt.date | None = None,
) -> Iterator[Estimate | NothingAnnounced | Trouble]:
    """Each field's, whatever becomes of the others'."""
    for field in fields:
        try:
            yield from estimate(edges.of_field(field), field, date=date, since=since)
        except FIELDS_OWN as error:
            yield Trouble(edges.config.fields[field].name, error)


def _estimate(edges: Edges, listing: Listing) -> Estimate:
    papers = [item.paper for item in listing.announcements]
    todo = [p for p in papers if edges.store.summaries.published(p.arxiv_id, p.version) is None]
    front, profile = edges.variant.front, edges.config.profile
    by_batch = isinstance(profile, EndpointProfile) and profile.batch
    # A PDF's text is not known yet: its whole budget is counted.
    text = front.text_tokens if edges.variant.wants_pdf else 0
    kit = kit_of(edges)
    prompts = [prompt_for(paper, from_abstract(paper), kit) for paper in todo]
    counted = sum(tokens.of_prompt(prompt) + text for prompt in prompts)
    tokens_in = math.ceil(counted * profile.counting_factor)
    tokens_out = sum(prompt.max_tokens for prompt in prompts)
    price = cost(profile, tokens_in, tokens_out)
    if price is not None and isinstance(profile, EndpointProfile) and profile.batch:
        price *= profile.batch_price
    typical = None if by_batch else edges.store.replies.typical_seconds(edges.model.identity)
    pace = edges.config.arxiv.pdf_interval_s if edges.variant.wants_pdf else 0.0
    look_in, look_out, look_price = _looks(edges, todo)
    return Estimate(
        listing=listing,
        todo=len(todo),
        tokens_in=tokens_in,
        tokens_out=tokens_out,
        cost=None if price is None or look_price is None else price + look_price,
        downloads_s=pace * len(todo),
        model_s=typical and typical * len(todo) / profile.concurrency,
        by_batch=by_batch,
        look_in=look_in,
        look_out=look_out,
    )


def _looks(edges: Edges, todo: Sequence[Paper]) -> tuple[int, int, float | None]:
    """Tokens in and out of a look at each paper's line, and their price."""
    if edges.second is None:
        return 0, 0, 0.0
    profile = edges.config.second_profile
    used = [tokens_of_look(edges.second, profile, paper, _ANY_LINE) for paper in todo]
    tokens_in, tokens_out = sum(used), len(todo) * look_limit(profile)
    return tokens_in, tokens_out, cost(profile, tokens_in, tokens_out)
