"""Text that a PDF holds and no reader can see, told by pypdf's walk over the page's operators.

Left out: text under 1 pt, outside the page, painted with no ink (render mode 3), and white text
with nothing dark painted under it before. In doubt text stays: over an image or a filled shape
however small, in a colour space that is not plainly grey, RGB or CMYK, under an image (a scan's own
text lies there). Not told: text behind figures or clipped away, white by transparency or pattern,
and moved off the page by Ts.

Operators and their operands: ISO 32000-1, annex A.
"""

from __future__ import annotations

from typing import Any

from pypdf import PageObject

from pipeline.pdf.pages import PageText
from pipeline.pdf.watch import Watch, may_show_text


def visible_text(page: PageObject) -> PageText:
    """The page's text as pypdf gives it in plain mode; read again if something in it is hidden."""
    watch = Watch(page)
    text = _read(page, watch)
    hidden = watch.hidden()
    if not hidden:
        return PageText(text=text)
    kept = _read(page, Watch(page, leave_out=hidden))
    return PageText(text=kept, hidden=max(0, _ink(text) - _ink(kept)))


def _ink(text: str) -> int:
    return sum(map(len, text.split()))


def _read(page: PageObject, watch: Watch) -> str:
    watched = _WatchedPage(page, watch)
    return str(watched.extract_text(visitor_operand_before=watch.before))


class _WatchedPage(PageObject):
    """Tells the watch where a form XObject begins and ends."""

    def __init__(self, page: PageObject, watch: Watch) -> None:
        super().__init__(page.pdf, page.indirect_reference)
        self.update(page)  # what it inherits from the page tree
        self._watch = watch

    def extract_xform_text(self, xform: Any, *args: Any, **more: Any) -> str:
        if not may_show_text(xform):
            return ""
        self._watch.enter(xform)
        try:
            return super().extract_xform_text(xform, *args, **more)
        finally:
            self._watch.leave()
