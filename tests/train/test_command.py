"""`jianjie distill` as a user meets it, up to where torch is needed."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipeline.cli.main import app
from tests.conftest import ROOT
from tests.train.made import as_line, example

JIANJIE = str(Path(sys.executable).with_name("jianjie"))
HAS_TORCH = all(importlib.util.find_spec(name) for name in ("torch", "gguf"))


def said(*words: str) -> str:
    """The one line that it ends with, after exit status 2."""
    ended = subprocess.run(
        [JIANJIE, *words], check=False, cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert ended.returncode == 2, ended.stderr
    told = ended.stderr.strip()
    assert "\n" not in told
    return told


def test_bad_orders_are_told_in_one_line(tmp_path: Path) -> None:
    day = str(ROOT / "prompts" / "examples" / "20260107-audio.md")
    there = tmp_path / "there.gguf"
    there.touch()
    told = said("distill", day, "--out", "adapter.bin")
    assert "--out: 'adapter.bin' does not end with .gguf" in told
    told = said("distill", day, "--out", str(there))
    assert "is there already" in told
    told = said("distill", day, "--out", "adapter.gguf", "--from", "none.gguf")
    assert "none.gguf: no such file" in told
    told = said("distill", day, "--out", "adapter.gguf", "--from", "packaged", "--rank", "8")
    assert "--rank and --alpha: are those of the adapter begun with" in told
    told = said("distill", day, "--out", "adapter.gguf", "--base", "builtin-9b")
    assert "--base builtin-9b: no such file or model. Models: builtin-0.5b, builtin-1.5b" in told
    ours = ("--from", "packaged", "--base", day)
    assert "jianjie has no adapter for it" in said("distill", day, "--out", "adapter.gguf", *ours)
    told = said("distill", day, "--out", "adapter.gguf", "--blend", "0.3")
    assert "--blend: needs --from" in told


@pytest.mark.skipif(HAS_TORCH, reason="torch is installed here")
def test_without_the_extra_it_says_how_to_install_it(tmp_path: Path) -> None:
    out = tmp_path / "mine.gguf"
    told = said("distill", "prompts/examples", "--out", str(out))
    assert "torch" in told and "pip install 'jianjie[train]'" in told


@pytest.mark.skipif(not HAS_TORCH, reason="torch is not installed: make test-train")
def test_digests_that_do_not_do_are_told_in_one_line(tmp_path: Path) -> None:
    out = ("--out", str(tmp_path / "mine.gguf"))
    told = said("distill", "none.jsonl", *out)
    assert "none.jsonl: no such file" in told
    file = tmp_path / "few.jsonl"
    file.write_text(as_line(example(1)))
    told = said("distill", str(file), *out, "--focus", "audio")
    assert "1 papers of audio: too few to hold 300 of them out" in told
    assert not (tmp_path / "mine.work").exists()


def test_its_help_has_examples() -> None:
    shown = CliRunner().invoke(app, ["distill", "--help"])
    assert shown.exit_code == 0
    assert "jianjie distill digests/ --out adapters/mine.gguf" in " ".join(shown.output.split())
