from __future__ import annotations

import datetime as dt
import json
import threading
import time
from pathlib import Path

import pytest

from pipeline.clock import Clock
from pipeline.errors import OutputError, PdfUnreadable
from pipeline.events import Event, Events

NOW = dt.datetime(2026, 1, 7, 6, 0, tzinfo=dt.UTC)


class StoppedClock(Clock):
    def now(self) -> dt.datetime:
        return NOW


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "outputs" / "logs" / "run.jsonl"


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_one_json_line_an_event(path: Path) -> None:
    events = Events(path, StoppedClock())
    events.emit("listing", dt.date(2026, 1, 7), field="音频", announced=26)
    events.emit("paper_owed", "2601.00001v1", reason='no "。"\nat the end', cost=None, paid=False)
    events.emit("stopped")
    events.close()

    assert path.read_text(encoding="utf-8").count("\n") == 3
    assert "音频" in path.read_text(encoding="utf-8")
    time = "2026-01-07T06:00:00+00:00"
    assert lines(path) == [
        {"time": time, "event": "listing", "about": "2026-01-07", "field": "音频", "announced": 26},
        {
            "time": time,
            "event": "paper_owed",
            "about": "2601.00001v1",
            "reason": 'no "。"\nat the end',
            "cost": None,
            "paid": False,
        },
        {"time": time, "event": "stopped"},
    ]


def test_an_event_is_on_disk_at_once(path: Path) -> None:
    events = Events(path, StoppedClock())

    for count in (1, 2, 3):
        events.emit("paper_done")
        assert len(lines(path)) == count
    events.close()


def test_without_events_there_is_no_file(path: Path) -> None:
    Events(path, StoppedClock()).close()

    assert not path.parent.exists()


def test_whoever_listens_hears_the_same(path: Path) -> None:
    heard: list[Event] = []
    events = Events(path, StoppedClock(), heard.append)
    events.emit("paper_done", "2601.00001v1", tries=2)
    events.emit("stopped")
    events.close()

    assert heard == [
        Event(kind="paper_done", about="2601.00001v1", details={"tries": 2}),
        Event(kind="stopped"),
    ]


def test_a_closed_log_is_opened_again_and_appended_to(path: Path) -> None:
    events = Events(path, StoppedClock())
    events.emit("first")
    events.close()
    events.close()
    events.emit("second")
    events.close()
    other = Events(path, StoppedClock())
    other.emit("third")
    other.close()

    assert [line["event"] for line in lines(path)] == ["first", "second", "third"]


def test_many_threads_write_whole_lines(path: Path) -> None:
    inside: list[int] = []
    most: list[int] = []

    def listen(_: Event) -> None:
        inside.append(1)
        time.sleep(0.0002)  # long enough for another thread to come in, if it could
        most.append(len(inside))
        inside.pop()

    events = Events(path, StoppedClock(), listen)

    def work(name: int) -> None:
        for n in range(40):
            events.emit("paper_done", f"{name}-{n}", text="语音" * 200)

    threads = [threading.Thread(target=work, args=(name,)) for name in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    events.close()

    written = [str(line["about"]) for line in lines(path)]
    assert sorted(written) == sorted(f"{name}-{n}" for name in range(8) for n in range(40))
    assert len(most) == 320
    assert max(most) == 1  # one at a time


@pytest.mark.parametrize(
    ("text", "read_back"),
    [
        ("half a \ud83d sign", "half a \ud83d sign"),
        (PdfUnreadable("half a \ud83d sign").what, r"half a \ud83d sign"),
    ],
)
def test_half_a_character_does_not_stop_the_log(path: Path, text: str, read_back: str) -> None:
    events = Events(path, StoppedClock())
    events.emit("warning", text=text)
    events.close()

    assert [line["text"] for line in lines(path)] == [read_back]


def test_a_log_that_cannot_be_opened_is_an_output_error(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("a file where the folder should be")
    heard: list[Event] = []
    events = Events(tmp_path / "logs" / "run.jsonl", StoppedClock(), heard.append)

    with pytest.raises(OutputError, match=r"run\.jsonl: cannot be written"):
        events.emit("stopped")
    assert heard == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a full device")
def test_a_full_disk_is_an_output_error_and_closing_is_quiet() -> None:
    events = Events(Path("/dev/full"), StoppedClock())

    with pytest.raises(OutputError, match="/dev/full: cannot be written: No space left"):
        events.emit("stopped")

    events.close()
