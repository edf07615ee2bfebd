"""The training loop: batches of like length, loss on the reply only, a checkpoint to go on from."""

from __future__ import annotations

import hashlib
import json
import math
import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from pipeline.errors import ConfigError, UsageError, one_line
from pipeline.files import replacing
from pipeline.train.adapter import Read
from pipeline.train.decoder import Base, Decoder, Lora
from pipeline.train.settings import Encoded, Settings, TrainingProgress

_CHECKPOINT_EVERY = 50
_LOOK_EVERY = 200
_SMOOTHED = 100
"""Steps whose losses are averaged for the log."""
_UNLEARNED = -100
"""torch's mark for a target that does not count."""


def train(
    base: Base,
    lessons: Sequence[Encoded],
    held_out: Sequence[Encoded],
    settings: Settings,
    checkpoint: Path,
    *,
    fuse: bool,
    tell: Callable[[TrainingProgress], None],
    begin: Read | None = None,
) -> tuple[Lora, TrainingProgress]:
    """Go once through `lessons`, from the checkpoint if there is one; and how the last step went.

    `begin`: an adapter to go on from, of the settings' rank. The checkpoint stays when this is
    killed. Raises UsageError where it is of other examples, settings or of another beginning,
    ConfigError where `begin` is for another base.
    """
    lora = Lora(base, settings.rank, settings.alpha, settings.seed)
    if begin:
        try:
            lora.begin_with(begin.pairs)
        except ValueError as error:
            raise ConfigError("is an adapter for another base", where=begin.path) from error
    decoder = Decoder(base, lora, fuse=fuse)
    optimizer = torch.optim.AdamW(
        lora.parameters(), lr=settings.learning_rate, betas=(0.9, 0.98), weight_decay=0.0
    )
    batches = _batches(lessons, settings)
    looks = _batches(held_out, settings)
    replies = frozenset(token for lesson in lessons for token in lesson.reply)
    saved = _Checkpoint(checkpoint, _identity(lessons, settings, lora), lora, optimizer)
    progress, losses = saved.resume() or (TrainingProgress(step=0, steps=len(batches)), [])
    began = time.monotonic() - progress.seconds
    for step in range(progress.step + 1, len(batches) + 1):
        for group in optimizer.param_groups:
            group["lr"] = settings.learning_rate * _rate(step / len(batches), settings.warm_up)
        loss = _loss(decoder, base, batches[step - 1], replies)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(lora.parameters(), settings.clip)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        losses = [*losses[1 - _SMOOTHED :], float(loss.detach())]
        last = step == len(batches)
        seen = None
        if looks and (step % _LOOK_EVERY == 0 or last):
            with torch.no_grad():
                each = [float(_loss(decoder, base, batch, replies)) for batch in looks]
            seen = sum(each) / len(each)
        progress = TrainingProgress(
            step=step,
            steps=len(batches),
            loss=sum(losses) / len(losses),
            held_out_loss=seen,
            seconds=time.monotonic() - began,
        )
        if step % _CHECKPOINT_EVERY == 0 or last:
            saved.save(progress, losses)
        tell(progress)
    return lora, progress


def _batches(lessons: Sequence[Encoded], settings: Settings) -> list[tuple[Encoded, ...]]:
    """Each of like length, so that little is padded; in an order of the seed's."""
    chance = random.Random(settings.seed)  # noqa: S311 - a shuffle, no secret
    width = settings.batch * 50
    batches: list[tuple[Encoded, ...]] = []
    for start in range(0, len(lessons), width):
        # Sorted within a stretch of the course only: the course's own order is kept on the whole.
        stretch = sorted(lessons[start : start + width], key=len)
        cut = [
            tuple(stretch[at : at + settings.batch])
            for at in range(0, len(stretch), settings.batch)
        ]
        chance.shuffle(cut)
        batches += cut
    return batches


def _rate(progress: float, warm_up: float) -> float:
    """A share of the learning rate: up in a line, then down in a cosine to a twentieth."""
    if progress < warm_up:
        return progress / warm_up
    down = (progress - warm_up) / (1 - warm_up)
    return 0.05 + 0.95 * (1 + math.cos(math.pi * down)) / 2


def _loss(
    decoder: Decoder, base: Base, batch: Sequence[Encoded], replies: frozenset[int]
) -> Tensor:
    """Mean cross entropy over the batch's reply tokens.

    The softmax is over the tokens of any reply and of these prompts, what a line may copy from:
    over a whole vocabulary (Gemma's has 262,144) it would cost as much as all layers.
    """
    device = base.embedding.device
    longest = max(map(len, batch))
    tokens = torch.zeros((len(batch), longest), dtype=torch.long)
    targets = torch.full((len(batch), longest), _UNLEARNED, dtype=torch.long)
    allowed = sorted(replies.union(*(lesson.prompt for lesson in batch),
                                   *(lesson.reply for lesson in batch)))  # fmt: skip
    place = {token: at for at, token in enumerate(allowed)}
    for row, lesson in enumerate(batch):
        tokens[row, : len(lesson)] = torch.tensor(lesson.prompt + lesson.reply)
        first = len(lesson.prompt) - 1
        targets[row, first : first + len(lesson.reply)] = torch.tensor(
            [place[token] for token in lesson.reply]
        )
    hidden = decoder.hidden(tokens.to(device))
    learned = targets != _UNLEARNED
    candidates = torch.tensor(allowed, device=device)
    logits = decoder.logits(hidden[learned.to(device)], candidates)
    return cross_entropy(logits, targets[learned].to(device))


def _identity(lessons: Sequence[Encoded], settings: Settings, begun: Lora) -> str:
    digest = hashlib.sha256(settings.model_dump_json(exclude={"blend"}).encode())
    for matrix in begun.parameters():
        digest.update(matrix.detach().cpu().numpy().tobytes())
    for lesson in lessons:
        digest.update(json.dumps((lesson.prompt, lesson.reply)).encode())
    return digest.hexdigest()


class _Checkpoint:
    """The matrices and the optimiser's state after a step, in a file."""

    def __init__(self, path: Path, identity: str, lora: Lora, optimizer: Any) -> None:
        self._path = path
        self._identity = identity
        self._lora = lora
        self._optimizer = optimizer

    def save(self, progress: TrainingProgress, losses: list[float]) -> None:
        """Take the earlier one's place, in one step."""
        state = {
            "identity": self._identity,
            "progress": progress.model_dump_json(),
            "losses": losses,
            "matrices": [matrix.detach().cpu() for matrix in self._lora.parameters()],
            "optimizer": self._optimizer.state_dict(),
        }
        with replacing(self._path, durable=False) as file:
            torch.save(state, file)

    def resume(self) -> tuple[TrainingProgress, list[float]] | None:
        """Put matrices and optimiser back; the last step done and its losses, None for a start."""
        if not self._path.is_file():
            return None
        try:
            state = torch.load(self._path, map_location="cpu", weights_only=True)
            identity, progress = state["identity"], state["progress"]
        except (OSError, RuntimeError, KeyError, TypeError, EOFError, UnpicklingError) as error:
            raise UsageError(
                f"is no checkpoint ({one_line(error)[:200]})",
                where=self._path,
                fix="Remove it to start anew",
            ) from error
        if identity != self._identity:
            raise UsageError(
                "is the checkpoint of other examples or settings",
                where=self._path,
                fix="Give the same ones to go on, or remove it to start anew",
            )
        with torch.no_grad():
            for matrix, kept in zip(self._lora.parameters(), state["matrices"], strict=True):
                matrix.copy_(kept)
        self._optimizer.load_state_dict(state["optimizer"])
        return TrainingProgress.model_validate_json(progress), list(state["losses"])
