"""The command `reprocess`: papers again, one by one."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli import session
from pipeline.cli.options import (
    CONFIG,
    ConfigOption,
    ModelOption,
    PromptOption,
    VerboseOption,
    VerifyOption,
    load_settings,
)
from pipeline.errors import (
    EXIT_OWED,
    ArxivError,
    BudgetReached,
    DigestFormatError,
    ModelError,
    PdfError,
    UsageError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.night.reprocess import Again
    from pipeline.store.runs import RunOutcome


def reprocess(
    papers: Annotated[
        list[str], typer.Argument(help="arXiv ids, the papers' addresses, or PDF files.")
    ],
    config: ConfigOption = CONFIG,
    model: ModelOption = None,
    prompt: PromptOption = None,
    verify: VerifyOption = None,
    undo: Annotated[
        bool, typer.Option("--undo", help="Publish the line before the present one again.")
    ] = False,
    verbose: VerboseOption = False,
) -> None:
    """Do papers again and patch their digests.

    A PDF file gets a digest of its own, in outputs/files/.
    """
    from pathlib import Path

    from pipeline.night import reprocess as again
    from pipeline.night.file import named, reprocess_file

    parsed = [named(text) for text in papers]
    files = [str(one) for one in parsed if isinstance(one, Path)]
    if undo and files:
        raise UsageError("has no line before", where=files[0], fix="Name a paper of arXiv's")
    step = again.undo if undo else again.reprocess
    settings = load_settings(config, model, prompt, verify=verify)
    with session.run(settings, verbose=verbose) as (edges, running):
        for one in parsed:
            if isinstance(one, Path):
                running.add(_done_again(partial(reprocess_file, edges, one)))
            else:
                running.papers.append(one.base)
                running.add(_done_again(partial(step, edges, one)))
    sys.exit(running.outcome.exit_status)


_ABOUT_ONE_PAPER = (
    UsageError,
    ArxivError,
    PdfError,
    ModelError,
    BudgetReached,
    DigestFormatError,
)


def _done_again(step: Callable[[], Again]) -> RunOutcome:
    """One paper, shown; what is about it alone does not keep the others from being done."""
    from pipeline.cli.tables import print_again
    from pipeline.store.runs import RunOutcome

    try:
        again = step()
    except _ABOUT_ONE_PAPER as error:
        session.say(str(error))
        return RunOutcome(exit_status=error.exit_status, note=str(error))
    print_again(again)
    for reason in again.reasons:
        stays = "" if again.file else ", the old one stays"
        session.say(f"{again.file or again.paper.versioned}: no valid line{stays}: {reason}")
    if again.new is None:
        return RunOutcome(exit_status=EXIT_OWED, note=f"{again.paper.versioned}: no valid line")
    return RunOutcome()
