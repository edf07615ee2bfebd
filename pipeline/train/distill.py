"""From digests to an adapter with its card: read, split, teach, write, score. Resumable.

What is on the way stands in a folder beside the adapter, and is not done again.
"""

from __future__ import annotations

import hashlib
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from pydantic import Field

from pipeline import __version__
from pipeline.errors import ConfigError
from pipeline.evaluate.split import papers_of
from pipeline.files import cannot_write, write_atomic
from pipeline.records import Record
from pipeline.train.card import Begun, Card, DigestFile, markdown, trained_on
from pipeline.train.examples import Example, Lessons, course, ids_hash, read_examples, split
from pipeline.train.score import (
    Against,
    Scores,
    WrittenLine,
    against,
    doubtful_below,
    lines_of,
    scores,
    write,
)
from pipeline.train.settings import Encoded, Settings, TrainingProgress

if TYPE_CHECKING:
    from pipeline.llm.embedded import EmbeddedModel
    from pipeline.train.adapter import Read

_LOOKED_AT = 64
"""Held-out examples whose loss is taken while it trains."""
_BESIDE = (".card.json", ".md", ".trained-on.txt", ".lines.jsonl")

Server = Callable[[Path | None], "EmbeddedModel"]
"""The served base with an adapter, or without one; who calls closes it."""


class BaseFile(Record):
    """The GGUF file that the adapter is for."""

    path: Path
    sha256: str


class Order(Record):
    """What is to be made."""

    digests: tuple[Path, ...]
    out: Path
    """The adapter, NAME.gguf."""
    focus: str
    """The field that matters, as the digests call it."""
    held_out: int = Field(ge=1)
    passes: int = Field(ge=1)
    size: int = Field(ge=1)
    """Examples in all."""
    score: int = Field(ge=0)
    """Held-out papers, the newest, that are written and scored."""
    device: str
    fuse: bool
    settings: Settings
    begin: Path | None = None
    """An adapter to go on from; its rank and alpha take the settings' place."""
    against: Path | None = None
    """The lines of another adapter, NAME.lines.jsonl, to compare with."""

    @property
    def work(self) -> Path:
        """Where the checkpoint, the log and the scored lines stand until all is done."""
        return self.out.with_suffix(".work")


class Watch(Protocol):
    """Who is told how far it is."""

    def begin(self, name: str, total: int) -> None:
        """The next step, and its ticks."""

    def tick(self) -> None:
        """One more is done."""

    def say(self, text: str) -> None:
        """A line for the record."""


def need_extra() -> None:
    """Raises ConfigError where torch or gguf are missing."""
    missing = [name for name in ("torch", "gguf") if find_spec(name) is None]
    if missing:
        raise ConfigError(
            f"{' and '.join(missing)} not installed",
            where="distill",
            fix="Install the extra: pip install 'jianjie[train]'",
        )


def distill(
    order: Order, base: BaseFile, never: frozenset[str], serve: Server, watch: Watch
) -> Card:
    """Make the adapter, its card and the list of its papers; returns the card.

    `never` holds the ids that are kept for tests. Raises UsageError, DigestFormatError,
    ConfigError where the extra is missing or `order.begin` is no adapter, OutputError.
    """
    need_extra()
    begin, order = _begin(order)
    seen = papers_of(order.begin) if order.begin else frozenset()
    lessons = split(
        read_examples(order.digests),
        focus=order.focus,
        held_out=order.held_out,
        never=never,
        seen=seen,
    )
    taught = course(
        lessons.train,
        focus=order.focus,
        passes=order.passes,
        size=order.size,
        seed=order.settings.seed,
        seen=seen,
    )
    other = lines_of(order.against, _scored(order, lessons)) if order.against else ()
    watch.say(_told(lessons, taught, order))
    try:
        order.work.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(order.work, error) from error
    adapter = order.work / "adapter.gguf"
    trained = _teach(order, base, lessons, taught, serve, watch, adapter, begin=begin)
    examples, written = _written(order, lessons, adapter, serve, watch)
    figures = scores(written, examples) if examples else None
    card = _card(order, base, lessons, taught, trained, figures, _sha256(adapter)).model_copy(
        update={
            "against": _against(order.against, written, other, examples),
            "doubtful_below": doubtful_below(written),
        }
    )
    papers = seen.union(example.arxiv_id for example in taught)
    _publish(order.out, adapter, card, papers, written)
    shutil.rmtree(order.work, ignore_errors=True)
    return card


class _Trained(Record):
    """How the training went."""

    torch: str
    device: str
    examples: int
    """Those that fit the model's window."""
    last: TrainingProgress


def _begin(order: Order) -> tuple[Read | None, Order]:
    """What the adapter to go on from holds, and the order with its rank and alpha."""
    if not order.begin:
        return None, order
    from pipeline.train.adapter import Read  # needs the extra

    begin = Read(order.begin)
    settings = order.settings.model_copy(update={"rank": begin.rank, "alpha": begin.alpha})
    return begin, order.model_copy(update={"settings": settings})


def _teach(
    order: Order,
    base: BaseFile,
    lessons: Lessons,
    taught: Sequence[Example],
    serve: Server,
    watch: Watch,
    adapter: Path,
    *,
    begin: Read | None,
) -> _Trained:
    import torch  # optional, and takes seconds to load

    from pipeline.train.adapter import blend, write_adapter
    from pipeline.train.decoder import load_base
    from pipeline.train.tune import train

    every = max(1, len(lessons.held_out) // _LOOKED_AT)
    weights = load_base(base.path, order.device, order.settings.precision)
    groups = (taught, lessons.held_out[::every])
    lessons_in, looks_in = _encode(groups, weights.end, serve, watch)
    kept = [one for one in lessons_in if len(one) <= weights.shape.longest]
    looks = [one for one in looks_in if len(one) <= weights.shape.longest]
    lora, last = train(
        weights,
        kept,
        looks,
        order.settings,
        order.work / "checkpoint.pt",
        fuse=order.fuse,
        tell=_Bar(order.work / "log.jsonl", watch),
        begin=begin,
    )
    if begin and order.settings.blend < 1:
        blend(lora, begin, order.settings.blend)
    write_adapter(adapter, lora, name=order.out.stem)
    return _Trained(
        torch=torch.__version__,
        device=_device_name(order.device),
        examples=len(kept),
        last=last,
    )


class _Bar:
    """Turns steps into ticks, a log, and a line where the held-out loss was taken."""

    def __init__(self, log: Path, watch: Watch) -> None:
        self._log = log
        self._watch = watch
        self._begun = False

    def __call__(self, progress: TrainingProgress) -> None:
        if not self._begun:
            self._watch.begin("training", progress.steps - progress.step + 1)
            self._begun = True
        self._watch.tick()
        with self._log.open("a", encoding="utf-8") as file:
            file.write(progress.model_dump_json() + "\n")
        if progress.held_out_loss is not None:
            self._watch.say(
                f"step {progress.step:,} of {progress.steps:,}: loss {progress.loss:.3f},"
                f" on held-out papers {progress.held_out_loss:.3f}"
            )


def _encode(
    groups: Sequence[Sequence[Example]], end: int, serve: Server, watch: Watch
) -> list[list[Encoded]]:
    """Token ids by llama.cpp itself: what is taught is to the token what is served."""
    model = serve(None)
    try:
        watch.begin("tokens", sum(map(len, groups)))
        encoded: list[list[Encoded]] = []
        for group in groups:
            encoded.append([])
            for example in group:
                encoded[-1].append(
                    Encoded(
                        prompt=model.encode(example.prompt, begins=True),
                        reply=(*model.encode(example.reply, begins=False), end),
                    )
                )
                watch.tick()
        return encoded
    finally:
        model.close()


def _written(
    order: Order, lessons: Lessons, adapter: Path, serve: Server, watch: Watch
) -> tuple[Sequence[Example], Sequence[WrittenLine]]:
    """Held-out papers, and what the model makes of them."""
    examples = _scored(order, lessons)
    if not examples:
        return (), ()
    watch.begin("held-out papers", len(examples))
    model = serve(adapter)
    try:
        lines = order.work / f"written-{_sha256(adapter)[:8]}.jsonl"
        return examples, write(model, examples, lines, watch.tick)
    finally:
        model.close()


def _scored(order: Order, lessons: Lessons) -> Sequence[Example]:
    return lessons.held_out[-order.score :] if order.score else ()


def _against(
    file: Path | None,
    written: Sequence[WrittenLine],
    other: Sequence[WrittenLine],
    examples: Sequence[Example],
) -> Against | None:
    if file is None or not written:
        return None
    return Against(
        name=file.name.removesuffix(".lines.jsonl"),
        papers=len(examples),
        differences=against(written, other, examples),
    )


def _card(
    order: Order,
    base: BaseFile,
    lessons: Lessons,
    taught: Sequence[Example],
    trained: _Trained,
    figures: Scores | None,
    adapter_sha256: str,
) -> Card:
    papers = {example.arxiv_id: example for example in taught}
    return Card(
        name=order.out.stem,
        adapter_sha256=adapter_sha256,
        base=base.path.name,
        base_sha256=base.sha256,
        begun=_begun(order.begin) if order.begin else None,
        jianjie=__version__,
        torch=trained.torch,
        device=trained.device,
        settings=order.settings,
        digests=_digest_files(order.digests),
        focus=order.focus,
        passes=order.passes,
        fields=dict(Counter(example.field for example in papers.values())),
        examples=trained.examples,
        trained_ids_sha256=ids_hash(taught),
        held_out=len(lessons.held_out),
        held_out_ids_sha256=ids_hash(lessons.held_out),
        held_out_since=str(lessons.held_out[0].date),
        left_out=lessons.left_out,
        loss=round(trained.last.loss, 4),
        held_out_loss=trained.last.held_out_loss,
        minutes=round(trained.last.seconds / 60, 1),
        scores=figures,
    )


def _begun(adapter: Path) -> Begun:
    """The card beside it, if there is one, goes along: the whole course can be made again."""
    card = adapter.with_suffix(".card.json")
    try:
        whole = Card.model_validate_json(card.read_bytes())
    except (OSError, ValueError):
        whole = None
    return Begun(name=adapter.stem, sha256=_sha256(adapter), card=whole)


def _digest_files(paths: Sequence[Path]) -> tuple[DigestFile, ...]:
    files = [file for path in paths for file in (sorted(path.rglob("*.md")) or [path])]
    return tuple(DigestFile(name=file.name, sha256=_sha256(file)) for file in dict.fromkeys(files))


def _publish(
    out: Path,
    adapter: Path,
    card: Card,
    papers: Iterable[str],
    written: Sequence[WrittenLine],
) -> None:
    """The adapter last: where it stands, all that belongs to it stands too."""
    texts = (
        card.model_dump_json(indent=1) + "\n",
        markdown(card),
        trained_on(card.name, papers),
        "".join(f"{line.model_dump_json()}\n" for line in written),
    )
    for suffix, text in zip(_BESIDE, texts, strict=True):
        write_atomic(out.with_suffix(suffix), text.encode())
    write_atomic(out, adapter.read_bytes())


def _told(lessons: Lessons, taught: Sequence[Example], order: Order) -> str:
    fields = Counter(example.field for example in taught)
    listed = ", ".join(f"{name} {count:,}" for name, count in fields.most_common())
    return (
        f"{len(taught):,} examples ({listed}; {order.focus} {order.passes} times), all older than"
        f" {lessons.held_out[0].date}; {len(lessons.held_out)} papers held out;"
        f" {sum(lessons.left_out.values()):,} entries left out"
    )


def _device_name(device: str) -> str:
    import torch

    on_gpu = device != "cpu"
    return str(torch.cuda.get_device_name()) if on_gpu else f"{torch.get_num_threads()} CPU threads"


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
