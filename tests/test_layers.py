"""Imports run downwards only: the house stays readable from the top."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

LAYERS = [
    {"cli"},
    {"restore"},
    {"app", "train", "demo", "backfill", "optimize"},
    {"messages", "schedule", "evaluate"},
    {"night"},
    {"listing", "site"},
    {"edges"},
    {"prompt", "stages"},
    {"library"},
    {"arxiv", "pdf", "llm"},
    {"store"},
    {"digest"},
    {"config", "text"},
    {"events", "pacing"},
    {"settings"},
    {"categories", "clock", "files", "shipped"},
    {"records"},
    {"errors"},
]
"""From the top; a room imports only rooms of the layers below its own."""
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}
MODULES = sorted((ROOT / "pipeline").rglob("*.py"))


def part_of(path: Path) -> str:
    return path.relative_to(ROOT / "pipeline").parts[0].removesuffix(".py")


def imported(path: Path) -> Iterator[str]:
    """The parts of the pipeline that a module imports, wherever in the file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("pipeline."):
            yield str(node.module).split(".")[1]
        elif isinstance(node, ast.ImportFrom) and node.module == "pipeline":
            yield from (alias.name for alias in node.names if alias.name in RANK)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_run_downwards(path: Path) -> None:
    part = part_of(path)
    if part == "__init__":
        assert list(imported(path)) == []
        return
    for other in imported(path):
        assert other == part or RANK[other] > RANK[part], f"{part} imports {other}"


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def test_no_modules_import_each_other_in_a_circle() -> None:
    """Wherever in the file an import stands."""
    modules = {module_of(path) for path in MODULES}
    above = {
        module_of(path): {
            name
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.ImportFrom)
            for name in (f"{node.module}.{alias.name}" for alias in node.names)
            for name in (name if name in modules else str(node.module),)
            if name in modules
        }
        for path in MODULES
    }
    left = dict(above)
    while lowest := {name for name, imported in left.items() if not imported & left.keys()}:
        left = {name: imported for name, imported in left.items() if name not in lowest}
    assert left == {}


def test_a_stage_imports_no_other_stage_but_summarize_validate() -> None:
    for path in sorted((ROOT / "pipeline" / "stages").glob("*.py")):
        text = path.read_text(encoding="utf-8")
        stages = {line for line in text.splitlines() if line.startswith("from pipeline.stages")}
        allowed = {"from pipeline.stages.validate import Verdict, unlike_others, validate"}
        assert stages <= (allowed if path.stem == "summarize" else set()), path


def test_only_one_module_opens_the_database_and_the_models_edge_imports_openai() -> None:
    for word, homes in {"sqlite3": {"store/database"}, "openai": {"llm/lean"}}.items():
        users = {
            str(path.relative_to(ROOT / "pipeline").with_suffix(""))
            for path in MODULES
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if (isinstance(node, ast.Import) and any(a.name == word for a in node.names))
            or (isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == word)
        }
        assert users == homes
    edge = {"endpoint", "wire", "failures", "batch_api"}
    for path in MODULES:
        lean = "pipeline.llm.lean" in path.read_text(encoding="utf-8")
        assert not lean or (path.parent.name == "llm" and path.stem in {*edge, "lean"}), path


def test_architecture_lists_every_room_in_its_order() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    told = re.findall(r"^\| `(\w+)(?:/|\.py)` \|", text, re.MULTILINE)
    rooms = {part_of(path) for path in MODULES} - {"__init__"}
    assert sorted(told) == sorted(rooms)
    assert [RANK[room] for room in told] == sorted(RANK[room] for room in told)


def test_architectures_journeys_name_modules_that_are_there() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    named = re.findall(r"`((?:pipeline/)?[a-z]+/\w+)(?:\.py)?`", text)
    assert len(named) > 40
    for name in (name.removeprefix("pipeline/") for name in named):
        path = ROOT / name if name.startswith("tests/") else ROOT / "pipeline" / name
        assert path.is_dir() or path.with_suffix(".py").exists(), name
