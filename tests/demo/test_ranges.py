"""Parts of PDFs, so that a download can go on where it broke off."""

import pytest

from tests.demo.composed import A
from tests.demo.conftest import Serve
from tests.standins.world import small_pdf

PDF = f"/pdf/{A}v2"
WHOLE = small_pdf(f"{A}v2")
SIZE = len(WHOLE)


@pytest.mark.parametrize(
    ("asked", "first", "end"),
    [
        ("bytes=100-199", 100, 200),
        ("bytes=100-", 100, SIZE),
        (f"bytes=100-{SIZE + 500}", 100, SIZE),
        ("bytes=-10", SIZE - 10, SIZE),
        (f"bytes=-{SIZE + 500}", 0, SIZE),
    ],
)
def test_a_part(serve_week: Serve, asked: str, first: int, end: int) -> None:
    _, client = serve_week()
    response = client.get(PDF, headers={"Range": asked})
    assert response.status_code == 206
    assert response.headers["Content-Range"] == f"bytes {first}-{end - 1}/{SIZE}"
    assert response.headers["Content-Length"] == str(end - first)
    assert response.content == WHOLE[first:end]


@pytest.mark.parametrize("asked", [f"bytes={SIZE}-", "bytes=-0"])
def test_a_part_that_is_not_there(serve_week: Serve, asked: str) -> None:
    _, client = serve_week()
    response = client.get(PDF, headers={"Range": asked})
    assert response.status_code == 416
    assert response.headers["Content-Range"] == f"bytes */{SIZE}"


@pytest.mark.parametrize("asked", ["bytes=9-5", "bytes=0-1,5-6", "lines=1-2"])
def test_what_is_no_range_is_ignored(serve_week: Serve, asked: str) -> None:
    _, client = serve_week()
    response = client.get(PDF, headers={"Range": asked})
    assert (response.status_code, response.content) == (200, WHOLE)


def test_a_changed_file_comes_whole(serve_week: Serve) -> None:
    _, client = serve_week()
    etag = client.get(PDF).headers["ETag"]
    assert etag.startswith('"')
    for tag, status in ((etag, 206), ('"other"', 200), (f"W/{etag}", 200)):
        response = client.get(PDF, headers={"Range": "bytes=5-", "If-Range": tag})
        assert response.status_code == status
    assert client.get(f"/pdf/{A}v1").headers["ETag"] != etag
    assert client.head(PDF).headers["Accept-Ranges"] == "bytes"


def test_a_download_that_broke_off_goes_on(serve_week: Serve) -> None:
    standin, client = serve_week()
    standin.fault_for = lambda asked: "cut" if not asked.range else None
    received = b""
    with client.stream("GET", PDF) as response:
        etag = response.headers["ETag"]
        try:
            for part in response.iter_raw():
                received += part
        except Exception:
            pass
    assert 0 < len(received) < SIZE
    more = client.get(PDF, headers={"Range": f"bytes={len(received)}-", "If-Range": etag})
    assert more.status_code == 206
    assert received + more.content == WHOLE
    assert standin.requests[-1].range == f"bytes={len(received)}-"
