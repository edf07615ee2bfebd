"""A mistake of jianjie's own: exit status 70, one line, and the traceback in a log without secrets.

Real processes meet it: a sitecustomize.py on their path breaks one function before they start.
"""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.standins.house import COMMAND, House, one_error, open_house
from tests.standins.inbox import TOKEN, Inbox

KEY = "sk-very-secret-0123456789"
VARIABLE = "JIANJIE_MESSAGE_URL"
PASSWORD = "correct-horse"
BREAKS = """
import os
from {module} import {owner}

def broken(*given, **named):
    local = "a-local-variable" + os.environ.get("STANDIN_API_KEY", "")
    raise TypeError("unsupported: " + os.environ.get("BROKEN_WORDS", "") + " here")

setattr({owner}, {name!r}, broken)
"""


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with open_house(tmp_path, prompt="zero-shot") as opened:
        profile = {
            "base_url": opened.model.url,
            "model": "standin-1",
            "api_key_env": "STANDIN_API_KEY",
            "token_factor": 1.0,
            "price_in": 1.0,
            "price_out": 2.0,
        }
        opened.settings(models={"standin": profile})
        yield opened


class Broken:
    """A house whose processes meet a mistake."""

    def __init__(self, house: House, module: str, owner: str, name: str) -> None:
        folder = house.folder / "broken"
        folder.mkdir()
        text = BREAKS.format(module=module, owner=owner, name=name)
        (folder / "sitecustomize.py").write_text(text, encoding="utf-8")
        self.house = house
        self.environment = {
            "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}",
            "STANDIN_API_KEY": KEY,
        }

    def run(self, *arguments: str, **environment: str) -> str:
        """The one line on standard error."""
        result = self.house.run(*arguments, **(self.environment | environment))
        error = one_error(result, 70)
        assert "a-local-variable" not in result.stdout + result.stderr
        assert "unsupported" not in error  # its words may be anybody's
        return error

    def traceback(self, error: str, folder: Path) -> str:
        """What the log that the line names has, which must lie in `folder`."""
        (file,) = [word.rstrip(":") for word in error.split() if ".jsonl" in word]
        assert Path(file).parent == folder
        lines = Path(file).read_text(encoding="utf-8").splitlines()
        events: list[dict[str, Any]] = [json.loads(line) for line in lines]
        (mistake,) = [event for event in events if event["event"] == "mistake"]
        return str(mistake["traceback"])


def runs(house: House) -> list[tuple[int, str]]:
    with closing(sqlite3.connect(house.folder / "outputs" / "jianjie.sqlite3")) as db:
        return db.execute("SELECT exit_status, note FROM runs ORDER BY seq").fetchall()


IN_A_RUN = [
    ("the main thread", "pipeline.night", "run", "publish_day"),
    ("a thread that reads", "pipeline.night", "overlap", "ready"),
    ("a thread that asks the model", "pipeline.night", "overlap", "write"),
    ("a thread that loads ahead", "pipeline.site", "update", "warm_up"),
    ("the edge to the model", "pipeline.llm.endpoint", "Endpoint", "_ask"),
    ("the site", "pipeline.site", "build", "index_page"),
    ("the account", "pipeline.night", "account", "note"),
]


@pytest.mark.parametrize(
    ("module", "owner", "name"), [row[1:] for row in IN_A_RUN], ids=[row[0] for row in IN_A_RUN]
)
def test_a_mistake_in_a_run_ends_with_70_and_a_traceback_in_the_runs_log(
    house: House, module: str, owner: str, name: str
) -> None:
    broken = Broken(house, module, owner, name)
    error = broken.run("run", BROKEN_WORDS="nothing secret")
    assert error.startswith("jianjie: ")
    assert "a mistake of jianjie's own (TypeError)" in error
    (log,) = (house.folder / "outputs" / "logs").iterdir()
    assert str(log) in error
    traceback = broken.traceback(error, log.parent)
    assert traceback.startswith("Traceback (most recent call last):\n")
    assert traceback.endswith("TypeError: unsupported: nothing secret here\n")
    assert "in broken" in traceback
    assert runs(house)[-1][0] == 70
    # The mistake being mended, the next run goes on where it stopped.
    result = house.run("run", STANDIN_API_KEY=KEY)
    assert (result.returncode, result.stderr) == (0, "")


OUTSIDE = [
    ("status", "pipeline.cli", "tables", "print_status"),
    ("show 2601.02954", "pipeline.store.summaries", "Summaries", "of"),
    ("render", "pipeline.site", "update", "update"),
    ("reprocess 2601.02954", "pipeline.night", "reprocess", "ready"),
    ("run --dry-run", "pipeline.night", "estimate", "prompt_for"),
    ("doctor --offline", "pipeline.cli", "doctor", "load_variants"),
    ("evaluate builtin", "pipeline.evaluate", "evaluation", "evaluate"),
    ("schedule cron", "pipeline.schedule", "cron", "block"),
]


@pytest.mark.parametrize(("command", "module", "owner", "name"), OUTSIDE)
def test_every_command_keeps_its_mistakes_in_the_logs_folder(
    house: House, command: str, module: str, owner: str, name: str
) -> None:
    assert house.run("run", "--limit", "1", STANDIN_API_KEY=KEY).returncode == 1
    broken = Broken(house, module, owner, name)
    error = broken.run(*command.split(), BROKEN_WORDS="x")
    assert "TypeError" in broken.traceback(error, house.folder / "outputs" / "logs")


def test_where_outputs_cannot_be_written_the_temporary_folder_has_it(
    house: House, tmp_path: Path
) -> None:
    broken = Broken(house, "pipeline.schedule", "cron", "block")
    (tmp_path / "file").write_text("")
    house.settings(paths={"outputs": "file/outputs", "prompts": str(ROOT / "prompts")})
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    error = broken.run("schedule", "cron", TMPDIR=str(temporary))
    assert "TypeError" in broken.traceback(error, temporary)


def test_a_mistake_before_the_settings_are_known_is_kept_too(house: House, tmp_path: Path) -> None:
    broken = Broken(house, "pipeline", "config", "load_config")
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    error = broken.run("status", TMPDIR=str(temporary))
    assert "TypeError" in broken.traceback(error, temporary)


def test_no_secret_gets_into_the_log(house: House) -> None:
    with Inbox() as inbox:
        house.settings(
            messages={"to_env": [VARIABLE]},
            models={
                "standin": {
                    "base_url": house.model.url,
                    "model": "standin-1",
                    "api_key_env": "STANDIN_API_KEY",
                }
            },
        )
        broken = Broken(house, "pipeline.night", "overlap", "write")
        words = f"{KEY} and {inbox.address} and /hook/{TOKEN} and http://me:{PASSWORD}@proxy:80"
        error = broken.run("run", BROKEN_WORDS=words, **{VARIABLE: inbox.address})
        traceback = broken.traceback(error, house.folder / "outputs" / "logs")
        # Whoever waits for the night hears of it.
        (message,) = inbox.messages
    assert message["message"].startswith("运行未完成：jianjie 自身出错\n")
    assert "unsupported: *** and " in traceback
    for file in (house.folder / "outputs").rglob("*"):
        content = file.read_bytes() if file.is_file() else b""
        for secret in (KEY, TOKEN, PASSWORD, "a-local-variable"):
            assert secret.encode() not in content, (file, secret)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has /dev/full")
def test_a_full_disk_under_standard_output_is_no_mistake(house: House) -> None:
    """/dev/full answers every write as a full disk does."""
    house.run("run", "--limit", "0", STANDIN_API_KEY=KEY)
    with Path("/dev/full").open("w") as full:
        result = subprocess.run(
            [*COMMAND, "status"],
            cwd=house.folder,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    assert result.returncode == 2
    assert result.stderr == "jianjie: standard output: no room is left. Make room\n"


def test_help_lists_the_status(house: House) -> None:
    shown = " ".join(house.run("--help").stdout.split())
    assert "70 a mistake of jianjie's own" in shown
