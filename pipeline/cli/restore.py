"""The command `restore`: the store rebuilt from what was published."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from pipeline.cli import session
from pipeline.cli.options import CONFIG, ConfigOption, load_settings
from pipeline.errors import OutputError, counted

_LOST = (
    "earlier lines, lines that no digest has, replies of refused tries, batches that are out,"
    " canary lines, quiet dates, the list of runs"
)


def restore(
    config: ConfigOption = CONFIG,
    *,
    over: Annotated[
        bool,
        typer.Option("--over", help="Lay the digests over a store that has days, too."),
    ] = False,
) -> None:
    """Rebuild the store from snapshot and digests."""
    from pipeline.clock import Clock
    from pipeline.files import shown_path
    from pipeline.restore.rebuild import restore as rebuild

    settings = load_settings(config)
    rebuilt = rebuild(settings, Clock(), session.command(), session.say, over=over)
    has = f"{counted(rebuilt.days, 'day')}, {counted(rebuilt.papers, 'paper')}, {rebuilt.owed} owed"
    base = f" over {shown_path(rebuilt.base)}" if rebuilt.base else ""
    typer.echo(f"store: {has}; from {counted(rebuilt.digests, 'digest')}{base}")
    if rebuilt.aside:
        typer.echo(f"what stood in its place is kept as {shown_path(rebuilt.aside)}")
    if not rebuilt.added_to:
        since = f" since the snapshot {rebuilt.base.stem}" if rebuilt.base else ""
        typer.echo(f"not in the digests, and so lost{since}: {_LOST}")
    for line in rebuilt.unusable:
        session.say(line)
    sys.exit(OutputError.exit_status if rebuilt.unusable else 0)
