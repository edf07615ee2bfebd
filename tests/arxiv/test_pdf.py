"""What comes in a PDF's place, and which error it becomes."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import pytest

from pipeline.arxiv.client import MEGABYTE
from pipeline.arxiv.pdf import Tally
from pipeline.errors import (
    ArxivRefused,
    ArxivThrottled,
    ArxivUnreachable,
    Interrupted,
    JianjieError,
    OutputError,
    PdfChallenged,
    PdfIncomplete,
    PdfNotMade,
    PdfNotReady,
    PdfUnavailable,
    PdfWithdrawn,
)
from tests.standins.site import ATTEMPTS, Net, Say

PDF = b"%PDF-1.7\n" + b"speech " * 20_000 + b"\n%%EOF\n"
HTML = {"Content-Type": "text/html; charset=utf-8"}


def page(title: str, heading: str, text: str = "") -> bytes:
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><title>{title}</title></head>\n'
        f"<body><h1>{heading}</h1><p>{text}</p></body></html>\n"
    ).encode()


WITHDRAWN = page("Paper 2604.99001v1 withdrawn", "This version of it has been withdrawn")
NO_SOURCE = page("No file", "File unavailable for 2604.99001v1", "Source was not provided.")
NO_DOCUMENT = page("arXiv", "No document for '2604.99001v1'")
NO_PDF = page("arXiv", "file unavailable", "Our source to PDF conversion system has failed.")
CANNOT_BUILD = page("arXiv", "PDF Unavailable", "Our conversion system was unable to make it.")
NOT_READY = page("arXiv", "PDF not ready", "It is being made.")
CAPTCHA = page("arXiv\n reCAPTCHA", "Are you a robot?", "The PDF is not ready for robots.")


# Whole files


def test_a_whole_pdf_is_stored_with_its_hash_and_size(net: Net, tmp_path: Path) -> None:
    target = tmp_path / "new" / "2604.99001v1.pdf"

    site, pdf = net.fetch(target, Say(PDF, headers={"Content-Type": "application/pdf"}))

    assert pdf.path == target
    assert pdf.sha256 == hashlib.sha256(PDF).hexdigest()
    assert pdf.size == len(PDF)
    assert target.read_bytes() == PDF
    assert list(target.parent.iterdir()) == [target]
    assert site.paths == ["/pdf/2604.99001v1"]


def test_a_pdf_is_asked_for_as_it_is(net: Net, tmp_path: Path) -> None:
    """A part of compressed bytes could not be put together with the rest."""
    site, _ = net.fetch(tmp_path / "a.pdf", Say(PDF))

    assert site.seen[0].headers["Accept-Encoding"] == "identity"
    assert "Range" not in site.seen[0].headers


def test_a_pdf_comes_without_its_length(net: Net, tmp_path: Path) -> None:
    _, pdf = net.fetch(tmp_path / "a.pdf", Say(PDF, chunked=True))

    assert pdf.path.read_bytes() == PDF


@pytest.mark.parametrize("before", [0, 500])
def test_a_little_rubbish_around_a_pdf_is_allowed(net: Net, tmp_path: Path, before: int) -> None:
    content = b"\n" * before + PDF + b"\n" * before

    _, pdf = net.fetch(tmp_path / "a.pdf", Say(content))

    assert pdf.sha256 == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("step", [1, 3, 700, 1024, 5000])
def test_a_tally_is_the_same_however_the_bytes_come(step: int) -> None:
    content = b"x" * 600 + b"%PDF" + b"y" * 3000 + b"%%EOF" + b"z" * 900
    tally = Tally()
    for start in range(0, len(content), step):
        tally.add(content[start : start + step])

    tally.check("here")

    assert (tally.size, tally.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert not tally.cannot_be_pdf


# What is no PDF


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        pytest.param(Say(WITHDRAWN, 404, HTML), PdfWithdrawn, "withdrawn", id="withdrawn"),
        pytest.param(Say(WITHDRAWN, 410, HTML), PdfWithdrawn, "withdrawn", id="withdrawn, 410"),
        pytest.param(Say(NO_SOURCE, 404, HTML), PdfNotReady, "not made the PDF yet", id="new"),
        pytest.param(Say(NOT_READY, 200, HTML), PdfNotReady, "not made the PDF yet", id="200"),
        pytest.param(
            Say(b"not ready", headers={"Content-Type": "text/plain"}),
            PdfNotReady,
            "not made the PDF yet",
            id="plain text",
        ),
        pytest.param(Say(NO_PDF, 500, HTML), PdfNotMade, "failed or took too long", id="failed"),
        pytest.param(Say(NO_PDF, 503, HTML), PdfNotMade, "failed or took too long", id="503"),
        pytest.param(Say(NO_PDF, 404, HTML), PdfUnavailable, "this source", id="not PDF"),
        pytest.param(Say(CANNOT_BUILD, 404, HTML), PdfUnavailable, "this source", id="no build"),
        pytest.param(Say(NO_DOCUMENT, 404, HTML), PdfUnavailable, "no PDF", id="no document"),
        pytest.param(Say(b"", 404), PdfUnavailable, "HTTP 404", id="404 without words"),
        pytest.param(Say(CAPTCHA, 200, HTML), PdfChallenged, "asks for a human", id="captcha"),
        pytest.param(Say(CAPTCHA, 403, HTML), PdfChallenged, "asks for a human", id="captcha 403"),
        pytest.param(
            Say(page("arXiv", "Maintenance"), 200, {"Content-Type": "Text/HTML"}),
            PdfUnavailable,
            "another kind of file",
            id="another page",
        ),
        pytest.param(
            Say(b"PK\x03\x04 %%EOF", headers={"Content-Type": "application/pdf"}),
            PdfUnavailable,
            "not a PDF",
            id="no %PDF",
        ),
        pytest.param(Say(b"x" * 2000 + PDF), PdfUnavailable, "not a PDF", id="%PDF too late"),
        pytest.param(Say(b"denied", 403), ArxivRefused, "HTTP 403", id="forbidden"),
    ],
)
def test_what_is_no_pdf_is_known_for_what_it_is_at_once(
    net: Net, tmp_path: Path, answer: Say, error: type[JianjieError], words: str
) -> None:
    site, outcome = net.fetch(tmp_path / "a.pdf", answer)

    assert type(outcome) is error
    assert words in outcome.what
    assert outcome.where == f"{site.url}/pdf/2604.99001v1"
    assert outcome.fix
    assert len(site.seen) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_captcha_advises_to_slow_down(net: Net, tmp_path: Path) -> None:
    _, outcome = net.fetch(tmp_path / "a.pdf", Say(CAPTCHA, 200, HTML))

    assert "pdf_interval_s" in outcome.fix


def test_what_is_not_a_pdf_is_not_read_to_its_end(net: Net, tmp_path: Path) -> None:
    """No end of it would come: without a look at its beginning this would be a disconnect."""
    site, outcome = net.fetch(tmp_path / "a.pdf", Say(b"x" * 100_000, declared=10_000_000))

    assert type(outcome) is PdfUnavailable
    assert len(site.seen) == 1


def test_an_error_page_without_end_is_not_read_to_the_end(net: Net, tmp_path: Path) -> None:
    body = NO_SOURCE + b"x" * 3 * MEGABYTE

    _, outcome = net.fetch(tmp_path / "a.pdf", Say(body, 404, HTML, declared=100 * MEGABYTE))

    assert type(outcome) is PdfNotReady


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        pytest.param(Say(b""), PdfIncomplete, id="empty"),
        pytest.param(Say(PDF[: len(PDF) // 2]), PdfIncomplete, id="cut off"),
        pytest.param(Say(PDF + b"x" * 2000), PdfIncomplete, id="cut off in an update"),
        pytest.param(Say(PDF[:9000], declared=len(PDF)), ArxivUnreachable, id="disconnect"),
        pytest.param(Say(b"oops", 500), ArxivUnreachable, id="server error"),
        pytest.param(Say(b"Rate exceeded.", 429), ArxivThrottled, id="throttled"),
        pytest.param(Say(b"", 206, {"Content-Range": "bytes 0-9/10"}), PdfIncomplete, id="a part"),
    ],
)
def test_what_may_pass_is_fetched_again_then_given_up(
    net: Net, tmp_path: Path, answer: Say, error: type[JianjieError]
) -> None:
    site, outcome = net.fetch(tmp_path / "a.pdf", answer)

    assert type(outcome) is error
    assert len(site.seen) == ATTEMPTS
    assert list(tmp_path.iterdir()) == []


# Size


@pytest.mark.parametrize("kind", ["declared", "counted", "chunked"])
def test_a_pdf_above_the_cap_is_unavailable(net: Net, tmp_path: Path, kind: str) -> None:
    big = b"%PDF-1.7\n" + b"x" * MEGABYTE + b"%%EOF"
    # Were the length not looked at, this answer would be one that breaks off.
    declared = Say(PDF, declared=MEGABYTE + 1)
    answer = declared if kind == "declared" else Say(big, chunked=kind == "chunked")

    site, outcome = net.fetch(tmp_path / "a.pdf", answer, max_pdf_mb=1)

    assert type(outcome) is PdfUnavailable
    assert "larger than 1 MB" in str(outcome)
    assert "max_pdf_mb" in outcome.fix
    assert len(site.seen) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_pdf_of_just_the_cap_is_read(net: Net, tmp_path: Path) -> None:
    content = b"%PDF-1.7\n" + b"x" * (MEGABYTE - 14) + b"%%EOF"

    _, pdf = net.fetch(tmp_path / "a.pdf", Say(content), max_pdf_mb=1)

    assert pdf.size == MEGABYTE


# The file of an earlier version


def test_the_file_of_an_earlier_version_is_not_kept(net: Net, tmp_path: Path) -> None:
    earlier = frozenset({hashlib.sha256(PDF).hexdigest(), "0" * 64})

    site, outcome = net.fetch(tmp_path / "a.pdf", Say(PDF), not_these=earlier)

    assert type(outcome) is PdfNotReady
    assert outcome.what == "arXiv still serves the file of an earlier version"
    assert len(site.seen) == 1
    assert list(tmp_path.iterdir()) == []


def test_another_file_than_the_earlier_ones_is_kept(net: Net, tmp_path: Path) -> None:
    _, pdf = net.fetch(tmp_path / "a.pdf", Say(PDF), not_these=frozenset({"0" * 64}))

    assert pdf.path.read_bytes() == PDF


# The disk


def test_an_unwritable_place_is_an_output_error_before_anything_is_asked(
    net: Net, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    target = tmp_path / "file" / "a.pdf"

    site, outcome = net.fetch(target, Say(PDF))

    assert isinstance(outcome, OutputError)
    assert str(target) in str(outcome)
    assert site.seen == []


def test_a_failed_download_leaves_the_old_file(net: Net, tmp_path: Path) -> None:
    target = tmp_path / "a.pdf"
    target.write_bytes(b"old")

    net.fetch(target, Say(WITHDRAWN, 404, HTML))

    assert target.read_bytes() == b"old"


def test_what_killed_runs_left_goes_after_an_hour(net: Net, tmp_path: Path) -> None:
    old, young, others = (
        tmp_path / name for name in (".2604.1v1.pdf.abc.part", ".2604.2v1.pdf.abc.part", ".hidden")
    )
    for path in (old, young, others):
        path.write_bytes(b"half")
    for path in (old, others):
        os.utime(path, (time.time() - 4000, time.time() - 4000))

    net.fetch(tmp_path / "a.pdf", Say(PDF))

    assert sorted(tmp_path.iterdir()) == sorted([young, others, tmp_path / "a.pdf"])


def test_a_stopped_run_gives_up_in_the_middle(net: Net, tmp_path: Path) -> None:
    def stop_then_send(_: object) -> Say:
        net.clock.stop()
        return Say(PDF)

    site, outcome = net.fetch(tmp_path / "a.pdf", stop_then_send)

    assert isinstance(outcome, Interrupted)
    assert len(site.seen) == 1
    assert list(tmp_path.iterdir()) == []
