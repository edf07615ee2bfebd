"""A model of the user's choice writes a piece anew, from what the present one led to."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from pipeline.evaluate.bench import Bench
from pipeline.llm.question import Question, answers, question_to
from pipeline.optimize.objections import Known, longest, objections
from pipeline.optimize.pieces import Pieces
from pipeline.optimize.search import Seen, Texts
from pipeline.records import Record, Reply, Sampling
from pipeline.settings import EndpointProfile
from pipeline.text.untrusted import as_data

_SYSTEM = Path(__file__).with_name("reflect-prompt.md").read_text(encoding="utf-8").strip()
_NEW = re.compile(r"<new>\s*(.*?)\s*</new>", re.DOTALL)
_MAX_TOKENS = 2000
_TEMPERATURE = 0.7
"""Where the profile sets none: at 0 every proposal from the same cases would be the same."""


class Proposal(Record):
    """One attempt to write a piece anew."""

    number: int
    piece: str
    text: str
    """What takes the piece's place: the old text where the new one is thrown out."""
    thrown_out: tuple[str, ...] = ()
    """Why."""


class Reflection:
    """Asks for texts, throws out what may not be, and remembers both."""

    def __init__(self, bench: Bench, profile: str, pieces: Pieces, known: Known) -> None:
        self.proposals: list[Proposal] = []
        self._bench = bench
        self._profile = profile
        self._pieces = pieces
        self._known = known

    def __call__(self, texts: Texts, piece: str, seen: Sequence[Seen], number: int) -> str:
        """A text for the piece. Raises ModelError, BudgetReached."""
        model = self._bench.models[self._profile].for_one_paper()
        replies = answers(
            self.question(texts, piece, seen, number),
            model,
            self._bench.store.replies,
            lambda reply: not self._problems(reply, piece),
            lambda reply: f"新文字不能用：{'；'.join(self._problems(reply, piece))}。请重写。",
        )
        problems = self._problems(replies[-1], piece)
        text = texts[piece] if problems else _text(replies[-1])
        self.proposals.append(
            Proposal(number=number, piece=piece, text=text, thrown_out=tuple(problems))
        )
        return text

    def question(self, texts: Texts, piece: str, seen: Sequence[Seen], number: int) -> Question:
        """What is sent."""
        settings = self._bench.configs[self._profile].profile
        results = "\n\n".join(as_data(one.told) for one in seen)
        now = texts[piece]
        user = (
            f"整个提示词：\n<paper>\n{as_data(self._pieces.marked(piece))}\n</paper>\n\n"
            f"现在的文字（新的最多 {longest(self._pieces.free[piece])} 个字符）：\n"
            f"<paper>\n{as_data(now)}\n</paper>\n\n结果：\n<paper>\n{results}\n</paper>\n\n"
            "请把现在的文字改写得更好，只回复 <new>新文字</new>。"
        )
        temperature = settings.temperature if settings.temperature is not None else _TEMPERATURE
        own = settings.max_tokens if isinstance(settings, EndpointProfile) else None
        sampling = Sampling(temperature=temperature, max_tokens=max(_MAX_TOKENS, own or 0))
        model = self._bench.models[self._profile]
        sent = settings.reply_settings
        return question_to(model, _SYSTEM, user, sampling, sent, number + 1)

    def _problems(self, reply: Reply, piece: str) -> list[str]:
        if reply.declined:
            return ["模型不肯写"]
        if not _NEW.search(reply.text):
            return ["没有 <new> 与 </new>"]
        return objections(_text(reply), self._pieces.free[piece], self._known)


def _text(reply: Reply) -> str:
    return str(_NEW.findall(reply.text)[-1]).strip()
