"""Data and a script inside a page, under a policy that lets nothing else run."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple


class Embedded(NamedTuple):
    """What the page carries: the data, the script, and the script's hash for the page's policy."""

    data: str
    """JSON in which no tag can end the element that it stands in."""
    script: str
    digest: str


_ELEMENTS = Path(__file__).with_name("elements.js")
"""What every page's script makes its elements with."""


def embedded(told: Mapping[str, Any], script: Path) -> Embedded:
    """`told` for the page, and the script as it stands in its file, behind what all share."""
    data = json.dumps(told, ensure_ascii=False, separators=(",", ":"))
    for sign in "<>&\u2028\u2029":
        data = data.replace(sign, f"\\u{ord(sign):04x}")
    text = "".join(file.read_text(encoding="utf-8") for file in (_ELEMENTS, script))
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return Embedded(data, text, f"sha256-{digest}")
