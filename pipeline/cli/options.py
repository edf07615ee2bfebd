"""The command line's options and what they mean: settings and fields, chosen and checked."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli import mistakes
from pipeline.errors import UsageError

if TYPE_CHECKING:
    from pipeline.config import Config

CONFIG = Path("config.yaml")
DATE_FORMATS = ["%Y-%m-%d"]


def _settings_to_complete() -> Config | None:
    """Those of this folder; None where there are none that can be read."""
    from pipeline.config import load_config, shipped_config
    from pipeline.errors import JianjieError

    config = Path(os.environ.get("JIANJIE_CONFIG", CONFIG))
    try:
        return load_config(config) if config.exists() else shipped_config(Path.cwd())
    except JianjieError:
        return None


def _completed(names: Iterable[str], begun: str) -> list[str]:
    return sorted(name for name in names if name.startswith(begun))


def complete_model(incomplete: str) -> list[str]:
    """The profiles that a shell offers."""
    settings = _settings_to_complete()
    return _completed(settings.models if settings else (), incomplete)


def complete_prompt(incomplete: str) -> list[str]:
    """The variants in prompts/."""
    settings = _settings_to_complete()
    files = settings.paths.prompts.glob("*.md") if settings else ()
    return _completed((file.stem for file in files), incomplete)


def complete_field(incomplete: str) -> list[str]:
    """The settings' fields."""
    settings = _settings_to_complete()
    return _completed(settings.fields if settings else (), incomplete)


ConfigOption = Annotated[
    Path, typer.Option("--config", "-c", envvar="JIANJIE_CONFIG", help="The settings file.")
]
ModelOption = Annotated[
    str | None,
    typer.Option(
        "--model", "-m", help="A model profile of the settings file.", autocompletion=complete_model
    ),
]
PromptOption = Annotated[
    str | None,
    typer.Option(
        "--prompt",
        "-p",
        help="A prompt variant: a name in prompts/, or a file.",
        autocompletion=complete_prompt,
    ),
]
FieldOption = Annotated[
    str | None,
    typer.Option(
        "--field",
        "-f",
        help="One field of the settings file. Default: all.",
        autocompletion=complete_field,
    ),
]
VerboseOption = Annotated[
    bool,
    typer.Option(
        "--verbose",
        "-v",
        help="Print what was done, also into a pipe, and each step on standard error.",
    ),
]
VerifyOption = Annotated[
    bool | None,
    typer.Option(
        "--verify/--no-verify",
        help="Have a model look again whether the paper says so. Default: the settings' verify.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


def load_settings(
    config: Path,
    model: str | None = None,
    prompt: str | None = None,
    *,
    verify: bool | None = None,
    or_shipped: bool = False,
) -> Config:
    """The settings, with what the command line says over everything else.

    `or_shipped`: a folder without a settings file has those that jianjie comes with.
    """
    from pipeline.config import load_config, shipped_config

    shipped = or_shipped and config == CONFIG and not config.exists()
    settings = shipped_config(Path.cwd()) if shipped else load_config(config)
    mistakes.settings_in_use(settings)
    if model is not None and model not in settings.models:
        raise UsageError(
            f"no model profile {model!r}",
            where="--model",
            fix=f"There are: {', '.join(sorted(settings.models))}",
        )
    if model is not None:
        settings = settings.model_copy(update={"model": model})
    if verify is not None:
        settings = settings.model_copy(update={"verify": verify and (settings.verify or True)})
    if prompt is not None:
        profile = settings.profile.model_copy(update={"prompt": prompt})
        models = {**settings.models, settings.model: profile}
        settings = settings.model_copy(update={"models": models})
    return settings


def chosen_fields(settings: Config, field: str | None) -> list[str]:
    """One field of the settings, or all. Raises UsageError."""
    if field is None:
        return list(settings.fields)
    if field not in settings.fields:
        names = ", ".join(settings.fields)
        raise UsageError(f"no field {field!r}", where="--field", fix=f"There are: {names}")
    return [field]
