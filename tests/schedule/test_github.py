"""The workflow: its schema, and its git steps against a real repository."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
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
    (clone / "requirements").mkdir(exist_ok=True)
    for name in ("pyproject.toml", "requirements/build.txt", "requirements/run.txt"):
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
        "night": {"contents": "read", "pages": "read"},
        "keep": {"contents": "write"},
        "publish": {"pages": "write", "id-token": "write"},
    }


def test_no_job_that_may_write_has_a_key_or_runs_what_is_installed(tmp_path: Path) -> None:
    document = parsed(workflow(in_clone(tmp_path), tmp_path))
    assert "DEEPSEEK_API_KEY" in str(document["jobs"].pop("night"))
    for job in document["jobs"].values():
        assert "secrets." not in str(job)
        for each in job["steps"]:
            assert not re.search(r"\b(pip install|jianjie run)\b", each.get("run", ""))


def test_no_token_is_left_where_the_night_could_find_it(tmp_path: Path) -> None:
    document = parsed(workflow(in_clone(tmp_path), tmp_path))
    steps = document["jobs"]["night"]["steps"]
    assert steps[0]["with"] == {"persist-credentials": "false"}
    for each in [document["jobs"]["night"]["env"], step(document, "The night")["env"]]:
        assert "github.token" not in str(each)


def test_every_action_is_named_by_its_commit_and_version(tmp_path: Path) -> None:
    text = workflow(in_clone(tmp_path), tmp_path)
    used = re.findall(r"uses: (.*)", text)
    assert len(used) == text.count("uses:") == 7
    for action in used:
        assert re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action)


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
        "JIANJIE_SITE__URL": "${{ steps.pages.outputs.url }}",
        "DEEPSEEK_API_KEY": "${{ secrets.DEEPSEEK_API_KEY }}",
        "MY_MAIL": "${{ secrets.MY_MAIL }}",
    }
    assert installed_from(text) == {"build", "run", "messages"}


def test_the_builtin_model_is_installed_and_needs_no_secret(tmp_path: Path) -> None:
    settings = in_clone(tmp_path).settings.model_copy(update={"model": "builtin"})
    text = workflow(in_clone(tmp_path, settings=settings, model=None), tmp_path)
    assert installed_from(text) == {"build", "run", "embedded"}
    assert "secrets." not in text
    assert "JIANJIE_MODEL" not in text


def test_a_night_that_owes_papers_is_kept_and_published(tmp_path: Path) -> None:
    """No step after the run and no job may wait for its success."""
    document = parsed(workflow(in_clone(tmp_path), tmp_path))
    steps = document["jobs"]["night"]["steps"]
    after = steps[[each.get("name") for each in steps].index("The night") + 1 :]
    assert [each["name"] for each in after] == ["Pack the outputs", "Hand them on"]
    assert [each["if"] for each in after] == [
        "${{ always() && steps.store.outcome == 'success' }}",
        "${{ always() && steps.packed.outcome == 'success' }}",
    ]
    assert document["jobs"]["keep"]["if"].startswith("${{ always() &&")
    assert document["jobs"]["publish"]["if"].startswith("${{ always() &&")


def test_a_site_is_published_also_where_the_branch_cannot_be_pushed(tmp_path: Path) -> None:
    site = step(workflow(in_clone(tmp_path), tmp_path), "Pack the site")
    assert site["if"] == "${{ always() && steps.apart.outcome == 'success' }}"


def installed_from(text: str) -> set[str]:
    """The files of requirements/ that the workflow installs, each with its hashes."""
    *with_hashes, jianjie = step(text, "Install")["run"].splitlines()
    assert all(" --require-hashes --no-deps " in line for line in with_hashes)
    assert jianjie.endswith(" install --no-index --no-deps --no-build-isolation .")
    return {name for line in with_hashes for name in re.findall(r"requirements/(\w+)\.txt", line)}


# The steps, really run


class Repository:
    """GitHub as a folder, and one runner after the other."""

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

    def runner(self) -> Runner:
        self.runners += 1
        return Runner(self, self.folder / f"runner {self.runners}")

    def kept(self, path: str) -> str:
        return git("-C", self.origin, "show", f"{BRANCH}:{path}")


class Runner:
    """A fresh machine with a checkout."""

    def __init__(self, repository: Repository, folder: Path) -> None:
        self.repository, self.clone, self.temp = repository, folder / "clone", folder / "temp"
        self.said = folder / "said"
        self.temp.mkdir(parents=True)
        git("clone", "--quiet", "--depth=1", f"file://{repository.origin}", self.clone)
        unpack = self.clone / "pipeline/schedule/unpack.py"
        unpack.parent.mkdir(parents=True)
        shutil.copy(ROOT / "pipeline/schedule/unpack.py", unpack)

    @property
    def outputs(self) -> Path:
        return self.clone / self.repository.outputs

    @property
    def base(self) -> str:
        """What the night's job hands on beside the artifact."""
        return self.said.read_text(encoding="utf-8").strip().removeprefix("base=")

    def run(self, name: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """The step as GitHub runs it: bash -e."""
        script = self.temp / "step.sh"
        text = self.repository.text
        script.write_text(step(text, name)["run"], encoding="utf-8")
        own = {"RUNNER_TEMP": str(self.temp), "GITHUB_OUTPUT": str(self.said)}
        own["REMOTE"] = f"file://{self.repository.origin}"
        return subprocess.run(
            ["bash", "-e", script],
            cwd=self.clone,
            env=quiet_git() | parsed(text)["jobs"]["night"]["env"] | own | variables,
            capture_output=True,
            text=True,
            check=False,
        )

    def begin(self) -> None:
        begun = self.run("The outputs of the nights before")
        assert begun.returncode == 0, begun.stderr

    def hand_on(self) -> Runner:
        """A machine that has downloaded, as it is, what this one has packed and uploaded."""
        packed = self.run("Pack the outputs")
        assert packed.returncode == 0, packed.stderr
        other = self.repository.runner()
        (other.temp / "artifact").mkdir()
        with zipfile.ZipFile(other.temp / "artifact" / "outputs.zip", "w") as archive:
            archive.write(self.temp / "outputs.tar", "outputs.tar")
        return other

    def keep(self, base: str) -> subprocess.CompletedProcess[str]:
        """Both steps of the job that may write."""
        apart = self.run("Take them apart")
        return self.run("Keep the outputs", BASE=base) if apart.returncode == 0 else apart


@pytest.fixture(params=["outputs", "my digests/the 'outputs'"])
def repository(tmp_path: Path, request: pytest.FixtureRequest) -> Repository:
    return Repository(tmp_path, request.param)


def test_the_outputs_outlive_the_runner(repository: Repository) -> None:
    for night in ("first", "second"):
        runner = repository.runner()
        runner.begin()
        outputs = runner.outputs
        assert (outputs / "store").exists() == (night == "second")
        assert not (outputs / "pyproject.toml").exists()
        with (outputs / "store").open("a") as file:
            file.write(f"{night}\n")
        (outputs / "store").chmod(0o600)
        (outputs / "logs").mkdir()
        (outputs / "logs" / "today.jsonl").touch()
        (outputs / "site").mkdir(exist_ok=True)
        (outputs / "site" / ".made-with").touch()
        (outputs / ".lock").touch()
        (outputs / ".digest.md.x.part").touch()
        done = runner.hand_on().keep(runner.base)
        assert done.returncode == 0, done.stderr
    assert repository.kept("store") == "first\nsecond\n"
    listed = git("-C", repository.origin, "ls-tree", "-r", "--name-only", BRANCH)
    assert listed == "site/.made-with\nstore\n"
    assert git("-C", repository.origin, "rev-list", "--count", BRANCH) == "2\n"
    assert git("-C", repository.origin, "rev-list", "--count", "main") == "1\n"


def test_what_is_gone_from_the_outputs_is_gone_from_the_branch(repository: Repository) -> None:
    for names in (("a", "b"), ("b",)):
        runner = repository.runner()
        runner.begin()
        (runner.outputs / "a").unlink(missing_ok=True)
        for name in names:
            (runner.outputs / name).write_text(str(names))
        assert runner.hand_on().keep(runner.base).returncode == 0
    assert git("-C", repository.origin, "ls-tree", "-r", "--name-only", BRANCH) == "b\n"


def test_a_night_without_news_adds_no_commit(repository: Repository) -> None:
    for _ in range(2):
        runner = repository.runner()
        runner.begin()
        (runner.outputs / "store").write_text("the same")
        assert runner.hand_on().keep(runner.base).returncode == 0
    assert git("-C", repository.origin, "rev-list", "--count", BRANCH) == "1\n"


def test_an_old_night_that_is_handed_on_again_takes_no_newer_ones_place(
    repository: Repository,
) -> None:
    late = repository.runner()
    late.begin()
    (late.outputs / "store").write_text("old")
    waiting = late.hand_on()
    newer = repository.runner()
    newer.begin()
    (newer.outputs / "store").write_text("new")
    assert newer.hand_on().keep(newer.base).returncode == 0
    done = waiting.keep(late.base)
    assert done.returncode == 1
    assert "has moved on" in done.stderr
    assert repository.kept("store") == "new"


def test_github_out_of_reach_is_no_first_night(repository: Repository) -> None:
    runner = repository.runner()
    repository.origin.rename(repository.folder / "away.git")
    assert runner.run("The outputs of the nights before").returncode not in (0, 2)


def test_a_token_is_asked_for_by_git_and_nowhere_written_down(repository: Repository) -> None:
    for name in ("The outputs of the nights before", "Keep the outputs"):
        own = {key: str(value) for key, value in step(repository.text, name)["env"].items()}
        asked = subprocess.run(
            ["git", "credential", "fill"],
            input="protocol=https\nhost=example.org\n\n",
            env=quiet_git() | own | {"TOKEN": "ghs_token"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert "username=x-access-token\npassword=ghs_token\n" in asked.stdout, asked.stderr
    runner = repository.runner()
    runner.begin()
    for path in (*runner.temp.rglob("*"), *runner.clone.rglob("*")):
        assert path.is_dir() or b"ghs_" not in path.read_bytes()


class Api(BaseHTTPRequestHandler):
    """GitHub's: one address is known."""

    def do_GET(self) -> None:
        known = self.path == "/repos/you/jianjie/pages"
        allowed = self.headers["Authorization"] == "Bearer ghs_token"
        self.send_response(200 if known and allowed else 404)
        self.end_headers()
        self.wfile.write(b'{"url": "x", "html_url": "https://you.example.org/jianjie/"}')

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.mark.parametrize(("name", "status"), [("you/jianjie", 0), ("you/other", 22)])
def test_the_address_of_the_pages(repository: Repository, name: str, status: int) -> None:
    if shutil.which("curl") is None:
        pytest.skip("no curl here")
    runner = repository.runner()
    with ThreadingHTTPServer(("127.0.0.1", 0), Api) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        done = runner.run(
            "The address of the Pages",
            GITHUB_API_URL=f"http://127.0.0.1:{server.server_port}",
            GITHUB_REPOSITORY=name,
            TOKEN="ghs_token",
        )
        server.shutdown()
    assert done.returncode == status, done.stderr
    said = runner.said.read_text() if runner.said.exists() else ""
    assert said == ("url=https://you.example.org/jianjie\n" if status == 0 else "")


def step(document: Any, name: str) -> Any:
    """The one of that name, of any job; of a text or of what it parses to."""
    jobs = (parsed(document) if isinstance(document, str) else document)["jobs"].values()
    (found,) = (each for job in jobs for each in job["steps"] if each.get("name") == name)
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
