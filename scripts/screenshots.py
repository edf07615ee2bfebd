"""The README's pictures: the example day, light and dark. `make screenshots` (after `make demo`).

Needs Chromium and a Chinese font (Debian: chromium, fonts-noto-cjk).
"""

from __future__ import annotations

from pathlib import Path

from tests.site.browser import chromium, reader, visit

ROOT = Path(__file__).parents[1]
_DAY = ROOT / "outputs" / "site" / "2026-01-07" / "audio.html"


def main() -> None:
    """Write docs/light.png and docs/dark.png."""
    with chromium() as browser:
        for name, dark in (("light", False), ("dark", True)):
            with reader(browser, dark=dark) as page:
                visit(page, _DAY)
                page.set_viewport_size({"width": 900, "height": 760})
                page.screenshot(path=ROOT / "docs" / f"{name}.png")


if __name__ == "__main__":
    main()
