"""The served page: votes are kept, and nobody but the one who has the address gets anywhere."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from pipeline.clock import Clock
from pipeline.errors import UsageError
from pipeline.evaluate.people.server import Desk, serving
from pipeline.evaluate.people.sheet import Sheet, sheet
from pipeline.evaluate.people.votes import JUDGES, votes_so_far
from tests.evaluate.people.made import kept

MADE = sheet(kept(), "kim")
VOTE = {"item": MADE.items[0].id, "overall": "left", "task": "tie"}


class Served:
    """An address, and how to ask there."""

    def __init__(self, folder: Path, address: str, desk: Desk) -> None:
        self.folder = folder
        self.desk = desk
        self.parts = urlsplit(address)

    def ask(
        self, method: str, path: str, body: object = None, **headers: str
    ) -> tuple[int, str, dict[str, str]]:
        """Status, text and headers; `_` in a header's name is a hyphen."""
        connection = http.client.HTTPConnection("127.0.0.1", self.parts.port or 0, timeout=10)
        sent = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, sent, named)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, text, dict(answer.headers)

    def vote(self, body: object, **headers: str) -> int:
        sent = {"Content_Type": "application/json"} | headers
        return self.ask("POST", f"{self.parts.path}votes", body, **sent)[0]

    @property
    def votes(self) -> int:
        return len(votes_so_far(self.folder, MADE.run, MADE.judge).votes)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    desk = Desk(tmp_path, MADE, Clock())
    with serving(desk) as address:
        yield Served(tmp_path, address, desk)


def test_the_page_loads_nothing_and_is_kept_nowhere(served: Served) -> None:
    status, text, headers = served.ask("GET", served.parts.path)
    assert status == 200 and "哪一行更好" in text
    assert headers["Cache-Control"] == "no-store" and headers["X-Frame-Options"] == "DENY"
    assert "http://" not in text and "https://" not in text
    assert served.parts.hostname == "127.0.0.1" and len(served.parts.path) > 20


def test_a_vote_is_stored_at_once_and_changed_by_another(served: Served) -> None:
    assert served.vote(VOTE) == 204 and served.votes == 1
    assert served.vote({**VOTE, "overall": "both bad"}) == 204
    (vote,) = votes_so_far(served.folder, MADE.run, MADE.judge).votes
    assert (vote.overall, vote.task, vote.problem) == ("both bad", "tie", None)


@pytest.mark.parametrize("path", ["/", "/x/", "/votes", "//", "", "/%2e%2e/", "/x/votes"])
def test_without_the_token_there_is_nothing(served: Served, path: str) -> None:
    assert served.ask("GET", path or "*")[0] == 404
    status, _, _ = served.ask("POST", path or "*", VOTE, Content_Type="application/json")
    assert status == 404 and served.votes == 0


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "evil.example:80"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "https://127.0.0.1"},
    ],
)
def test_a_page_from_elsewhere_cannot_vote_or_read(served: Served, headers: dict[str, str]) -> None:
    assert served.vote(VOTE, **headers) == 404 and served.votes == 0
    assert served.ask("GET", served.parts.path, **headers)[0] == 404


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b"{",
        b"[" * 3000,
        b"\xff",
        {},
        {**VOTE, "item": "x"},
        {**VOTE, "overall": "mine"},
        {**VOTE, "more": 1},
        {**VOTE, "item": "x" * 5000},
    ],
)
def test_what_is_no_vote_is_refused(served: Served, body: object) -> None:
    assert served.vote(body) == 400 and served.votes == 0


def test_a_form_cannot_vote(served: Served) -> None:
    assert served.vote(VOTE, Content_Type="text/plain") == 400 and served.votes == 0


@pytest.mark.parametrize("length", ["-1", "x", "٣", "99999999999", "5, 5"])
def test_a_length_that_is_none(served: Served, length: str) -> None:
    with socket.create_connection(("127.0.0.1", served.parts.port or 0), 10) as connection:
        head = f"POST {served.parts.path}votes HTTP/1.1\r\nHost: 127.0.0.1:{served.parts.port}\r\n"
        head += f"Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
        connection.sendall(head.encode())
        assert b" 400 " in connection.recv(100)
    assert served.votes == 0


def test_many_at_a_time_lose_none(served: Served) -> None:
    votes = [{"item": item.id, "overall": "tie"} for item in MADE.items]
    threads = [threading.Thread(target=served.vote, args=(vote,)) for vote in votes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert served.votes == len(MADE.items)


def test_what_cannot_be_stored_is_told(served: Served) -> None:
    (served.folder / JUDGES).write_text("a file where the folder should be")
    status, text, _ = served.ask(
        "POST", f"{served.parts.path}votes", VOTE, Content_Type="application/json"
    )
    assert status == 507 and "kim.json" in text


def test_the_end_is_told_to_the_program(served: Served) -> None:
    assert not served.desk.ended.is_set()
    path = f"{served.parts.path}end"
    assert served.ask("POST", path, {}, Content_Type="application/json")[0] == 204
    assert served.desk.ended.wait(5)


def test_a_port_in_use_is_told(served: Served, tmp_path: Path) -> None:
    other: Sheet = MADE
    with (
        pytest.raises(UsageError, match="cannot be listened on"),
        serving(Desk(tmp_path, other, Clock()), served.parts.port or 0),
    ):
        pass
