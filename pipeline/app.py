"""Builds the edges from the config, once, and takes them down again."""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from pipeline.arxiv.client import ArxivClient
from pipeline.clock import Clock
from pipeline.config import Config
from pipeline.edges import Edges
from pipeline.errors import ConfigError, JianjieError, OutputError, OutputsBusy
from pipeline.evaluate.bench import Bench
from pipeline.events import Events, Listener, log_file
from pipeline.files import cannot_write
from pipeline.library.recent import Scores, recent_scores
from pipeline.listing.find import lacking_metadata
from pipeline.listing.metadata import ask
from pipeline.llm.endpoint import Endpoint
from pipeline.llm.features import FeatureMemory, Forgetful
from pipeline.llm.guard import Guarded
from pipeline.llm.keys import api_key
from pipeline.llm.model import Model
from pipeline.llm.pace import Turns
from pipeline.night.downloads import Downloads
from pipeline.pacing import Retry
from pipeline.pdf.pool import Readers
from pipeline.prompt.variant import Variant, load_variant
from pipeline.records import Day, Paper
from pipeline.settings import EmbeddedProfile, EndpointProfile, LibrarySettings
from pipeline.stages.publish import published_files
from pipeline.store.snapshots import snapshot
from pipeline.store.store import Store
from pipeline.text.likeness import Lines

if TYPE_CHECKING:
    from pipeline.library.taste import Embed
    from pipeline.llm.batch import Desk
    from pipeline.llm.embedded import EmbeddedModel

STORE_FILE = "jianjie.sqlite3"
EVALUATIONS = "evaluations"
_LOCK_FILE = ".lock"
_HOLDER_FILE = ".lock-holder.json"
_SITE_LOCK_FILE = ".site-lock"


@contextmanager
def open_edges(
    config: Config, clock: Clock, command: str, listener: Listener | None = None
) -> Iterator[Edges]:
    """The edges of one run, under the lock of its outputs folder.

    Raises ConfigError and PromptError before anything is touched, OutputsBusy, OutputError.
    """
    variant, variants = load_variants(config)
    check(config)
    outputs = config.paths.outputs
    with locked(outputs, command, clock):
        events = Events(log_file(outputs, clock), clock, listener)
        store = open_store(config, lambda text: events.emit("warning", text=text))
        called = build_model(config, clock, store.endpoints)
        model = Guarded(called, config.profile, config.budget, config.retry, clock, store.spending)
        second = _second(config, clock, model, store, events)
        arxiv = ArxivClient(config.arxiv, config.retry, clock, cache_folder(config))
        readers = _readers(config)
        if config.profile.token_factor is None:
            text = f"{config.model}: tokens are counted as cl100k_base's; set its token_factor"
            events.emit("warning", text=text)
        try:
            yield Edges(
                config=config,
                arxiv=arxiv,
                model=model,
                variant=variant,
                variants=variants,
                store=store,
                lines=Lines(store.summaries, variant.example_lines),
                events=events,
                clock=clock,
                pdf_cache=pdf_cache(config),
                readers=readers,
                second=second,
                desk=_desk(config, called, model, store, clock, events),
            )
        finally:
            readers.close()
            _keep(store, outputs, clock, events)
            events.close()
            arxiv.close()
            model.close()
            if second is not None:
                second.close()
            store.close()


def load_variants(config: Config) -> tuple[Variant, dict[str, Variant]]:
    """The prompt in use, and that of each field. Raises PromptError."""
    folder = config.paths.prompts
    load = cache(lambda name, shown: load_variant(name, folder, shown))
    fields = {f: load(config.prompt_of(f), config.examples_of(f)) for f in config.fields}
    return load(config.prompt_of(), None), fields


@contextmanager
def open_outputs(
    config: Config, clock: Clock, command: str, warn: Callable[[str], None]
) -> Iterator[Store]:
    """The store alone, under the lock of its outputs folder. Raises OutputsBusy, OutputError."""
    with locked(config.paths.outputs, command, clock), closing(open_store(config, warn)) as store:
        yield store


def filled_in(
    config: Config, store: Store, keys: Iterable[tuple[dt.date, str]], warn: Callable[[str], None]
) -> Iterator[Day]:
    """Stored days, with metadata that could not be had before asked for once more."""
    arxiv = ArxivClient(config.arxiv, config.retry, Clock(), cache_folder(config))
    try:
        for day in filter(None, (store.days.get(*key) for key in keys)):
            for paper in ask(lacking_metadata(day), arxiv, warn).values():
                store.papers.put(paper)
            yield store.days.get(day.date, day.field) or day
    finally:
        arxiv.close()


def _keep(store: Store, outputs: Path, clock: Clock, events: Events) -> None:
    """A snapshot where there is news; its trouble is told, and is never the night's."""
    if not store.file.changes:
        return
    try:
        snapshot(store, outputs, clock.now())
    except OutputError as error:
        with suppress(OutputError):  # a full disk may not take the log either
            events.emit("warning", text=str(error))


def open_store(config: Config, warn: Callable[[str], None]) -> Store:
    """The store, made where there is none; `warn` is told of rows that cannot be read.

    Raises OutputError, also for a store without a single day beside published digests: it was
    lost, and a run would pay for them again. Every digest counts, the demo's and those copied from
    elsewhere too: none says that it cost nothing, and with one new day in the store nobody would
    see the danger any more. A store with days is never refused, whatever files there are: a digest
    that was deleted is written again from the store, and one that it does not know is of a day
    that somebody brought.
    """
    path = config.paths.outputs / STORE_FILE
    if not path.exists():
        refuse_a_loss(config.paths.outputs)
    with ExitStack() as until_checked:
        store = Store(path, warn=warn)
        until_checked.callback(store.close)
        if not store.days.known():
            refuse_a_loss(config.paths.outputs)
        until_checked.pop_all()
    return store


def read_store(config: Config, warn: Callable[[str], None]) -> Store:
    """The store to look at: nothing is written, and it may be another user's. Raises OutputError.

    One that is not there is empty, but beside published digests it was lost.
    """
    path = config.paths.outputs / STORE_FILE
    if not path.exists():
        refuse_a_loss(config.paths.outputs)
    return Store(path, warn=warn, reading=True)


def refuse_a_loss(outputs: Path) -> None:
    """Raise OutputError where digests are there, which no store knows."""
    digests = published_files(outputs)
    if not digests:
        return
    dates = sorted({path.parent.name for path in digests})
    span = dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}"
    files = "a published digest" if len(digests) == 1 else f"{len(digests)} published digests"
    raise OutputError(
        f"has {files} ({span}) that no store knows: a run would pay again for what was paid for",
        where=outputs,
        fix="Rebuild the store: jianjie restore; or move the digests away to begin anew",
    )


def cache_folder(config: Config) -> Path:
    """Where PDFs and the assembled model are kept."""
    return config.cache


def _readers(config: Config) -> Readers:
    settings = config.extract
    size = settings.workers or os.cpu_count() or 1
    return Readers(size, timeout_s=settings.timeout_s, memory_mb=settings.memory_mb)


def build_model(
    config: Config, clock: Clock, memory: FeatureMemory, pace: Turns | None = None
) -> Endpoint | EmbeddedModel:
    """The model of the profile in use, at a `pace` of its own or one that is shared.

    Raises ConfigError where its key is not there.
    """
    profile = config.profile
    if isinstance(profile, EmbeddedProfile):
        from pipeline.llm.embedded import EmbeddedModel  # an optional extra

        return EmbeddedModel(profile, clock, cache_folder(config))
    return Endpoint(profile, clock, memory, patience_s=config.retry.total_s, pace=pace)


def _second(
    config: Config, clock: Clock, model: Guarded, store: Store, events: Events
) -> Guarded | None:
    """Who looks at lines again, within the same budget. A built-in model does not see errors."""
    if not config.verify:
        return None
    profile = config.second_profile
    if isinstance(profile, EmbeddedProfile):
        text = "verify: a built-in model is no help in it (docs/evidence.md): nobody looks again"
        events.emit("warning", text=text)
        return None
    if profile is config.profile:
        return model
    own = config.model_copy(update={"model": config.verify})
    called = build_model(own, clock, store.endpoints)
    budget = model.budget.beside(profile)
    return Guarded(called, profile, config.budget, config.retry, clock, store.spending, budget)


def library_scores(config: Config, store: Store, warn: Callable[[str], None]) -> Scores:
    """The newest papers', by the reader's library; where that has trouble `warn` is told."""
    try:
        return scores_by(config, config.library, store)
    except JianjieError as error:
        warn(f"library: {error}")
        return {}


def scores_by(
    config: Config, library: LibrarySettings, store: Store, also: Sequence[Paper] = ()
) -> Scores:
    """The newest papers' and those of `also`, by this library. Raises ConfigError, ModelError."""
    config = config.model_copy(update={"library": library})
    with closing(_Embedding(config)) as embedding:
        return recent_scores(library, store, embedding.embed, also)


class _Embedding:
    """The endpoint that makes vectors, while it is in use; none where the settings name none."""

    def __init__(self, config: Config) -> None:
        self.embed: Embed | None = None
        self._endpoint: Endpoint | None = None
        profile = config.models.get(config.library.embeddings or "")
        if not config.library.files or not isinstance(profile, EndpointProfile):
            return
        from pipeline.llm.embeddings import Embeddings

        clock = Clock()
        self._endpoint = Endpoint(profile, clock, Forgetful(), patience_s=config.retry.total_s)
        folder = cache_folder(config) / "embeddings"
        self.embed = Embeddings(self._endpoint, Retry(config.retry, clock), folder)

    def close(self) -> None:
        if self._endpoint is not None:
            self._endpoint.close()


def _desk(
    config: Config, model: Model, guarded: Guarded, store: Store, clock: Clock, events: Events
) -> Desk | None:
    """Only for a profile that says `batch: true`."""
    profile = config.profile
    if not isinstance(profile, EndpointProfile) or not profile.batch:
        return None
    from pipeline.llm.batch import Desk

    if not isinstance(model, Endpoint):
        raise TypeError("the model of an endpoint's profile is an Endpoint")
    return Desk(model, profile, guarded, store, Retry(config.retry, clock), clock, events)


def check(config: Config) -> None:
    """What can be known to be wrong before anything is touched."""
    second = [config.verify] if isinstance(config.verify, str) else []
    for name in (config.model, *second):
        profile = config.models[name]
        if isinstance(profile, EndpointProfile):
            api_key(profile)
        unpriced = profile.price_in is None or profile.price_out is None
        if config.budget.money is not None and unpriced:
            raise ConfigError(
                f"budget.money needs price_in and price_out of the model {name!r}",
                where="config.yaml",
                fix="Fill in the prices, or use budget.tokens",
            )


@contextmanager
def open_bench(
    configs: Mapping[str, Config],
    clock: Clock,
    command: str,
    warn: Callable[[str], None] = lambda _: None,
    *,
    full_text: bool,
) -> Iterator[Bench]:
    """The edges of an evaluation by these model profiles, under the lock of its own folder.

    A nightly run goes on beside it. Raises ConfigError before anything is touched, OutputsBusy,
    OutputError.
    """
    for config in configs.values():
        check(config)
    folder = config.paths.outputs / EVALUATIONS
    with ExitStack() as open_, locked(folder, command, clock):
        store = Store(folder / "replies.sqlite3", warn=warn)
        open_.callback(store.close)
        models = {}
        for name, own in configs.items():
            called = build_model(own, clock, store.endpoints)
            models[name] = Guarded(
                called, own.profile, own.budget, own.retry, clock, store.spending
            )
            open_.callback(models[name].close)
        readers = _readers(config)
        open_.callback(readers.close)
        downloads = None
        if full_text:
            arxiv = ArxivClient(config.arxiv, config.retry, clock, cache_folder(config))
            open_.callback(arxiv.close)
            downloads = Downloads(arxiv, pdf_cache(config), clock)
        yield Bench(folder, configs, models, store, clock, readers, downloads)


def pdf_cache(config: Config) -> Path:
    """By host: the demo's stand-in PDFs must never pass for arXiv's."""
    return cache_folder(config) / "pdf" / (config.arxiv.pdf_url.host or "unknown")


@contextmanager
def locked(outputs: Path, command: str, clock: Clock) -> Iterator[None]:
    """One writer an outputs folder; the system frees the lock when its holder dies."""
    holder = outputs / _HOLDER_FILE
    lock = FileLock(outputs / _LOCK_FILE, timeout=0)
    mine = {"pid": os.getpid(), "command": command, "since": clock.now().isoformat()}
    try:
        outputs.mkdir(parents=True, exist_ok=True)
        lock.acquire()
        holder.write_text(json.dumps(mine), encoding="utf-8")
    except Timeout as error:
        raise OutputsBusy(
            f"another run works here: {_told_by(holder)}", where=outputs, fix="Wait until it ends"
        ) from error
    except OSError as error:
        raise cannot_write(outputs, error) from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def making_the_site(config: Config) -> Iterator[None]:
    """One maker of the site at a time; a night's own lock is another one. Raises OutputsBusy."""
    lock = FileLock(config.paths.outputs / _SITE_LOCK_FILE, timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        raise OutputsBusy(
            "another process makes the site now",
            where=config.paths.outputs,
            fix="The next run brings it up to date",
        ) from error
    except OSError as error:
        raise cannot_write(config.paths.outputs, error) from error
    try:
        yield
    finally:
        lock.release()


def _told_by(holder: Path) -> str:
    try:
        told = json.loads(holder.read_text(encoding="utf-8"))
        return f"`{told['command']}`, process {told['pid']}, since {told['since']}"
    except (OSError, ValueError, KeyError):
        return "it does not say who it is"
