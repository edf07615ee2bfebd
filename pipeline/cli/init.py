"""The command `init`: a folder of one's own with settings, prompts and a place for keys."""

from __future__ import annotations

import difflib
import hashlib
import json
import os
import re
import shlex
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from pipeline import __version__
from pipeline.cli import session
from pipeline.errors import ConfigError, UsageError, counted, one_line

MANIFEST = ".jianjie.json"
"""What `init` wrote, so that `--upgrade` knows what has been changed since, and by whom."""
_KEYS, _IGNORED = "keys.env", ".gitignore"
_FIELDS = re.compile(r"^fields:\n(?:[ ].*\n)+", re.MULTILINE)
_MODEL = re.compile(r"^model: .*$", re.MULTILINE)
_FIELD = re.compile(r"([a-z0-9][a-z0-9-]*):([^:\s]+):([^:\s]+)")


class Choices(NamedTuple):
    """What a new folder is made for."""

    model: str | None = None
    fields: tuple[str, ...] = ()
    """As they are typed: audio:音频:cs.SD,eess.AS."""


class Made(NamedTuple):
    """What a manifest says."""

    version: str
    choices: Choices
    hashes: Mapping[str, str]
    """SHA-256 of each file as it was written."""


def init(
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="Made if need be.")] = Path(),
    *,
    model: Annotated[
        str | None, typer.Option("--model", "-m", help="The profile in use, such as deepseek.")
    ] = None,
    field: Annotated[
        list[str] | None,
        typer.Option(
            "--field", "-f", metavar="NAME:中文:CATEGORIES", help="A field to read; repeatable."
        ),
    ] = None,
    upgrade: Annotated[
        bool,
        typer.Option("--upgrade", help="Show what this version's defaults changed; write nothing."),
    ] = False,
    write: Annotated[
        bool, typer.Option("--write", help="With --upgrade: take those of untouched files.")
    ] = False,
) -> None:
    """A folder of your own: config.yaml, prompts, keys.env. What is there is never overwritten."""
    if write and not upgrade:
        raise UsageError("has no effect alone", where="--write", fix="Add --upgrade")
    if upgrade:
        if model or field:
            raise UsageError("keeps model and fields", where="--upgrade", fix="Edit config.yaml")
        _upgrade(folder, write=write)
        return
    choices = Choices(model, tuple(field or ()))
    if _manifest(folder) and choices == Choices():
        choices = _made(folder).choices
    files = _defaults(choices)
    profile_key = _checked(files["config.yaml"], choices)
    files |= {_KEYS: _keys(profile_key), _IGNORED: f"{_KEYS}\noutputs/\n"}
    written = [name for name, text in files.items() if _write_new(folder / name, text)]
    for name in files:
        typer.echo(
            f"{_shown(folder, name)} {'written' if name in written else 'kept: it is there'}"
        )
    if written:
        _write_manifest(folder, choices, {name: files[name] for name in written})
    _say_what_is_next(folder, profile_key)


def _say_what_is_next(folder: Path, key: str | None) -> None:
    program = session.program(elsewhere=folder != Path())
    there = "" if folder == Path() else f"cd {shlex.quote(str(folder))} && "
    first = f"${{EDITOR:-nano}} {_shown(folder, _KEYS)}" if key else f"{there}{program} doctor"
    second = f"{there}. ./{_KEYS} && {program} run" if key else f"{program} run"
    typer.echo(f"\nNext:\n  {first}\n  {second}")


# What is written


def _defaults(choices: Choices) -> dict[str, str]:
    """By their place: this version's files as these choices make them."""
    from pipeline.shipped import shipped_files

    files = {name: path.read_text(encoding="utf-8") for name, path in shipped_files().items()}
    config = files["config.yaml"]
    if choices.model:
        config = _MODEL.sub(lambda _: f"model: {choices.model}", config, count=1)
    if choices.fields:
        config = _FIELDS.sub(lambda _: _fields(choices.fields), config, count=1)
    return {**files, "config.yaml": config}


def _fields(fields: Sequence[str]) -> str:
    lines = ["fields:\n"]
    for text in fields:
        match = _FIELD.fullmatch(text)
        if match is None:
            raise UsageError(
                f"{text!r} is not NAME:中文:CATEGORIES",
                where="--field",
                fix="For example --field audio:音频:cs.SD,eess.AS",
            )
        name, chinese, categories = match.groups()
        listed = ", ".join(categories.split(","))
        lines.append(f"  {name}:\n    name: {chinese}\n    categories: [{listed}]\n")
    return "".join(lines)


def _checked(text: str, choices: Choices) -> str | None:
    """The variable that the profile in use takes its key from; None where it needs none.

    Raises UsageError where the choices make no settings.
    """
    from pipeline.config import load_config

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "config.yaml"
        file.write_text(text, encoding="utf-8")
        try:
            settings = load_config(file)
        except ConfigError as error:
            chosen = " ".join([*(f"--field {one}" for one in choices.fields), choices.model or ""])
            raise UsageError(one_line(error.what), where=chosen.strip() or "init") from error
    return getattr(settings.profile, "api_key_env", None)


def _keys(key: str | None) -> str:
    variable = key or "OPENAI_API_KEY"
    return (
        "# The keys of your models. You alone can read this file; keep it out of git.\n"
        f"# The commands of `jianjie schedule` read it; by hand: . ./{_KEYS}\n"
        f"{'' if key else '# '}export {variable}=\n"
    )


def _write_new(path: Path, text: str) -> bool:
    """False where something is there already. Keys are their owner's alone."""
    from pipeline.files import cannot_write

    mode = 0o600 if path.name == _KEYS else 0o644
    try:
        if not path.parent.is_dir():
            path.parent.mkdir(parents=True)
        if path.exists() or path.is_symlink():
            return False
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except OSError as error:
        raise cannot_write(path, error) from error
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    return True


def _shown(folder: Path, name: str) -> str:
    return (folder / name).as_posix()


# What was written


def _manifest(folder: Path) -> Path | None:
    path = folder / MANIFEST
    return path if path.is_file() else None


def _made(folder: Path) -> Made:
    """Raises UsageError where `init` made no such folder."""
    path = _manifest(folder)
    if path is None:
        raise UsageError("was not made by jianjie init", where=folder, fix="Run: jianjie init")
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        choices = Choices(told["model"], tuple(told["fields"]))
        return Made(str(told["version"]), choices, dict(told["files"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(
            "cannot be read", where=path, fix="Remove it, then: jianjie init"
        ) from error


def _write_manifest(folder: Path, choices: Choices, files: Mapping[str, str]) -> None:
    from pipeline.files import write_atomic

    earlier = _made(folder).hashes if _manifest(folder) else {}
    told = {
        "version": __version__,
        "model": choices.model,
        "fields": choices.fields,
        "files": {**earlier, **{name: _hash(text) for name, text in sorted(files.items())}},
    }
    text = json.dumps(told, ensure_ascii=False, indent=1) + "\n"
    write_atomic(folder / MANIFEST, text.encode())


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


# A new version


class Change(NamedTuple):
    """A default that this version has otherwise than the folder."""

    name: str
    old: str | None
    """None where the folder does not have the file."""
    new: str
    touched: bool
    """Somebody changed the folder's: it stays as it is."""


def changes(folder: Path) -> Iterator[Change]:
    """What `--upgrade` shows. Raises UsageError."""
    made = _made(folder)
    for name, new in _defaults(made.choices).items():
        try:
            old = (folder / name).read_text(encoding="utf-8")
        except FileNotFoundError:
            if name not in made.hashes:  # else it was removed on purpose
                yield Change(name, None, new, touched=False)
            continue
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"cannot be read: {one_line(error)}", where=folder / name) from error
        written = made.hashes.get(name)
        if old != new and _hash(new) != written:
            yield Change(name, old, new, touched=_hash(old) != written)


def _upgrade(folder: Path, *, write: bool) -> None:
    found = list(changes(folder))
    for change in found:
        typer.echo(_told(folder, change), nl=False)
    if not found:
        typer.echo(f"nothing to take over: the defaults of {__version__} are those of this folder")
        return
    untouched = {change.name: change.new for change in found if not change.touched}
    if not write:
        if untouched:
            typer.echo("\nTo take them over:  jianjie init --upgrade --write")
        return
    from pipeline.files import write_atomic

    for name, text in untouched.items():
        write_atomic(folder / name, text.encode())
    _write_manifest(folder, _made(folder).choices, untouched)
    typer.echo(f"\n{counted(len(untouched), 'file')} written")


def _told(folder: Path, change: Change) -> str:
    """A diff; of a file that somebody changed only that there is one."""
    place = _shown(folder, change.name)
    if change.old is None:
        return f"new: {place}\n"
    if change.touched:
        return f"kept, for it was changed here, though the default is new too: {place}\n"
    old, new = change.old.splitlines(keepends=True), change.new.splitlines(keepends=True)
    return "".join(difflib.unified_diff(old, new, place, f"{place} of {__version__}"))
