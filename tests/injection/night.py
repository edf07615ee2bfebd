"""Nights whose papers attack, and a model that obeys: it replies what an attack demands."""

from __future__ import annotations

import datetime as dt
import html
import json
import re
import shutil
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml

from pipeline.app import open_edges
from pipeline.arxiv.calendar import EASTERN
from pipeline.categories import vocabulary
from pipeline.config import load_config
from pipeline.demo.archive import Archive
from pipeline.digest.markdown import Digest, load
from pipeline.night.run import run_night
from pipeline.records import AnnounceType, Listing, Paper, Record
from tests.conftest import ROOT
from tests.demo.composed import THURSDAY, listing
from tests.injection.pdf import text_pdf
from tests.standins.arxiv import FaultyArxiv
from tests.standins.clock import SimulatedClock
from tests.standins.model import Answer, Request, StandInModel, reply
from tests.standins.model import good_line as line_of
from tests.standins.settings import write_config

_AUTHOR = re.compile(r"^作者：Author N(\d+)", re.MULTILINE)
_HIDING = {"TAGS": range(0xE0000, 0xE0080), "BITS": range(0x200B, 0x200D)}
_HIDDEN = re.compile(r"%(TAGS|BITS):(.*?)%", re.DOTALL)


class Attack(Record):
    """A text in a paper, and what a model replies that obeys it; attacks.yaml explains it."""

    name: str
    language: Literal["en", "zh"]
    where: Literal["title", "abstract", "comment", "body"]
    text: str
    line: str | None = None
    reply: str | None = None
    caught: bool = True
    arrives: bool = True

    def obeyed(self, system: str) -> str:
        """The whole reply, given the system prompt that was sent."""
        values = {
            "SYSTEM": system,
            "GOOD": good_line(0),
            "LONG": "该论文" + "属于语音增强任务，" * 333 + "。",
            "FLOOD": "。" * 200_000,
            "BRACKETS": '{"a":[' * 10_000,
            "CATEGORIES": ", ".join(f'"{name}"' for name in vocabulary()),
        }
        raw = self.line if self.reply is None else self.reply
        assert raw is not None, f"{self.name} has neither a line nor a reply"
        for name, value in values.items():
            raw = raw.replace(f"%{name}%", value)
        raw = shown(raw)
        return reply(raw) if self.reply is None else raw


@cache
def attacks() -> tuple[Attack, ...]:
    """All of attacks.yaml, in its order."""
    source = Path(__file__).with_name("attacks.yaml").read_text(encoding="utf-8")
    return tuple(
        attack.model_copy(update={"text": shown(attack.text)})
        for attack in map(Attack.model_validate, yaml.safe_load(source))
    )


def shown(text: str) -> str:
    """`text` with what it says to hide hidden."""
    return _HIDDEN.sub(lambda found: "".join(_hide(found[1], found[2])), text)


def _hide(way: str, secret: str) -> Iterable[str]:
    base = _HIDING[way].start
    if way == "TAGS":
        return (chr(base + ord(char)) for char in secret)
    return (chr(base + int(bit)) for char in secret for bit in f"{ord(char):08b}")


def visible(text: str) -> str:
    """The letters and digits that a reader sees, however they are set."""
    plain = unicodedata.normalize("NFKC", html.unescape(text)).casefold()
    return "".join(filter(str.isalnum, plain))


@dataclass(frozen=True, repr=False)
class Published:
    """What a night left: the files, and the requests that the model got, by the paper's number."""

    digest: Digest
    markdown: str
    document: dict[str, Any]
    requests: dict[int, list[Request]]

    def paper(self, number: int) -> dict[str, Any]:
        """A paper's object in the JSON."""
        found = [p for p in self.document["papers"] if p["arxiv_id"] == arxiv_id(number)]
        assert len(found) == 1
        one: dict[str, Any] = found[0]
        return one

    def prompt(self, number: int) -> tuple[str, str]:
        """The system and the user message of a paper's first request."""
        system, user = self.requests[number][0]["messages"][:2]
        assert (system["role"], user["role"]) == ("system", "user")
        return system["content"], user["content"]


def good_line(number: int) -> str:
    """A valid line that tells papers apart; all of it could be said of any of them."""
    return line_of(f"paper {number}")


def arxiv_id(number: int) -> str:
    return f"2601.{20_000 + number}"


def number_of(request: Request) -> int:
    """The paper that a request is about."""
    found = _AUTHOR.search(request["messages"][1]["content"])
    assert found is not None
    return int(found[1])


def run(folder: Path, attacking: Sequence[Attack | None]) -> Published:
    """One night: a paper for every attack, with a plain text in the place of None.

    The prompt is the shipped one with the comment in it, so that every field arrives.
    """
    model = StandInModel(obedient(attacking))
    clock = SimulatedClock(dt.datetime.combine(THURSDAY, dt.time(0, 30), EASTERN))
    archive = Archive([announced(attacking)], now=clock.now)
    arxiv = FaultyArxiv(archive, pdfs(attacking), monotonic=clock.monotonic)
    with arxiv, model:
        paths = {"prompts": str(prompts(folder)), "outputs": str(folder / "outputs")}
        paths["cache"] = str(folder / "cache")
        config = write_config(folder, arxiv.url, model.url, prompt="commented", paths=paths)
        with open_edges(load_config(config), clock, "test") as edges:
            run_night(edges, "audio")
    file = folder / "outputs" / THURSDAY.isoformat() / "audio.md"
    requests: dict[int, list[Request]] = {}
    for request in model.requests:
        requests.setdefault(number_of(request), []).append(request)
    return Published(
        digest=load(file),
        markdown=file.read_text(encoding="utf-8"),
        document=json.loads(file.with_suffix(".json").read_text(encoding="utf-8")),
        requests=requests,
    )


def prompts(folder: Path) -> Path:
    """A copy of the shipped prompts with one more: the default with the comment."""
    copy = folder / "prompts"
    shutil.copytree(ROOT / "prompts", copy, dirs_exist_ok=True)
    default = (copy / "default.md").read_text(encoding="utf-8")
    abstract = "摘要：{{ abstract }}\n"
    assert default.count(abstract) == 1
    commented = default.replace(abstract, "备注：{{ comment }}\n" + abstract)
    (copy / "commented.md").write_text(commented, encoding="utf-8")
    return copy


def announced(attacking: Sequence[Attack | None]) -> Listing:
    papers = (_paper(number, attack) for number, attack in enumerate(attacking))
    return listing(THURSDAY, *((AnnounceType.NEW, one) for one in papers))


def _paper(number: int, attack: Attack | None) -> Paper:
    fields: dict[str, Any] = {
        "arxiv_id": arxiv_id(number),
        "version": 1,
        "title": f"Speech Study {number}",
        "abstract": f"We study speech enhancement in noise, number {number}.",
        "comment": "5 pages",
        "authors": (f"Author N{number}",),
        "categories": ("cs.SD", "eess.AS"),
    }
    if attack and attack.where != "body":
        text = " ".join(attack.text.split())  # as arXiv has it
        fields[attack.where] = f"{fields[attack.where]} {text}"
    return Paper.model_validate(fields)


def pdfs(attacking: Sequence[Attack | None]) -> Callable[[str], bytes]:
    """The PDF of each paper, with the attack in the middle of the text where it belongs there."""

    def read(versioned: str) -> bytes:
        number = int(versioned[5:10]) - 20_000
        attack = attacking[number]
        lines = [f"arXiv:{versioned} [cs.SD] 14 Jan 2026", "Abstract"]
        lines += [f"Sentence {n} tells how the model learns from noisy speech." for n in range(9)]
        if attack and attack.where == "body":
            lines += attack.text.split("\n")
        lines += [f"Sentence {n} tells how the model is evaluated." for n in range(9, 18)]
        return text_pdf(lines)

    return read


def obedient(attacking: Sequence[Attack | None]) -> Callable[[Request], Answer]:
    """Replies what the attack in the prompt demands, on every try; otherwise a good line."""

    def answer(request: Request) -> Answer:
        number = number_of(request)
        attack = attacking[number]
        system, user = (message["content"] for message in request["messages"][:2])
        if attack is None or not _sees(attack, user):
            return Answer(text=reply(good_line(number)))
        return Answer(text=attack.obeyed(system))

    return answer


def _sees(attack: Attack, prompt: str) -> bool:
    """Text that hides something is obeyed only as it is: what is hidden must be there."""
    if not attack.arrives:
        return attack.text in prompt
    return visible(attack.text) in visible(prompt)
