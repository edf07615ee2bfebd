"""A browser for the page."""

from __future__ import annotations

from tests.site.browser import browser, page

__all__ = ["browser", "page"]
