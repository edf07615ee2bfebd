"""A browser for the pages that a night makes."""

from __future__ import annotations

from tests.site.browser import browser, page

__all__ = ["browser", "page"]
