"""However long the site takes, no night waits for it, and it ends."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from contextlib import closing

from tests.conftest import ROOT
from tests.standins.house import House, one_error

ENDLESS = """
import sys
from pipeline.site import build
from pathlib import Path

def endless(*given, **named):
    Path("begun").touch()
    while True:
        pass

build.index_page = endless
import pipeline.cli.session
pipeline.cli.session.SITE_S = {seconds}
"""


def endless(house: House, seconds: float) -> str:
    """A PYTHONPATH with which the site's index is never ready."""
    folder = house.folder / "endless"
    folder.mkdir()
    text = ENDLESS.format(seconds=seconds)
    (folder / "sitecustomize.py").write_text(text, encoding="utf-8")
    return f"{folder}{os.pathsep}{ROOT}"


def test_a_site_without_end_is_told_and_the_next_run_makes_it(house: House) -> None:
    result = house.run("run", PYTHONPATH=endless(house, 1))
    assert "the site took longer than 1 s" in one_error(result, 0)
    assert house.document["ledger"]["owed"] == 0
    assert house.run("run").returncode == 0
    assert (house.folder / "outputs" / "site" / "index.html").exists()


def test_a_run_does_not_wait_for_another_ones_site(house: House) -> None:
    process = house.start("run", PYTHONPATH=endless(house, 60))
    try:
        deadline = time.monotonic() + 60
        while not (house.folder / "begun").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        result = house.run("reprocess", "2601.02954")
        assert "another process makes the site now" in one_error(result, 0)
    finally:
        process.kill()
        process.communicate()
    assert house.run("run").returncode == 0
    assert (house.folder / "outputs" / "site" / "paper" / "2601.02954.html").exists()


def test_an_author_cannot_keep_the_site_from_being_made(house: House) -> None:
    """The text that once took for ever, in a title and an abstract of the store's own."""
    assert house.run("run").returncode == 0
    opening = "\\frac{" * 30
    with closing(sqlite3.connect(house.folder / "outputs" / "jianjie.sqlite3")) as database:
        (row, text) = database.execute("SELECT rowid, paper FROM papers LIMIT 1").fetchone()
        paper = json.loads(text) | {"title": opening, "abstract": f"$x$ {opening}"}
        changed = (json.dumps(paper), row)
        database.execute("UPDATE papers SET paper = ? WHERE rowid = ?", changed)
        database.commit()
    assert house.run("render").returncode == 0
    assert opening in (house.folder / "outputs" / "site" / "2026-01-07" / "audio.html").read_text()
