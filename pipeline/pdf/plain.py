"""pypdf's text of a page, in plain mode."""

from __future__ import annotations

import re
from typing import Any

from pypdf import PageObject

_MAY_SHOW_TEXT = re.compile(rb"T[jJ]|['\"]|Do")


def plain_text(page: PageObject) -> str:
    """In the order of the file, hidden or not."""
    return str(_Page(page).extract_text())


class _Page(PageObject):
    """Walks through no figure without text, which can have 10^5 operators."""

    def __init__(self, page: PageObject) -> None:
        super().__init__(page.pdf, page.indirect_reference)
        self.update(page)  # what it inherits from the page tree

    def extract_xform_text(self, xform: Any, *args: Any, **more: Any) -> str:
        if not _MAY_SHOW_TEXT.search(xform.get_data()):
            return ""
        return super().extract_xform_text(xform, *args, **more)
