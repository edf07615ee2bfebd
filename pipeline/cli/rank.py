"""The command `rank`: the newest papers with a score from 0 to 10, by what the reader has read."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli import session
from pipeline.cli.options import (
    CONFIG,
    DATE_FORMATS,
    ConfigOption,
    FieldOption,
    JsonOption,
    chosen_fields,
    load_settings,
)
from pipeline.errors import UsageError

if TYPE_CHECKING:
    from pipeline.config import Config
    from pipeline.records import Day
    from pipeline.settings import LibrarySettings
    from pipeline.store.store import Store


def rank(
    library: Annotated[
        list[Path] | None,
        typer.Argument(
            help="BibTeX, RIS, Zotero's CSV, CSL or Better BibTeX JSON. Default: library.files."
        ),
    ] = None,
    *,
    config: ConfigOption = CONFIG,
    not_for_me: Annotated[
        list[Path] | None, typer.Option("--not", help="The same, of works that are not wanted.")
    ] = None,
    field: FieldOption = None,
    date: Annotated[
        dt.datetime | None,
        typer.Option(formats=DATE_FORMATS, help="One listing. Default: the newest of each field."),
    ] = None,
    least: Annotated[
        float | None, typer.Option(min=0, max=10, help="The lowest score. Default: library.least.")
    ] = None,
    top: Annotated[int, typer.Option(min=1, help="Papers to show.")] = 20,
    as_json: JsonOption = False,
) -> None:
    """Score the newest papers by what you have read.

    From 0 to 10, with the words and the work of yours that speak for each. Nothing is asked of any
    service, unless library.embeddings names one.
    """
    from pipeline.app import scores_by

    settings = load_settings(config, or_shipped=True)
    own = _library(settings, library, not_for_me)
    fields = chosen_fields(settings, field)
    with session.reading(settings) as store:
        announced = [
            outcome
            for day in _newest(store, fields, date.date() if date else None)
            for outcome in day.outcomes
        ]
        papers = [outcome.announcement.paper for outcome in announced]
        scores = scores_by(settings, own, store, papers)
    lowest = own.least if least is None else least
    every = {outcome.announcement.paper.arxiv_id: outcome for outcome in announced}
    best = sorted(every, key=lambda one: -scores[one].score)[:top]
    shown = [(every[one], scores[one]) for one in best if scores[one].score >= lowest]
    if as_json:
        from pipeline.cli.as_json import of_ranking, print_json

        print_json(of_ranking(shown))
        return
    from pipeline.cli.tables import print_ranking

    print_ranking(shown, len(every), lowest)


def _library(
    settings: Config, files: list[Path] | None, not_for_me: list[Path] | None
) -> LibrarySettings:
    """The settings' with what the command line has in its place. Raises UsageError."""
    own = settings.library
    own = own.model_copy(
        update={
            "files": tuple(files or own.files),
            "not_for_me": tuple(not_for_me or own.not_for_me),
        }
    )
    if not own.files:
        fix = "jianjie rank zotero.csv; or name files under library in config.yaml"
        raise UsageError("no library is named", where="rank", fix=fix)
    return own


def _newest(store: Store, fields: list[str], date: dt.date | None) -> list[Day]:
    """The day of each field, or the newest. Raises UsageError where there is none."""
    newest: dict[str, Day] = {}
    for key in store.days.known():
        if key[1] in fields and key[1] not in newest and date in {None, key[0]}:
            day = store.days.get(*key)
            newest |= {key[1]: day} if day else {}
    if not newest:
        raise UsageError("the store has no such day", where="rank", fix="See: jianjie status")
    return list(newest.values())
