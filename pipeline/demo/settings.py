"""The user's settings with the stand-in arXiv in arXiv's place: nothing else differs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import HttpUrl

from pipeline.config import Config
from pipeline.demo.example_day import EXAMPLE_DAYS, FIELD, example_listing
from pipeline.demo.standin import StandInArxiv, demo_pdfs
from pipeline.errors import UsageError
from pipeline.settings import ArxivSettings, FieldSettings

_ADDRESSES = ("feed_url", "api_url", "list_url", "catchup_url", "oai_url", "pdf_url")
_WAITS = ("interval_s", "pdf_interval_s", "pdf_not_ready_s")


@contextmanager
def example_arxiv(settings: Config, field: str = FIELD) -> Iterator[Config]:
    """Settings that name a running stand-in with the example day of this field.

    Raises UsageError where there is none.
    """
    if (day := EXAMPLE_DAYS.get(field)) is None:
        there = ", ".join(EXAMPLE_DAYS)
        raise UsageError(f"no example day of {field!r}", where="--field", fix=f"There are: {there}")
    with StandInArxiv(example_listing(day.digest, field), demo_pdfs()) as standin:
        own = FieldSettings(name=day.name, categories=day.categories)
        arxiv = arxiv_at(standin.url, settings.arxiv)
        yield settings.model_copy(
            update={"arxiv": arxiv, "fields": {**settings.fields, field: own}}
        )


def arxiv_at(url: str, settings: ArxivSettings) -> ArxivSettings:
    """arXiv's settings with other base URLs, and no need to go slowly."""
    return settings.model_copy(
        update={
            "feed_url": HttpUrl(f"{url}/rss/"),
            "api_url": HttpUrl(f"{url}/api/query"),
            "list_url": HttpUrl(f"{url}/list/"),
            "catchup_url": HttpUrl(f"{url}/catchup/"),
            "oai_url": HttpUrl(f"{url}/oai"),
            "pdf_url": HttpUrl(f"{url}/pdf/"),
            **dict.fromkeys(_WAITS, 0.0),
        }
    )


def variables(settings: ArxivSettings) -> list[str]:
    """Shell lines that point other commands at the same stand-in."""
    changed = (*_ADDRESSES, *_WAITS)
    return [f"export JIANJIE_ARXIV__{name.upper()}={getattr(settings, name)}" for name in changed]
