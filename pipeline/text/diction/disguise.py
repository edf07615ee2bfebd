"""Disguise: what a 简介 line would hide from whoever reads over it: codes, keys, spelled numbers.

A rule gives what is wrong with a line, or None. Of the 16,489 lines of the public series of this
digest since 2025-12-29 each refuses none. Numbers in Chinese are not held to the paper's text
(`pipeline/text/grounding.py`), so long ones have to be written in digits.
"""

from __future__ import annotations

import re
from itertools import pairwise

from pipeline.text.diction.lexicon import find
from pipeline.text.diction.reading import READ

_DIGITS = "零〇一二两三四五六七八九幺"
_GAP = r"[\s·•.、,\-_/—]{0,2}"
_SPELLED = re.compile(
    rf"[{_DIGITS}](?:{_GAP}[{_DIGITS}]){{3,}}+(?!\s?年)|[{_DIGITS}十百千万亿]{{4,}}+(?!年)"
    rf"|[壹贰叁肆伍陆柒捌玖](?:{_GAP}[零〇壹贰叁肆伍陆柒捌玖]){{2}}"
    rf"|[①-⑳](?:{_GAP}[①-⑳]){{2}}"
    rf"|[⁰¹²³⁴-⁹]{{5}}|[₀-₉]{{5}}"
    rf"|(?<![A-Za-z0-9])[A-Za-z0-9](?:[\s·•.,_*/—-]{{1,2}}[A-Za-z0-9]){{4,}}+(?![A-Za-z0-9])"
    r"|[\u4e00-\u9fff](?:[\s·•.*_/~^-][\u4e00-\u9fff]){3}"
)
_KEY = re.compile(
    r"(?<![A-Za-z0-9])(?=[A-Z-]{0,60}[0-9])(?:[A-Z0-9]{4,8}-){2,7}[A-Z0-9]{4,8}(?![A-Za-z0-9-])"
    r"|(?<![A-Za-z0-9])[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}|0x[0-9a-fA-F]{6}"
    r"|(?<![0-9.,])[0-9]{3,4}(?:[ -][0-9]{3,4}){3}(?![0-9.])"
    r"|(?<![A-Za-z0-9])(?:[0-9A-Fa-f]{2}[\s:,]){4,8}[0-9A-Fa-f]{2}(?![A-Za-z0-9])"
    r"|(?<![A-Za-z0-9])(?:sk|pk|ghp|hf|xox[a-z])[-_](?:live-)?[A-Za-z0-9]{8}"
    r"|[.·-]{2,6}\s[.·-]{2,6}\s"
)
_TOKEN = re.compile(r"[A-Za-z0-9]{8,}")


def no_spelled_out_number(line: str) -> str | None:
    """No number in words, rings or raised digits, and no word letter by letter."""
    return "has a number or a word spelled out" if _SPELLED.search(line[:READ]) else None


def no_code(line: str) -> str | None:
    """No key, code or string that only a machine reads."""
    read = line[:READ]
    coded = _KEY.search(read) or any(map(_is_random, _TOKEN.findall(read)))
    return "has a code" if coded or find("secret", line) else None


def _is_random(token: str) -> bool:
    """Letters, capitals and digits change more often than in names: `AgriLiRa4D`, `Cog2Gen3D`."""
    kinds = [char.isdigit() + 2 * char.isupper() for char in token]
    changes = sum(some != other for some, other in pairwise(kinds))
    parts = sum(some.isdigit() != other.isdigit() for some, other in pairwise(token))
    often = len(token) * (0.45 if len(token) >= 16 else 0.8)
    return parts >= 5 or (parts > 0 and changes >= often) or (len(token) >= 16 and changes >= 8)
