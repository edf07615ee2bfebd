"""What cases and which models a command line asks for: `evaluate` and `optimize` alike."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

import typer

from pipeline.cli import session
from pipeline.cli.options import DATE_FORMATS
from pipeline.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.config import Config
    from pipeline.evaluate.cases import Filters
    from pipeline.evaluate.results import Case

SinceOption = Annotated[
    dt.datetime | None, typer.Option(formats=DATE_FORMATS, help="Digests from that day on.")
]
UntilOption = Annotated[
    dt.datetime | None, typer.Option(formats=DATE_FORMATS, help="Digests up to that day.")
]
KindOption = Annotated[
    Literal["new", "replaced"] | None, typer.Option(help="Only 最新发布, or only 更新.")
]
CaseFieldOption = Annotated[
    str | None, typer.Option("--field", "-f", help="A field of the settings, or its name.")
]
FullTextOption = Annotated[
    bool, typer.Option("--full-text", help="Read the PDFs; default: the digests' abstracts.")
]


class WantedCases(NamedTuple):
    """Human-written digests, and papers of one's own nights."""

    digests: tuple[Path, ...]
    own: tuple[Case, ...]
    of_nights: bool
    """Papers of one's own nights were asked for, whether there are any or not."""


def wanted_cases(settings: Config, cases: Sequence[Path] | None) -> WantedCases:
    """What --cases names; without it the examples. Raises OutputError."""
    wanted = cases or [settings.paths.prompts / "examples"]
    of_nights = any(map(is_production, wanted))
    return WantedCases(
        digests=tuple(path for path in wanted if not is_production(path)),
        own=_own(settings) if of_nights else (),
        of_nights=of_nights,
    )


def is_production(path: Path) -> bool:
    """A folder of that name is a folder."""
    return str(path) == "production" and not path.exists()


def _own(settings: Config) -> tuple[Case, ...]:
    """Of the store, and of the reader's library where there is one. Raises OutputError."""
    from pipeline.evaluate.production import production_cases
    from pipeline.library.works import need_extra, read_works

    starred: list[str] = []
    if settings.library.files:
        need_extra()
        works = read_works(settings.library.files)
        starred = [work.arxiv_id for work in works if work.arxiv_id]
    with session.reading(settings) as store:
        return tuple(production_cases(store, starred))


def by_profile(
    settings: Config,
    writers: Sequence[str],
    temperature: float | None,
    others: Mapping[str, str | None],
) -> dict[str, Config]:
    """By model profile: the settings with it in use. Raises UsageError for an unknown one."""
    configs = {}
    options = {name: option for option, name in others.items() if name is not None}
    for name in dict.fromkeys([*writers, *options]):
        if name not in settings.models:
            where = "--model" if name in writers else options[name]
            names = ", ".join(sorted(settings.models))
            raise UsageError(f"no model profile {name!r}", where=where, fix=f"There are: {names}")
        models = settings.models
        if temperature is not None and name in writers:
            profile = models[name].model_copy(update={"temperature": temperature})
            models = {**models, name: profile}
        configs[name] = settings.model_copy(update={"model": name, "models": models})
    return configs


def filters_of(
    settings: Config,
    since: dt.datetime | None,
    until: dt.datetime | None,
    kind: str | None,
    field: str | None,
) -> Filters:
    """Which of the papers; a digest's heading has a field's Chinese name alone."""
    from pipeline.evaluate.cases import Filters
    from pipeline.records import Section

    name = settings.fields[field].name if field in settings.fields else field
    return Filters(
        since=since.date() if since else None,
        until=until.date() if until else None,
        sections=(Section(kind),) if kind else (),
        fields=(name,) if name else (),
    )
