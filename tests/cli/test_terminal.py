"""What is printed shows what others wrote, and obeys none of it."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from rich.table import Table

from pipeline.cli.terminal import OUT
from pipeline.errors import UsageError, printable
from tests.standins.house import House
from tests.standins.model import Answer

OBEYED = "\x1b[2J\x1b]0;owned\x07\x9b31m\x08\x7f\u202egnp\u2066"


def obeyed(text: str) -> set[str]:
    return {char for char in text if char in OBEYED and not char.isprintable()}


def test_what_a_terminal_obeys_is_shown_as_something_odd() -> None:
    assert obeyed(printable(OBEYED)) == set()
    assert printable("中文 a\tb\n") == "中文 a\tb\n"
    assert len(printable("\x1b")) == 1  # columns stay in line


def test_tables_and_lines_are_printed_without(capsys: pytest.CaptureFixture[str]) -> None:
    table = Table("head", title=OBEYED)
    table.add_row(f"a {OBEYED} b")
    with OUT.capture() as captured:
        OUT.print(table)
        OUT.print(f"[bold]x[/] {OBEYED}")
    assert obeyed(captured.get()) == set()
    assert "owned" in captured.get()
    assert capsys.readouterr().out == ""


def test_status_and_run_print_no_control_characters_of_an_endpoint(house: House) -> None:
    house.model.answer = lambda _: Answer(f"down {OBEYED}", status=401)
    result = house.run("run", "--limit", "1")
    assert result.returncode == 3
    assert "down" in result.stderr
    assert obeyed(result.stdout + result.stderr) == set()
    with closing(sqlite3.connect(house.folder / "outputs" / "jianjie.sqlite3")) as database:
        database.execute("UPDATE announced SET stage = 'validate', reason = ?", (OBEYED,))
        database.execute("UPDATE runs SET note = ?", (OBEYED,))
        database.commit()
    shown = house.run("status").stdout
    assert "owned" in shown
    assert obeyed(shown) == set()


def test_an_error_of_ours_that_quotes_is_one_line() -> None:
    assert "\n" not in str(UsageError("no such thing", said=f"a\n{OBEYED}"))
