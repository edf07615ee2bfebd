"""A folder of one's own: written once, never over anything, and compared with a newer version's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from pipeline.cli import init as command
from pipeline.cli.main import app
from pipeline.config import load_config
from pipeline.errors import JianjieError, UsageError
from pipeline.prompt.variant import load_variant
from pipeline.shipped import shipped_files


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def made(*arguments: str) -> Result:
    result = CliRunner().invoke(app, ["init", *arguments])
    if isinstance(result.exception, JianjieError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result


def test_all_is_there_and_can_be_used(folder: Path) -> None:
    result = made("digest", "--model", "deepseek")
    home = folder / "digest"
    settings = load_config(home / "config.yaml")
    assert settings.model == "deepseek"
    assert settings.paths.outputs == home / "outputs"
    names = {path.stem for path in (home / "prompts").glob("*.md")}
    assert {"default", "builtin", "zero-shot"} <= names
    for name in names:
        load_variant(name, settings.paths.prompts)
    assert (home / "keys.env").stat().st_mode & 0o777 == 0o600
    assert "export DEEPSEEK_API_KEY=\n" in (home / "keys.env").read_text(encoding="utf-8")
    assert "keys.env" in (home / ".gitignore").read_text(encoding="utf-8").split()
    *_, first, second = result.output.splitlines()
    assert first.split() == ["${EDITOR:-nano}", "digest/keys.env"]
    assert second.strip().startswith("cd digest && . ./keys.env && ")


def test_without_a_choice_the_settings_are_the_shipped_ones(folder: Path) -> None:
    made()
    for name, path in shipped_files().items():
        assert (folder / name).read_bytes() == path.read_bytes(), name


def test_fields_keep_every_comment_of_the_settings(folder: Path) -> None:
    made("--field", "text:文本:cs.CL", "--field", "video:视频:cs.CV,eess.IV")
    settings = load_config(folder / "config.yaml")
    assert {name: (own.name, own.categories) for name, own in settings.fields.items()} == {
        "text": ("文本", ("cs.CL",)),
        "video": ("视频", ("cs.CV", "eess.IV")),
    }
    shipped = shipped_files()["config.yaml"].read_text(encoding="utf-8")
    written = (folder / "config.yaml").read_text(encoding="utf-8")
    comments = [line for line in shipped.splitlines() if "#" in line]
    assert [line for line in written.splitlines() if "#" in line] == comments


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--field", "audio"), "--field: 'audio' is not NAME:中文:CATEGORIES"),
        (("--field", "a:音频:cs.SDD"), "nearest: "),
        (("--model", "gpt"), "no profile of this name in `models`"),
        (("--model", "x: y"), "gpt-5"),
        (("--model", "builtin\nretry_days: -1"), "retry_days"),
        (("--write",), "--write: has no effect alone"),
        (("--upgrade", "--model", "qwen"), "--upgrade: keeps model and fields"),
        (("--upgrade",), "was not made by jianjie init"),
    ],
)
def test_a_mistake_is_told_and_nothing_is_written(
    folder: Path, arguments: tuple[str, ...], said: str
) -> None:
    with pytest.raises(UsageError) as caught:
        made(*arguments)
    assert "\n" not in str(caught.value)
    if said != "gpt-5":
        assert said in str(caught.value)
    assert list(folder.iterdir()) == []


def test_nothing_is_overwritten(folder: Path) -> None:
    (folder / "config.yaml").write_text("mine", encoding="utf-8")
    (folder / "keys.env").write_text("secret", encoding="utf-8")
    result = made()
    assert (folder / "config.yaml").read_text(encoding="utf-8") == "mine"
    assert (folder / "keys.env").read_text(encoding="utf-8") == "secret"
    assert "config.yaml kept: it is there" in result.output
    made()
    assert (folder / "config.yaml").read_text(encoding="utf-8") == "mine"


def test_what_was_removed_is_written_again_with_the_same_choices(folder: Path) -> None:
    made("--model", "qwen")
    (folder / "config.yaml").unlink()
    made()
    assert load_config(folder / "config.yaml").model == "qwen"


def newer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, **texts: str) -> None:
    """A version whose files differ."""
    files = shipped_files()
    for number, (name, text) in enumerate(texts.items()):
        files[name] = tmp_path / f"newer-{number}"
        files[name].write_text(text, encoding="utf-8")
    monkeypatch.setattr("pipeline.shipped.shipped_files", lambda: files)


def test_an_upgrade_shows_the_new_defaults_of_untouched_files(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    made("--model", "qwen")
    assert "nothing to take over" in made("--upgrade").output
    default, builtin = ("prompts/default.md", "prompts/builtin.md")
    old = {name: (folder / name).read_text(encoding="utf-8") for name in (default, builtin)}
    config = (folder / "config.yaml").read_text(encoding="utf-8")
    (folder / builtin).write_text(old[builtin] + "mine\n", encoding="utf-8")
    shipped = shipped_files()["config.yaml"].read_text(encoding="utf-8")
    newer(
        monkeypatch,
        tmp_path_factory.mktemp("newer"),
        **{
            "config.yaml": shipped.replace("catch_up_days: 7", "catch_up_days: 9"),
            default: old[default] + "a new line\n",
            builtin: old[builtin] + "theirs\n",
            "prompts/extra.md": "new\n",
        },
    )
    told = made("--upgrade").output
    assert "+a new line" in told
    assert "-catch_up_days: 7" in told
    assert "+catch_up_days: 9" in told
    assert "model: builtin" not in told
    assert f"kept, for it was changed here, though the default is new too: {builtin}" in told
    assert "new: prompts/extra.md" in told
    assert (folder / "config.yaml").read_text(encoding="utf-8") == config
    made("--upgrade", "--write")
    settings = load_config(folder / "config.yaml")
    assert (settings.catch_up_days, settings.model) == (9, "qwen")
    assert (folder / builtin).read_text(encoding="utf-8") == old[builtin] + "mine\n"
    assert (folder / "prompts/extra.md").read_text(encoding="utf-8") == "new\n"
    (folder / "prompts/extra.md").unlink()
    assert "extra.md" not in made("--upgrade").output  # it was removed on purpose


@pytest.mark.parametrize("text", ["", "[]", '{"version": 1}', '{"files": 3}'])
def test_a_manifest_that_cannot_be_read(folder: Path, text: str) -> None:
    made()
    (folder / command.MANIFEST).write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match="cannot be read"):
        made("--upgrade")


def test_a_folder_that_cannot_be_written_is_told(folder: Path) -> None:
    (folder / "digest").write_text("a file", encoding="utf-8")
    with pytest.raises(JianjieError, match=r"digest/config\.yaml: cannot be written"):
        made("digest")


def test_the_manifest_says_what_it_was_made_with(folder: Path) -> None:
    made("--model", "qwen", "--field", "text:文本:cs.CL")
    told = json.loads((folder / command.MANIFEST).read_text(encoding="utf-8"))
    assert (told["model"], told["fields"]) == ("qwen", ["text:文本:cs.CL"])
