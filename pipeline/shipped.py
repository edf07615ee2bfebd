"""What comes with jianjie beside its code: the settings file and the prompts with their examples.

They stand once, at the root of the repository; a wheel has them in a folder of the package, where
its build put them (pyproject.toml).
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent
_IN_A_WHEEL = _PACKAGE / "shipped"


def shipped() -> Path:
    """The folder that has config.yaml and prompts/."""
    return _IN_A_WHEEL if _IN_A_WHEEL.is_dir() else _PACKAGE.parent


def shipped_files() -> dict[str, Path]:
    """What a folder of one's own begins with, by its place there: settings, prompts, examples."""
    root = shipped()
    prompts = root / "prompts"
    files = [root / "config.yaml", *prompts.glob("*.md"), *(prompts / "examples").glob("*.md")]
    return {path.relative_to(root).as_posix(): path for path in sorted(files)}
