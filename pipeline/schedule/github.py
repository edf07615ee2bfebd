"""A workflow for a clone of jianjie on GitHub: the run, the branch of its outputs, the Pages."""

from __future__ import annotations

import json
from pathlib import Path

from pipeline.errors import UsageError
from pipeline.schedule.install import put
from pipeline.schedule.job import Job, render, require_printable
from pipeline.settings import EmbeddedProfile

WORKFLOW = Path(".github/workflows/jianjie.yml")
_NEEDED = ("pyproject.toml", "constraints.txt")


def workflow(job: Job, clone: Path) -> str:
    """The file's text, for the clone in folder `clone`. Raises UsageError if it is none."""
    for name in _NEEDED:
        if not (clone / name).is_file():
            raise UsageError(
                f"has no {name}", where=clone, fix="Go to the root of your clone of jianjie"
            )
    settings = job.settings
    return render(
        "workflow.yml.jinja",
        job=job,
        config=_inside(clone, job.config),
        outputs=_inside(clone, settings.paths.outputs),
        model=_quoted(job.model) if job.model else "",
        extras=_extras(job),
        contact=settings.arxiv.contact,
        address=settings.site.url,
    )


def install(text: str, clone: Path) -> bool:
    """Write the workflow; whether anything changed. Raises UsageError, OutputError."""
    return put(clone / WORKFLOW, text)


def _extras(job: Job) -> str:
    wanted = {
        "embedded": isinstance(job.settings.profile, EmbeddedProfile),
        "messages": bool(job.settings.messages.to_env),
    }
    chosen = ",".join(name for name, needed in wanted.items() if needed)
    return f"[{chosen}]" if chosen else ""


def _inside(clone: Path, path: Path) -> str:
    """Relative to the clone, for YAML. Raises UsageError where GitHub will not have it."""
    try:
        relative = path.resolve().relative_to(clone.resolve())
    except ValueError as error:
        raise UsageError(
            "is not in the clone", where=path, fix=f"Only what is below {clone} is on GitHub"
        ) from error
    if relative == Path():
        raise UsageError("is the clone itself", where=path, fix="Name a folder in it")
    return _quoted(relative.as_posix())


def _quoted(text: str) -> str:
    """A YAML string, which JSON's is. Raises UsageError where GitHub would compute it."""
    require_printable(text)
    if "${{" in text:
        raise UsageError("GitHub takes ${{ for its own", where=text, fix="Rename it")
    return json.dumps(text, ensure_ascii=False)
