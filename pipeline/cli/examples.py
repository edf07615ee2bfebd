"""The command `examples`: what a prompt shows, and what variants are measured with."""

from __future__ import annotations

from typing import Annotated

import typer

from pipeline.cli import session
from pipeline.cli.options import CONFIG, ConfigOption, load_settings
from pipeline.errors import UsageError, counted

examples = typer.Typer(
    name="examples",
    help="Examples for prompts: add.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@examples.callback()
def group() -> None:
    """Examples for prompts: add."""


@examples.command(epilog="Example:  jianjie examples add --from-edits")
def add(
    *,
    from_edits: Annotated[
        bool,
        typer.Option(
            "--from-edits", help="Lines that were written by hand, with what stood there before."
        ),
    ] = False,
    config: ConfigOption = CONFIG,
) -> None:
    """Write corrected lines as digests into prompts/examples/.

    evaluate then takes them as cases, a prompt may show them (examples: file: …), distill may learn
    from them.
    """
    from pipeline.cli.terminal import OUT
    from pipeline.files import shown_path
    from pipeline.night.corrections import write_examples

    if not from_edits:
        raise UsageError("says nothing to add", where="examples add", fix="Add --from-edits")
    settings = load_settings(config)
    with session.reading(settings) as store:
        written = write_examples(store, settings.paths.prompts)
    for one in written:
        known = f", {one.with_before} with the line before" if one.with_before else ""
        state = "written" if one.changed else "unchanged"
        text = f"{state} {shown_path(one.file)}: {counted(one.lines, 'line')}{known}"
        OUT.print(text, soft_wrap=True, markup=False)
