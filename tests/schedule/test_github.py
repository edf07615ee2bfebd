"""The workflow: its schema, and its git steps against a real repository."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.errors import UsageError
from pipeline.schedule.github import workflow
from pipeline.schedule.job import Job
from tests.conftest import ROOT
from tests.schedule.conftest import make_job

BRANCH = "jianjie-outputs"
SCHEMA = "vendor.github-workflows"
"""schemastore.org's, in the package check-jsonschema."""


def in_clone(clone: Path, outputs: str = "outputs", **changes: object) -> Job:
    """The job of a folder that looks like a clone of jianjie."""
    clone.mkdir(exist_ok=True)
    for name in ("pyproject.toml", "constraints.txt"):
        (clone / name).touch()
    settings = make_job(clone).settings
    paths = settings.paths.model_copy(update={"outputs": clone / outputs})
    own = settings.model_copy(update={"paths": paths})
    return make_job(clone, **({"settings": own} | changes))


def parsed(text: str) -> Any:
    return yaml.load(text, Loader=yaml.BaseLoader)


def check(path: Path, text: str) -> subprocess.CompletedProcess[str]:
    path.write_text(text, encoding="utf-8")
    return subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", SCHEMA, path],
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_keeps_the_schema_of_workflows(tmp_path: Path) -> None:
    text = workflow(in_clone(tmp_path / "clone"), tmp_path / "clone")
    done = check(tmp_path / "jianjie.yml", text)
    assert done.returncode == 0, done.stdout
    for right, wrong in {"timezone:": "time-zone:", "runs-on:": "run-on:"}.items():
        assert check(tmp_path / "wrong.yml", text.replace(right, wrong)).returncode != 0


def test_it_starts_every_listing_night_on_new_yorks_clock(tmp_path: Path) -> None:
    document = parsed(workflow(in_clone(tmp_path), tmp_path))
    (start,) = document["on"]["schedule"]
    assert start == {"cron": "30 0 * * 1-5", "timezone": "America/New_York"}


def test_each_job_may_do_no_more_than_it_has_to(tmp_path: Path) -> None:
    document = parsed(workflow(in_clone(tmp_path), tmp_path))
    assert document["permissions"] == {}
    granted = {name: job["permissions"] for name, job in document["jobs"].items()}
    assert granted == {
        "night": {"contents": "write", "pages": "read"},
        "publish": {"pages": "write", "id-token": "write"},
    }


def test_the_run_gets_model_and_keys_by_name(tmp_path: Path) -> None:
    job = in_clone(tmp_path, config=tmp_path / "sub" / "config.yaml")
    messages = job.settings.messages.model_copy(update={"to_env": ("MY_MAIL",)})
    settings = job.settings.model_copy(update={"messages": messages})
    job = job.model_copy(update={"settings": settings})
    text = workflow(job, tmp_path)
    assert step(text, "The night")["env"] == {
        "JIANJIE_CONFIG": "sub/config.yaml",
        "JIANJIE_MODEL": "deepseek",
        "JIANJIE_ARXIV__CONTACT": "${{ github.server_url }}/${{ github.repository }}",
        "JIANJIE_SITE__URL": "${{ steps.pages.outputs.base_url }}",
        "DEEPSEEK_API_KEY": "${{ secrets.DEEPSEEK_API_KEY }}",
        "MY_MAIL": "${{ secrets.MY_MAIL }}",
    }
    assert "'.[messages]'" in step(text, "Install")["run"]


def test_the_builtin_model_is_installed_and_needs_no_secret(tmp_path: Path) -> None:
    settings = in_clone(tmp_path).settings.model_copy(update={"model": "builtin"})
    text = workflow(in_clone(tmp_path, settings=settings, model=None), tmp_path)
    assert "'.[embedded]'" in step(text, "Install")["run"]
    assert "secrets." not in text
    assert "JIANJIE_MODEL" not in text


def test_a_night_that_owes_papers_is_kept_and_published(tmp_path: Path) -> None:
    """No step after the run and no job may wait for its success."""
    document = parsed(workflow(in_clone(tmp_path), tmp_path))
    steps = document["jobs"]["night"]["steps"]
    after = steps[[each.get("name") for each in steps].index("The night") + 1 :]
    assert [each["name"] for each in after] == ["Keep the outputs", "Pack the site"]
    assert {each["if"] for each in after} == {"${{ always() && steps.store.outcome == 'success' }}"}
    assert document["jobs"]["publish"]["if"].startswith("${{ always() &&")


# The git steps, really run


class Repository:
    """GitHub as a folder, and one runner's checkout after the other."""

    def __init__(self, folder: Path, outputs: str) -> None:
        self.folder, self.origin, self.outputs = folder, folder / "origin.git", outputs
        self.runners = 0
        first = folder / "first"
        git("init", "--quiet", "--bare", "--initial-branch=main", self.origin)
        git("clone", "--quiet", self.origin, first)
        self.text = workflow(in_clone(first, outputs), first)
        (first / outputs).mkdir(parents=True)
        (first / outputs / ".gitkeep").touch()
        git("-C", first, "add", "--force", ".")
        git("-C", first, "commit", "--quiet", "--message=jianjie")
        git("-C", first, "push", "--quiet", "origin", "HEAD:main")

    def runner(self) -> Path:
        self.runners += 1
        clone = self.folder / f"runner {self.runners}"
        git("clone", "--quiet", "--depth=1", f"file://{self.origin}", clone)
        return clone

    def run(self, name: str, clone: Path) -> subprocess.CompletedProcess[str]:
        """The step as GitHub runs it: bash -e."""
        script = self.folder / "step.sh"
        script.write_text(step(self.text, name)["run"], encoding="utf-8")
        job = parsed(self.text)["jobs"]["night"]
        return subprocess.run(
            ["bash", "-e", script],
            cwd=clone,
            env=quiet_git() | job["env"],
            capture_output=True,
            text=True,
            check=False,
        )

    def kept(self, path: str) -> str:
        return git("-C", self.origin, "show", f"{BRANCH}:{path}")


@pytest.fixture(params=["outputs", "my digests/the 'outputs'"])
def repository(tmp_path: Path, request: pytest.FixtureRequest) -> Repository:
    return Repository(tmp_path, request.param)


def test_the_outputs_outlive_the_runner(repository: Repository) -> None:
    for night in ("first", "second"):
        clone = repository.runner()
        begun = repository.run("The outputs of the nights before", clone)
        assert begun.returncode == 0, begun.stderr
        outputs = clone / repository.outputs
        assert (outputs / "store").exists() == (night == "second")
        assert not (outputs / "pyproject.toml").exists()
        with (outputs / "store").open("a") as file:
            file.write(f"{night}\n")
        (outputs / "logs").mkdir()
        (outputs / "logs" / "today.jsonl").touch()
        (outputs / ".lock").touch()
        done = repository.run("Keep the outputs", clone)
        assert done.returncode == 0, done.stderr
    assert repository.kept("store") == "first\nsecond\n"
    listed = git("-C", repository.origin, "ls-tree", "-r", "--name-only", BRANCH)
    assert listed == "store\n"
    assert git("-C", repository.origin, "rev-list", "--count", BRANCH) == "2\n"
    assert git("-C", repository.origin, "rev-list", "--count", "main") == "1\n"


def test_a_night_without_news_adds_no_commit(repository: Repository) -> None:
    for _ in range(2):
        clone = repository.runner()
        assert repository.run("The outputs of the nights before", clone).returncode == 0
        (clone / repository.outputs / "store").write_text("the same")
        assert repository.run("Keep the outputs", clone).returncode == 0
    assert git("-C", repository.origin, "rev-list", "--count", BRANCH) == "1\n"


def test_github_out_of_reach_is_no_first_night(repository: Repository) -> None:
    clone = repository.runner()
    repository.origin.rename(repository.folder / "away.git")
    assert repository.run("The outputs of the nights before", clone).returncode not in (0, 2)


def step(text: str, name: str) -> Any:
    steps = parsed(text)["jobs"]["night"]["steps"]
    (found,) = (each for each in steps if each.get("name") == name)
    return found


def quiet_git() -> dict[str, str]:
    """No setting of this machine's user."""
    who = {
        f"GIT_{role}_{what}": "t@example.org"
        for role in ("AUTHOR", "COMMITTER")
        for what in ("NAME", "EMAIL")
    }
    return {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1"} | who


def git(*words: str | Path) -> str:
    done = subprocess.run(
        ["git", *words], env=quiet_git(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


# What it refuses


def test_outside_a_clone_it_says_where_to_go(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="root of your clone"):
        workflow(make_job(tmp_path), tmp_path)


def test_settings_and_outputs_have_to_be_in_the_clone(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not in the clone"):
        workflow(in_clone(tmp_path, config=ROOT / "config.yaml"), tmp_path)
    with pytest.raises(UsageError, match="is not in the clone"):
        workflow(in_clone(tmp_path, outputs="../elsewhere"), tmp_path)
    with pytest.raises(UsageError, match="is the clone itself"):
        workflow(in_clone(tmp_path, outputs="."), tmp_path)


def test_a_name_that_github_would_compute_or_no_line_can_hold_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="for its own"):
        workflow(in_clone(tmp_path, outputs="${{ secrets.X }}"), tmp_path)
    with pytest.raises(UsageError, match="cannot hold"):
        workflow(in_clone(tmp_path, outputs="a\nb"), tmp_path)
