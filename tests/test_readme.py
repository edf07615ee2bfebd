"""What the READMEs and docs/ say is there, is there; their commands are run."""

from __future__ import annotations

import gzip
import json
import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipeline.cli.main import app
from pipeline.demo.standin import demo_pdfs
from tests.conftest import ROOT
from tests.standins.archive import archive_papers, write_snapshot
from tests.standins.house import House, open_house
from tests.standins.looking import all_supported, looking
from tests.standins.model import Answer, Request, good_answer, good_line
from tests.standins.quoting import quoting

LONGEST_README = 8000
READMES = ["README.md", "README.zh.md"]
NAMES = sorted(path.name for path in (ROOT / "docs").glob("*.md"))
PAIRS = [READMES, *([f"docs/{name}", f"docs/zh/{name}"] for name in NAMES)]
PAGES = [page for pair in PAIRS for page in pair]
_CODE = re.compile(r"^```(?:sh|cron)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"\bjianjie ([a-z]+[^#`\n]*|--[a-z][^#`\n]*)")
READ = ("Neural speech codecs", "Deepfake speech detection", "Music generation by diffusion")
_NOT_HERE = ("distill", "demo", "judge", "model get", "--install-completion")
"""Hours; a minute (tests/test_installed.py runs it); a person; a network; one's shell changed."""


def text_of(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def shell_of(page: str) -> str:
    return "\n".join(_CODE.findall(text_of(page)))


def commands(page: str) -> list[str]:
    inline = "\n".join(re.findall(r"`(jianjie [^`]+)`", text_of(page)))
    return [found.strip() for found in _COMMAND.findall(f"{shell_of(page)}\n{inline}")]


def every_command() -> list[str]:
    """Of all pages' shell blocks, each once."""
    found = (one.strip() for page in PAGES for one in _COMMAND.findall(shell_of(page)))
    return sorted({one for one in found if not one.startswith(_NOT_HERE)})


@pytest.mark.parametrize("page", PAGES)
def test_every_command_and_option_exists(page: str) -> None:
    for command in commands(page):
        name, *rest = shlex.split(command)
        words = [name, *rest[:1]] if name in {"model", "backfill", "examples"} else [name]
        shown = CliRunner().invoke(app, ["--help"] if name[0] == "-" else [*words, "--help"])
        assert shown.exit_code == 0, command
        for option in (word for word in (name, *rest) if word.startswith("--")):
            assert option in shown.output, command


@pytest.mark.parametrize("page", PAGES)
def test_every_make_target_and_file_exists(page: str) -> None:
    text = text_of(page)
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"\bmake ([\w-]+)", text):
        assert f"\n{target}:" in makefile, target
    for path in re.findall(r"`((?:pipeline|prompts|scripts)/[\w./]+)`", text):
        assert "NAME" in path or (ROOT / path).exists(), path
    for path in re.findall(r"\]\(([\w./-]+)\)", text):
        assert (ROOT / page).parent.joinpath(path).is_file(), path


@pytest.mark.parametrize(("english", "chinese"), PAIRS)
def test_both_languages_have_the_same_sections_and_blocks(english: str, chinese: str) -> None:
    one, other = text_of(english), text_of(chinese)
    assert one.count("\n## ") == other.count("\n## ")
    assert one.count("```") == other.count("```")
    # What the program printed is the same in both.
    assert re.findall(r"^│.*│$", one, re.M) == re.findall(r"^│.*│$", other, re.M)
    assert set(commands(english)) == set(commands(chinese))


@pytest.mark.parametrize("page", READMES)
def test_a_readme_is_short_and_leads_to_every_page(page: str) -> None:
    text = text_of(page)
    assert len(text) <= LONGEST_README
    folder = "docs/zh" if page == "README.zh.md" else "docs"
    assert set(re.findall(rf"\]\({folder}/([\w-]+\.md)\)", text)) == set(NAMES)


def obliging(request: Request) -> Answer:
    """A good line, with quotes where they are asked for."""
    wanted = '"依据"' in str(request["messages"][0]["content"])
    return quoting(request) if wanted else good_answer(request)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A night is done, in a folder whose profiles of every name are the stand-in."""
    folder = tmp_path_factory.mktemp("home")
    shutil.copytree(ROOT / "prompts", folder / "prompts")  # commands write there
    with open_house(folder, prompt="zero-shot") as opened:
        own = {"base_url": opened.model.url, "model": "m", "token_factor": 1.0}
        own |= {"price_in": 1, "price_out": 2}
        names = ("standin", "builtin", "deepseek", "openai")
        paths = {"outputs": str(folder / "outputs"), "prompts": str(folder / "prompts")}
        opened.settings(models=dict.fromkeys(names, own), prompt="zero-shot", paths=paths)
        assert opened.run("run").returncode == 0
        for name in ("paper", "other"):
            pdf = demo_pdfs() / "2601.02586v1.pdf"
            (opened.folder / f"{name}.pdf").write_bytes(pdf.read_bytes())
        (opened.folder / "zotero.csv").write_text("Title\n" + "".join(map("{}\n".format, READ)))
        (opened.folder / "papers.bib").write_text(
            "".join(f"@misc{{w{at}, title = {{{title}}}}}\n" for at, title in enumerate(READ))
        )
        example = (ROOT / "prompts/examples/20260107-audio.md").read_text(encoding="utf-8")
        later = opened.folder / "digests" / "20260108-audio.md"
        later.parent.mkdir()
        later.write_text(re.sub(r"pdf/\d+\.", "pdf/2612.", example), encoding="utf-8")
        plain = write_snapshot(opened.folder / "arxiv.json", archive_papers(40))
        plain.with_suffix(".json.gz").write_bytes(gzip.compress(plain.read_bytes()))
        job = ("snapshot:arxiv.json.gz", "--since", "2025-03-01", "--local")
        assert opened.run("backfill", "run", *job).returncode == 0
        (opened.folder / "unwanted.ris").write_text("TY  - JOUR\nTI  - Crop yields\nER  -\n")
        assert opened.run("evaluate", "zero-shot", "--limit", "2").returncode == 0
        other = {"分类": ["cs.SD"], "简介": good_line("Another Line")}
        opened.model.answer = lambda _: Answer(text=json.dumps(other))
        assert opened.run("reprocess", "2601.02954").returncode == 0
        opened.model.answer = looking(all_supported, obliging)
        line = (
            "该论文属于语音识别任务，解决低资源语言标注数据不足的问题。作者提出自监督预训练方法。"
        )
        assert opened.run("edit", "2601.02586", "--line", line).returncode == 0
        yield opened


@pytest.mark.parametrize("command", every_command())
def test_every_command_runs(house: House, command: str, tmp_path: Path) -> None:
    words = shlex.split(command)
    if words[:2] == ["init", "--upgrade"] or words[:2] == ["schedule", "github"]:
        folder = tmp_path if words[0] == "init" else ROOT
        assert House(tmp_path, tmp_path, house.arxiv, house.model).run("init").returncode == 0
        house = House(folder, folder, house.arxiv, house.model)
    elif words[0] == "init":
        house = House(tmp_path, tmp_path, house.arxiv, house.model)
    elif words[0] == "doctor":
        words.append("--offline")
    done = house.run(*words, EDITOR="true")
    assert done.returncode == 0, (done.stdout, done.stderr)
    assert done.stdout or "run" in words[:2] or words[0] == "edit"
