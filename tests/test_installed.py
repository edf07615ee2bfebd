"""As a stranger has it: built, installed into an environment of its own, used in empty folders."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest
import yaml
from packaging.metadata import Metadata

from tests.conftest import ROOT
from tests.standins.model import StandInModel


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the sources, as a release has them."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def installed(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The installed command. What jianjie needs is this environment's; jianjie itself is not."""
    home = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(home)], check=True)
    (wheel,) = built.glob("*.whl")
    python = home / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet"]
    subprocess.run([*pip, "--no-deps", "--no-index", str(wheel)], check=True)
    (packages,) = (home / "lib").glob("python*/site-packages")
    (packages / "needed.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    return home / "bin" / "jianjie"


def jianjie(
    command: Path, folder: Path, *arguments: str, **variables: str
) -> subprocess.CompletedProcess[str]:
    own = ("JIANJIE_", "_API_KEY", "PYTHONPATH")
    kept = {name: value for name, value in os.environ.items() if not any(o in name for o in own)}
    return subprocess.run(
        [command, *arguments],
        cwd=folder,
        env={**kept, **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def test_the_wheel_has_each_file_once_and_from_where_it_stands(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        assert len(names) == len(set(names))
        shipped = {name for name in names if name.startswith("pipeline/shipped/")}
        assert {f"pipeline/shipped/prompts/{name}.md" for name in ("default", "builtin")} < shipped
        for name in shipped:
            own = ROOT / name.removeprefix("pipeline/shipped/")
            assert archive.read(name) == own.read_bytes(), name
    assert not any("outputs" in name or "tests" in name for name in names)


def test_wheel_and_sources_pass_the_checks_of_those_who_publish(built: Path) -> None:
    (wheel,), (sources,) = built.glob("*.whl"), built.glob("*.tar.gz")
    command = [sys.executable, "-m", "check_wheel_contents", str(wheel)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (one for one in archive.namelist() if one.endswith(".dist-info/METADATA"))
        told = archive.read(name)
    with tarfile.open(sources) as archive:
        names = archive.getnames()
        own = archive.extractfile(f"{names[0].partition('/')[0]}/PKG-INFO")
        assert own is not None
        assert own.read() == told
    metadata = Metadata.from_email(told, validate=True)
    assert metadata.description_content_type == "text/markdown"
    assert metadata.license_expression == "Apache-2.0"
    assert any(name.endswith("/prompts/examples/20260107-audio.md") for name in names)


def test_a_folder_made_by_init_runs_the_example_day(installed: Path, tmp_path: Path) -> None:
    made = jianjie(installed, tmp_path, "init", "digest")
    assert made.returncode == 0, made.stderr
    # What it says to type can be typed, also where the command is not in the PATH.
    doctor = made.stdout.splitlines()[-2].strip()
    assert doctor == f"cd digest && {installed} doctor"
    home = tmp_path / "digest"
    with StandInModel() as model:
        settings = yaml.safe_load((home / "config.yaml").read_text(encoding="utf-8"))
        settings["models"]["own"] = {"base_url": model.url, "model": "m", "token_factor": 1.0}
        (home / "config.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
        done = jianjie(installed, home, "demo", "--model", "own")
        text = jianjie(installed, home, "demo", "--model", "own", "--field", "text")
        nobodys = jianjie(installed, home, "demo", "--model", "own", "--field", "video")
    assert done.returncode == 0, done.stderr
    assert "26 (26 from the PDF, 0 from the abstract)" in done.stdout
    assert text.returncode == 0, text.stderr
    assert "6 papers that nobody wrote" in text.stdout
    assert "6 (6 from the PDF, 0 from the abstract)" in text.stdout
    for field in ("audio", "text"):
        assert (home / "outputs" / "2026-01-07" / f"{field}.md").is_file()
    assert nobodys.returncode == 2
    assert "--field: no example day of 'video'. There are: audio, text" in nobodys.stderr


def test_an_empty_folder_has_the_shipped_settings_and_what_needs_its_own_says_so(
    installed: Path, tmp_path: Path
) -> None:
    for command in (["run"], ["reprocess", "2601.02954"], ["render"], ["schedule", "cron"]):
        refused = jianjie(installed, tmp_path, *command)
        assert refused.returncode == 2
        assert refused.stderr == (
            "jianjie: config.yaml: no such file. Make one: jianjie init; or give --config FILE\n"
        )
    planned = jianjie(installed, tmp_path, "evaluate", "builtin", "zero-shot", "--dry-run")
    assert planned.returncode == 0, planned.stderr
    assert [path.name for path in tmp_path.iterdir()] in ([], ["outputs"])


@pytest.mark.long
def test_the_demo_runs_in_an_empty_folder(installed: Path, tmp_path: Path) -> None:
    done = jianjie(installed, tmp_path, "demo")
    assert done.returncode == 0, done.stderr
    assert "done        │ 26 (26 from the PDF, 0 from the abstract)" in done.stdout
    *_, show, evaluate, init = done.stdout.splitlines()
    for line in (show, f"{evaluate} --dry-run", init):
        again = jianjie(installed, tmp_path, *line.split()[1:])
        assert again.returncode == 0, again.stderr
    assert (tmp_path / "digest" / "config.yaml").is_file()
