"""What the READMEs say is there, is there."""

from __future__ import annotations

import re
import shlex

import pytest
from typer.testing import CliRunner

from pipeline.cli.main import app
from tests.conftest import ROOT

READMES = ["README.md", "README.zh.md"]
_CODE = re.compile(r"^```(?:sh|cron)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"\bjianjie ([a-z]+[^#`\n]*)")


def commands(readme: str) -> list[str]:
    text = (ROOT / readme).read_text(encoding="utf-8")
    blocks = "\n".join(_CODE.findall(text))
    inline = "\n".join(re.findall(r"`(jianjie [^`]+)`", text))
    return [found.strip() for found in _COMMAND.findall(f"{blocks}\n{inline}")]


@pytest.mark.parametrize("readme", READMES)
def test_every_command_and_option_exists(readme: str) -> None:
    assert len(commands(readme)) >= 8
    for command in commands(readme):
        name, *rest = shlex.split(command)
        shown = CliRunner().invoke(app, [name, "--help"])
        assert shown.exit_code == 0, command
        for option in (word for word in rest if word.startswith("--")):
            assert option in shown.output, command


@pytest.mark.parametrize("readme", READMES)
def test_every_make_target_and_file_exists(readme: str) -> None:
    text = (ROOT / readme).read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"\bmake ([\w-]+)", text):
        assert f"\n{target}:" in makefile, target
    for path in re.findall(r"`((?:pipeline|prompts|scripts)/[\w./]+)`", text):
        assert "NAME" in path or (ROOT / path).exists(), path
    for path in re.findall(r"\]\(([\w./]+)\)", text):
        assert (ROOT / path).is_file(), path


def test_both_languages_have_the_same_sections_and_blocks() -> None:
    english, chinese = ((ROOT / name).read_text(encoding="utf-8") for name in READMES)
    assert english.count("\n## ") == chinese.count("\n## ")
    assert english.count("```") == chinese.count("```")
    # The demo's table and the excerpt are the same output.
    assert re.findall(r"^│.*│$", english, re.M) == re.findall(r"^│.*│$", chinese, re.M)
    assert set(commands("README.md")) == set(commands("README.zh.md"))
