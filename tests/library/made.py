"""Works and papers that speak of one subject among words that all have."""

from __future__ import annotations

import random

from pipeline.library.works import Work
from pipeline.records import Paper
from tests.standins.records import paper

CODEC = "codec quantization bitrate compression residual tokens vocoder reconstruction decoder"
MUSIC = "music melody chord genre instrument composer singing rhythm harmony score"
SPEECH = "recognition speaker transcription accent phoneme utterance dialogue voice noise child"
PLAIN = "we propose a method with a model and show results on data for the task in experiments"


def made_papers(subject: str, count: int, seed: int) -> list[Paper]:
    """Of one subject; the same for the same seed."""
    chance = random.Random(seed)
    return [
        paper(
            arxiv_id=f"26{seed:02d}.{number:05d}",
            title=" ".join(chance.sample(subject.split(), 3)),
            abstract=" ".join(chance.sample(subject.split(), 5) + PLAIN.split()),
        )
        for number in range(1, count + 1)
    ]


def made_works(subject: str, count: int, seed: int) -> list[Work]:
    """The same as works of a library, without ids."""
    return [
        Work(title=one.title, abstract=one.abstract) for one in made_papers(subject, count, seed)
    ]


def bibtex(works: list[Work]) -> str:
    """As a reference manager exports it."""
    return "\n".join(
        f"@article{{w{number}, title = {{{work.title}}}, abstract = {{{work.abstract}}}}}"
        for number, work in enumerate(works)
    )
