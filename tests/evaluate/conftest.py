"""A browser for the reports."""

from __future__ import annotations

from tests.site.browser import browser, page

__all__ = ["browser", "page"]
