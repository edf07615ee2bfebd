"""The user's settings with the stand-in arXiv in arXiv's place: nothing else differs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import HttpUrl

from pipeline.config import Config
from pipeline.demo.example_day import FIELD, example_listing
from pipeline.demo.standin import StandInArxiv, demo_pdfs
from pipeline.settings import ArxivSettings, FieldSettings
from pipeline.shipped import shipped

EXAMPLE = "prompts/examples/20260107-audio.md"
_ADDRESSES = ("feed_url", "api_url", "list_url", "catchup_url", "oai_url", "pdf_url")
_WAITS = ("interval_s", "pdf_interval_s", "pdf_not_ready_s")


@contextmanager
def example_arxiv(settings: Config) -> Iterator[tuple[Config, str]]:
    """Settings that name a running stand-in, and the field of its day."""
    with StandInArxiv(example_listing(shipped() / EXAMPLE), demo_pdfs()) as standin:
        field = FieldSettings(name="音频", categories=("cs.SD", "eess.AS"))
        arxiv = arxiv_at(standin.url, settings.arxiv)
        yield (
            settings.model_copy(
                update={"arxiv": arxiv, "fields": {**settings.fields, FIELD: field}}
            ),
            FIELD,
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
