"""What the authors say that their paper adds, as they say it in the introduction."""

from __future__ import annotations

import re

from pipeline.records import TextSection

_CONTRIBUTES = re.compile(
    r"\b(?:(?:our|main|key|following) (?:\w+ )?contributions?\b|contributions? (?:of|are|is|can)\b"
    r"|we (?:propose|introduce|present)\b|(?:in|this) (?:this )?(?:paper|work|article|study),? we\b"
    r"|this (?:paper|work|article|study) (?:\w+ )?(?:proposes|introduces|presents|makes)\b)",
    re.IGNORECASE,
)
_SENTENCE_START = re.compile(r"(?<=[.!?])\s+(?=[A-Z(\[•])|\n")
MAX_CONTRIBUTIONS = 800


def contributions(section: TextSection) -> str | None:
    """What an introduction says the paper adds, in at most MAX_CONTRIBUTIONS characters.

    From the sentence that says "contributions" on, for a list comes after it; without one, the
    sentences in which the authors present or propose.
    """
    sentences = [part.strip() for part in _SENTENCE_START.split(section.text) if part.strip()]
    hits = [place for place, part in enumerate(sentences) if _CONTRIBUTES.search(part)]
    if not hits:
        return None
    said = [place for place in hits if "contribution" in sentences[place].lower()]
    chosen = sentences[said[-1] :] if said else [sentences[place] for place in hits]
    kept = chosen[0]
    for sentence in chosen[1:]:
        if len(kept) + 1 + len(sentence) > MAX_CONTRIBUTIONS:
            break
        kept += " " + sentence
    return kept if len(kept) <= MAX_CONTRIBUTIONS else kept[: MAX_CONTRIBUTIONS - 1] + "…"
