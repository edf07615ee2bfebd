"""Looks at everything that a run needs before one fails at night."""

from __future__ import annotations

import datetime as dt
import os
import shutil
from collections.abc import Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from pipeline.app import STORE_FILE, build_model, cache_folder, load_variants
from pipeline.arxiv.api import parse_papers
from pipeline.arxiv.client import ArxivClient
from pipeline.arxiv.feed import parse_feed
from pipeline.arxiv.listpage import parse_list_page
from pipeline.arxiv.oai import parse_oai
from pipeline.categories import canonical
from pipeline.cli import mistakes
from pipeline.cli.doctor_store import store_findings
from pipeline.cli.findings import Finding, failed, tried
from pipeline.clock import Clock
from pipeline.config import Config, config_problems, load_config
from pipeline.errors import ArxivError, UsageError
from pipeline.files import write_atomic
from pipeline.library.works import need_extra, read_works
from pipeline.llm.batch_api import BatchApi
from pipeline.llm.endpoint import Endpoint
from pipeline.llm.features import Features
from pipeline.settings import EmbeddedProfile, EndpointProfile, is_loopback
from pipeline.store.spending import Spend
from pipeline.store.store import Store

LEAST_FREE_MB = 1000
MOST_SKEW = dt.timedelta(minutes=5)
KNOWN_PAPER = "1706.03762"
"""A paper that arXiv's API and OAI-PMH have for certain."""


def examine(path: Path, *, offline: bool, model: str | None = None) -> Iterator[Finding]:
    """A finding for each thing, as it is looked at; only the settings where they are wrong.

    `model` is a profile to look at in the place of the settings' own.
    """
    problems = config_problems(path)
    if problems:
        yield from map(failed, ("settings" for _ in problems), problems)
        return
    config = load_config(path)
    mistakes.settings_in_use(config)
    yield Finding(about="settings", text=str(path))
    if model is not None and model not in config.models:
        profiles = ", ".join(sorted(config.models))
        yield failed(
            "--model", UsageError(f"no model profile {model!r}", fix=f"There are: {profiles}")
        )
        return
    config = config.model_copy(update={"model": model or config.model})
    yield from _fields(config)
    yield tried("prompt", lambda: _prompt(config))
    yield _model(config, offline=offline)
    if isinstance(config.verify, str) and config.verify != config.model:
        second = config.model_copy(update={"model": config.verify})
        yield _model(second, offline=offline)
    yield from _folders(config)
    yield from _messages(config)
    if config.library.files:
        yield tried("library", lambda: _library(config))
    if not offline:
        yield from _arxiv(config)


def _fields(config: Config) -> Iterator[Finding]:
    for name, field in config.fields.items():
        yield Finding(about=f"field {name}", text=f"{field.name}: {', '.join(field.categories)}")
        for category in field.categories:
            if canonical(category) != category:
                yield Finding(
                    about=f"field {name}",
                    text=f"{category} is another name of {canonical(category)}",
                    state="warning",
                    fix=f"Write {canonical(category)}",
                )


def _messages(config: Config) -> Iterator[Finding]:
    """Whether each address is there and of a service that is known; nothing is sent."""
    from pipeline.messages.targets import described

    for name in config.messages.to_env:
        yield tried(f"message to {name}", partial(described, name))


def _library(config: Config) -> str:
    need_extra()
    liked, unwanted = read_works(config.library.files), read_works(config.library.not_for_me)
    told = sum(bool(work.abstract) for work in liked)
    return f"{len(liked):,} works, {told:,} with an abstract; {len(unwanted):,} not wanted"


def _prompt(config: Config) -> str:
    variant, own = load_variants(config)
    told = f"{variant.name}, hash {variant.hash}"
    others = {field: one for field, one in own.items() if one.hash != variant.hash}
    return "; ".join([told, *(f"{f}: {one.name}, hash {one.hash}" for f, one in others.items())])


def _model(config: Config, *, offline: bool) -> Finding:
    """What is known of it; where that is in order and nothing forbids it, one tiny call."""
    finding = _settings_of_model(config)
    profile = config.profile
    here = isinstance(profile, EmbeddedProfile) or is_loopback(profile.base_url.host)
    if finding.state == "error" or (offline and not here):
        return finding
    called = tried(finding.about, lambda: _called(config))
    if called.state == "error":
        return called
    return finding.model_copy(update={"text": f"{finding.text}; {called.text}"})


def _called(config: Config) -> str:
    """One call, and what it says of the endpoint, which is remembered."""
    store = Store(config.paths.outputs / STORE_FILE)
    model = build_model(config, Clock(), store.endpoints)
    try:
        reply = model.probe()
        store.spending.add(Spend.of(reply))
        text = f"answers in {reply.seconds:.1f} s"
        if isinstance(model, Endpoint):
            text += f", {_taken(model.features)}, {reply.tokens_in} tokens in"
            if isinstance(config.profile, EndpointProfile) and config.profile.batch:
                BatchApi(model).check()
                text += ", has a Batch API"
        return text
    finally:
        model.close()
        store.close()


def _taken(features: Features) -> str:
    """The forms that it takes."""
    parts = [f"replies as {features.form}"]
    parts += [f"{features.limit}"] if features.limit != "max_tokens" else []
    parts += [f"no {part}" for part in features.without]
    return ", ".join(parts)


def _settings_of_model(config: Config) -> Finding:
    profile, about = config.profile, f"model {config.model}"
    if isinstance(profile, EmbeddedProfile):
        if find_spec("xllamacpp") is None:
            return Finding(
                about=about,
                text="llama.cpp is not installed",
                state="error",
                fix="Install the extra: pip install 'jianjie[embedded]'",
                exit_status=2,
            )
        return Finding(about=about, text="built in")
    return _key(about, profile)


def _key(about: str, profile: EndpointProfile) -> Finding:
    variable = profile.api_key_env
    if variable and not os.environ.get(variable):
        return Finding(
            about=about,
            text=f"{variable} is not set",
            state="error",
            fix=f"export {variable}=…",
            exit_status=2,
        )
    if profile.token_factor is None:
        return Finding(
            about=about,
            text=f"its tokens are counted as cl100k_base's: {profile.model} may need more",
            state="warning",
            fix="Set token_factor",
        )
    key = f"key from {variable}" if variable else "no key"
    return Finding(about=about, text=f"{profile.model} at {profile.base_url}, {key}")


def _folders(config: Config) -> Iterator[Finding]:
    folders = (("outputs", config.paths.outputs), ("cache", cache_folder(config)))
    for about, folder in folders:
        yield tried(about, partial(_writable, folder))
        free = shutil.disk_usage(_existing(folder)).free // 1_000_000
        if free < LEAST_FREE_MB:
            text = f"only {free:,} MB free"
            yield Finding(about=about, text=text, state="warning", fix="Make room")
    yield from store_findings(config)


def _writable(folder: Path) -> str:
    probe = folder / ".doctor"
    write_atomic(probe, b"")
    probe.unlink(missing_ok=True)
    return str(folder)


def _existing(folder: Path) -> Path:
    return next(path for path in (folder, *folder.parents) if path.exists())


def _arxiv(config: Config) -> Iterator[Finding]:
    if not config.arxiv.contact:
        yield Finding(
            about="arXiv",
            text="no contact in the User-Agent",
            state="warning",
            fix="Set arxiv.contact to a mail address or page of yours",
        )
    arxiv = ArxivClient(config.arxiv, config.retry, Clock(), cache_folder(config))
    category = canonical(next(iter(config.fields.values())).categories[0])
    try:
        yield tried("arXiv's feed", lambda: _feed(arxiv, category))
        yield _clock(arxiv)
        yield tried("arXiv's list page", lambda: _list_page(arxiv, category))
        paper = _a_paper(arxiv, category)
        yield _known("arXiv's API", paper, tried("arXiv's API", lambda: _api(arxiv, paper)))
        yield _known("arXiv's OAI-PMH", paper, tried("arXiv's OAI-PMH", lambda: _oai(arxiv, paper)))
    finally:
        arxiv.close()


def _feed(arxiv: ArxivClient, category: str) -> str:
    content, where = arxiv.feed([category], revalidate=True)
    feed = parse_feed(content, where=where)
    return f"{category}: {_papers(len(feed.announcements))} on {feed.date}"


def _papers(count: int) -> str:
    return f"{count} paper{'' if count == 1 else 's'}"


def _a_paper(arxiv: ArxivClient, category: str) -> str:
    """One of today's, else one that arXiv has for certain."""
    try:
        content, where = arxiv.feed([category])
        announced = parse_feed(content, where=where).announcements
    except ArxivError:
        announced = ()
    return announced[0].paper.arxiv_id if announced else KNOWN_PAPER


def _known(about: str, paper: str, finding: Finding) -> Finding:
    """An answer without the paper is one of arXiv's empty pages."""
    if finding.text:
        return finding
    return Finding(
        about=about,
        text=f"answers, but without {paper}",
        state="warning",
        fix="Try again in some minutes",
    )


def _list_page(arxiv: ArxivClient, category: str) -> str:
    content, where = arxiv.list_page(category)
    page = parse_list_page(content, where=where)
    return f"{category}: {_papers(page.total)} on {page.date}"


def _api(arxiv: ArxivClient, paper: str) -> str:
    """Empty where the answer lacks the paper."""
    content, where = arxiv.metadata([paper])
    return "".join(one.versioned for one in parse_papers(content, where=where).values())


def _oai(arxiv: ArxivClient, paper: str) -> str:
    content, where = arxiv.oai_record(paper)
    records = parse_oai(content, where=where).records
    return "".join(record.paper.versioned for record in records)


def _clock(arxiv: ArxivClient) -> Finding:
    """Retries and dates lean on the machine's clock."""
    theirs, ours = arxiv.server_time, Clock().now()
    if theirs is None:
        return Finding(about="clock", text="arXiv did not say the time", state="warning")
    skew = abs(theirs - ours)
    if skew > MOST_SKEW:
        return Finding(
            about="clock",
            text=f"{skew} away from arXiv's",
            state="warning",
            fix="Set the machine's clock",
        )
    return Finding(about="clock", text=f"{ours:%Y-%m-%d %H:%M} UTC, as arXiv's")
