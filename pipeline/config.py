"""Reads config.yaml and the environment into one frozen, checked value."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import yaml
from platformdirs import user_cache_path
from pydantic import Field, ValidationError, ValidationInfo, field_validator
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from pipeline.errors import ConfigError, one_line
from pipeline.settings import (
    ArxivSettings,
    BudgetSettings,
    EndpointProfile,
    ExtractSettings,
    FieldSettings,
    InterestSettings,
    LibrarySettings,
    MessageSettings,
    ModelProfile,
    PathSettings,
    RetrySettings,
    SiteSettings,
    is_prompt_name,
)

PREFIX = "JIANJIE_"
CONFIG_VARIABLE = "JIANJIE_CONFIG"
MESSAGE_VARIABLE = "JIANJIE_MESSAGE_URL"
"""The name that config.yaml suggests for an address: it may be set where none is in use."""


class Config(BaseSettings):
    """Every setting a user changes. Secrets are not here: profiles name their variables."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        nested_model_default_partial_update=True,
    )

    fields: dict[str, FieldSettings] = Field(min_length=1)
    models: dict[str, ModelProfile] = Field(min_length=1)
    model: str
    prompt: str = "default"
    tags: Literal["listing", "model"] = "listing"
    extra_formats: tuple[Literal["csv"], ...] = ()
    arxiv: ArxivSettings = ArxivSettings()
    retry: RetrySettings = RetrySettings()
    extract: ExtractSettings = ExtractSettings()
    budget: BudgetSettings = BudgetSettings()
    site: SiteSettings = SiteSettings()
    interests: InterestSettings = InterestSettings()
    library: LibrarySettings = LibrarySettings()
    messages: MessageSettings = MessageSettings()
    paths: PathSettings = PathSettings()
    retry_days: int = Field(default=7, ge=0)
    catch_up_days: int = Field(default=7, ge=0)
    canary: int = Field(default=0, ge=0, le=50)
    verify: bool | str = False
    """Whether lines are looked at again, by the model in use or the profile of this name."""
    edited_by: str = Field(default="", max_length=80)
    """Your name, for lines that you write by hand: it is published with them."""

    @field_validator("model")
    @classmethod
    def _has_a_profile(cls, model: str, info: ValidationInfo) -> str:
        models = info.data.get("models", {model: None})  # their own error comes first
        if model not in models:
            raise ValueError(f"no profile of this name in `models`: {', '.join(sorted(models))}")
        return model

    @field_validator("verify", mode="before")
    @classmethod
    def _says_yes_or_no(cls, verify: object) -> object:
        words = {"true": True, "1": True, "false": False, "0": False, "": False}
        return words.get(verify.lower(), verify) if isinstance(verify, str) else verify

    @field_validator("verify")
    @classmethod
    def _looks_with_a_profile(cls, verify: bool | str, info: ValidationInfo) -> bool | str:
        models = info.data.get("models")
        if isinstance(verify, str) and models is not None and verify not in models:
            raise ValueError(f"no profile of this name in `models`: {', '.join(sorted(models))}")
        return verify

    @field_validator("library")
    @classmethod
    def _embeds_with_an_endpoint(
        cls, library: LibrarySettings, info: ValidationInfo
    ) -> LibrarySettings:
        models = info.data.get("models")
        name = library.embeddings
        if name and models is not None and not isinstance(models.get(name), EndpointProfile):
            raise ValueError(f"embeddings: {name!r} is no profile in `models` with an endpoint")
        return library

    @property
    def profile(self) -> ModelProfile:
        """The profile of the model in use."""
        return self.models[self.model]

    @property
    def second_profile(self) -> ModelProfile:
        """The profile of the model that looks at lines again, where one does."""
        return self.models[self.verify] if isinstance(self.verify, str) else self.profile

    def prompt_of(self, field: str | None = None) -> str:
        """The prompt of a field: the profile's own, else the field's, else the settings'."""
        own = self.fields[field].prompt if field in self.fields else None
        return self.profile.prompt or own or self.prompt

    def examples_of(self, field: str | None = None) -> Path | None:
        """The field's own digest for a prompt's examples; None: the prompt's."""
        return self.fields[field].examples if field in self.fields else None

    def interests_of(self, field: str) -> InterestSettings:
        """The field's own, else those of all."""
        own = self.fields[field].interests if field in self.fields else None
        return own or self.interests

    @property
    def cache(self) -> Path:
        """Where PDFs and the assembled model are kept, outside the environment and the outputs."""
        return self.paths.cache or user_cache_path("jianjie")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment over file; no .env and no secrets folder: fewer places to look."""
        del settings_cls, dotenv_settings, file_secret_settings
        return env_settings, init_settings


def load_config(path: Path, home: Path | None = None) -> Config:
    """The settings in the file at `path`, under those in the environment.

    Relative folders become absolute, from `home` or the file's folder. Raises ConfigError, one
    line, with file and line number where there is one.
    """
    root = _compose(path)
    values = _as_mapping(root, path)
    _check_environment(os.environ, _message_variables(values))
    try:
        config = Config(**values)
    except ValidationError as error:
        raise _explained(error, path, root)[0] from error
    except Exception as error:  # pydantic-settings raises its own kinds on bad variables
        raise ConfigError(one_line(error), where="environment", fix=f"Correct {PREFIX}…") from error
    base = home or path.resolve().parent
    models = {
        name: profile.model_copy(update={"prompt": _prompt(profile.prompt, base)})
        for name, profile in config.models.items()
    }
    fields = {
        name: field.model_copy(update={"prompt": _prompt(field.prompt, base)})
        for name, field in config.fields.items()
    }
    changed = {
        "models": models,
        "fields": fields,
        "prompt": _prompt(config.prompt, base),
        "library": _library(config.library, base),
    }
    return config.model_copy(update={"paths": _absolute(config.paths, base), **changed})


def shipped_config(home: Path) -> Config:
    """The settings that jianjie comes with, for a folder that has none: its outputs lie there."""
    from pipeline.shipped import shipped

    config = load_config(shipped() / "config.yaml", home)
    if config.paths.prompts.is_dir():
        return config
    paths = config.paths.model_copy(update={"prompts": shipped() / "prompts"})
    return config.model_copy(update={"paths": paths})


def _prompt(text: str | None, base: Path) -> str | None:
    """A name as it is; a file, like every other path of the settings, from their folder."""
    if text is None or is_prompt_name(text):
        return text
    return str(base / Path(text).expanduser())


def _library(library: LibrarySettings, base: Path) -> LibrarySettings:
    def found(files: Iterable[Path]) -> tuple[Path, ...]:
        return tuple(base / file.expanduser() for file in files)

    return library.model_copy(
        update={"files": found(library.files), "not_for_me": found(library.not_for_me)}
    )


def _absolute(paths: PathSettings, base: Path) -> PathSettings:
    return PathSettings(
        outputs=base / paths.outputs.expanduser(),
        prompts=base / paths.prompts.expanduser(),
        cache=base / paths.cache.expanduser() if paths.cache else None,
    )


def _compose(path: Path) -> yaml.Node:
    """The YAML node tree, which knows line numbers."""
    try:
        root = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except FileNotFoundError as error:
        raise ConfigError(
            "no such file", where=path, fix="Make one: jianjie init; or give --config FILE"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot be read: {error}", where=path) from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        problem = getattr(error, "problem", None) or error
        raise ConfigError(f"not YAML: {problem}", where=where, fix="Correct the line") from error
    if not isinstance(root, yaml.MappingNode):
        raise ConfigError("is empty or not a mapping", where=path, fix="See the README's example")
    return root


def _as_mapping(root: yaml.Node, path: Path) -> dict[str, Any]:
    loader = yaml.SafeLoader("")
    try:
        for key in _repeated_keys(root):
            raise ConfigError(
                f"key {key.value!r} stands twice",
                where=f"{path}:{key.start_mark.line + 1}",
                fix="Keep one of the two",
            )
        return {str(key): value for key, value in loader.construct_document(root).items()}
    except (yaml.YAMLError, TypeError, ValueError, RecursionError) as error:
        raise ConfigError(f"not usable: {one_line(error)}", where=path) from error
    finally:
        loader.dispose()


def _repeated_keys(node: yaml.Node) -> Iterator[yaml.ScalarNode]:
    """Keys that stand twice in one mapping; YAML would silently keep the last."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    yield key
                seen.add(key.value)
            yield from _repeated_keys(value)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _repeated_keys(item)


def _message_variables(values: Mapping[str, Any]) -> set[str]:
    """The variables that hold addresses for messages: they may have any name."""
    messages = values.get("messages")
    named = messages.get("to_env") if isinstance(messages, dict) else None
    return {name for name in named if isinstance(name, str)} if isinstance(named, list) else set()


def _check_environment(environment: Mapping[str, str], others: set[str]) -> None:
    """A misspelt variable must not pass in silence; keys for endpoints have their own names."""
    names = {f"{PREFIX}{name.upper()}" for name in Config.model_fields}
    names |= {CONFIG_VARIABLE, MESSAGE_VARIABLE}
    for variable in environment:
        if variable in others:
            continue
        if variable.upper().startswith(PREFIX) and variable.split("__")[0].upper() not in names:
            raise ConfigError(
                f"unknown setting {variable}",
                where="environment",
                fix=f"Known: {', '.join(sorted(names))}",
            )


def config_problems(path: Path) -> list[ConfigError]:
    """Everything that is wrong with the settings, not only the first; empty when they are right."""
    try:
        load_config(path)
    except ConfigError as error:
        if isinstance(error.__cause__, ValidationError):
            return _explained(error.__cause__, path, _compose(path))
        return [error]
    return []


def _explained(error: ValidationError, path: Path, root: yaml.Node) -> list[ConfigError]:
    """A line for each problem, each with its place in the file."""
    # A misspelt key often shows as a missing one too; the misspelling is what to correct.
    problems = sorted(error.errors(), key=lambda problem: problem["type"] != "extra_forbidden")
    return [_explain(problem, path, root) for problem in problems]


def _explain(problem: ErrorDetails, path: Path, root: yaml.Node) -> ConfigError:
    location = _location(problem["loc"])
    name = ".".join(location) or "config"
    line, siblings = _find(root, location)
    variable = _variable(location)
    where = variable or (f"{path}:{line}" if line else str(path))
    if problem["type"] == "extra_forbidden":
        return ConfigError(
            f"unknown key {name!r}{_neighbours(siblings, location[-1])}",
            where=where,
            fix=f"Correct or remove it{_closest(location)}",
        )
    what = problem["msg"].removeprefix("Value error, ")
    # What stands for a variable's name may be the secret that belongs into the variable.
    silent = problem["type"] == "missing" or location[:2] == ["messages", "to_env"]
    shown = "" if silent else f" (got {_shown(problem['input'])})"
    return ConfigError(f"{name}: {what}{shown}", where=where, fix="Correct the value")


def _location(parts: tuple[int | str, ...]) -> list[str]:
    """The keys down to the problem, without the kind that pydantic puts after a profile's name."""
    kind = 2 if parts[:1] == ("models",) else None
    return [str(part) for at, part in enumerate(parts) if at != kind]


def _variable(location: list[str]) -> str | None:
    """The environment variable that gave the value at `location`, if one did."""
    variable = (PREFIX + "__".join(location)).upper()
    return next((name for name in os.environ if name.upper() == variable), None)


def _shown(value: object) -> str:
    text = one_line(repr(value))
    return text if len(text) <= 40 else text[:37] + "…"


def _find(node: yaml.Node, location: list[str]) -> tuple[int | None, list[str]]:
    """1-based line of the deepest part of `location` in the file, and that key's siblings."""
    line: int | None = None
    siblings: list[str] = []
    for part in location:
        if isinstance(node, yaml.MappingNode):
            entries = {key.value: (key, value) for key, value in node.value}
            if part not in entries:
                break
            siblings = list(entries)
            key, node = entries[part]
            line = key.start_mark.line + 1
        elif isinstance(node, yaml.SequenceNode) and part.isdigit() and int(part) < len(node.value):
            node = node.value[int(part)]
            line = node.start_mark.line + 1
        else:
            break
    return line, siblings


def _neighbours(siblings: list[str], key: str) -> str:
    if key not in siblings:
        return ""
    at = siblings.index(key)
    before = f"after {siblings[at - 1]!r}" if at else ""
    after = f"before {siblings[at + 1]!r}" if at + 1 < len(siblings) else ""
    around = ", ".join(part for part in (before, after) if part)
    return f" ({around})" if around else ""


def _closest(location: list[str]) -> str:
    import difflib  # only on this error

    names = {name for model in _settings_models() for name in model.model_fields}
    close = difflib.get_close_matches(location[-1], sorted(names), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def _settings_models() -> tuple[Any, ...]:
    from pipeline import settings

    return (
        Config,
        settings.FieldSettings,
        settings.ArxivSettings,
        settings.RetrySettings,
        settings.ExtractSettings,
        settings.EndpointProfile,
        settings.EmbeddedProfile,
        settings.BudgetSettings,
        settings.InterestSettings,
        settings.Terms,
        settings.MessageSettings,
        settings.PathSettings,
    )
