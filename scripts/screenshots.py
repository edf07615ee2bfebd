"""The pictures of the example day: light, dark, on a phone. `make screenshots` (after `make demo`).

Needs Chromium and a Chinese font (Debian: chromium, fonts-noto-cjk).
"""

from __future__ import annotations

from pathlib import Path

from tests.site.browser import chromium, reader, visit

ROOT = Path(__file__).parents[1]
_DAY = ROOT / "outputs" / "site" / "2026-01-07" / "audio.html"


_PICTURES = (("light", False, False), ("dark", True, False), ("phone", False, True))
"""Name, whether it is dark, whether it is a phone."""


def main() -> None:
    """Write docs/light.png, docs/dark.png and docs/phone.png."""
    with chromium() as browser:
        for name, dark, phone in _PICTURES:
            with reader(browser, dark=dark, phone=phone) as page:
                visit(page, _DAY)
                width, height = (390, 844) if phone else (960, 760)
                page.set_viewport_size({"width": width, "height": height})
                page.screenshot(path=ROOT / "docs" / f"{name}.png")


if __name__ == "__main__":
    main()
