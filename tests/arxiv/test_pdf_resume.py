"""A download that breaks goes on where it broke, and never mixes two files."""

from __future__ import annotations

import datetime as dt
import random
import tempfile
from collections.abc import Mapping
from email.utils import format_datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import JianjieError, PdfUnavailable
from tests.conftest import FastClock
from tests.standins.site import Net, Say

PDF = b"%PDF-1.7\n" + random.Random(1).randbytes(60_000) + b"\n%%EOF\n"
NEXT = b"%PDF-1.7\n" + random.Random(2).randbytes(60_000) + b"\n%%EOF\n"
HALF = 20_000
ETAG = {"ETag": '"v1"'}
REST = {"Content-Range": f"bytes {HALF}-{len(PDF) - 1}/{len(PDF)}"}
BROKEN = Say(PDF[:HALF], headers=ETAG, declared=len(PDF))
LAST_YEAR = "Mon, 06 Jan 2025 05:00:00 GMT"


def test_the_rest_is_asked_for_and_put_behind(net: Net, tmp_path: Path) -> None:
    site, pdf = net.fetch(tmp_path / "a.pdf", BROKEN, Say(PDF[HALF:], 206, {**ETAG, **REST}))

    assert pdf.path.read_bytes() == PDF
    assert pdf.size == len(PDF)
    asked = site.seen[1].headers
    assert (asked["Range"], asked["If-Range"]) == (f"bytes={HALF}-", '"v1"')
    assert list(tmp_path.iterdir()) == [tmp_path / "a.pdf"]


def test_an_answer_without_a_length_goes_on_too(net: Net, tmp_path: Path) -> None:
    first = Say(PDF[:HALF], headers=ETAG, declared=1, chunked=True)

    site, pdf = net.fetch(tmp_path / "a.pdf", first, Say(PDF[HALF:], 206, {**ETAG, **REST}))

    assert pdf.path.read_bytes() == PDF
    assert site.seen[1].headers["Range"] == f"bytes={HALF}-"


def test_what_breaks_again_and_again_gets_there_in_the_end(net: Net, tmp_path: Path) -> None:
    def rest(headers: Mapping[str, str]) -> Say:
        start = int(headers["Range"].removeprefix("bytes=").removesuffix("-"))
        answered = {**ETAG, "Content-Range": f"bytes {start}-{len(PDF) - 1}/{len(PDF)}"}
        return Say(PDF[start : start + HALF], 206, answered, declared=len(PDF) - start)

    site, pdf = net.fetch(tmp_path / "a.pdf", BROKEN, rest)

    assert pdf.path.read_bytes() == PDF
    starts = [seen.headers.get("Range") for seen in site.seen]
    assert starts == [None, "bytes=20000-", "bytes=40000-", "bytes=60000-"]


def test_an_error_between_does_not_lose_what_has_come(net: Net, tmp_path: Path) -> None:
    site, pdf = net.fetch(
        tmp_path / "a.pdf", BROKEN, Say(b"", 503), Say(PDF[HALF:], 206, {**ETAG, **REST})
    )

    assert pdf.path.read_bytes() == PDF
    assert [seen.headers.get("Range") for seen in site.seen] == [None, *["bytes=20000-"] * 2]


def test_a_date_of_change_does_where_there_is_no_etag(net: Net, tmp_path: Path) -> None:
    dated = {"Last-Modified": LAST_YEAR}
    first = Say(PDF[:HALF], headers=dated, declared=len(PDF))

    site, pdf = net.fetch(tmp_path / "a.pdf", first, Say(PDF[HALF:], 206, REST))

    assert pdf.path.read_bytes() == PDF
    assert site.seen[1].headers["If-Range"] == LAST_YEAR


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="none"),
        pytest.param({"ETag": 'W/"v1"'}, id="weak"),
        pytest.param({"Last-Modified": "yesterday"}, id="no date"),
        pytest.param({**ETAG, "Content-Encoding": "x"}, id="encoded"),
    ],
)
def test_without_a_sure_sign_of_the_version_it_begins_anew(
    net: Net, tmp_path: Path, headers: dict[str, str]
) -> None:
    first = Say(PDF[:HALF], headers=headers, declared=len(PDF))

    site, pdf = net.fetch(tmp_path / "a.pdf", first, Say(NEXT))

    assert pdf.path.read_bytes() == NEXT
    assert "Range" not in site.seen[1].headers


@pytest.mark.parametrize(("seconds", "sure"), [(30, False), (90, True)])
def test_what_changed_just_before_it_was_sent_may_change_unseen(
    net: Net, tmp_path: Path, seconds: int, sure: bool
) -> None:
    def first(_: object) -> Say:
        changed = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=seconds)
        header = {"Last-Modified": format_datetime(changed, usegmt=True)}
        return Say(PDF[:HALF], headers=header, declared=len(PDF))

    site, _ = net.fetch(tmp_path / "a.pdf", first, Say(NEXT))

    assert ("Range" in site.seen[1].headers) is sure


def test_a_whole_answer_to_a_range_begins_anew(net: Net, tmp_path: Path) -> None:
    _, pdf = net.fetch(tmp_path / "a.pdf", BROKEN, Say(NEXT, headers={"ETag": '"v2"'}))

    assert pdf.path.read_bytes() == NEXT
    assert pdf.size == len(NEXT)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(Say(b"", 416), id="416"),
        pytest.param(Say(NEXT[HALF:], 206, {"ETag": '"v2"', **REST}), id="another ETag"),
        pytest.param(Say(NEXT[HALF:], 206, REST), id="no ETag"),
        pytest.param(Say(PDF[HALF:], 206, ETAG), id="no range"),
        pytest.param(
            Say(PDF[HALF:], 206, {**ETAG, "Content-Range": "bytes 20001-60016/60017"}),
            id="another start",
        ),
        pytest.param(
            Say(PDF[HALF:], 206, {**ETAG, "Content-Range": "bytes 20000-70000/70001"}),
            id="another length",
        ),
        pytest.param(
            Say(PDF, 206, {**ETAG, "Content-Type": "multipart/byteranges; boundary=x"}),
            id="many ranges",
        ),
    ],
)
def test_the_rest_of_another_file_begins_anew(net: Net, tmp_path: Path, answer: Say) -> None:
    site, pdf = net.fetch(tmp_path / "a.pdf", BROKEN, answer, Say(NEXT))

    assert pdf.path.read_bytes() == NEXT
    assert [("Range" in seen.headers) for seen in site.seen] == [False, True, False]


@pytest.mark.parametrize(
    "failure",
    [
        pytest.param(Say(b"", headers=ETAG), id="empty"),
        pytest.param(Say(PDF[:HALF], headers=ETAG), id="whole answer, cut off"),
        pytest.param(Say(b"", 429, {"Retry-After": "5"}), id="throttled"),
        pytest.param(Say(hang_up=True), id="no answer"),
    ],
)
def test_a_good_file_after_a_bad_one_is_stored(net: Net, tmp_path: Path, failure: Say) -> None:
    site, pdf = net.fetch(tmp_path / "a.pdf", failure, Say(PDF, headers=ETAG))

    assert pdf.size == len(PDF)
    assert (tmp_path / "a.pdf").read_bytes() == PDF
    assert list(tmp_path.iterdir()) == [tmp_path / "a.pdf"]
    assert len(site.seen) == 2
    assert "Range" not in site.seen[1].headers


def test_the_parts_together_keep_to_the_cap(net: Net, tmp_path: Path) -> None:
    first = Say(b"%PDF" + b"x" * 800_000, headers=ETAG, declared=900_000)
    rest = {**ETAG, "Content-Range": "bytes 800004-1200000/*"}
    site, outcome = net.fetch(
        tmp_path / "a.pdf", first, Say(b"y" * 400_000, 206, rest), max_pdf_mb=1
    )

    assert type(outcome) is PdfUnavailable
    assert "larger than 1 MB" in outcome.what
    assert len(site.seen) == 2


class Versions:
    """Serves a file that changes, in pieces that break, with or without regard to If-Range."""

    def __init__(self, draws: list[tuple[int, int, bool]]) -> None:
        self._draws = list(draws)

    def __call__(self, headers: Mapping[str, str]) -> Say:
        version, length, honest = self._draws.pop(0) if self._draws else (0, 100_000, True)
        content, etag = (PDF, NEXT)[version], f'"v{version}"'
        start = int(headers.get("Range", "bytes=0-")[6:-1])
        answered = {"ETag": etag}
        if start and (headers["If-Range"] == etag or not honest):
            answered["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
            body = content[start:]
            return Say(
                body[:length], 206, answered, declared=len(body) if length < len(body) else None
            )
        return Say(
            content[:length],
            headers=answered,
            declared=len(content) if length < len(content) else None,
        )


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 1), st.integers(1, 70_000), st.booleans()),
        max_size=4,
    )
)
def test_no_file_is_ever_mixed_of_two(draws: list[tuple[int, int, bool]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        net = Net(FastClock(), Path(folder, "cache"))
        try:
            target = Path(folder, "a.pdf")
            _, outcome = net.fetch(target, Versions(draws))
        finally:
            net.close()

        assert isinstance(outcome, JianjieError) or target.read_bytes() in {PDF, NEXT}
        assert target.exists() is not isinstance(outcome, JianjieError)
