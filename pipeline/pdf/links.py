"""Where a page's links lead when they are clicked; no action of another kind is looked at.

Runs in a worker process, like all that opens a PDF.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator

import pypdfium2
import pypdfium2.raw as pdfium

_MOST = 100
"""Links of a page that are looked at."""
_LONGEST = 300


def links_of(document: pypdfium2.PdfDocument, number: int) -> tuple[str, ...]:
    """The http addresses, each once, in the file's order."""
    page = document[number]
    try:
        found = dict.fromkeys(_clickable(document, page))
    finally:
        page.close()
    return tuple(one for one in found if one.startswith(("https://", "http://")))


def _clickable(document: pypdfium2.PdfDocument, page: pypdfium2.PdfPage) -> Iterator[str]:
    place, link = ctypes.c_int(0), pdfium.FPDF_LINK()
    for _ in range(_MOST):
        if not pdfium.FPDFLink_Enumerate(page.raw, ctypes.byref(place), ctypes.byref(link)):
            return
        action = pdfium.FPDFLink_GetAction(link)
        if not action or pdfium.FPDFAction_GetType(action) != pdfium.PDFACTION_URI:
            continue
        size = pdfium.FPDFAction_GetURIPath(document.raw, action, None, 0)
        if 0 < size <= _LONGEST:
            text = ctypes.create_string_buffer(size)
            pdfium.FPDFAction_GetURIPath(document.raw, action, text, size)
            yield text.value.decode("ascii", "replace")
