"""A user's folder with its config file, and the servers that the config names."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.demo.example_day import example_listing
from pipeline.demo.standin import demo_pdfs
from tests.conftest import ROOT
from tests.standins.arxiv import FaultyArxiv
from tests.standins.model import StandInModel
from tests.standins.readonly import unprivileged
from tests.standins.settings import write_config
from tests.standins.zygote import Zygote

EXAMPLE = ROOT / "prompts" / "examples" / "20260107-audio.md"
DAY = "2026-01-07"
PAPERS = 26
_ZYGOTE = Zygote()
COMMAND = [sys.executable, "-c", "from pipeline.cli.main import main; main()"]


@dataclass
class House:
    """A user's folder, with the servers that its settings name."""

    folder: Path
    config: Path
    arxiv: FaultyArxiv
    model: StandInModel
    own: Mapping[str, object] = field(default_factory=dict)
    """What its config has in the place of a test's usual settings."""

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """`jianjie ARGUMENTS` in the user's folder."""
        whole = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
        forked = _ZYGOTE.run(arguments, self.folder, whole)
        return forked or self._done([*COMMAND, *arguments], environment)

    def look(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """The same by somebody for whom permissions hold."""
        return self._done(unprivileged([*COMMAND, *arguments]), {"PYTHONDONTWRITEBYTECODE": "1"})

    def _done(
        self, command: list[str], environment: dict[str, str]
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def at_a_terminal(self, *arguments: str, **environment: str) -> tuple[int, str]:
        """The same with a terminal for output and errors: the exit status, and all it shows."""
        ours, theirs = os.openpty()
        with os.fdopen(ours, "rb", buffering=0) as screen:
            process = subprocess.Popen(
                [*COMMAND, *arguments],
                cwd=self.folder,
                env={
                    **os.environ,
                    "PYTHONPATH": str(ROOT),
                    "COLUMNS": "300",
                    "TERM": "xterm",
                    **environment,
                },
                stdout=theirs,
                stderr=theirs,
            )
            os.close(theirs)
            shown = b""
            with suppress(OSError):  # how Linux says that the other end is gone
                while part := screen.read(65536):
                    shown += part
            return process.wait(300), shown.decode()

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """The same, not waited for."""
        return subprocess.Popen(
            [*COMMAND, *arguments],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def settings(self, **changes: object) -> None:
        """Write the config again with other top-level keys."""
        write_config(self.folder, self.arxiv.url, self.model.url, **{**self.own, **changes})

    @property
    def store(self) -> Path:
        return self.folder / "outputs" / "jianjie.sqlite3"

    @property
    def digest(self) -> Path:
        return self.folder / "outputs" / DAY / "audio.md"

    @property
    def document(self) -> dict[str, Any]:
        text = self.digest.with_suffix(".json").read_text(encoding="utf-8")
        document: dict[str, Any] = json.loads(text)
        return document

    def paper(self, versioned: str) -> dict[str, Any]:
        base, version = versioned.split("v")
        return next(
            p
            for p in self.document["papers"]
            if p["arxiv_id"] == base and p["version"] == int(version)
        )

    def pdfs_asked(self) -> int:
        return sum(asked.path.startswith("/pdf/") for asked in self.arxiv.requests)


@contextmanager
def open_house(
    folder: Path, arxiv: FaultyArxiv | None = None, **settings: object
) -> Iterator[House]:
    """A house whose servers listen while the `with` block runs; arXiv has the example day.

    `settings` replace top-level keys of its config.
    """
    announces = arxiv or FaultyArxiv(example_listing(EXAMPLE), demo_pdfs())
    with announces as opened, StandInModel() as model:
        config = write_config(folder, opened.url, model.url, **settings)
        yield House(folder, config, opened, model, settings)


def one_error(result: subprocess.CompletedProcess[str], status: int) -> str:
    """The one line on standard error of a run that ended with `status`."""
    assert result.returncode == status, result.stderr
    assert "Traceback" not in result.stderr
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("jianjie: ")
    return lines[0]
