"""The command `distill`: an adapter for the built-in model, out of digests."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from pipeline.cli import session
from pipeline.cli.options import CONFIG, ConfigOption, load_settings
from pipeline.errors import UsageError

if TYPE_CHECKING:
    from pipeline.config import Config
    from pipeline.llm.embedded import EmbeddedModel
    from pipeline.train.distill import BaseFile, Server
    from pipeline.train.settings import Precision


PACKAGED = Path("packaged")


def distill(  # noqa: PLR0913 - each is an option of the command
    digests: Annotated[
        list[Path],
        typer.Argument(help="Digests: Markdown, JSON lines (.jsonl, .jsonl.gz), or folders."),
    ],
    *,
    out: Annotated[Path, typer.Option(help="The adapter to make, NAME.gguf.")],
    config: ConfigOption = CONFIG,
    base: Annotated[
        str | None,
        typer.Option(
            help="What it is for: a name of `jianjie model list`, or a GGUF file of the families"
            " gemma3 and qwen2. Default: the model that comes with jianjie."
        ),
    ] = None,
    focus: Annotated[
        str, typer.Option(help="The field that matters most, as the digests call it.")
    ] = "音频",
    held_out: Annotated[
        int, typer.Option(min=1, help="The newest papers of that field, to score with.")
    ] = 300,
    score: Annotated[
        int | None, typer.Option(min=0, help="Score only so many of them. Default: all.")
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(help="Compare with another adapter: its NAME.lines.jsonl, kept by distill."),
    ] = None,
    passes: Annotated[int, typer.Option(min=1, help="How often it learns that field.")] = 3,
    examples: Annotated[int, typer.Option(min=1, help="Examples in all.")] = 11_000,
    begin: Annotated[
        Path | None,
        typer.Option(
            "--from",
            help="Go on from this adapter; 'packaged': jianjie's own for the model.",
        ),
    ] = None,
    blend: Annotated[
        float | None,
        typer.Option(
            min=0.01, max=1, help="With --from: share of the new in the mean of both. Default: 0.5."
        ),
    ] = None,
    rank: Annotated[
        int | None, typer.Option(min=1, max=256, help="Default: 32, or that of --from.")
    ] = None,
    alpha: Annotated[
        float | None, typer.Option(min=0.001, help="Default: 64, or that of --from.")
    ] = None,
    learning_rate: Annotated[float, typer.Option(min=1e-7, max=1)] = 5e-4,
    batch: Annotated[int, typer.Option(min=1, help="Examples a step.")] = 8,
    seed: Annotated[int, typer.Option(help="Of the order and of the first weights.")] = 1,
    device: Annotated[
        Literal["auto", "cpu", "cuda"], typer.Option(help="auto: a GPU where there is one.")
    ] = "auto",
    precision: Annotated[
        Literal["auto", "bfloat16", "int8"],
        typer.Option(
            help="Of the frozen matrices. auto: 8 bits on a processor, nearly twice as fast there."
        ),
    ] = "auto",
    fuse: Annotated[
        bool, typer.Option(help="Compile the layers: twice as fast; needs a C++ compiler.")
    ] = True,
) -> None:
    """Train the built-in model's adapter on digests. Run again to go on after a stop."""
    from pipeline.train.distill import Order, need_extra
    from pipeline.train.distill import distill as make
    from pipeline.train.examples import kept_for_tests
    from pipeline.train.settings import Settings

    settings = load_settings(config)
    if out.suffix != ".gguf":
        raise UsageError(f"{out.name!r} does not end with .gguf", where="--out")
    if out.exists():
        raise UsageError("is there already", where=out, fix="Choose another --out or remove it")
    if begin and (rank or alpha):
        raise UsageError("are those of the adapter begun with", where="--rank and --alpha")
    if blend and not begin:
        raise UsageError("needs --from", where="--blend")
    _need_base(base)
    begin = _begin(begin, base)
    need_extra()
    device_found = _device(device)
    order = Order(
        digests=tuple(digests),
        out=out,
        focus=focus,
        held_out=held_out,
        passes=passes,
        size=examples,
        score=held_out if score is None else score,
        device=device_found,
        fuse=fuse,
        settings=Settings(
            rank=rank or 32,
            alpha=alpha or 64,
            learning_rate=learning_rate,
            batch=batch,
            seed=seed,
            precision=_precision(precision, device_found),
            blend=(blend or 0.5) if begin else 1,
        ),
        begin=begin,
        against=against,
    )
    file, serve = _base(settings, base)
    with session.training() as watch:
        card = make(order, file, kept_for_tests(settings.paths.prompts), serve, watch)
    typer.echo(f"{out}: loss {card.loss:.3f}; its card: {out.with_suffix('.md')}")


def _need_base(name: str | None) -> None:
    """Raises UsageError where there is no such model, before anything takes long."""
    from pipeline.llm.weights import CATALOGUE

    if name is not None and name not in CATALOGUE and not Path(name).is_file():
        fix = f"Models: {', '.join(CATALOGUE)}"
        raise UsageError("no such file or model", where=f"--base {name}", fix=fix)


def _begin(adapter: Path | None, base: str | None) -> Path | None:
    """Raises UsageError where it is not there."""
    from pipeline.llm.embedded import adapter_of
    from pipeline.llm.weights import CATALOGUE
    from pipeline.settings import EmbeddedProfile

    if adapter != PACKAGED:
        if adapter and not adapter.is_file():
            raise UsageError("no such file", where=adapter)
        return adapter
    known = base is None or base in CATALOGUE
    packaged = adapter_of(EmbeddedProfile(kind="embedded", weights=base)) if known else None
    if packaged is None:
        raise UsageError("jianjie has no adapter for it", where=f"--base {base}")
    return packaged


def _device(name: str) -> str:
    """Raises UsageError where a GPU is asked for and there is none."""
    import torch

    there = torch.cuda.is_available()
    if name == "cuda" and not there:
        raise UsageError("torch sees no GPU", where="--device", fix="Leave it out, or --device cpu")
    return "cuda" if there and name != "cpu" else "cpu"


def _precision(name: Literal["auto", "bfloat16", "int8"], device: str) -> Precision:
    if name == "auto":
        return "int8" if device == "cpu" else "bfloat16"
    return name


def _base(settings: Config, name: str | None) -> tuple[BaseFile, Server]:
    """The file that the adapter is for, and what serves it.

    Raises UsageError, ConfigError where it is not here.
    """
    from pipeline.app import cache_folder
    from pipeline.clock import Clock
    from pipeline.llm.embedded import MODEL_SHA256, EmbeddedModel, assembled_model
    from pipeline.llm.weights import CATALOGUE, models_folder, need, sha256_of
    from pipeline.settings import EmbeddedProfile
    from pipeline.train.distill import BaseFile

    cache = cache_folder(settings)
    if name is None:
        file, sha256 = assembled_model(models_folder(cache)), MODEL_SHA256
    elif name in CATALOGUE:
        file, sha256 = need(CATALOGUE[name], cache), CATALOGUE[name].sha256
    else:
        file = Path(name)
        if not file.is_file():
            names = ", ".join(CATALOGUE)
            raise UsageError(
                "no such file or model", where=f"--base {name}", fix=f"Models: {names}"
            )
        sha256 = sha256_of(file)

    def serve(adapter: Path | None) -> EmbeddedModel:
        profile = EmbeddedProfile(kind="embedded", gguf=file, adapter=adapter)
        return EmbeddedModel(profile, Clock(), cache)

    return BaseFile(path=file, sha256=sha256), serve
