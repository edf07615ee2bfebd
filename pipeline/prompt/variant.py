"""A prompt variant is a file: YAML front matter, then strict Jinja2 parts for system and user.

    ---
    description: what it tries
    context: full
    ---
    === system ===
    …
    === user ===
    … {{ title }} … {{ text }} …

Everything a variant can get wrong is an error that names file and line before any call is made.
Paper text is data: it cannot end the delimiters that the variant puts around it (untrusted.py).
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import jinja2
import jinja2.meta
import jinja2.sandbox
import yaml
from pydantic import Field, ValidationError, ValidationInfo, field_validator

from pipeline.categories import taxonomy
from pipeline.digest.markdown import Entry
from pipeline.errors import JianjieError, PromptError, one_line
from pipeline.llm import tokens
from pipeline.prompt.context import Context, choose, pages_wanted
from pipeline.prompt.examples import Examples, FewShot, load_examples
from pipeline.records import Paper, PaperText, Prompt, Record
from pipeline.settings import Profile, is_prompt_name
from pipeline.text.reply import EVIDENCE
from pipeline.text.untrusted import as_data

VARIABLES = frozenset(
    {"title", "authors", "abstract", "comment", "text", "language", "examples", "vocabulary"}
)
_FRONT = re.compile(r"\A---\n(.*?)^---\n", re.DOTALL | re.MULTILINE)
_PART = re.compile(r"^=== (\w+) ===\n", re.MULTILINE)


_ANY_PAPER = Paper(
    arxiv_id="2601.00001",
    version=1,
    title="A Title",
    abstract="An abstract.",
    authors=("A. Author", "B. Author"),
    comment="5 pages",
    categories=("cs.SD",),
)
_ANOTHER_PAPER = _ANY_PAPER.model_copy(
    update={"title": "Another Heading", "abstract": "Other words."}
)
"""The same but for what a line can be written from."""


class Front(Record):
    """A variant's front matter."""

    description: str = Field(min_length=1)
    context: Context
    text_tokens: int = Field(ge=50)
    """The budget of `text`."""
    reply: Literal["json", "labelled"] = "json"
    reask: Literal["feedback", "resample"] = "feedback"
    """After a refused reply: tell the reasons, or draw another at a higher temperature."""
    temperature: float = Field(default=0.0, ge=0, le=2)
    max_tokens: int = Field(default=400, ge=20)
    examples: FewShot | None = None
    evidence: Literal["none", "quotes"] = "none"
    """Whether the reply has to quote the paper for each part of its line; JSON only."""

    @field_validator("evidence")
    @classmethod
    def _in_json(cls, evidence: str, info: ValidationInfo) -> str:
        if evidence == "quotes" and info.data.get("reply") == "labelled":
            raise ValueError("quotes come with reply: json alone")
        return evidence

    @property
    def pages_wanted(self) -> int | None:
        """How many pages of a PDF are enough for the text; None: all."""
        return pages_wanted(self.context, self.text_tokens)


_MADE = frozenset({"_templates"})
"""What a variant makes of itself when it is needed: another process makes its own."""


class Variant:
    """A checked prompt file. It can be pickled: templates are compiled where they are needed."""

    def __init__(
        self,
        path: Path,
        front: Front,
        parts: dict[str, str],
        examples: Examples | None,
        digest: str,
        user_line: int,
    ) -> None:
        self.name = path.stem
        self.front = front
        self.hash = digest
        self._path = path
        self._parts = parts
        self._examples = examples
        self._user_line = user_line

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name not in _MADE}

    @cached_property
    def _templates(self) -> dict[str, jinja2.Template]:
        return {part: _compiled(text, self._path) for part, text in self._parts.items()}

    @property
    def shown(self) -> tuple[Entry, ...]:
        """The few-shot examples that a paper which is not among them may see."""
        return self._examples.shown if self._examples else ()

    @property
    def examples_days(self) -> tuple[dt.date, ...]:
        """The days of their digests. Raises UsageError where a name has no date."""
        return self._examples.days if self._examples else ()

    @property
    def example_lines(self) -> tuple[tuple[str, str], ...]:
        """Base id and line of the few-shot examples."""
        return self._examples.lines if self._examples else ()

    def check(self) -> None:
        """Fill in made-up papers: what fails with them fails before any call is made.

        A prompt that is the same for two papers shows the model nothing to write about.
        """
        if self._filled(_ANY_PAPER) == self._filled(_ANOTHER_PAPER):
            raise PromptError(
                "shows nothing of the paper: the prompt is the same for every one",
                where=f"{self._path}:{self._user_line}",
                fix="Put {{ title }}, {{ abstract }} or {{ text }} into the part === user ===",
            )

    def _filled(self, paper: Paper) -> list[str]:
        values = self._values(paper, paper.abstract, "en")
        return [_render(template, values, self._path) for template in self._templates.values()]

    @property
    def wants_pdf(self) -> bool:
        """Whether the PDF is worth downloading."""
        return self.front.context != "abstract"

    def render(self, paper: Paper, text: PaperText, *, share: float = 1.0) -> Prompt:
        """The prompt for one paper, with a `share` of the text that it would have."""
        budget = self.front.text_tokens
        chosen = choose(text, self.front.context, budget)
        if share < 1:
            less = int(min(budget, tokens.count(chosen.text)) * share)
            chosen = choose(text, self.front.context, less)
        values = self._values(paper, chosen.text, text.language)
        system, user = (
            _render(self._templates[part], values, self._path) if part in self._parts else ""
            for part in ("system", "user")
        )
        return Prompt(
            variant=self.name,
            hash=self.hash,
            system=system,
            user=user,
            reply=self.front.reply,
            reask=self.front.reask,
            temperature=self.front.temperature,
            max_tokens=self.front.max_tokens,
            truncated=bool(chosen.cut),
            cut=chosen.cut,
            evidence=self.front.evidence == "quotes",
        )

    def _values(self, paper: Paper, body: str, language: str | None) -> dict[str, Any]:
        return {
            "title": as_data(paper.title),
            "authors": as_data("; ".join(paper.authors)),
            "abstract": as_data(paper.abstract),
            "comment": as_data(paper.comment or ""),
            "text": as_data(body),
            "language": language or "",
            "examples": self._examples.for_paper(paper) if self._examples else [],
            "vocabulary": taxonomy().categories,
        }


def with_profile(prompt: Prompt, profile: Profile) -> Prompt:
    """What the profile sets of a reply wins over the variant's own."""
    own = profile.model_dump(include={"temperature", "max_tokens"}, exclude_none=True)
    return prompt.model_copy(update=own)


def load_variant(name: str, prompts: Path, shown: Path | None = None) -> Variant:
    """The variant `NAME.md` in the folder `prompts`, or the file that `name` is.

    Where it shows examples they are those of `shown`, a digest in `prompts`, if that is given.
    Raises PromptError with file and line.
    """
    path = path_of(name, prompts)
    return variant_of(read_source(path, prompts), path, prompts, shown)


def path_of(name: str, prompts: Path) -> Path:
    """The file that a prompt's name, or its path, means."""
    return prompts / f"{name}.md" if is_prompt_name(name) else Path(name).expanduser()


def variant_of(source: str, path: Path, prompts: Path, shown: Path | None = None) -> Variant:
    """The variant that a file of this text at `path` would be. Raises PromptError."""
    folder = path.parent
    front_text, at = _split_front(source, path)
    front = _front(front_text, path)
    parts = _parts(source, at, path)
    if front.evidence == "quotes" and EVIDENCE not in source[at:]:
        raise PromptError(
            f"asks for evidence in its front matter and never says {EVIDENCE}",
            where=f"{path}:{_line_of(front_text, ('evidence',))}",
            fix=f"Say in the prompt what {EVIDENCE} has to be, as in prompts/evidence.md",
        )
    examples = None
    digest = hashlib.sha256(source.encode())
    if front.examples is not None:
        file = prompts / shown if shown else folder / front.examples.file
        line = _line_of(front_text, ("examples", "file"))
        examples = _examples(front.examples, file, where=f"{path}:{line}")
        digest.update(examples.content)
    user_line = next(
        _line(source, head.start()) for head in _PART.finditer(source, at) if head[1] == "user"
    )
    variant = Variant(path, front, parts, examples, digest.hexdigest()[:16], user_line)
    variant.check()
    return variant


def read_source(path: Path, folder: Path) -> str:
    """A prompt file's text. Raises PromptError; `folder` is where the others are."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        names = ", ".join(sorted(file.stem for file in folder.glob("*.md"))) or "none"
        raise PromptError("no such prompt", where=path, fix=f"There are: {names}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise PromptError(f"cannot be read: {one_line(error)}", where=path) from error


def _split_front(source: str, path: Path) -> tuple[str, int]:
    """The front matter, and where the parts begin."""
    front = _FRONT.match(source)
    if front is None:
        raise PromptError(
            "has no front matter", where=f"{path}:1", fix="Begin with --- lines around YAML"
        )
    return front[1], front.end()


def _front(text: str, path: Path) -> Front:
    try:
        return Front.model_validate(yaml.safe_load(text))
    except ValidationError as error:
        problem = error.errors()[0]
        name = ".".join(str(part) for part in problem["loc"]) or "front matter"
        line = _line_of(text, problem["loc"])
        what = problem["msg"].removeprefix("Value error, ")
        what = "unknown field" if problem["type"] == "extra_forbidden" else what
        raise PromptError(
            f"{name}: {one_line(what)}",
            where=f"{path}:{line}",
            fix=f"Fields: {', '.join(Front.model_fields)}",
        ) from error
    except (yaml.YAMLError, ValueError) as error:  # ValueError: a date like 2026-13-01
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 2 if mark else 2  # 1-based, after the opening ---
        reason = getattr(error, "problem", None) or error
        raise PromptError(f"not YAML: {reason}", where=f"{path}:{line}") from error


def _line_of(text: str, keys: Sequence[str | int]) -> int:
    """Where the innermost of `keys` that stands at a line's start is; 1 for none."""
    for key in reversed(keys):
        for number, line in enumerate(text.split("\n"), start=2):  # after the opening ---
            if line.strip().startswith(f"{key}:"):
                return number
    return 1


def _parts(source: str, at: int, path: Path) -> dict[str, str]:
    """The system and user templates, checked; each line has the number that it has in the file."""
    heads = list(_PART.finditer(source, at))
    ends = [head.start() for head in heads[1:]] + [len(source)]
    before = source[at : heads[0].start() if heads else len(source)]
    if before.strip() or not heads:
        at += len(before) - len(before.lstrip())
        raise PromptError(
            "text before the first part" if heads else "has no parts",
            where=f"{path}:{_line(source, at)}",
            fix="Parts begin with a line === system === or === user ===",
        )
    parts: dict[str, str] = {}
    for head, end in zip(heads, ends, strict=True):
        name, line = head[1], _line(source, head.end())
        if name not in {"system", "user"} or name in parts:
            raise PromptError(
                f"part {name!r} is unknown or stands twice",
                where=f"{path}:{line - 1}",
                fix="The parts are system and user",
            )
        parts[name] = "\n" * (line - 1) + source[head.end() : end]
        _check_names(parts[name], path)
    if "user" not in parts:
        raise PromptError("has no part === user ===", where=path)
    return parts


def _line(source: str, at: int) -> int:
    return source.count("\n", 0, at) + 1


def _environment() -> jinja2.Environment:
    return jinja2.sandbox.SandboxedEnvironment(
        undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=False
    )


def _check_names(text: str, path: Path) -> None:
    with _syntax_told(path):
        tree = _environment().parse(text)
        undefined = jinja2.meta.find_undeclared_variables(tree) - VARIABLES
    if undefined:
        name = min(undefined)
        line = min(n.lineno for n in tree.find_all(jinja2.nodes.Name) if n.name == name)
        raise PromptError(
            f"undefined variable {name!r}",
            where=f"{path}:{line}",
            fix=f"There are: {', '.join(sorted(VARIABLES))}",
        )


def _compiled(text: str, path: Path) -> jinja2.Template:
    with _syntax_told(path):
        template = _environment().from_string(text)
    template.globals = dict(template.globals)  # each rendering copies a chain ten times slower
    return template


@contextmanager
def _syntax_told(path: Path) -> Iterator[None]:
    try:
        yield
    except jinja2.TemplateSyntaxError as error:
        raise PromptError(
            f"not a template: {one_line(error.message)}", where=f"{path}:{error.lineno}"
        ) from error


def _render(template: jinja2.Template, values: dict[str, Any], path: Path) -> str:
    """The part, ended by one line feed."""
    try:
        return template.render(values).strip("\n") + "\n"
    except Exception as error:  # an expression in a template can fail in every way that Python can
        frames = traceback.extract_tb(error.__traceback__)
        line = max((f.lineno or 1 for f in frames if f.filename == "<template>"), default=1)
        raise PromptError(
            f"cannot be filled in: {one_line(error)}", where=f"{path}:{line}"
        ) from error


def _examples(few: FewShot, file: Path, where: str) -> Examples:
    try:
        return load_examples(few, file)
    except JianjieError as error:
        raise PromptError(f"examples cannot be read: {error}", where=where) from error
