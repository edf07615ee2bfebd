"""Every kind of day as a user meets it: real processes against an arXiv of several days."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from pipeline.demo.archive import Archive
from pipeline.digest.markdown import load
from tests.demo.composed import (
    FRIDAY,
    OLD,
    THURSDAY,
    TUESDAY,
    WEDNESDAY,
    WITHDRAWN,
    A,
    B,
    D,
    SettableClock,
    week,
)
from tests.pdf.files import content_bomb, deep_tree, recursive_form
from tests.standins.arxiv import FaultyArxiv
from tests.standins.faults import Faults
from tests.standins.house import House, one_error, open_house
from tests.standins.world import small_pdf

SATURDAY = FRIDAY + dt.timedelta(days=1)


class Week:
    """A house with an arXiv of five working days, at a time of the test's choosing."""

    def __init__(self, house: House, clock: SettableClock) -> None:
        self.house = house
        self.clock = clock

    def night(self, date: dt.date, *arguments: str, hour: int = 0) -> int:
        """The exit status of `jianjie run` on that date; what it says is kept."""
        self.clock.set(date, hour, 30)
        self.said = self.house.run("run", *arguments)
        assert "Traceback" not in self.said.stderr
        return self.said.returncode

    def day(self, date: dt.date) -> dict[str, Any]:
        file = self.house.folder / "outputs" / date.isoformat() / "audio.json"
        document: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        return document

    def entries(self, date: dt.date) -> list[str]:
        return [f"{p['arxiv_id']}v{p['version']} {p['announce_type']}" for p in self.papers(date)]

    def papers(self, date: dt.date) -> list[dict[str, Any]]:
        papers: list[dict[str, Any]] = self.day(date)["papers"]
        return papers

    def digests(self) -> dict[str, bytes]:
        outputs = self.house.folder / "outputs"
        return {str(p.relative_to(outputs)): p.read_bytes() for p in outputs.glob("*/audio.md")}

    @property
    def calls(self) -> int:
        return len(self.house.model.requests)


@pytest.fixture
def nights(tmp_path: Path) -> Iterator[Week]:
    clock = SettableClock(THURSDAY, 0, 30)
    arxiv = FaultyArxiv(Archive(week(), now=clock, withdrawn={WITHDRAWN}), small_pdf)
    with open_house(tmp_path, arxiv) as house:
        yield Week(house, clock)


FRIDAYS = [f"{D}v1 new", f"{A}v2 replace", f"{B}v2 replace", f"{OLD}v3 replace-cross"]


# Days without an announcement


@pytest.mark.parametrize(
    ("date", "hour", "said"),
    [
        (SATURDAY, 0, "a weekend"),
        (TUESDAY, 0, "arXiv's feed is empty (holiday); its list page shows 2026-01-16"),
    ],
)
def test_a_day_without_an_announcement_says_so_and_changes_nothing(
    nights: Week, date: dt.date, hour: int, said: str
) -> None:
    assert nights.night(FRIDAY) == 0
    before = nights.digests()
    assert nights.night(date, hour=hour) == 0
    assert (nights.said.stdout, nights.said.stderr) == ("", "")
    assert nights.digests() == before
    status = " ".join(nights.house.run("status", COLUMNS="300").stdout.split())
    assert f"{date}: nothing announced: {said}" in status


def test_the_same_batch_again_is_no_announcement(nights: Week) -> None:
    assert nights.night(FRIDAY) == 0
    calls = nights.calls
    nights.house.arxiv.faults = Faults(feed="stale")
    assert nights.night(TUESDAY) == 0
    assert nights.calls == calls
    assert list(nights.digests()) == [f"{FRIDAY}/audio.md"]


def test_a_stale_feed_costs_no_paper_of_the_day(nights: Week) -> None:
    assert nights.night(THURSDAY) == 0
    nights.house.arxiv.faults = Faults(feed="stale")
    assert nights.night(FRIDAY) == 0
    assert nights.entries(FRIDAY) == FRIDAYS
    assert nights.day(FRIDAY)["check"]["added"]


def test_in_the_evening_the_feeds_day_is_done_though_the_list_page_is_ahead(nights: Week) -> None:
    assert nights.night(THURSDAY, hour=21) == 0
    assert list(nights.digests()) == [f"{THURSDAY}/audio.md"]
    assert "/catchup/cs.SD/2026-01-15" in nights.day(THURSDAY)["check"]["pages"][0]


# Missed nights


def test_missed_nights_are_caught_up_as_if_they_had_not_been_missed(
    nights: Week, tmp_path: Path
) -> None:
    assert [nights.night(date) for date in (THURSDAY, FRIDAY, WEDNESDAY)] == [0, 0, 0]
    # On Wednesday C was crossed to a further category: Thursday's digest learns that when rendered.
    nights.house.run("render")
    calls, whole = nights.calls, nights.digests()
    # And A was crossed elsewhere, which only who asks for Friday's paper later is told.
    friday = f"{FRIDAY}/audio.md"
    whole[friday] = whole[friday].replace(b"cs.SD; eess.AS", b"cs.SD; eess.AS; cs.LG", 1)
    other = tmp_path / "other"
    other.mkdir()
    with open_house(
        other, nights.house.arxiv.__class__(nights.house.arxiv.archive, small_pdf)
    ) as h:
        late = Week(h, nights.clock)
        assert [late.night(date) for date in (THURSDAY, WEDNESDAY)] == [0, 0]
        h.run("render")
        assert late.digests() == whole
        assert late.entries(FRIDAY) == nights.entries(FRIDAY) == FRIDAYS
        assert late.calls == calls
        asked = len(h.arxiv.requests)
        assert late.night(WEDNESDAY) == 0
        assert (late.calls, len(h.arxiv.requests)) == (calls, asked + 1)  # holidays are remembered


def test_one_date_alone(nights: Week) -> None:
    assert nights.night(WEDNESDAY, "--date", str(THURSDAY)) == 0
    assert list(nights.digests()) == [f"{THURSDAY}/audio.md"]
    # A has a second version by now; the first one was announced that day.
    assert nights.entries(THURSDAY)[0] == f"{A}v1 new"
    calls = nights.calls
    assert nights.night(WEDNESDAY, "--date", str(THURSDAY)) == 0
    assert nights.calls == calls


def test_since_a_date(nights: Week) -> None:
    assert nights.night(WEDNESDAY, "--since", "2026-01-12") == 0
    assert sorted(nights.digests()) == [
        f"{date}/audio.md" for date in (THURSDAY, FRIDAY, WEDNESDAY)
    ]


def test_a_long_outage_is_told_with_the_way_out(nights: Week) -> None:
    nights.house.settings(catch_up_days=2)
    assert nights.night(THURSDAY) == 0
    assert nights.night(WEDNESDAY) == 1
    assert one_error(nights.said, 1).endswith("jianjie run --since 2026-01-16")
    assert nights.night(WEDNESDAY, "--since", str(FRIDAY)) == 0
    assert nights.entries(FRIDAY) == FRIDAYS


def test_catching_up_can_be_turned_off(nights: Week) -> None:
    nights.house.settings(catch_up_days=0)
    assert [nights.night(THURSDAY), nights.night(WEDNESDAY)] == [0, 0]
    assert f"{FRIDAY}/audio.md" not in nights.digests()


def test_a_missed_night_that_cannot_be_had_is_told_and_tried_again(nights: Week) -> None:
    assert nights.night(THURSDAY) == 0
    nights.house.arxiv.faults = Faults(catchup="captcha")
    assert nights.night(WEDNESDAY) == 1
    assert "2026-01-16: arXiv announced nothing in this field, but" in nights.said.stderr
    nights.house.arxiv.faults = Faults()
    assert nights.night(WEDNESDAY) == 0
    assert nights.entries(FRIDAY) == FRIDAYS


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--date", "2026-01-22"], "not announced yet"),
        (["--date", "2025-10-01"], "too long ago"),
        (["--since", "2025-10-01"], "too long ago"),
        (["--since", "2026-01-16", "--date", "2026-01-16"], "exclude each other"),
    ],
)
def test_dates_that_cannot_be_had(nights: Week, arguments: list[str], said: str) -> None:
    nights.night(WEDNESDAY, *arguments)
    assert said in one_error(nights.said, 2)
    assert nights.calls == 0


@pytest.mark.parametrize("date", [SATURDAY, TUESDAY])
def test_a_past_date_without_an_announcement_is_no_error(nights: Week, date: dt.date) -> None:
    assert nights.night(WEDNESDAY, "--date", str(date)) == 0
    assert nights.digests() == {}


def test_a_dry_run_counts_the_missed_nights_too(nights: Week) -> None:
    assert nights.night(THURSDAY) == 0
    calls = nights.calls
    assert nights.night(WEDNESDAY, "--dry-run") == 0
    assert f"audio {WEDNESDAY}" in nights.said.stdout
    assert f"audio {FRIDAY}" in nights.said.stdout
    assert nights.calls == calls
    assert len(nights.digests()) == 1


# Replacements


def test_a_replacement_is_summarized_anew_and_says_what_changed(nights: Week) -> None:
    nights.night(THURSDAY)
    nights.night(FRIDAY)
    found = {p["arxiv_id"]: p for p in nights.papers(FRIDAY)}
    assert found[A]["replaced"]["version"] == 1
    changes = {change["field"]: change["diff"] for change in found[A]["replaced"]["changes"]}
    assert changes["title"].endswith("in version [-1-] {+2+}")
    assert changes["comment"] == "Comment of [-v1-] {+v2+}"
    assert found[D]["replaced"] is None
    assert found[OLD]["replaced"] is None  # no earlier version known here
    lines = {
        e.versioned: e.line for day in (THURSDAY, FRIDAY) for e in load(_file(nights, day)).entries
    }
    assert lines[f"{A}v1"] != lines[f"{A}v2"]
    shown = nights.house.run("show", A).stdout
    assert "since v1" in shown
    assert "comment: Comment of [-v1-] {+v2+}" in shown


def _file(nights: Week, date: dt.date) -> Path:
    return nights.house.folder / "outputs" / date.isoformat() / "audio.md"


def test_a_withdrawn_version_is_read_from_its_abstract_and_says_why(nights: Week) -> None:
    nights.night(FRIDAY)
    found = next(p for p in nights.papers(FRIDAY) if p["arxiv_id"] == B)
    assert found["provenance"]["text_source"] == "abstract"
    assert "withdrawn" in found["provenance"]["fallback"]


def test_the_old_file_in_the_place_of_the_new_one_is_not_read(nights: Week) -> None:
    nights.night(THURSDAY)
    nights.house.arxiv.faults = Faults(pdf={f"{A}v2": "old_file"})
    assert nights.night(FRIDAY) == 0
    found = next(p for p in nights.papers(FRIDAY) if p["arxiv_id"] == A)
    assert found["provenance"]["text_source"] == "abstract"
    assert "earlier version" in found["provenance"]["fallback"]


def test_the_old_file_is_known_by_its_stamp_where_nothing_else_is_known(nights: Week) -> None:
    nights.house.arxiv.faults = Faults(pdf={f"{A}v2": "old_file"})
    assert nights.night(FRIDAY) == 0
    found = next(p for p in nights.papers(FRIDAY) if p["arxiv_id"] == A)
    assert f"arXiv served {A}v1 in its place" in found["provenance"]["fallback"]
    assert not list((nights.house.folder / "cache").rglob(f"{A}v2.pdf"))


# Sources that fail


@pytest.mark.parametrize("fault", ["incomplete", "empty", "doubled"])
def test_what_the_feed_lacks_is_found_on_the_list_pages(nights: Week, fault: Any) -> None:
    nights.house.arxiv.faults = Faults(feed=fault)
    assert nights.night(FRIDAY) == 0
    assert nights.entries(FRIDAY) == FRIDAYS
    assert nights.day(FRIDAY)["check"]["problems"] == []
    added = nights.day(FRIDAY)["check"]["added"]
    assert len(added) == {"incomplete": 1, "empty": 4, "doubled": 0}[fault]


@pytest.mark.parametrize("fault", ["captcha", "truncated", "not_html", "unavailable"])
def test_a_listing_that_cannot_be_checked_is_done_told_and_checked_by_the_next_run(
    nights: Week, fault: Any
) -> None:
    nights.house.settings(retry={"attempts": 1})
    nights.house.arxiv.faults = Faults(list_page=fault, catchup=fault)
    assert nights.night(FRIDAY) == 1
    assert f"{FRIDAY} 音频: " in nights.said.stderr
    assert nights.day(FRIDAY)["check"]["problems"]
    assert nights.entries(FRIDAY) == FRIDAYS
    calls = nights.calls
    nights.house.arxiv.faults = Faults()
    assert nights.night(SATURDAY) == 0
    assert nights.day(FRIDAY)["check"]["problems"] == []
    assert nights.calls == calls


def test_metadata_that_could_not_be_had_is_filled_in_by_the_next_run(nights: Week) -> None:
    nights.house.settings(retry={"attempts": 1})
    nights.house.arxiv.faults = Faults(api="server_error", oai="server_error")
    assert nights.night(THURSDAY) == 0
    assert {(p["metadata"], *p["missing"]) for p in nights.papers(THURSDAY)} == {
        ("feed", "comment")
    }
    assert all(entry.comment is None for entry in load(_file(nights, THURSDAY)).entries)
    calls = nights.calls
    nights.house.arxiv.faults = Faults()
    assert nights.night(FRIDAY) == 0
    assert {p["metadata"] for p in nights.papers(THURSDAY)} == {"api"}
    assert nights.papers(THURSDAY)[0]["comment"] == "Comment of v1"
    assert nights.papers(THURSDAY)[0]["authors"][0] == "Jürgen Müller"
    assert nights.calls == calls + len(FRIDAYS)


def test_metadata_that_could_not_be_had_is_filled_in_by_render(nights: Week) -> None:
    nights.house.settings(retry={"attempts": 1})
    nights.house.arxiv.faults = Faults(api="server_error", oai="server_error")
    assert nights.night(THURSDAY) == 0
    still = nights.house.run("render")
    assert still.returncode == 0
    assert "no metadata from the API for 3 papers" in still.stderr
    assert "unchanged" in still.stdout
    nights.house.arxiv.faults = Faults()
    assert "written" in nights.house.run("render").stdout
    assert [e.comment for e in load(_file(nights, THURSDAY)).entries] == ["Comment of v1"] * 3
    asked = len(nights.house.arxiv.requests)
    assert "unchanged" in nights.house.run("render").stdout
    assert len(nights.house.arxiv.requests) == asked


# Files made to do harm


@pytest.mark.parametrize(
    "content",
    [
        partial(content_bomb, 400),
        partial(deep_tree, 100_000),
        recursive_form,
        lambda: b"%PDF-1.4\n" + bytes(range(256)) * 50 + b"\n%%EOF",
    ],
)
def test_a_hostile_file_costs_one_paper_its_full_text_and_nothing_else(
    tmp_path: Path, content: Callable[[], bytes]
) -> None:
    hostile = content()
    clock = SettableClock(FRIDAY, 0, 30)
    archive = Archive(week(), now=clock, withdrawn={WITHDRAWN})

    def pdfs(versioned: str) -> bytes:
        return hostile if versioned == f"{D}v1" else small_pdf(versioned)

    with open_house(tmp_path, FaultyArxiv(archive, pdfs)) as house:
        house.settings(extract={"memory_mb": 400, "timeout_s": 20})
        nights = Week(house, clock)
        assert nights.night(FRIDAY) == 0
        made = {p["arxiv_id"]: p["provenance"] for p in nights.papers(FRIDAY)}
    assert made[D]["text_source"] == "abstract"
    assert made[D]["fallback"].startswith("extract: ")
    assert (made[A]["text_source"], made[A]["engine"]) == ("pdf", "pypdf")
    assert made[OLD]["text_source"] == "pdf"
