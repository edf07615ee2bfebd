"""A workflow for a clone of jianjie on GitHub: the run, the branch of its outputs, the Pages."""

from __future__ import annotations

import json
from pathlib import Path

from pipeline.errors import UsageError
from pipeline.schedule.install import put
from pipeline.schedule.job import Job, render, require_printable
from pipeline.settings import EmbeddedProfile

WORKFLOW = Path(".github/workflows/jianjie.yml")
_NEEDED = ("pyproject.toml", "requirements/build.txt", "requirements/run.txt")
ACTIONS = {
    "checkout": "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1",
    "setup_python": "actions/setup-python@5fda3b95a4ea91299a34e894583c3862153e4b97 # v7.0.0",
    "upload_artifact": "actions/upload-artifact@bbbca2ddaa5d8feaa63e36b76fdaad77386f024f # v7.0.0",
    "download_artifact": (
        "actions/download-artifact@3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c # v8.0.1"
    ),
    "upload_pages_artifact": (
        "actions/upload-pages-artifact@fc324d3547104276b827a68afc52ff2a11cc49c9 # v5.0.0"
    ),
    "deploy_pages": "actions/deploy-pages@cd2ce8fcbc39b97be8ca5fce6e763baed58fa128 # v5.0.0",
}
"""By commit: as the tags stood in copies of these repositories in November 2026."""


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
        actions=ACTIONS,
        requirements=_requirements(job),
        contact=settings.arxiv.contact,
        address=settings.site.url,
    )


def install(text: str, clone: Path) -> bool:
    """Write the workflow; whether anything changed. Raises UsageError, OutputError."""
    return put(clone / WORKFLOW, text)


def _requirements(job: Job) -> str:
    """The options of pip that name what the run needs; `make hashes` writes the files."""
    own = {
        "run": True,
        "embedded": isinstance(job.settings.profile, EmbeddedProfile),
        "library": bool(job.settings.library.files),
        "messages": bool(job.settings.messages.to_env),
    }
    names = [name for name, needed in own.items() if needed]
    return "".join(f" --requirement requirements/{name}.txt" for name in names)


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
