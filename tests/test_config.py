from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from pipeline.config import Config, load_config
from pipeline.errors import ConfigError
from pipeline.settings import (
    ArxivSettings,
    EmbeddedProfile,
    EndpointProfile,
    ExtractSettings,
    PathSettings,
    RetrySettings,
)
from tests.conftest import ROOT

SHIPPED = ROOT / "config.yaml"

GOOD = """\
fields:
  audio:
    name: 音频
    categories: [cs.SD, eess.AS]
model: local
models:
  local:
    base_url: http://127.0.0.1:1/v1
    model: tiny
  own:
    kind: embedded
arxiv:
  contact: me@example.org
  interval_s: 3
  timeout_s: 60
budget:
  money: 1.5
"""

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """A config file with the good text, or with one part of it replaced."""

    def write(old: str = "", new: str = "", *, text: str = GOOD) -> Path:
        assert old in text
        path = tmp_path / "config.yaml"
        path.write_text(text.replace(old, new) if old else text + new, encoding="utf-8")
        return path

    return write


def problem(path: Path) -> ConfigError:
    """The error that loading comes to, which is always one line."""
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert "\n" not in str(caught.value)
    return caught.value


# The shipped file


def test_the_shipped_file_has_the_audio_field_and_the_built_in_model() -> None:
    config = load_config(SHIPPED)

    assert list(config.fields) == ["audio"]
    assert config.fields["audio"].name == "音频"
    assert config.fields["audio"].categories == ("cs.SD", "eess.AS")
    assert (config.model, config.prompt, config.tags) == ("builtin", "default", "listing")
    assert isinstance(config.profile, EmbeddedProfile)
    assert (config.budget.money, config.budget.tokens) == (None, None)
    assert config.retry_days == 7


def test_the_shipped_file_shows_the_defaults() -> None:
    """What stands in it as an example is what holds without it."""
    config = load_config(SHIPPED)

    assert config.arxiv == ArxivSettings()
    assert config.retry == RetrySettings()
    assert config.extract == ExtractSettings()
    assert config.paths.outputs == ROOT / "outputs"
    assert config.paths.prompts == ROOT / "prompts"
    assert config.paths.cache is None


@pytest.mark.parametrize(
    ("name", "base_url", "model", "key", "replies", "concurrency"),
    [
        (
            "openai",
            "https://api.openai.com/v1",
            "gpt-4o-mini",
            "OPENAI_API_KEY",
            "auto",
            8,
        ),
        (
            "deepseek",
            "https://api.deepseek.com/v1",
            "deepseek-chat",
            "DEEPSEEK_API_KEY",
            "auto",
            8,
        ),
        (
            "qwen",
            "https://dashscope.aliyuncs.com/compatible-mode/v1",
            "qwen-plus",
            "DASHSCOPE_API_KEY",
            "auto",
            4,
        ),
        ("ollama", "http://127.0.0.1:11434/v1", "qwen2.5:7b", None, "auto", 2),
        (
            "vllm",
            "http://127.0.0.1:8000/v1",
            "Qwen/Qwen2.5-7B-Instruct",
            None,
            "auto",
            32,
        ),
        (
            "openai-batch",
            "https://api.openai.com/v1",
            "gpt-4o-mini",
            "OPENAI_API_KEY",
            "auto",
            4,
        ),
    ],
)
def test_each_shipped_endpoint_is_right(
    name: str, base_url: str, model: str, key: str | None, replies: str, concurrency: int
) -> None:
    profile = load_config(SHIPPED).models[name]

    assert isinstance(profile, EndpointProfile)
    assert str(profile.base_url) == base_url
    assert (profile.model, profile.api_key_env) == (model, key)
    assert (profile.replies, profile.concurrency) == (replies, concurrency)
    assert (profile.price_in, profile.price_out) in {(None, None), (0.0, 0.0)}
    assert profile.batch is name.endswith("-batch")
    assert profile.prompt is None


def test_the_shipped_built_in_model_is_right() -> None:
    config = load_config(SHIPPED)

    assert sorted(config.models) == [
        "builtin",
        "builtin-0.5b",
        "builtin-1.5b",
        "deepseek",
        "ollama",
        "openai",
        "openai-batch",
        "qwen",
        "vllm",
    ]
    larger = ("builtin-0.5b", "builtin-1.5b")
    for name, weights in (("builtin", None), *zip(larger, larger, strict=True)):
        profile = config.models[name]
        assert isinstance(profile, EmbeddedProfile)
        assert (profile.prompt, profile.concurrency, profile.context_tokens) == ("builtin", 1, 4096)
        assert (profile.gguf, profile.weights, profile.adapter) == (None, weights, None)
        assert (profile.price_in, profile.price_out) == (0.0, 0.0)


def test_no_secret_stands_in_the_shipped_file() -> None:
    for profile in yaml.safe_load(SHIPPED.read_text(encoding="utf-8"))["models"].values():
        assert "api_key" not in profile
        assert profile.get("api_key_env", "A_KEY").endswith("_KEY")


# Values


def test_a_file_is_read_over_the_defaults(write: Write) -> None:
    config = load_config(write())

    assert config.arxiv.contact == "me@example.org"
    assert config.arxiv.max_pdf_mb == ArxivSettings().max_pdf_mb
    assert config.budget.money == 1.5
    assert config.profile.timeout_s == 120.0
    assert isinstance(config.models["own"], EmbeddedProfile)


def test_the_settings_are_frozen(write: Write) -> None:
    config = load_config(write())

    with pytest.raises(ValidationError, match="frozen"):
        config.model = "own"  # type: ignore[misc] # that mypy refuses it too is the point


# Errors in the file

FILE_ERRORS = [
    pytest.param("interval_s: 3", "interval_s: fast", 14, "arxiv.interval_s: ", id="no number"),
    pytest.param("interval_s: 3", "interval_s: -1", 14, "got -1", id="below the bound"),
    pytest.param("name: 音频", 'name: ""', 3, "fields.audio.name: ", id="too short"),
    pytest.param("[cs.SD, eess.AS]", "[]", 4, "fields.audio.categories: ", id="empty list"),
    pytest.param("[cs.SD, eess.AS]", "cs.SD", 4, "fields.audio.categories: ", id="no list"),
    pytest.param("http://127.0.0.1:1/v1", "no-url", 8, "models.local.base_url: ", id="no URL"),
    pytest.param("kind: embedded", "kind: magic", 10, "neither 'endpoint' nor", id="kind"),
    pytest.param("kind: embedded", "threads: 0", 11, "models.own.threads", id="kind left out"),
    pytest.param("money: 1.5", "money: lots", 17, "budget.money: ", id="optional number"),
    pytest.param("  money: 1.5", "  - 1", 16, "budget: ", id="a list for a mapping"),
]


@pytest.mark.parametrize(("old", "new", "line", "says"), FILE_ERRORS)
def test_a_wrong_value_is_shown_with_its_line(
    write: Write, old: str, new: str, line: int, says: str
) -> None:
    path = write(old, new)

    error = problem(path)

    assert error.where == f"{path}:{line}"
    assert says in str(error)


def test_a_wrong_value_is_shown_as_it_stands(write: Write) -> None:
    path = write("interval_s: 3", "interval_s: fast")

    error = problem(path)

    assert error.where == f"{path}:14"
    assert path.read_text(encoding="utf-8").splitlines()[13] == "  interval_s: fast"
    assert "(got 'fast')" in str(error)


def test_an_unknown_key_is_shown_with_neighbours_and_a_suggestion(write: Write) -> None:
    path = write("interval_s", "intervall_s")

    error = problem(path)

    assert error.where == f"{path}:14"
    assert error.what == ("unknown key 'arxiv.intervall_s' (after 'contact', before 'timeout_s')")
    assert "did you mean 'interval_s'?" in error.fix


@pytest.mark.parametrize(
    ("old", "new", "name", "suggestion"),
    [
        ("model: local", "modle: local", "modle", "model"),
        ("budget:", "budgett:", "budgett", "budget"),
        ("    model: tiny", "    modell: tiny", "models.local.modell", "model"),
        ("kind: embedded", "{kind: embedded, gguff: x}", "models.own.gguff", "gguf"),
        ("name: 音频", "nmae: 音频", "fields.audio.nmae", "name"),
    ],
)
def test_a_misspelt_key_is_what_the_error_is_about(
    write: Write, old: str, new: str, name: str, suggestion: str
) -> None:
    error = problem(write(old, new))

    assert error.what.startswith(f"unknown key '{name}'")
    assert f"did you mean '{suggestion}'?" in error.fix


def test_a_key_like_nothing_gets_no_suggestion(write: Write) -> None:
    error = problem(write(new="zzzzzz: 1\n"))

    assert error.what == "unknown key 'zzzzzz' (after 'budget')"
    assert "did you mean" not in error.fix


@pytest.mark.parametrize("key", ["endpoint", "embedded", "models2", "1"])
def test_an_unknown_key_of_any_name_is_an_error(write: Write, key: str) -> None:
    error = problem(write(new=f"{key}: 1\n"))

    assert error.what.startswith(f"unknown key '{key}'")
    assert error.where.endswith(":18")


@pytest.mark.parametrize("name", ["endpoint", "embedded"])
def test_a_profile_may_be_called_like_a_kind(write: Write, name: str) -> None:
    path = write("  own:\n", f"  {name}:\n    timeout_s: long\n")

    error = problem(path)

    assert error.what.startswith(f"models.{name}.timeout_s: ")
    assert error.where == f"{path}:11"


@pytest.mark.parametrize(
    ("old", "key", "line"),
    [
        ("budget:\n", "model", 16),
        ("  own:\n", "local", 10),
        ("  timeout_s: 60\n", "contact", 15),
        ("    model: tiny\n", "base_url", 9),
    ],
)
def test_a_key_that_stands_twice_is_an_error(write: Write, old: str, key: str, line: int) -> None:
    indent = old[: len(old) - len(old.lstrip())]
    path = write(old, f"{indent}{key}: x\n{old}")

    error = problem(path)

    assert error.what == f"key '{key}' stands twice"
    assert error.where == f"{path}:{line}"


def test_a_key_that_stands_twice_inside_a_list_is_an_error(write: Write) -> None:
    path = write("    model: tiny\n", "    model: tiny\n    extra_body: {a: [{b: 1, b: 2}]}\n")

    assert problem(path).what == "key 'b' stands twice"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("fields: [cs.SD\nmodel: x\n", 2),
        ("model: x\n\tbad: tab\n", 2),
        ("model: 'open\n", 2),
        ("model: x\n  indented: y\n", 2),
        ("---\nmodel: x\n---\nmodel: y\n", 3),
    ],
)
def test_what_is_not_yaml_is_an_error_with_its_line(write: Write, text: str, line: int) -> None:
    path = write(text=text)

    error = problem(path)

    assert error.what.startswith("not YAML: ")
    assert error.where == f"{path}:{line}"


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n", "just words\n", "- a\n- b\n"])
def test_an_empty_file_or_no_mapping_is_an_error(write: Write, text: str) -> None:
    error = problem(write(text=text))

    assert error.what == "is empty or not a mapping"


def test_a_missing_file_is_an_error_with_a_way_out(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"

    error = problem(path)

    assert (error.where, error.what) == (str(path), "no such file")
    assert "--config" in error.fix


def test_a_folder_is_not_a_config_file(tmp_path: Path) -> None:
    assert problem(tmp_path).what.startswith("cannot be read: ")


def test_a_file_that_is_not_utf8_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_bytes(GOOD.encode("gb18030"))

    assert problem(path).what.startswith("cannot be read: ")


def test_no_python_object_is_made(write: Write) -> None:
    error = problem(write("me@example.org", "!!python/object/apply:os.getcwd []"))

    assert error.what.startswith("not usable: ")


@pytest.mark.parametrize(
    ("left_out", "name"),
    [
        ("model: local\n", "model"),
        (GOOD[: GOOD.index("model: local")], "fields"),
        ("    model: tiny\n", "models.local.model"),
    ],
)
def test_a_missing_setting_is_named(write: Write, left_out: str, name: str) -> None:
    error = problem(write(left_out, ""))

    assert error.what == f"{name}: Field required"


@pytest.mark.parametrize(
    ("wrong", "near"), [("cs.SDD", "cs.SD"), ("eess.as", "eess.AS"), ("cs.XX", "cs.")]
)
def test_an_unknown_category_comes_with_the_nearest(write: Write, wrong: str, near: str) -> None:
    path = write("[cs.SD, eess.AS]", f"[cs.CL, {wrong}]")

    error = problem(path)

    assert f"'{wrong}' is not an arXiv category; nearest: {near}" in error.what
    assert error.where == f"{path}:4"


def test_an_alias_is_a_category(write: Write) -> None:
    config = load_config(write("[cs.SD, eess.AS]", "[cs.SY]"))

    assert config.fields["audio"].categories == ("cs.SY",)


def test_an_unknown_profile_comes_with_those_there_are(write: Write) -> None:
    path = write("model: local", "model: gpt")

    error = problem(path)

    assert error.what == "model: no profile of this name in `models`: local, own (got 'gpt')"
    assert error.where == f"{path}:5"


# Environment


def test_the_environment_wins_over_the_file(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JIANJIE_MODEL", "own")
    monkeypatch.setenv("JIANJIE_ARXIV__CONTACT", "you@example.org")
    monkeypatch.setenv("JIANJIE_RETRY_DAYS", "3")
    monkeypatch.setenv("JIANJIE_MODELS__LOCAL__CONCURRENCY", "9")
    monkeypatch.setenv("JIANJIE_BUDGET__TOKENS", "1000")

    config = load_config(write())

    assert config.model == "own"
    assert config.arxiv.contact == "you@example.org"
    assert config.arxiv.interval_s == 3
    assert config.retry_days == 3
    assert config.models["local"].concurrency == 9
    assert config.models["local"].timeout_s == 120.0
    assert (config.budget.tokens, config.budget.money) == (1000, 1.5)


def test_a_whole_section_can_stand_in_one_variable(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JIANJIE_BUDGET", '{"tokens": 7}')

    assert load_config(write()).budget.tokens == 7


@pytest.mark.parametrize("variable", ["JIANJIE_MODELL", "JIANJIE_ARXVI__CONTACT", "JIANJIE_"])
def test_a_misspelt_variable_does_not_pass_in_silence(
    write: Write, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "x")

    error = problem(write())

    assert error.what == f"unknown setting {variable}"
    assert error.where == "environment"
    assert "JIANJIE_MODEL," in error.fix


def test_the_variable_for_the_config_file_is_known(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JIANJIE_CONFIG", "elsewhere.yaml")

    assert load_config(write()).model == "local"


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("JIANJIE_ARXIV__INTERVAL_S", "fast"),
        ("JIANJIE_RETRY_DAYS", "-1"),
        ("JIANJIE_MODEL", "gpt"),
        ("JIANJIE_MODELS__LOCAL__TIMEOUT_S", "long"),
        ("JIANJIE_BUDGET__MONEY", "lots"),
        ("JIANJIE_ARXIV__CONTAKT", "x"),
    ],
)
def test_a_wrong_value_in_a_variable_is_named_as_such(
    write: Write, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)

    assert problem(write()).where == variable


def test_a_section_that_is_no_json_is_an_error(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JIANJIE_FIELDS", "audio")

    error = problem(write())

    assert error.where == "environment"
    assert "fields" in error.what


def test_a_dotenv_file_is_not_read(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("JIANJIE_MODEL=own\n")
    monkeypatch.chdir(tmp_path)

    assert load_config(write()).model == "local"


# Paths


def test_relative_folders_are_relative_to_the_file(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(new="paths:\n  outputs: out\n  cache: ../cache\n")
    (tmp_path / "else").mkdir()
    monkeypatch.chdir(tmp_path / "else")

    paths = load_config(Path("../config.yaml")).paths

    assert paths.outputs == tmp_path / "out"
    assert paths.prompts == tmp_path / "prompts"
    assert paths.cache is not None
    assert paths.cache.resolve() == tmp_path.parent / "cache"
    assert paths.cache.is_absolute()


def test_absolute_folders_and_the_home_folder_stay(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/somebody")

    paths = load_config(write(new="paths:\n  outputs: /srv/digest\n  prompts: ~/prompts\n")).paths

    assert paths == PathSettings(
        outputs=Path("/srv/digest"), prompts=Path("/home/somebody/prompts"), cache=None
    )


def test_every_setting_has_a_place_in_the_shipped_file() -> None:
    """A user finds every section there."""
    shipped = yaml.safe_load(SHIPPED.read_text(encoding="utf-8"))

    assert set(shipped) == set(Config.model_fields)
