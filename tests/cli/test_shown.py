"""What stands on the screen: for programs, in narrow windows, in other encodings, when asked."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.standins.house import COMMAND, DAY, PAPERS, House, one_error, open_house

_COLOUR = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
PRINTING = (
    ["status"],
    ["show", "2601.02954"],
    ["evaluate", "--history"],
    ["evaluate", "zero-shot", "few-shot", "--dry-run"],
    ["run", "--dry-run"],
)


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A night, with papers owed, and an evaluation; nobody changes it."""
    with open_house(tmp_path_factory.mktemp("full"), prompt="zero-shot") as house:
        assert house.run("run", "--limit", "24").returncode == 1
        assert house.run("evaluate", "zero-shot", "few-shot", "--limit", "4").returncode == 0
        yield house


def screen(house: House, columns: int, *arguments: str) -> list[str]:
    status, shown = house.at_a_terminal(*arguments, COLUMNS=str(columns))
    assert status in {0, 1}, shown
    return _COLOUR.sub("", shown).replace("\r", "").splitlines()


@pytest.mark.parametrize("command", PRINTING[:4], ids=" ".join)
def test_nothing_is_cut_in_a_window_of_60_columns(full: House, command: list[str]) -> None:
    lines = screen(full, 60, *command)
    assert not [line for line in lines if "…" in line]
    text = "\n".join(lines)
    if command == ["status"]:
        assert DAY in text
        assert re.search(r"\d\d:\d\d:\d\d", text)
        assert re.search(r"\b0\.\d{4}\b", text)
    if "--history" in command:
        assert re.search(r"\b0\.\d{5}\b", text)
        assert re.search(r"20\d\d-\d\d-\d\d", text)


@pytest.mark.parametrize("command", PRINTING, ids=" ".join)
@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "gbk", "utf-8"])
def test_any_encoding_of_the_terminal_will_do(
    full: House, command: list[str], encoding: str
) -> None:
    done = said_in(full, encoding, *command)
    assert done.returncode in {0, 1}
    assert b"Traceback" not in done.stderr
    if encoding in {"gbk", "utf-8"}:
        assert "音频" in done.stdout.decode(encoding) or command != ["status"]


def test_a_night_can_be_told_in_ascii(house: House) -> None:
    house.settings(prompt="zero-shot")
    done = said_in(house, "ascii", "run", "-v", "--limit", "1")
    assert done.returncode == 1
    assert b"announced   | 26" in done.stdout
    assert b"1 done + 25 owed" in done.stderr


def said_in(house: House, encoding: str, *command: str) -> subprocess.CompletedProcess[bytes]:
    own = {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    return subprocess.run(
        [*COMMAND, *command],
        cwd=house.folder,
        env={**os.environ, **own},
        capture_output=True,
        timeout=300,
        check=False,
    )


def test_status_for_programs(full: House) -> None:
    told = json.loads(full.run("status", "--json").stdout)
    (day,) = told["days"]
    assert (day["date"], day["announced"], day["done"], day["owed"]) == (DAY, PAPERS, 24, 2)
    assert len(day["owed_papers"]) == 2
    assert day["owed_papers"][0]["id"].startswith("2")
    assert day["owed_papers"][0]["reason"]
    assert told["runs"][-1]["exit_status"] == 1
    assert told["spent"][0]["calls"] >= 24
    assert told["canary"] is None
    assert told["unsent"] == []


def test_show_for_programs(full: House) -> None:
    told = json.loads(full.run("show", "2601.02954", "--json").stdout)
    assert told["arxiv_id"] == "2601.02954"
    (summary,) = told["summaries"]
    assert summary["published"] is True
    assert summary["line"].startswith("该论文")
    assert summary["provenance"]["model"] == "standin-1"


def test_the_history_for_programs(full: House) -> None:
    (told,) = json.loads(full.run("evaluate", "--history", "--json").stdout)
    assert [system["name"] for system in told["systems"]] == ["zero-shot", "few-shot"]
    assert "--json: has no effect alone" in one_error(full.run("evaluate", "x", "--json"), 2)


def test_the_doctor_for_programs(full: House) -> None:
    done = full.run("doctor", "--offline", "--json")
    told = json.loads(done.stdout)
    assert {"about", "text", "state", "fix", "exit_status"} <= told[0].keys()
    assert {one["state"] for one in told} <= {"ok", "warning", "error"}
    assert "1 listing, the last of" in " ".join(one["text"] for one in told)


def test_a_paper_that_is_not_there_can_be_made(full: House) -> None:
    error = one_error(full.run("show", "2601.99999"), 2)
    assert "2601.99999: not in the store. Make its line: jianjie reprocess 2601.99999" in error


def test_v_says_what_was_done_into_a_pipe_too(house: House) -> None:
    house.settings(prompt="zero-shot")
    done = house.run("run", "-v", "--limit", "2")
    assert f"announced   │ {PAPERS}" in done.stdout
    assert "jianjie: paper_done 2" in done.stderr
    house.run("run")
    assert house.run("run").stdout == ""  # as cron wants it


def test_h_is_help(full: House) -> None:
    for command in ([], ["run"], ["evaluate"], ["init"]):
        short, long = (full.run(*command, option) for option in ("-h", "--help"))
        assert short.returncode == 0
        assert short.stdout == long.stdout != ""
    listed = full.run("-h").stdout
    assert "..." not in listed.partition("Commands:")[2]  # no summary is cut


@pytest.mark.parametrize(
    ("shell", "words", "offered"),
    [
        ("bash", "jianjie run --model st", "standin"),
        ("zsh", "jianjie run --prompt zero", "zero-shot"),
        ("fish", "jianjie run --field au", "audio"),
        ("bash", "jianjie re", "reprocess"),
    ],
)
def test_shells_complete_commands_and_names(
    full: House, shell: str, words: str, offered: str
) -> None:
    assert offered in completed(full.folder, shell, words)


def test_completion_says_nothing_where_the_settings_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("fields: 3", encoding="utf-8")
    assert completed(tmp_path, "bash", "jianjie run --model st").strip() == ""


def completed(folder: Path, shell: str, words: str) -> str:
    """What the installed command offers to a shell that asks as Typer's scripts do."""
    asked = {
        "_JIANJIE_COMPLETE": f"complete_{shell}",
        "_TYPER_COMPLETE_ARGS": words,
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split()) - 1),
    }
    done = subprocess.run(
        [Path(sys.executable).with_name("jianjie")],
        cwd=folder,
        env={**os.environ, **asked},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stderr == ""
    return done.stdout
