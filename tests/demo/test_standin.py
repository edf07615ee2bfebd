from io import BytesIO

import httpx2
import pypdf
import pytest
from pypdf.errors import FileNotDecryptedError

from pipeline.demo.standin import demo_pdfs
from pipeline.records import Listing
from tests.demo.conftest import Serve, client_of
from tests.standins.arxiv import FaultyArxiv
from tests.standins.faults import Faults

ID = "2601.02954v1"
PDF = f"/pdf/{ID}"
FEED = "/rss/cs.SD+eess.AS"
API = "/api/query?id_list=2601.02954"


def on_disk(versioned: str) -> bytes:
    return (demo_pdfs() / f"{versioned}.pdf").read_bytes()


def test_a_pdf_comes_in_chunks_and_head_has_its_length(serve: Serve) -> None:
    _, client = serve()
    got, head = client.get(PDF), client.head(PDF)
    assert got.content == on_disk(ID)
    assert got.headers["Content-Type"] == "application/pdf"
    assert got.headers["Transfer-Encoding"] == "chunked"
    assert "Content-Length" not in got.headers
    assert head.headers["Content-Length"] == str(len(got.content))
    assert head.content == b""


def test_the_latest_version_where_none_is_named(serve: Serve) -> None:
    _, client = serve()
    assert client.get("/pdf/2509.15151").content == on_disk("2509.15151v3")
    assert client.get("/pdf/2509.15151v1").status_code == 404


@pytest.mark.parametrize("address", [f"{PDF}.pdf", f"{PDF}?download=1"])
def test_a_suffix_or_a_query_is_sent_on(serve: Serve, address: str) -> None:
    _, client = serve()
    moved = client.get(address)
    assert (moved.status_code, moved.headers["Location"]) == (301, PDF)
    assert client.get(address, follow_redirects=True).content == on_disk(ID)


@pytest.mark.parametrize("path", ["/pdf/2601.99999v1", "/pdf/../standin", "/", "/api/other"])
def test_what_is_not_there(serve: Serve, path: str) -> None:
    _, client = serve()
    assert client.get(path).status_code == 404


@pytest.mark.parametrize(
    ("fault", "status", "says"),
    [
        ("html", 200, "not ready"),
        ("captcha", 200, "<title>arXiv reCAPTCHA</title>"),
        ("no_source", 404, f"File unavailable for {ID}"),
        ("withdrawn", 404, "has been withdrawn"),
        ("server_error", 500, "file unavailable"),
    ],
)
def test_pages_in_a_pdfs_place(serve: Serve, fault: str, status: int, says: str) -> None:
    _, client = serve(pdf={ID: fault})
    response = client.get(PDF)
    assert response.status_code == status
    assert response.headers["Content-Type"].startswith("text/html")
    assert says in response.text
    assert client.get("/pdf/2601.02444v1").content == on_disk("2601.02444v1")


def test_damaged_pdfs(serve: Serve) -> None:
    standin, client = serve(pdf={ID: "empty"})
    empty = client.get(PDF)
    assert (empty.status_code, empty.content) == (200, b"")
    assert empty.headers["Content-Type"] == "application/pdf"
    standin.faults = Faults(pdf={ID: "truncated"})
    truncated = client.get(PDF).content
    assert len(truncated) == len(on_disk(ID)) * 6 // 10
    assert on_disk(ID).startswith(truncated)
    assert b"%%EOF" not in truncated


def test_an_encrypted_pdf_is_whole_and_locked(serve: Serve) -> None:
    _, client = serve(pdf={ID: "encrypted"})
    content = client.get(PDF).content
    assert content.startswith(b"%PDF")
    assert b"%%EOF" in content[-1024:]
    with pypdf.PdfReader(BytesIO(content)) as reader:
        assert reader.is_encrypted
        with pytest.raises(FileNotDecryptedError):
            reader.pages[0].extract_text()


def test_a_disconnect_in_mid_body(serve: Serve) -> None:
    _, client = serve(pdf={ID: "disconnect"})
    received = b""
    with client.stream("GET", PDF) as response, pytest.raises(httpx2.RemoteProtocolError):
        assert response.status_code == 200
        for part in response.iter_bytes():
            received += part
    assert 0 < len(received) < len(on_disk(ID))


def test_throttling_counts_requests_of_any_kind(serve: Serve) -> None:
    _, client = serve(throttle=2)
    first = client.get(FEED)
    assert (first.status_code, first.text) == (429, "Rate exceeded.")
    assert "Retry-After" not in first.headers
    assert [client.get(path).status_code for path in (PDF, API, FEED)] == [429, 200, 200]


def test_failures_count_per_endpoint_and_anew_with_new_faults(serve: Serve) -> None:
    standin, client = serve(feed_failures=1, api_failures=2, retry_after=7)
    first = client.get(FEED)
    assert (first.status_code, first.headers["Retry-After"]) == (503, "7")
    assert [client.get(FEED).status_code for _ in range(2)] == [200, 200]
    assert [client.get(API).status_code for _ in range(3)] == [503, 503, 200]
    assert client.get(PDF).status_code == 200
    standin.faults = Faults(feed_failures=1)
    assert [client.get(FEED).status_code for _ in range(2)] == [503, 200]


def test_requests_are_recorded_in_order(serve: Serve) -> None:
    standin, client = serve()
    client.get(FEED, headers={"User-Agent": "jianjie/test"})
    client.get(API)
    client.head(PDF)
    asked = standin.requests
    assert [(one.method, one.path) for one in asked] == [("GET", FEED), ("GET", API), ("HEAD", PDF)]
    assert asked[0].user_agent == "jianjie/test"
    assert asked[0].at <= asked[1].at <= asked[2].at


def test_headers_and_the_tests_own_clock_are_recorded(listing: Listing) -> None:
    ticks = iter([100.0, 103.0])
    standin = FaultyArxiv(listing, demo_pdfs(), monotonic=lambda: next(ticks))
    with standin, client_of(standin) as client:
        client.get(FEED, headers={"Accept": "text/xml", "If-None-Match": "abc"})
        client.get(PDF, headers={"Range": "bytes=1-2", "If-Range": '"x"'})
    feed, pdf = standin.requests
    assert (feed.kind, feed.accept, feed.if_none_match, feed.range) == (
        "feed",
        "text/xml",
        "abc",
        "",
    )
    assert (pdf.kind, pdf.range, pdf.if_range) == ("pdf", "bytes=1-2", '"x"')
    assert (feed.at, pdf.at) == (100.0, 103.0)


def test_pdfs_may_be_a_function(listing: Listing) -> None:
    pdfs = {ID: b"%PDF-1.4 %%EOF"}
    with FaultyArxiv(listing, pdfs.get) as standin, client_of(standin) as client:
        assert client.get(PDF).content == pdfs[ID]
        assert client.get("/pdf/2601.02444v1").status_code == 404


def test_on_request_comes_before_the_answer(listing: Listing) -> None:
    seen: list[str] = []
    with FaultyArxiv(listing, demo_pdfs(), on_request=seen.append) as standin:
        httpx2.get(f"{standin.url}{API}", trust_env=False)
    assert seen == [API]


def test_leaving_the_context_ends_connections_that_are_kept_alive(listing: Listing) -> None:
    with (
        httpx2.Client(trust_env=False) as client,
        FaultyArxiv(listing, demo_pdfs()) as standin,
    ):
        url = f"{standin.url}{FEED}"
        assert client.get(url).status_code == 200
        standin.__exit__(None, None, None)
        with pytest.raises(httpx2.TransportError):
            client.get(url)


def test_answers_on_one_connection_do_not_wait_for_acknowledgements(serve: Serve) -> None:
    standin, client = serve()
    for _ in range(20):
        client.get(PDF)
    asked = standin.requests
    assert asked[-1].at - asked[0].at < 0.7  # 40 ms each where Nagle waits
