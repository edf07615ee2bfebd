"""Where a first page's links lead, in both engines."""

from __future__ import annotations

import io
import time
from typing import get_args

import pytest
from reportlab.pdfgen.canvas import Canvas

from pipeline.pdf.engines import read
from pipeline.pdf.pages import Engine

BOX = (50, 50, 200, 60)


def pdf(*addresses: str, second: str = "") -> bytes:
    content = io.BytesIO()
    canvas = Canvas(content)
    canvas.drawString(50, 700, "A title of a paper")
    for address in addresses:
        canvas.linkURL(address, BOX)
    canvas.showPage()
    canvas.drawString(50, 700, "The second page")
    if second:
        canvas.linkURL(second, BOX)
    canvas.save()
    return content.getvalue()


@pytest.mark.parametrize("engine", get_args(Engine))
def test_the_first_pages_http_links_are_told(engine: Engine) -> None:
    made = pdf(
        "https://github.com/a/b",
        "mailto:a@example.org",
        "javascript:alert(1)",
        "file:///etc/passwd",
        "https://github.com/a/b",
        f"https://example.org/{'x' * 500}",
        "http://a.github.io/\u00e9",
        second="https://example.org/second",
    )
    found = read(made, engine, 5, time.monotonic() + 30)
    assert found.links[0] == "https://github.com/a/b"
    assert found.links[1].startswith("http://a.github.io/") and len(found.links) == 2
    assert all(link.isprintable() for link in found.links)


@pytest.mark.parametrize("engine", get_args(Engine))
def test_a_page_of_a_thousand_links_is_looked_at_in_part(engine: Engine) -> None:
    made = pdf(*(f"https://example.org/{number}" for number in range(1000)))
    assert len(read(made, engine, 5, time.monotonic() + 30).links) == 100
